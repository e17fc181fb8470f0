import { expect } from 'vitest'
import type { ConsoleWorld } from './console.ts'
import type { Administrator } from './server.ts'

/** What everybody who joins signs in with. */
export const PASSWORD = 'a long enough password'

/** Somebody who accepted an invitation to the first tenant, or to another. */
export async function join(
  { admin, server }: Pick<ConsoleWorld, 'admin' | 'server'>,
  email: string,
  role: string,
  tenant?: string,
): Promise<Administrator> {
  const { link } = await admin.call<{ link: string }>(
    'POST',
    tenant ? `/v1/admin/tenants/${tenant}/invitations` : '/api/v1/invitations',
    { email, role },
  )
  const headers = { 'content-type': 'application/json', 'x-requested-with': 'e2e' }
  const post = (path: string, body: object) =>
    fetch(`${server.url}/api/v1/auth/${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  await post('invitation/accept', { token: link.split('#')[1], password: PASSWORD })
  const login = await post('login', { email, password: PASSWORD })
  expect(login.status).toBe(200)
  return { ...admin, cookie: login.headers.getSetCookie()[0]?.split(';')[0] ?? '' }
}
