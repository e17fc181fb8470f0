import type { QueryClient } from '@tanstack/react-query'
import { createRootRouteWithContext, Outlet } from '@tanstack/react-router'
import type { Collected } from './page-parts.ts'
import { NotFound } from './problem.tsx'

export const root = createRootRouteWithContext<{ client: QueryClient; pages: Collected }>()({
  component: Outlet,
  notFoundComponent: NotFound,
})
