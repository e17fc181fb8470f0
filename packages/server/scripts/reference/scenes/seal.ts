import { createSealEnvelope, Ed25519Key, encodeSealEnvelope } from '@lictor/seal'
import type { People } from './people.ts'
import type { Stage } from './stage.ts'

const json = { 'content-type': 'application/json' }

/** Security contexts, and tools called by signed envelopes. */
export async function recordSeal({ call, succeed, as, clock, token, weakToken }: Stage & People) {
  let keys = 0
  /** Another key each time, and the same ones whenever this is recorded. */
  const newKey = () => Ed25519Key.fromSeed(new Uint8Array(32).fill(++keys))
  const context = {
    name: 'read-only-research',
    description: 'Reads shared files.',
    capabilities: [
      { tool_pattern: 'fs.*', path_allowlist: ['/workspace/shared'], rate_limit: { calls: 2, per_seconds: 60 } },
    ],
    deny_list: ['fs.delete'],
  }
  await succeed('POST /v1/security-contexts', { ...as(token), body: context })
  await call('POST /v1/security-contexts', { ...as(token), body: { name: '' } })
  await call('POST /v1/security-contexts', { ...as(token), body: { ...context, name: 'default' } })
  await call('POST /v1/security-contexts', { ...as(token), body: { ...context, capabilities: [{ tool: 'fs.*' }] } })
  await succeed('GET /v1/security-contexts', as(token))
  const named = { ...as(token), path: { name: context.name } }
  await succeed('GET /v1/security-contexts/:name', named)
  await call('DELETE /v1/security-contexts/:name', { ...as(token), path: { name: 'default' } })

  const registered = await succeed<{ gateway_url: string }>('POST /v1/seal/workloads', {
    ...as(token),
    body: { workload_id: 'wl-7', allowed_contexts: [context.name] },
  })
  await call('POST /v1/seal/workloads', { ...as(token), body: { workload_id: '', allowed_contexts: [] } })
  await call('POST /v1/seal/workloads', {
    ...as(token),
    body: { workload_id: 'wl-8', allowed_contexts: ['default'], agent_id: '00000000-0000-4000-8000-000000000000' },
  })
  await succeed('GET /v1/seal/workloads', as(token))
  const address = { token: new URL(registered.gateway_url).pathname.slice(3) }

  for (const [prefix, headers, path] of [
    ['', { ...json, ...token }, undefined],
    ['/x/:token', json, address],
  ] as const) {
    const own = { headers, ...(path ? { path } : {}) }
    const key = newKey()
    const body = { public_key: key.getPublicKeyBase64(), workload_id: 'wl-7', security_context: context.name }
    const { security_token } = await succeed<{ security_token: string }>(`POST ${prefix}/v1/seal/attest`, {
      ...own,
      body,
    })
    await call(`POST ${prefix}/v1/seal/attest`, { ...own, body: { security_context: 'default' } })
    await call(`POST ${prefix}/v1/seal/attest`, { ...own, body: { ...body, security_context: 'zaru-pro' } })
    await call(`POST ${prefix}/v1/seal/attest`, { ...own, headers: json, path: { token: 'unknown' }, body })
    await call(`POST ${prefix}/v1/seal/attest`, {
      ...own,
      headers: { ...json, ...token },
      body: { ...body, execution_id: '00000000-0000-4000-8000-000000000000' },
    })
    await call(`POST ${prefix}/v1/seal/attest`, {
      ...own,
      headers: { ...headers, 'content-type': 'text/plain' },
      body: 'x',
    })
    let id = 0
    const signed = (name: string, args: object) => ({
      headers: json,
      ...(path ? { path } : {}),
      body: encodeSealEnvelope(
        createSealEnvelope(
          security_token,
          { jsonrpc: '2.0', id: `req-${++id}`, method: 'tools/call', params: { name, arguments: args } },
          key,
          { now: clock.now },
        ),
      ),
    })
    const operations = prefix === '' ? ['POST /v1/seal/invoke', 'POST /v1/invoke'] : [`POST ${prefix}/v1/seal/invoke`]
    for (const operation of operations) {
      const first = signed('fs.list', { path: 'shared' })
      await call(operation, signed('fs.write', { path: 'shared/a.txt', content: 'x' }))
      await succeed(operation, first)
      await call(operation, first)
      await call(operation, { ...first, body: '{' })
      await call(operation, { ...first, headers: { 'content-type': 'text/plain' } })
      await call(operation, signed('fs.list', { path: '/etc' }))
      await call(operation, signed('fs.list', {}))
      await call(operation, signed('fs.unheard', {}))
      await call(operation, signed('fs.list', { path: 'shared' }))
    }
    const query = { security_context: context.name }
    await succeed(`GET ${prefix}/v1/seal/tools`, { headers: token, query, ...(path ? { path } : {}) })
    await call(`GET ${prefix}/v1/seal/tools`, { query: { security_context: 'unheard' }, ...(path ? { path } : {}) })
  }
  await succeed('GET /v1/seal/keys')
  const rotated = await succeed<{ keys: { kid: string }[] }>('POST /v1/seal/keys/rotate', {
    ...as(token),
    body: { algorithm: 'EdDSA' },
  })
  await call('POST /v1/seal/keys/rotate', { ...as(token), body: { algorithm: 'HS256' } })
  await call('POST /v1/seal/keys/rotate', { ...as(weakToken), body: {} })
  const [newest, former] = rotated.keys.map(({ kid }) => kid)
  await call('DELETE /v1/seal/keys/:kid', { ...as(token), path: { kid: newest ?? '' } })
  await succeed('DELETE /v1/seal/keys/:kid', { ...as(token), path: { kid: former ?? '' } })
  await call('DELETE /v1/seal/keys/:kid', { ...as(token), path: { kid: former ?? '' } })

  const execution_id = '7c9e6679-7425-40de-944b-e07fc1f90ae7'
  await succeed('POST /v1/seal/sessions', {
    ...as(token),
    body: {
      execution_id,
      agent_id: '5b0c3c1e-9f51-4e1c-9d6b-2f1f6c1d7e55',
      security_context: context.name,
      public_key_b64: newKey().getPublicKeyBase64(),
      allowed_tool_patterns: ['fs.*'],
    },
  })
  await call('POST /v1/seal/sessions', {
    ...as(token),
    body: {
      execution_id,
      agent_id: '5b0c3c1e-9f51-4e1c-9d6b-2f1f6c1d7e55',
      security_context: 'unheard',
      public_key_b64: newKey().getPublicKeyBase64(),
    },
  })
  await succeed('GET /v1/seal/sessions', as(token))
  await succeed('GET /v1/seal/sessions/:execution_id', { ...as(token), path: { execution_id } })
  await succeed('DELETE /v1/seal/sessions/:execution_id', { ...as(token), path: { execution_id } })
  for (const path of ['/v1/security/incidents', '/v1/observability/security-incidents'])
    await succeed(`GET ${path}`, { ...as(token), query: { limit: '1' } })
  await call('GET /v1/observability/events', { ...as(token), query: { follow: '\0' } })
  await call('GET /v1/observability/events', { ...as(token), query: { follow: 'perhaps' } })
  await call('GET /v1/observability/events', as(weakToken))
  await succeed('DELETE /v1/seal/workloads/:workload_id', { ...as(token), path: { workload_id: 'wl-7' } })
  await succeed('DELETE /v1/security-contexts/:name', named)
  for (const operation of ['GET /v1/security-contexts', 'GET /v1/seal/sessions', 'GET /v1/seal/workloads'])
    await call(operation, as(weakToken))
}
