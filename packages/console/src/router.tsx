import type { QueryClient } from '@tanstack/react-query'
import { createRouter } from '@tanstack/react-router'
import { BASE_PATH } from './api/base-path.ts'
import { inside } from './app/inside.ts'
import { collect, type InsideRoutes, type OutsideRoutes, type PageParts } from './app/page-parts.ts'
import { Problem } from './app/problem.tsx'
import { root } from './app/root.ts'

const pages = Object.values(import.meta.glob<{ parts: PageParts }>('./pages/*/route.ts', { eager: true })).map(
  ({ parts }) => parts,
)

/** As a type of its own, which unlike an interface is a record of routes. */
type Routes<Named> = { [Name in keyof Named]: Named[Name] }

const tree = root.addChildren({
  ...(Object.assign({}, ...pages.map((page) => page.outside)) as Routes<OutsideRoutes>),
  inside: inside.addChildren(Object.assign({}, ...pages.map((page) => page.inside)) as Routes<InsideRoutes>),
})

export const makeRouter = (client: QueryClient) =>
  createRouter({
    routeTree: tree,
    basepath: `${BASE_PATH}/dashboard`,
    context: { client, pages: collect(pages) },
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
