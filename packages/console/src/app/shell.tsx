import { CatchBoundary, Link, Outlet, useNavigate, useRouteContext, useRouterState } from '@tanstack/react-router'
import { Menu, Search } from 'lucide-react'
import { type ReactNode, Suspense, useCallback, useEffect, useRef, useState } from 'react'
import { LiveProvider } from '../live/live.tsx'
import { Button } from '../ui/button.tsx'
import { Kbd } from '../ui/kbd.tsx'
import { lazily } from '../ui/lazy.tsx'
import { Page, WaitingContext } from '../ui/page.tsx'
import { ToastList, useToasts } from '../ui/toasts.tsx'
import { Withheld } from '../ui/withheld.tsx'
import { AccountDropdown, AccountMenu } from './account.tsx'
import { useKeptFocus } from './kept-focus.ts'
import { LiveDot } from './live-dot.tsx'
import { Mark } from './mark.tsx'
import { Count, Navigation, usePageRefusal, usePlaces } from './navigation.tsx'
import { Outage } from './outage.tsx'
import type { Place } from './page-parts.ts'
import { wordsOf } from './problem.tsx'
import { useHush, useShortcuts } from './shortcuts.tsx'
import { useSignedOut } from './sign-out.ts'
import { Standing } from './standing.tsx'

const Palette = lazily(() => import('./palette.tsx').then((file) => file.default))
const MenuSheet = lazily(() => import('./menu-sheet.tsx').then((file) => file.MenuSheet))
const EnvironmentSwitch = lazily(() => import('./environment-switch.tsx').then((file) => file.EnvironmentSwitch))
const Help = lazily(() => import('./help.tsx').then((file) => file.default))

/** What a hidden tab keeps fresh: its title counts the calls that wait. */
const ALSO_HIDDEN = ['approvals']

/** The frame around every page behind the login: sidebar, or two bars on a phone; palette, help, the live stream. */
export function Shell() {
  const signedOut = useSignedOut()
  const { stale, counted } = useRouteContext({ from: '/inside', select: ({ pages }) => pages })
  return (
    <LiveProvider stale={stale} counted={counted} alsoHidden={ALSO_HIDDEN} onSignedOut={signedOut}>
      <Frame />
    </LiveProvider>
  )
}

function Frame() {
  const [overlay, setOverlay] = useState<'none' | 'palette' | 'help' | 'menu'>('none')
  const navigate = useNavigate()
  const { shown: places } = usePlaces()
  const refusal = usePageRefusal()
  const main = useRef<HTMLElement>(null)
  useFocusOnNavigation(main)
  useKeptFocus(main)
  useHush(overlay !== 'none')
  const rememberOpener = useReturningFocus(overlay !== 'none', main)
  const open = (next: typeof overlay) => {
    rememberOpener()
    setOverlay(next)
  }

  useShortcuts([
    ...places.flatMap(({ key, label, to }) =>
      key ? [{ keys: `g ${key}`, label, group: 'Go to', run: () => void navigate({ to }) }] : [],
    ),
    { keys: '?', label: 'Keyboard shortcuts', group: 'Everywhere', run: () => open('help') },
  ])
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== 'k' || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return
      event.preventDefault()
      rememberOpener()
      setOverlay((now) => (now === 'palette' ? 'none' : 'palette'))
    }
    window.addEventListener('keydown', onKeyDown)
    return () => {
      window.removeEventListener('keydown', onKeyDown)
    }
  }, [rememberOpener])

  const isReady = useReadiness()
  const toasts = useToasts()
  const close = (open: boolean) => open || setOverlay('none')
  return (
    <div className="flex h-dvh flex-col md:flex-row">
      <button
        type="button"
        className="-translate-y-20 fixed top-2 left-2 z-60 rounded-md bg-primary px-3 py-2 text-on-primary focus:translate-y-0"
        onClick={() => main.current?.focus()}
      >
        Skip to content
      </button>
      <Sidebar isReady={isReady} onSearch={() => open('palette')} />
      <TopBar isReady={isReady} onSearch={() => open('palette')} />
      <div className="flex min-h-0 min-w-0 flex-1 flex-col">
        <Outage />
        <Standing />
        <main
          ref={main}
          id="main"
          tabIndex={-1}
          className="min-h-0 min-w-0 flex-1 overflow-y-auto outline-none [scrollbar-gutter:stable]"
        >
          <SumOfWaiting places={places}>{refusal ? <NotForThem why={refusal} /> : <Outlet />}</SumOfWaiting>
        </main>
      </div>
      <TabBar onMore={() => open('menu')} />
      {/* What does not come takes nothing else away. */}
      <CatchBoundary
        getResetKey={() => overlay}
        onCatch={(error) => {
          setOverlay('none')
          toasts.failed('This could not be opened', wordsOf(error), 'overlay')
        }}
        errorComponent={() => null}
      >
        <Suspense fallback={null}>
          {overlay === 'palette' && <Palette open onOpenChange={close} onHelp={() => setOverlay('help')} />}
          {overlay === 'help' && <Help open onOpenChange={close} />}
          {overlay === 'menu' && (
            <MenuSheet onOpenChange={close}>
              <Navigation onGo={() => setOverlay('none')} />
            </MenuSheet>
          )}
        </Suspense>
      </CatchBoundary>
    </div>
  )
}

