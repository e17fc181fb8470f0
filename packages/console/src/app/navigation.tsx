import { useQuery } from '@tanstack/react-query'
import { Link, useRouteContext, useRouterState } from '@tanstack/react-router'
import { ChevronRight } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import { cn } from '../ui/cn.ts'
import { GROUPS, type Group, type Place } from './page-parts.ts'
import { isAllowed, whyNot } from './permission.ts'
import { session } from './session.ts'

interface Places {
  /** What the person may see, in the order of the navigation. */
  readonly shown: readonly Place[]
  /** What their role keeps from them. */
  readonly withheld: readonly Place[]
}

/** Every place of the console, as the pages gave them, by what the signed-in person may. */
export function usePlaces(): Places {
  const places = useRouteContext({ from: '/inside', select: ({ pages }) => pages.places })
  const me = useQuery(session.me()).data
  const may = ({ needs }: Place) => !needs || !me || isAllowed(me, needs)
  return { shown: places.filter(may), withheld: places.filter((place) => !may(place)) }
}

/** Why the person may not see the page they are on; null when they may. */
export function usePageRefusal(): string | null {
  const { withheld } = usePlaces()
  const me = useQuery(session.me()).data
  const path = useRouterState({ select: ({ location }) => location.pathname })
  const needs = withheld.find(({ to }) => path === to || path.startsWith(`${to}/`))?.needs
  return me && needs ? whyNot(me, needs) : null
}

const KEY = 'lictor.navigation'
const OPEN_AT_FIRST: Readonly<Record<Group, boolean>> = {
  monitor: true,
  govern: true,
  run: true,
  connect: true,
  settings: false,
}

function kept(): Partial<Record<Group, boolean>> {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<Record<Group, boolean>>
  } catch {
    return {}
  }
}

/** All places in their groups, each of which opens and closes; the one with the page that is shown is open. */
export function Navigation({ onGo }: { onGo?: () => void }) {
  const { shown, withheld } = usePlaces()
  const path = useRouterState({ select: ({ location }) => location.pathname })
  const here = shown.findLast(({ to }) => (to === '/' ? path === '/' : path === to || path.startsWith(`${to}/`)))?.group
  const [choice, setChoice] = useState(kept)
  /** A group that was closed while one is in it; another page of it opens it again. */
  const [closedAt, setClosedAt] = useState<string | null>(null)
  const toggle = (group: Group, isOpen: boolean) => {
    const next = { ...choice, [group]: !isOpen }
    setChoice(next)
    setClosedAt(isOpen && group === here ? path : null)
    try {
      localStorage.setItem(KEY, JSON.stringify(next))
    } catch {
      // A browser that keeps nothing forgets it.
    }
  }
  return (
    <>
      {(Object.keys(GROUPS) as Group[]).map((group) => {
        const places = shown.filter((place) => place.group === group)
        const isOpen = group === here ? closedAt !== path : (choice[group] ?? OPEN_AT_FIRST[group])
        return (
          places.length > 0 && (
            <GroupOfPlaces key={group} label={GROUPS[group]} isOpen={isOpen} onToggle={() => toggle(group, isOpen)}>
              {places.map((place) => (
                <PlaceLink key={place.to} place={place} {...(onGo ? { onClick: onGo } : {})} />
              ))}
            </GroupOfPlaces>
          )
        )
      })}
      {withheld.length > 0 && <Hidden places={withheld} />}
    </>
  )
}

interface GroupProps {
  readonly label: string
  readonly isOpen: boolean
  readonly onToggle: () => void
  readonly children: ReactNode
}

function GroupOfPlaces({ label, isOpen, onToggle, children }: GroupProps) {
  return (
    <div className="mb-1.5">
      <button
        type="button"
        aria-expanded={isOpen}
        onClick={onToggle}
        className="group flex h-6 w-full items-center gap-1 rounded px-2 text-left font-medium text-2xs text-faint hover:text-ink max-md:h-11 max-md:text-xs"
      >
        {label}
        <ChevronRight
          aria-hidden
          className={cn(
            'size-3 opacity-0 transition-transform group-hover:opacity-100 group-focus-visible:opacity-100 max-md:opacity-100',
            isOpen ? 'rotate-90' : 'opacity-100',
          )}
        />
      </button>
      {isOpen && children}
    </div>
  )
}

/** What is not there, and why. */
function Hidden({ places }: { places: readonly Place[] }) {
  const role = useQuery(session.me()).data?.role
  return (
    <p className="mt-1 px-2 text-2xs text-faint">
      Not for the role {role}: {places.map(({ label }) => label).join(', ')}
    </p>
  )
}

function PlaceLink({ place, onClick }: { place: Place; onClick?: () => void }) {
  const Icon = place.icon
  return (
    <Link
      to={place.to}
      activeOptions={{ exact: place.to === '/', includeSearch: false }}
      {...(onClick ? { onClick } : {})}
      className="flex h-7.5 items-center gap-2.5 rounded-md px-2 text-muted transition-colors hover:bg-hover hover:text-ink aria-[current=page]:bg-hover aria-[current=page]:font-medium aria-[current=page]:text-ink max-md:h-11"
    >
      <Icon className="size-4 shrink-0" aria-hidden />
      <span className="truncate">{place.label}</span>
      {place.Waiting && <place.Waiting>{(count) => <Count count={count} className="ml-auto" />}</place.Waiting>}
    </Link>
  )
}

/** How many things wait at a place. */
export function Count({ count: pending = 0, className }: { count: number | undefined; className?: string }) {
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
