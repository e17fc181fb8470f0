import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { People } from './people.ts'
import type { Stage } from './stage.ts'

/** Secrets and what stands for other systems. */
export async function recordSecrets({ call, succeed, as, token }: Stage & People) {
  const at = (path: string) => ({ ...as(token), path: { '*': path } })
  await succeed('PUT /v1/secrets/*', { ...at('db/password'), body: { value: 'correct horse battery' } })
  await succeed('PUT /v1/secrets/*', { ...at('db/password'), body: { value: 'staple', expected_version: 1 } })
  await call('PUT /v1/secrets/*', { ...at('db/password'), body: { value: 'staple', expected_version: 1 } })
  await succeed('GET /v1/secrets/*', at('db/password'))
  await succeed('GET /v1/secrets', { ...as(token), query: { path_prefix: 'db/' } })
  await succeed('GET /v1/secret-versions/*', at('db/password'))
  await succeed('DELETE /v1/secrets/*', { ...at('db/password'), query: { version: '1' } })
  for (const operation of ['GET /v1/secrets/*', 'DELETE /v1/secrets/*', 'GET /v1/secret-versions/*']) {
    await call(operation, at('unknown'))
    await call(operation, at('db:password'))
  }
  await call('PUT /v1/secrets/*', { ...at('db:password'), body: { value: 'x' } })
  await call('GET /v1/secrets/*', { ...at('db/password'), query: { version: 'newest' } })
  await call('DELETE /v1/secrets/*', { ...at('db/password'), query: { version: 'newest' } })
  await call('GET /v1/secrets', { ...as(token), query: { path_prefix: '../' } })
}

