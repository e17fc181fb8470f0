import type { AnyRoute } from '@tanstack/react-router'
import type { LucideIcon } from 'lucide-react'
import type { ComponentType, ReactNode } from 'react'
import type { LiveEventType } from '../api/types.ts'
import type { Permission } from './permission.ts'

/** What a page gives the console: `parts` of `pages/<page>/route.ts`. The router collects them; nobody lists pages. */
export interface PageParts {
  /** Routes behind the login, by name. */
  readonly inside?: Readonly<Record<string, AnyRoute>>
  /** Routes that need nobody signed in, by name. */
  readonly outside?: Readonly<Record<string, AnyRoute>>
  readonly place?: Place
  /** Which live events make which of the page's resources stale; a resource is the first element of query keys. */
  readonly refreshes?: Refreshes
  /** Those of them that the server must count: in a flood they are read less often. */
  readonly counted?: readonly string[]
}

/** Renders what it is given with the count, so that a page can count by hooks of its own. */
export interface WaitingProps {
  readonly children: (count: number | undefined) => ReactNode
}

export type Refreshes = Readonly<Record<string, readonly LiveEventType[]>>

/** The parts of the navigation, in their order. */
export const GROUPS = {
  monitor: 'Monitor',
  govern: 'Govern',
  run: 'Run',
  connect: 'Connect',
  settings: 'Settings',
} as const
export type Group = keyof typeof GROUPS
const ORDER = Object.keys(GROUPS)

/** Where a page stands in the navigation. */
export interface Place {
  readonly to: string
  readonly label: string
  readonly icon: LucideIcon
  readonly group: Group
  /** Places of a group stand by this number. */
  readonly order: number
  /** Second key after `g`, where it has one. A key that decides something may not be one: see `DECISION_KEYS`. */
  readonly key?: string
  /** What it takes to see anything here; absent: everybody may. */
  readonly needs?: Permission
  /** Counts what waits here for a person; undefined until known. */
  readonly Waiting?: ComponentType<WaitingProps>
}

/** What all pages gave together. */
export interface Collected {
  /** In the order of the sidebar. */
  readonly places: readonly Place[]
  /** Live event → stale resources. */
  readonly stale: ReadonlyMap<LiveEventType, readonly string[]>
  readonly counted: readonly string[]
  /** Fetches the code of each page behind the login. */
  readonly preload: readonly (() => Promise<void>)[]
}

/**
 * Filled by the pages, each with its own routes, so that links know every address and its search:
 * `declare module '../../app/page-parts.ts' { interface InsideRoutes { events: typeof events } }`.
 */
// biome-ignore lint/suspicious/noEmptyInterface: pages add to it
export interface InsideRoutes {}
// biome-ignore lint/suspicious/noEmptyInterface: pages add to it
export interface OutsideRoutes {}

export function collect(pages: readonly PageParts[]): Collected {
  const stale = new Map<LiveEventType, string[]>()
  for (const [resource, events] of pages.flatMap(({ refreshes }) => Object.entries(refreshes ?? {})))
    for (const event of events) stale.set(event, [...(stale.get(event) ?? []), resource])
  const places = pages
    .flatMap(({ place }) => place ?? [])
    .sort((a, b) => ORDER.indexOf(a.group) - ORDER.indexOf(b.group) || a.order - b.order)
  const preload = pages
    .flatMap(({ inside }) => Object.values(inside ?? {}))
    .flatMap((route) => (route.options.component as { preload?: () => Promise<void> } | undefined)?.preload ?? [])
  return { places, stale, counted: pages.flatMap(({ counted }) => counted ?? []), preload }
}
