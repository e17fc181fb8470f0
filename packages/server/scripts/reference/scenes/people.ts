import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { realm, type Stage } from './stage.ts'

/** People, keys, service accounts and their tokens. */
export async function recordPeople({ call, succeed, as, server, folder }: Stage) {
  const credentials = { email: 'admin@example.com', password: 'correct horse battery' }
  await succeed('GET /api/v1/health')
  const setup = { ...credentials, tenant_name: 'Example' }
  await succeed('POST /api/v1/setup', { body: setup })
  await call('POST /api/v1/setup', { body: setup })
  await call('POST /api/v1/auth/login', { body: { ...credentials, password: 'wrong' } })
  const login = await call('POST /api/v1/auth/login', { body: credentials })
  const cookie = String(login.headers['set-cookie']).split(';')[0] ?? ''
  const person = { cookie, 'x-requested-with': 'reference' }
  const address = await server.listen()
  const { secret } = JSON.parse(readFileSync(join(folder, 'local-access.json'), 'utf8')) as { secret: string }
  await succeed('POST /api/v1/auth/local', { headers: { 'x-requested-with': 'reference' }, body: { secret } })
  await succeed('GET /api/v1/auth/me', as(person))
  const { key } = await succeed<{ key: string }>('POST /api/v1/keys', {
    ...as(person),
    body: { env: 'production', label: 'research agent' },
  })
  const agent = { authorization: `Bearer ${key}`, 'x-edictum-agent-id': 'research-agent' }
  const spare = await succeed<{ id: string }>('POST /api/v1/keys', { ...as(person), body: { env: 'staging' } })
  await succeed('GET /api/v1/keys', as(person))
  await succeed('DELETE /api/v1/keys/:key_id', { ...as(person), path: { key_id: spare.id } })
  const account = await succeed<{ id: string; client_id: string; client_secret: string }>(
    'POST /api/v1/service-accounts',
    {
      ...as(person),
      body: { name: 'ci', role: 'aegis:admin' },
    },
  )
  await succeed('GET /api/v1/service-accounts', as(person))
  const weak = await succeed<typeof account>('POST /api/v1/service-accounts', {
    ...as(person),
    body: { name: 'watcher', role: 'aegis:readonly', scopes: ['swarm:list'] },
  })
  const idle = await succeed<typeof account>('POST /api/v1/service-accounts', { ...as(person), body: { name: 'idle' } })
  const tokenOf = async ({ client_id, client_secret }: typeof account) => {
    const form = new URLSearchParams({ grant_type: 'client_credentials', client_id, client_secret })
    const { access_token } = await succeed<{ access_token: string }>(
      'POST /realms/:realm/protocol/openid-connect/token',
      {
        path: { realm: 'aegis-system' },
        body: form.toString(),
      },
    )
    return { authorization: `Bearer ${access_token}` }
  }
  const token = await tokenOf(account)
  const weakToken = await tokenOf(weak)
  await succeed('DELETE /api/v1/service-accounts/:id', { ...as(person), path: { id: idle.id } })
  await call('POST /realms/:realm/protocol/openid-connect/token', {
    ...realm,
    body: 'grant_type=client_credentials&client_id=unknown&client_secret=wrong',
  })
  await call('POST /realms/:realm/protocol/openid-connect/token', { ...realm, body: 'grant_type=password' })
  await succeed('GET /realms/:realm/protocol/openid-connect/certs', realm)
  await succeed('GET /realms/:realm/.well-known/openid-configuration', realm)
  return { credentials, cookie, person, address, agent, token, weakToken }
}

export type People = Awaited<ReturnType<typeof recordPeople>>