/** What agents act with at other systems: keys, and tokens from signing in. */
export async function recordCredentials({ call, succeed, as, token, server, clock }: Stage & People) {
  const operator = as(token)
  const body = { name: 'github', provider: 'github', api_key: 'ghp_exampleexampleexample' }
  const { id } = await succeed<{ id: string }>('POST /v1/credentials/api-keys', { ...operator, body })
  await succeed('POST /v1/credentials/api-key', { ...operator, body: { provider: 'openai', api_key: 'sk-example' } })
  const one = { ...operator, path: { id } }
  const grant = await succeed<{ grant_id: string }>('POST /v1/credentials/:id/grants', {
    ...one,
    body: { permission_type: 'read' },
  })
  await succeed('GET /v1/credentials', operator)
  await succeed('GET /v1/credentials/:id', one)
  await succeed('GET /v1/credentials/:id/grants', one)
  await succeed('POST /v1/credentials/:id/rotate', { ...one, body: { new_value: 'ghp_anotheranotheranother' } })
  const granted = { ...operator, path: { id, grant_id: grant.grant_id } }
  await succeed('DELETE /v1/credentials/:id/grants/:grant_id', granted)
  await call('DELETE /v1/credentials/:id/grants/:grant_id', granted)
  await call('POST /v1/credentials/:id/rotate', { ...one, body: {} })
  await call('POST /v1/credentials/:id/grants', { ...one, body: { target_type: 'cat' } })
  await call('POST /v1/credentials/:id/grants', { ...one, body: { agent_id: '00000000-0000-4000-8000-000000000000' } })
  for (const path of ['api-keys', 'api-key']) {
    await call(`POST /v1/credentials/${path}`, { ...operator, body: { ...body, provider: ' ' } })
    await call(`POST /v1/credentials/${path}`, { ...operator, body: {} })
  }
  await succeed('DELETE /v1/credentials/:id', one)
  await call('POST /v1/credentials/:id/rotate', { ...one, body: { new_value: 'x' } })
  await call('POST /v1/credentials/:id/grants', { ...one, body: {} })

  const name = { path: { name: 'files' } }
  const settings = {
    authorization_url: 'https://login.example.com/authorize',
    token_url: 'https://login.example.com/token',
    device_authorization_url: 'https://login.example.com/device',
    client_id: 'lictor',
    client_secret: 'client-secret',
    scopes: ['files.read'],
    redirect_uris: ['https://app.example.com/oauth/done'],
  }
  await succeed('PUT /v1/credentials/providers/:name', { ...operator, ...name, body: settings })
  await call('PUT /v1/credentials/providers/:name', {
    ...operator,
    ...name,
    body: { ...settings, token_url: 'http://login.example.com/token' },
  })
  await call('PUT /v1/credentials/providers/:name', { ...operator, path: { name: 'no name' }, body: settings })
  await succeed('GET /v1/credentials/providers', operator)
  await succeed('GET /v1/credentials/providers/:name', { ...operator, ...name })
  const begun = await succeed<{ state: string }>('POST /v1/credentials/oauth/initiate', {
    ...operator,
    body: { provider: 'files', name: 'my files' },
  })
  for (const operation of ['oauth/initiate', 'oauth/device/initiate']) {
    await call(`POST /v1/credentials/${operation}`, { ...operator, body: { provider: 'unknown' } })
    await call(`POST /v1/credentials/${operation}`, { ...operator, body: {} })
  }
  await call('POST /v1/credentials/oauth/initiate', {
    ...operator,
    body: { provider: 'files', redirect_uri: 'https://elsewhere.example.com/' },
  })

  // From here on the provider answers, on this machine.
  const given = { access_token: 'token', token_type: 'Bearer', expires_in: 3600, refresh_token: 'next' }
  const device = { device_code: 'd', user_code: 'BDWP-HQPK', verification_uri: 'https://login.example.com/device' }
  let isPending = true
  const provider = createServer((request, response) => {
    const isDevice = request.url === '/device'
    let form = ''
    request.on('data', (chunk) => (form += String(chunk)))
    request.on('end', () => {
      const waits = isPending && form.includes('device_code')
      response.writeHead(waits ? 400 : 200, { 'content-type': 'application/json' })
      const answer = isDevice ? { ...device, expires_in: 600, interval: 5 } : given
      response.end(JSON.stringify(waits ? { error: 'authorization_pending' } : answer))
    })
  })
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve))
  const address = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`
  await server.http.inject({
    method: 'PUT',
    url: '/v1/credentials/providers/files',
    headers: token,
    payload: { ...settings, token_url: `${address}/token`, device_authorization_url: `${address}/device` },
  })
  const answer = { code: 'SplxlOBeZQQYbYS6WxSbIA', state: begun.state }
  await succeed('GET /v1/credentials/oauth/callback', { ...operator, query: answer })
  await call('GET /v1/credentials/oauth/callback', { ...operator, query: answer })
  await call('GET /v1/credentials/oauth/callback', { ...operator, query: { code: 'x' } })
  const again = await server.http.inject({
    method: 'POST',
    url: '/v1/credentials/oauth/initiate',
    headers: token,
    payload: { provider: 'files' },
  })
  const { state } = again.json<{ state: string }>()
  await succeed('POST /v1/credentials/oauth/callback', { ...operator, body: { ...answer, state } })
  await call('POST /v1/credentials/oauth/callback', { ...operator, body: { ...answer, state } })
  await call('POST /v1/credentials/oauth/callback', { ...operator, body: { code: 'x' } })
  const ofDevice = { ...operator, body: { provider: 'files' } }
  for (const path of ['oauth/device/poll', 'device/poll']) {
    isPending = true
    const { device_code } = await succeed<{ device_code: string }>(
      'POST /v1/credentials/oauth/device/initiate',
      ofDevice,
    )
    const poll = { ...operator, body: { device_code, provider: 'files' } }
    await call(`POST /v1/credentials/${path}`, poll)
    isPending = false
    await clock.advance(6_000)
    await call(`POST /v1/credentials/${path}`, poll)
    await call(`POST /v1/credentials/${path}`, poll)
    await call(`POST /v1/credentials/${path}`, { ...operator, body: {} })
  }
  await succeed('DELETE /v1/credentials/providers/:name', { ...operator, ...name })
  await new Promise((resolve) => provider.close(resolve))
}

/** API keys of the runtime API. */
export async function recordApiKeys({ call, succeed, as, token }: Stage & People) {
  const { id, key } = await succeed<{ id: string; key: string }>('POST /v1/api-keys', {
    ...as(token),
    body: { name: 'ci', scopes: ['agent:execute', 'execution:read'] },
  })
  await call('POST /v1/api-keys', { ...as(token), body: { name: '' } })
  await call('POST /v1/api-keys', { ...as(token), body: {} })
  await succeed('GET /v1/api-keys', as(token))
  await succeed('POST /v1/api-keys/validate', { headers: { authorization: `Bearer ${key}` } })
  await call('POST /v1/api-keys/validate')
  await succeed('DELETE /v1/api-keys/:id', { ...as(token), path: { id } })
  await call('DELETE /v1/api-keys/:id', { ...as(token), path: { id } })
}
