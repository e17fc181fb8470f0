import { afterEach, expect, it } from 'vitest'
import { ADMIN, startTestServer, type TestServer } from '../../test/harness.ts'
import { systemRandom } from '../adapters/random/system.ts'
import { createSetupGate } from './setup-gate.ts'

const random = { ...systemRandom, bytes: (length: number) => new Uint8Array(length).fill(7) }
const gate = createSetupGate({ random, baseUrl: 'https://lictor.example.com' })
const { token } = Object.fromEntries(new URL(gate.linkPath, 'http://x').searchParams)

it.each([
  'localhost',
  'localhost:8000',
  'LOCALHOST',
  'lictor.localhost',
  '127.0.0.1:8000',
  '127.9.9.9',
  '[::1]:8000',
  'lictor.example.com',
  'lictor.example.com:443',
])('%s may be set up', (host) => {
  expect(gate.permits(host, undefined)).toBe(true)
})

it.each([
  'evil.example',
  'localhost.evil.example',
  '127.0.0.1.evil.example',
  'notlocalhost',
  '10.0.0.7:8000',
  '[::2]',
  '',
  ' ',
  'a b',
  'lictor.example.com.evil.example',
])('"%s" may not, but with the link that the server printed', (host) => {
  expect(gate.permits(host, undefined)).toBe(false)
  expect(gate.permits(host, `${token}x`)).toBe(false)
  expect(gate.permits(host, token)).toBe(true)
})

let t: TestServer
afterEach(() => t?.close())

it('a fresh server asked for set-up under a name that is not its own makes no administrator', async () => {
  t = await startTestServer()
  const ask = (host: string, payload: object) =>
    t.request({ method: 'POST', url: '/api/v1/setup', headers: { host }, payload })
  const refused = await ask('evil.example', ADMIN)
  expect(refused.statusCode).toBe(403)
  expect(refused.json().detail).toContain('the link that the server printed')
  expect(await t.server.isSetUp()).toBe(false)
  const { searchParams } = new URL(t.server.setupLink, 'http://x')
  expect((await ask('10.0.0.7', { ...ADMIN, setup_token: searchParams.get('token') })).statusCode).toBe(201)
})

it('a forwarded name counts only from a proxy that is believed', async () => {
  const ask = () =>
    t.request({
      method: 'POST',
      url: '/api/v1/setup',
      headers: { host: 'evil.example', 'x-forwarded-host': 'localhost' },
      payload: ADMIN,
    })
  t = await startTestServer()
  expect((await ask()).statusCode).toBe(403)
  await t.close()
  t = await startTestServer({ environment: { LICTOR_TRUSTED_PROXIES: '127.0.0.1' } })
  expect((await ask()).statusCode).toBe(201)
})