/**
 * When the first page stands, the code of the others is fetched: the palette must be there before the first letter is typed
 * into it, and every page when the server is away.
 */
function useReadiness(): boolean {
  const [isReady, setReady] = useState(false)
  const preload = useRouteContext({ from: '/inside', select: ({ pages }) => pages.preload })
  useEffect(() => {
    const idle = setTimeout(() => {
      performance.mark('lictor:first route stands')
      setReady(true)
      const parts = [Palette, Help, EnvironmentSwitch, MenuSheet, AccountDropdown, ToastList].map(
        (part) => part.preload,
      )
      for (const load of [...parts, ...preload]) load().catch(() => {})
    }, 1_500)
    return () => clearTimeout(idle)
  }, [preload])
  return isReady
}

/** Gives the page the sum of what waits at all places. */
function SumOfWaiting({ places, sum = 0, children }: { places: readonly Place[]; sum?: number; children: ReactNode }) {
  const [first, ...others] = places
  if (!first) return <WaitingContext value={sum}>{children}</WaitingContext>
  const rest = (count: number) => (
    <SumOfWaiting places={others} sum={sum + count}>
      {children}
    </SumOfWaiting>
  )
  return first.Waiting ? <first.Waiting>{(count) => rest(count ?? 0)}</first.Waiting> : rest(0)
}

/**
 * After an overlay closes the focus goes back to where it was when the first one opened, or to the page: one overlay may
 * have opened another, and its own memory of the focus is then gone with it.
 */
function useReturningFocus(isOpen: boolean, main: React.RefObject<HTMLElement | null>): () => void {
  const opener = useRef<Element | null>(null)
  const wasOpen = useRef(false)
  useEffect(() => {
    if (wasOpen.current && !isOpen) {
      // Behind the overlay's own return of the focus, which has its turn first.
      setTimeout(() => {
        if (document.activeElement !== document.body && document.activeElement !== null) return
        const back = opener.current
        if (back instanceof HTMLElement && back.isConnected && back !== document.body)
          back.focus({ preventScroll: true })
        else main.current?.focus({ preventScroll: true })
      }, 20)
    }
    wasOpen.current = isOpen
  }, [isOpen, main])
  return useCallback(() => {
    if (!wasOpen.current) opener.current = document.activeElement
  }, [])
}

/** After a navigation the focus starts at the new page, not at the link that is gone (WCAG 2.4.3). */
function useFocusOnNavigation(main: React.RefObject<HTMLElement | null>) {
  const path = useRouterState({ select: (state) => state.resolvedLocation?.pathname })
  const previous = useRef(path)
  useEffect(() => {
    if (previous.current !== undefined && previous.current !== path) {
      main.current?.scrollTo(0, 0)
      main.current?.focus({ preventScroll: true })
    }
    previous.current = path
  }, [path, main])
}

