import type { QueryClient } from '@tanstack/react-query'
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router'
import { ApiError } from './api/http.ts'
import { queries } from './api/queries.ts'
import { NotFound, Problem } from './app/problem.tsx'
import { safeReturnPath } from './app/return-path.ts'
import { Shell } from './app/shell.tsx'

const text = (value: unknown): string | undefined => (typeof value === 'string' && value ? value : undefined)
/** Search values arrive parsed: an id that looks like a number must stay text. */
const scalar = (value: unknown): string | undefined => (typeof value === 'number' ? String(value) : text(value))

const root = createRootRouteWithContext<{ client: QueryClient }>()({ component: Outlet, notFoundComponent: NotFound })

const login = createRoute({
  getParentRoute: () => root,
  path: '/login',
  validateSearch: (search: Record<string, unknown>): { next?: string } => {
    const next = safeReturnPath(search.next)
    return next === '/' ? {} : { next }
  },
  beforeLoad: async ({ context }) => {
    const health = await context.client.ensureQueryData(queries.health())
    if (!health.bootstrap_complete) throw redirect({ to: '/setup' })
  },
  component: lazyRouteComponent(() => import('./pages/login.tsx'), 'LoginPage'),
})

const setup = createRoute({
  getParentRoute: () => root,
  path: '/setup',
  beforeLoad: async ({ context }) => {
    const health = await context.client.ensureQueryData(queries.health())
    if (health.bootstrap_complete) throw redirect({ to: '/login' })
  },
  component: lazyRouteComponent(() => import('./pages/setup.tsx'), 'SetupPage'),
})

/** Everything behind the login (console-api §14.1). */
const inside = createRoute({
  getParentRoute: () => root,
  id: 'inside',
  beforeLoad: async ({ context, location }) => {
    try {
      await context.client.ensureQueryData(queries.me())
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 401)) throw error
      const health = await context.client.ensureQueryData(queries.health())
      if (!health.bootstrap_complete) throw redirect({ to: '/setup' })
      const next = safeReturnPath(location.href)
      throw redirect({ to: '/login', search: next === '/' ? {} : { next } })
    }
  },
  component: Shell,
})

const overview = createRoute({
  getParentRoute: () => inside,
  path: '/',
  component: lazyRouteComponent(() => import('./pages/overview/page.tsx'), 'OverviewPage'),
})

const approvals = createRoute({
  getParentRoute: () => inside,
  path: '/approvals',
  validateSearch: (search: Record<string, unknown>): { id?: string; tab?: 'history' } => ({
    ...(text(search.id) ? { id: text(search.id) as string } : {}),
    ...(search.tab === 'history' ? { tab: 'history' as const } : {}),
  }),
  component: lazyRouteComponent(() => import('./pages/approvals/page.tsx'), 'ApprovalsPage'),
})

/** Names of the address are names of the API, so a link reads as the question it asks. */
export interface EventSearch {
  readonly agent_id?: string
  readonly tool_name?: string
  readonly verdict?: string
  readonly mode?: string
  readonly search?: string
  /** A length of time back from now (`15m`, `24h`, `7d`), as everywhere in the API. */
  readonly since?: string
  readonly event?: string
  /** Time of the event that is linked to; the list starts there. */
  readonly ts?: string
}

const events = createRoute({
  getParentRoute: () => inside,
  path: '/events',
  validateSearch: (search: Record<string, unknown>): EventSearch => {
    const names = ['agent_id', 'tool_name', 'verdict', 'mode', 'search', 'since', 'event', 'ts'] as const
    return Object.fromEntries(names.flatMap((name) => (scalar(search[name]) ? [[name, scalar(search[name])]] : [])))
  },
  component: lazyRouteComponent(() => import('./pages/events/page.tsx'), 'EventsPage'),
})

const agents = createRoute({
  getParentRoute: () => inside,
  path: '/agents',
  component: lazyRouteComponent(() => import('./pages/agents.tsx'), 'AgentsPage'),
})

const contracts = createRoute({
  getParentRoute: () => inside,
  path: '/contracts',
  validateSearch: (search: Record<string, unknown>): { tab?: 'deployments' } =>
    search.tab === 'deployments' ? { tab: 'deployments' } : {},
  component: lazyRouteComponent(() => import('./pages/contracts/page.tsx'), 'ContractsPage'),
})

const upload = createRoute({
  getParentRoute: () => inside,
  path: '/contracts/new',
  validateSearch: (search: Record<string, unknown>): { from?: string; version?: number } => ({
    ...(text(search.from) ? { from: text(search.from) as string } : {}),
    ...(Number.isInteger(search.version) ? { version: search.version as number } : {}),
  }),
  component: lazyRouteComponent(() => import('./pages/contracts/upload.tsx'), 'UploadPage'),
})

const bundle = createRoute({
  getParentRoute: () => inside,
  path: '/contracts/$name',
  validateSearch: (search: Record<string, unknown>): { version?: number } =>
    Number.isInteger(search.version) ? { version: search.version as number } : {},
  component: lazyRouteComponent(() => import('./pages/contracts/bundle.tsx'), 'BundlePage'),
})

const keys = createRoute({
  getParentRoute: () => inside,
  path: '/keys',
  component: lazyRouteComponent(() => import('./pages/keys/page.tsx'), 'KeysPage'),
})

const connect = createRoute({
  getParentRoute: () => inside,
  path: '/connect',
  component: lazyRouteComponent(() => import('./pages/connect/page.tsx'), 'ConnectPage'),
})

const tree = root.addChildren([
  login,
  setup,
  inside.addChildren([overview, approvals, events, agents, contracts, upload, bundle, keys, connect]),
])

export const makeRouter = (client: QueryClient) =>
  createRouter({
    routeTree: tree,
    basepath: '/dashboard',
    context: { client },
    defaultPreload: 'intent',
    defaultPreloadStaleTime: 0,
    defaultErrorComponent: Problem,
    defaultPendingMs: 300,
    scrollRestoration: false,
  })

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof makeRouter>
  }
}
