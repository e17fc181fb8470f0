import { Link, Outlet, useNavigate, useRouterState } from '@tanstack/react-router'
import { Menu, Search } from 'lucide-react'
import { lazy, Suspense, useEffect, useRef, useState } from 'react'
import { useOpenCount } from '../approvals/use-open-count.ts'
import { LiveProvider } from '../live/live.tsx'
import { Button } from '../ui/button.tsx'
import { cn } from '../ui/cn.ts'
import { Sheet } from '../ui/dialog.tsx'
import { Kbd } from '../ui/kbd.tsx'
import { AccountMenu } from './account.tsx'
import { LiveDot } from './live-dot.tsx'
import { Mark } from './mark.tsx'
import { MANAGE, MONITOR, PLACES, type Place } from './navigation.ts'
import { useShortcuts } from './shortcuts.tsx'
import { useSignedOut } from './sign-out.ts'

const loadPalette = () => import('./palette.tsx')
const Palette = lazy(loadPalette)
const Help = lazy(() => import('./help.tsx'))

/** The frame around every page behind the login: sidebar, or two bars on a phone; palette, help, the live stream. */
export function Shell() {
  const signedOut = useSignedOut()
  return (
    <LiveProvider onSignedOut={signedOut}>
      <Frame />
    </LiveProvider>
  )
}

function Frame() {
  const [overlay, setOverlay] = useState<'none' | 'palette' | 'help' | 'menu'>('none')
  const navigate = useNavigate()
  const main = useRef<HTMLElement>(null)
  useFocusOnNavigation(main)

  useShortcuts([
    ...PLACES.map((place) => ({
      keys: `g ${place.key}`,
      label: place.label,
      group: 'Go to',
      run: () => void navigate({ to: place.to }),
    })),
    { keys: '?', label: 'Keyboard shortcuts', group: 'Everywhere', run: () => setOverlay('help') },
  ])
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== 'k' || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return
      event.preventDefault()
      setOverlay((now) => (now === 'palette' ? 'none' : 'palette'))
    }
    window.addEventListener('keydown', onKeyDown)
    // Ready before it is called, or the first letters typed into it would be lost.
    const idle = setTimeout(() => void loadPalette(), 1_500)
    return () => {
      clearTimeout(idle)
      window.removeEventListener('keydown', onKeyDown)
    }
  }, [])

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
      <Sidebar onSearch={() => setOverlay('palette')} />
      <TopBar onSearch={() => setOverlay('palette')} />
      <main
        ref={main}
        id="main"
        tabIndex={-1}
        className="min-h-0 min-w-0 flex-1 overflow-y-auto outline-none [scrollbar-gutter:stable]"
      >
        <Outlet />
      </main>
      <TabBar onMore={() => setOverlay('menu')} />
      <Sheet open={overlay === 'menu'} onOpenChange={close} title="Menu">
        <nav aria-label="All pages" className="-mx-2 flex flex-col gap-0.5">
          {PLACES.map((place) => (
            <PlaceLink key={place.to} place={place} onClick={() => setOverlay('none')} />
          ))}
        </nav>
        <div className="mt-4 border-t pt-4">
          <AccountMenu inline />
        </div>
      </Sheet>
      <Suspense fallback={null}>
        {overlay === 'palette' && <Palette open onOpenChange={close} onHelp={() => setOverlay('help')} />}
        {overlay === 'help' && <Help open onOpenChange={close} />}
      </Suspense>
    </div>
  )
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

function Sidebar({ onSearch }: { onSearch: () => void }) {
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
      <nav aria-label="Main" className="flex flex-1 flex-col gap-0.5 overflow-y-auto">
        <Group label="Monitor" places={MONITOR} />
        <Group label="Manage" places={MANAGE} />
      </nav>
      <div className="mt-2 flex flex-col gap-1 border-t pt-2">
        <LiveDot />
        <AccountMenu />
      </div>
    </aside>
  )
}

const isApple = () => /Mac|iPhone|iPad/.test(navigator.platform)

function Group({ label, places }: { label: string; places: readonly Place[] }) {
  return (
    <div className="mb-3">
      <p className="px-2 pb-1 font-medium text-2xs text-faint">{label}</p>
      {places.map((place) => (
        <PlaceLink key={place.to} place={place} />
      ))}
    </div>
  )
}

function PlaceLink({ place, onClick }: { place: Place; onClick?: () => void }) {
  const Icon = place.icon
  return (
    <Link
      to={place.to}
      activeOptions={{ exact: place.to === '/', includeSearch: false }}
      onClick={onClick}
      className="flex h-8 items-center gap-2.5 rounded-md px-2 text-muted transition-colors hover:bg-hover hover:text-ink aria-[current=page]:bg-hover aria-[current=page]:font-medium aria-[current=page]:text-ink max-md:h-11"
    >
      <Icon className="size-4 shrink-0" aria-hidden />
      <span className="truncate">{place.label}</span>
      {place.to === '/approvals' && <PendingCount className="ml-auto" />}
    </Link>
  )
}

function PendingCount({ className }: { className?: string }) {
  const pending = useOpenCount() ?? 0
  if (pending === 0) return null
  return (
    <span
      className={cn(
        'tabular grid h-4.5 min-w-4.5 place-items-center rounded-full bg-ask px-1 font-semibold text-2xs text-surface',
        className,
      )}
    >
      <span className="sr-only">waiting: </span>
      {pending > 99 ? '99+' : pending}
    </span>
  )
}

function TopBar({ onSearch }: { onSearch: () => void }) {
  return (
    <header className="flex h-13 shrink-0 items-center gap-2.5 border-b bg-sunken px-4 md:hidden">
      <Mark className="size-6" />
      <span className="font-semibold text-lg">Lictor</span>
      <span className="ml-auto">
        <LiveDot compact />
      </span>
      <Button variant="quiet" size="icon" aria-label="Go to…" onClick={onSearch} className="-mr-2">
        <Search />
      </Button>
    </header>
  )
}

function TabBar({ onMore }: { onMore: () => void }) {
  const item =
    'relative flex h-14 flex-1 flex-col items-center justify-center gap-0.5 text-2xs text-muted aria-[current=page]:text-ink aria-[current=page]:font-medium'
  return (
    <nav aria-label="Main" className="flex shrink-0 border-t bg-sunken pb-[env(safe-area-inset-bottom)] md:hidden">
      {MONITOR.map(({ to, label, icon: Icon }) => (
        <Link key={to} to={to} activeOptions={{ exact: to === '/', includeSearch: false }} className={item}>
          <Icon className="size-5" aria-hidden />
          {label}
          {to === '/approvals' && <PendingCount className="absolute top-1.5 left-[calc(50%+7px)]" />}
        </Link>
      ))}
      <button type="button" onClick={onMore} className={item}>
        <Menu className="size-5" aria-hidden />
        More
      </button>
    </nav>
  )
}