const isApple = () => /Mac|iPhone|iPad/.test(navigator.platform)

/** In the place of a page that the person's role does not reach. */
function NotForThem({ why }: { why: string }) {
  return (
    <Page title="Not for your role">
      <Withheld why={why} />
    </Page>
  )
}

interface BarProps {
  /** The first page stands; what is not needed for it may come. */
  readonly isReady: boolean
  readonly onSearch: () => void
}

/** Its place is held until it comes; where its code does not come, nothing else goes. */
function Environments({ isReady, compact = false }: { isReady: boolean; compact?: boolean }) {
  const place = compact ? null : <div className="mb-3 h-8" />
  return (
    <CatchBoundary getResetKey={() => String(isReady)} errorComponent={() => place}>
      <Suspense fallback={place}>{isReady ? <EnvironmentSwitch compact={compact} /> : place}</Suspense>
    </CatchBoundary>
  )
}

function Sidebar({ isReady, onSearch }: BarProps) {
  return (
    <aside className="hidden w-56 shrink-0 flex-col border-r bg-sunken px-3 py-3 md:flex">
      <div className="mb-3 flex items-center gap-2.5 px-2 pt-1">
        <Mark />
        <span className="font-semibold text-lg tracking-tight">Lictor</span>
      </div>
      <button
        type="button"
        onClick={onSearch}
        className="mb-3 flex h-8 items-center gap-2 rounded-md border bg-surface px-2 text-muted text-sm transition-colors hover:border-line-strong hover:text-ink"
      >
        <Search className="size-3.5" aria-hidden />
        Go to…
        <Kbd keys={isApple() ? '⌘ K' : 'Ctrl K'} className="ml-auto" />
      </button>
      <Environments isReady={isReady} />
      <nav aria-label="Main" className="flex flex-1 flex-col gap-0.5 overflow-y-auto">
        <Navigation />
      </nav>
      <div className="mt-2 flex flex-col gap-1 border-t pt-2">
        <LiveDot />
        <AccountMenu />
      </div>
    </aside>
  )
}

function TopBar({ isReady, onSearch }: BarProps) {
  return (
    <header className="flex h-13 shrink-0 items-center gap-2.5 border-b bg-sunken px-4 md:hidden">
      <Mark className="size-6" />
      <span className="font-semibold text-lg">Lictor</span>
      <span className="ml-auto min-w-0">
        <Environments isReady={isReady} compact />
      </span>
      <span>
        <LiveDot compact />
      </span>
      <Button variant="quiet" size="icon" aria-label="Go to…" onClick={onSearch} className="-mr-2">
        <Search />
      </Button>
    </header>
  )
}

/** Places that stand in the bar of a phone; the rest is behind More. */
const TABS = 4

function TabBar({ onMore }: { onMore: () => void }) {
  const places = usePlaces()
    .shown.filter(({ group }) => group === 'monitor')
    .slice(0, TABS)
  const item =
    'relative flex h-14 flex-1 flex-col items-center justify-center gap-0.5 text-2xs text-muted aria-[current=page]:text-ink aria-[current=page]:font-medium'
  return (
    <nav aria-label="Main" className="flex shrink-0 border-t bg-sunken pb-[env(safe-area-inset-bottom)] md:hidden">
      {places.map(({ to, label, icon: Icon, Waiting }) => (
        <Link key={to} to={to} activeOptions={{ exact: to === '/', includeSearch: false }} className={item}>
          <Icon className="size-5" aria-hidden />
          {label}
          {Waiting && (
            <Waiting>{(count) => <Count count={count} className="absolute top-1.5 left-[calc(50%+7px)]" />}</Waiting>
          )}
        </Link>
      ))}
      <button type="button" onClick={onMore} className={item}>
        <Menu className="size-5" aria-hidden />
        More
      </button>
    </nav>
  )
}
