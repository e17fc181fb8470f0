import { createRoute, redirect } from '@tanstack/react-router'
import { ApiError } from '../api/http.ts'
import { safeReturnPath } from './return-path.ts'
import { root } from './root.ts'
import { session } from './session.ts'
import { Shell } from './shell.tsx'

/** Everything behind the login. Who is not signed in is led there, or to the set-up of a new server. */
export const inside = createRoute({
  getParentRoute: () => root,
  id: 'inside',
  beforeLoad: async ({ context, location }) => {
    try {
      await context.client.ensureQueryData(session.me())
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 401)) throw error
      const health = await context.client.ensureQueryData(session.health())
      if (!health.bootstrap_complete) throw redirect({ to: '/setup' })
      const next = safeReturnPath(location.href)
      throw redirect({ to: '/login', search: next === '/' ? {} : { next } })
    }
  },
  component: Shell,
})
