import { QueryClient } from '@tanstack/react-query'
import type { AnyRouter } from '@tanstack/react-router'
import { expect, it } from 'vitest'
import { leadToLogin, onSignOut } from './sign-out.ts'

interface Step {
  readonly to: string
  readonly search: object
  readonly replace: boolean
}

/** As much of a router as leads to another page: where it stands, and the steps it was told to take. */
function routerAt(pathname: string) {
  const steps: Step[] = []
  const state = { location: { pathname, href: `${pathname}?tool=x` } }
  const navigate = async (step: Step) => {
    steps.push(step)
    state.location = { pathname: step.to, href: step.to }
  }
  return { router: { state, navigate } as unknown as AnyRouter, steps }
}

let forgotten = 0
onSignOut(() => forgotten++)

it.each(['/events', '/login'])(
  'who signs out leaves nothing behind and no way back, also where a read led to the login first: %s',
  (pathname) => {
    const { router, steps } = routerAt(pathname)
    const before = forgotten
    leadToLogin(router, new QueryClient(), false)
    expect(forgotten).toBe(before + 1)
    expect(steps).toEqual([{ to: '/login', search: {}, replace: true }])
  },
)

it('a session that ended leads to the login once, with the way back, and forgets nothing', () => {
  const { router, steps } = routerAt('/events')
  const before = forgotten
  for (let read = 0; read < 3; read++) leadToLogin(router, new QueryClient(), true)
  expect(forgotten).toBe(before)
  expect(steps).toEqual([{ to: '/login', search: { next: '/events?tool=x' }, replace: true }])
})

it('nobody is led away from the set-up', () => {
  const { router, steps } = routerAt('/setup')
  leadToLogin(router, new QueryClient(), true)
  expect(steps).toEqual([])
})
