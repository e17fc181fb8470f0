import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSealEnvelope, Ed25519Key, encodeSealEnvelope, verifySecurityToken } from '@lictor/seal'
import { decodeJwt, SignJWT } from 'jose'
import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, onPostgres, startTestServer, type TestServer } from '../../../test/harness.ts'
import { deployAgent, governAgent, serviceHeaders } from '../../../test/runtime.ts'
import { attest, handOf, type SealHand, sealHand, toolCall, workloadPrefix } from '../../../test/seal.ts'

const key = () => Ed25519Key.generate().getPublicKeyBase64()
type Answer = Awaited<ReturnType<TestServer['request']>>
const told = (answer: Answer) => {
  const body = answer.json<{ status: string; error: { code: number; message: string }; payload?: object }>()
  return [answer.statusCode, body.error.code]
}

/** As every failure on these paths must read: one client raises at the status alone, one reads the message. */
function requireSuperset(answer: Answer): void {
  expect(answer.json()).toMatchObject({
    protocol: 'seal/v1',
    status: 'error',
    error_code: expect.any(Number),
    message: expect.any(String),
    error: {
      code: expect.any(Number),
      message: expect.any(String),
      timestamp: expect.any(String),
      request_id: expect.any(String),
    },
    payload: { jsonrpc: '2.0', error: { code: expect.any(Number), message: expect.any(String) } },
  })
}

onEachDatabase('attestation', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  it('by a bearer gives a token that verifies by the published keys, and a session of an hour', async () => {
    t = await start()
    const headers = await serviceHeaders(t)
    const answer = await attest(t, { agent_public_key: key(), security_context: 'default', user_id: null }, { headers })
    expect([answer.statusCode, answer.json().status]).toEqual([200, 'success'])
    const { security_token, expires_at, session_id } = answer.json()
    const claims = decodeJwt(security_token)
    expect(Date.parse(expires_at)).toBe((claims.exp ?? 0) * 1000)
    expect((claims.exp ?? 0) - (claims.iat ?? 0)).toBe(3600)
    expect(claims).toMatchObject({ jti: session_id, scp: 'default', security_context: 'default', wid: claims.exec_id })
    const { keys } = (await t.request({ method: 'GET', url: '/v1/seal/keys' })).json()
    const { createPublicKey } = await import('node:crypto')
    const options = { algorithm: 'RS256', issuer: 'aegis-orchestrator', audience: 'aegis-agents' } as const
    expect(
      verifySecurityToken(security_token, {
        ...options,
        key: createPublicKey({ key: keys[0], format: 'jwk' }),
        now: t.clock.now,
      }).claims.sub,
    ).toBe(claims.sub)
  })

  it('is refused without proof, with a bad one, and with one that may not execute', async () => {
    t = await start()
    const body = { public_key: key(), workload_id: 'wl', security_context: 'default' }
    const bare = await attest(t, body)
    expect(told(bare)).toEqual([401, 3000])
    requireSuperset(bare)
    expect(told(await attest(t, { public_key: key(), security_context: 'default' }))).toEqual([401, 3002])
    for (const authorization of [
      'Bearer forged',
      'bearer x',
      'Basic eA==',
      'Bearer ',
      `Bearer aegis_${'A'.repeat(40)}`,
    ])
      expect(told(await attest(t, body, { headers: { authorization } }))).toEqual([401, 3002])
    const reader = await serviceHeaders(t, { role: 'aegis:readonly' })
    expect(told(await attest(t, body, { headers: reader }))).toEqual([403, 3002])
    expect(told(await attest(t, body, { prefix: `/x/${'A'.repeat(43)}` }))).toEqual([401, 3000])
    const { prefix } = await workloadPrefix(t, await serviceHeaders(t), {
      workload_id: 'wl',
      allowed_contexts: ['default'],
    })
    // A bad bearer is not passed over for the address.
    expect(told(await attest(t, body, { prefix, headers: { authorization: 'Bearer forged' } }))).toEqual([401, 3002])
  })

  it('of what cannot be attested is refused by its code', async () => {
    t = await start()
    const headers = await serviceHeaders(t)
    const good = () => ({ public_key: key(), security_context: 'default' })
    const cases: readonly [string, object, number, number][] = [
      ['no key', { security_context: 'default' }, 400, 3002],
      ['the key twice', { public_key: key(), agent_public_key: key(), security_context: 'default' }, 400, 3002],
      ['a key of another kind', { public_key: 7, security_context: 'default' }, 400, 3002],
      ['a key of another length', { public_key: 'AAAA', security_context: 'default' }, 400, 3002],
      ['a weak key', { public_key: Buffer.alloc(32).toString('base64'), security_context: 'default' }, 400, 3002],
      ['no context', { public_key: key() }, 401, 3001],
      ['a blank context', { public_key: key(), security_context: '  ' }, 401, 3001],
      ['an unknown context', { public_key: key(), security_context: 'lab' }, 401, 3001],
      ['a context of the consumer realm', { public_key: key(), security_context: 'zaru-enterprise' }, 403, 3001],
      ['a context of another tenant', { public_key: key(), security_context: 'tenant-acme-x' }, 403, 3001],
      ['a tenant that can be none', { public_key: key(), security_context: 'default', tenant_id: 'a/b' }, 403, 3002],
      ['an unknown execution', { ...good(), execution_id: crypto.randomUUID() }, 404, 3000],
      ['agent and execution that are no UUIDs', { ...good(), agent_id: 'a', execution_id: 'nope' }, 400, 3002],
      ['an agent that is no UUID', { ...good(), agent_id: 'a', execution_id: crypto.randomUUID() }, 400, 3002],
      ['a context of another kind', { ...good(), security_context: ['default'] }, 400, 3002],
      ['an unknown tier', { ...good(), zaru_tier: 'gold' }, 400, 3002],
      ['U+0000', { public_key: key(), security_context: 'default', workload_id: 'a\0' }, 400, 3002],
    ]
    for (const [what, body, status, code] of cases) {
      const answer = await attest(t, body, { headers })
      expect([what, ...told(answer)]).toEqual([what, status, code])
      requireSuperset(answer)
    }
  })

  it('that names another tenant is of the own one all the same', async () => {
    t = await start()
    const headers = await serviceHeaders(t)
    const of = async (more: object) => {
      const answer = await attest(t, { public_key: key(), security_context: 'default', ...more }, { headers })
      expect(answer.statusCode).toBe(200)
      return decodeJwt(answer.json<{ security_token: string }>().security_token).tenant_id
    }
    const own = await of({})
    expect(await of({ tenant_id: 'acme' })).toBe(own)
    expect(await of({ tenant_id: crypto.randomUUID() })).toBe(own)
  })

  it('leaves out what is too much for a token, and takes what says nothing for nothing', async () => {
    t = await start()
    const headers = await serviceHeaders(t)
    const body = { public_key: key(), security_context: ' default ', execution_id: 'run-7', tenant_id: ' ', unknown: 1 }
    for (const [task_summary, claimed] of [
      ['é'.repeat(128), 'é'.repeat(128)],
      [`${'é'.repeat(128)}.`, undefined],
      ['x'.repeat(100_000), undefined],
      [7, undefined],
      [null, undefined],
    ]) {
      const answer = await attest(t, { ...body, task_summary }, { headers })
      expect([answer.statusCode, decodeJwt(answer.json<{ security_token: string }>().security_token)]).toEqual([
        200,
        expect.objectContaining({
          scp: 'default',
          tenant_id: 'default',
          exec_id: expect.not.stringContaining('run-7'),
        }),
      ])
      expect(decodeJwt(answer.json<{ security_token: string }>().security_token).task_summary).toBe(claimed)
    }
  })

  it('takes the key in every spelling, and the context by its older name', async () => {
    t = await start()
    const headers = await serviceHeaders(t)
    const { publicKey } = generateKeyPairSync('ed25519')
    const pem = String(publicKey.export({ type: 'spki', format: 'pem' }))
    const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(12)
    for (const public_key of [pem, raw.toString('base64'), raw.toString('base64url'), raw.toString('hex')])
      expect((await attest(t, { public_key, requested_scope: 'default' }, { headers })).statusCode).toBe(200)
  })

  it('of a workload rests on its address, under its contexts alone; again supersedes what the same proof opened', async () => {
    t = await start()
    const headers = await serviceHeaders(t)
    const { prefix, executionId } = await workloadPrefix(t, headers, {
      workload_id: 'wl',
      allowed_contexts: ['default'],
    })
    const body = { workload_id: 'wl', security_context: 'default' }
    const first = await sealHand(t, body, { prefix })
    const byBearer = await sealHand(t, body, { headers })
    expect(decodeJwt(first.token).exec_id).toBe(executionId)
    expect((await first.call('fs.list', { path: '.' })).statusCode).toBe(200)
    const second = await sealHand(t, body, { prefix })
    const late = await first.call('fs.list', { path: '.' })
    expect([...told(late), late.json().error.message]).toEqual([401, 1006, 'The session was revoked: superseded.'])
    for (const one of [second, byBearer]) expect((await one.call('fs.list', { path: '.' })).statusCode).toBe(200)
    const other = { public_key: key(), security_context: 'aegis-system-operator' }
    expect(told(await attest(t, other, { prefix }))).toEqual([403, 3001])
    expect(told(await attest(t, { public_key: key(), ...body, workload_id: 'x' }, { prefix }))).toEqual([401, 3000])
    // A new address ends the former one and its sessions.
    await workloadPrefix(t, headers, { workload_id: 'wl', allowed_contexts: ['default'] })
    expect(told(await second.call('fs.list', { path: '.' }))).toEqual([401, 1006])
    expect(told(await attest(t, { public_key: key(), ...body }, { prefix }))).toEqual([401, 3000])
  })

  it('of a workload ends with its time, and when an operator takes it back', async () => {
    t = await start()
    const headers = await serviceHeaders(t)
    const expires_at = new Date(t.clock.now() + 60_000).toISOString()
    const { prefix } = await workloadPrefix(t, headers, {
      workload_id: 'wl',
      allowed_contexts: ['default'],
      expires_at,
    })
    const kept = await workloadPrefix(t, headers, { workload_id: 'wl-2', allowed_contexts: ['default'] })
    const body = { security_context: 'default' }
    const hand = await sealHand(t, body, { prefix: kept.prefix })
    expect((await attest(t, { public_key: key(), ...body }, { prefix })).statusCode).toBe(200)
    t.clock.set(t.clock.now() + 61_000)
    expect(told(await attest(t, { public_key: key(), ...body }, { prefix }))).toEqual([401, 3000])
    const operator = await serviceHeaders(t)
    const gone = await t.request({ method: 'DELETE', url: '/v1/seal/workloads/wl-2', headers: operator })
    expect(gone.statusCode).toBe(200)
    expect(told(await hand.call('fs.list', { path: '.' }))).toEqual([401, 1006])
    expect((await t.request({ method: 'DELETE', url: '/v1/seal/workloads/wl-2', headers: operator })).statusCode).toBe(
      404,
    )
  })

  it('the sessions, workloads and contexts are for operators of the tenant', async () => {
    t = await start()
    const reader = await serviceHeaders(t, { role: 'aegis:readonly' })
    const foreign = await t.otherTenant()
    const headers = await serviceHeaders(t)
    await sealHand(t, { workload_id: 'w', security_context: 'default' }, { headers })
    await workloadPrefix(t, headers, { workload_id: 'w', allowed_contexts: ['default'] })
    for (const url of ['/v1/seal/sessions', '/v1/seal/workloads', '/v1/security-contexts']) {
      expect((await t.request({ method: 'GET', url, headers: reader })).statusCode).toBe(403)
      expect((await t.request({ method: 'GET', url, headers })).statusCode).toBe(200)
    }
    expect((await t.request({ method: 'GET', url: '/v1/seal/sessions', headers: foreign })).json()).toEqual([])
    expect((await t.request({ method: 'GET', url: '/v1/seal/workloads', headers: foreign })).json().items).toEqual([])
    const listed = (await t.request({ method: 'GET', url: '/v1/seal/sessions', headers })).json()
    expect(listed).toHaveLength(1)
    expect(JSON.stringify(listed)).not.toContain('eyJ')
  })
})

onEachDatabase('a signed call', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  async function hand(body: object = {}): Promise<SealHand> {
    return sealHand(
      t,
      { workload_id: 'wl', security_context: 'default', ...body },
      { headers: await serviceHeaders(t) },
    )
  }

  it('runs the tool and answers where every client looks', async () => {
    t = await start()
    const seal = await hand()
    expect((await seal.call('fs.write', { path: 'a.txt', content: 'é' })).statusCode).toBe(200)
    const payload = toolCall('fs.read', { path: '/workspace/a.txt' })
    const answer = await seal.send(seal.envelope(payload), { authorization: 'Bearer whatever' })
    expect(answer.statusCode).toBe(200)
    const { result } = answer.json()
    expect(result).toMatchObject({ content: 'é' })
    expect(answer.json()).toMatchObject({
      protocol: 'seal/v1',
      status: 'success',
      content: 'é',
      payload: { id: payload.id, result },
    })
    expect(answer.json().payload).not.toHaveProperty('error')
    const failed = await seal.call('fs.read', { path: 'missing.txt' })
    expect(failed.json()).toMatchObject({
      status: 'success',
      payload: { error: { code: -32_000, message: expect.any(String) } },
    })
    expect([failed.statusCode, failed.json()]).toEqual([
      200,
      expect.not.objectContaining({ result: expect.anything() }),
    ])
  })

  it('is told by its id, in its tenant, and in few words, whatever it sends', async () => {
    t = await start()
    const seal = await sealHand(t, { security_context: 'default' }, { headers: await serviceHeaders(t) })
    const list = (args: object) => seal.call('aegis.agent.list', args)
    expect((await list({ tenant_id: 'default' })).json()).toMatchObject({ status: 'success', count: 0 })
    expect(told(await list({ tenant_id: 'acme' }))).toEqual([403, 4003])
    for (const tenant_id of [7, {}, 'No Tenant']) expect(told(await list({ tenant_id }))).toEqual([422, 4000])

    const numbered = await seal.send(seal.envelope({ ...toolCall('fs.read', {}), id: 2n ** 64n }))
    expect(told(numbered)).toEqual([422, 4000])
    expect(numbered.json().error.request_id).toBe('18446744073709551616')

    const long = 'x'.repeat(500_000)
    for (const [payload, code] of [
      [toolCall(long), 2000],
      [toolCall(`fs.${long}`), 4004],
      [{ method: long, params: {} }, 2000],
      [toolCall('fs.read', { path: 'a', [long]: 1 }), 4000],
      [toolCall('fs.read', Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`a${index}`, 1]))), 4000],
      [toolCall('fs.read', { path: long }), 2002],
      [toolCall('cmd.run', { command: { toString: 1 } }), 4000],
      [toolCall('aegis.git.refresh', { binding_id: long }), 2000],
      [toolCall('aegis.task.status', { execution_id: long }), 4000],
    ] as const) {
      const answer = await seal.send(seal.envelope(payload))
      expect([JSON.stringify(payload).slice(0, 100), answer.json().error?.code]).toEqual([
        JSON.stringify(payload).slice(0, 100),
        code,
      ])
      expect(answer.body.length).toBeLessThan(60_000)
    }
    const { db } = t.server.database
    const kept = [
      ...(await db.selectFrom('security_incidents').selectAll().execute()),
      ...(await db.selectFrom('events').select(['tool_name']).execute()),
    ]
    for (const row of kept) expect(JSON.stringify(row).length).toBeLessThan(10_000)
  })

  it('by another method names the tool itself; tools/list tells those of the session', async () => {
    t = await start()
    const seal = await hand()
    const direct = await seal.send(seal.envelope({ jsonrpc: '2.0', id: 1, method: 'fs.list', params: { path: '.' } }))
    expect([direct.statusCode, direct.json().payload.id]).toEqual([200, 1])
    const list = await seal.send(seal.envelope({ jsonrpc: '2.0', id: 2, method: 'tools/list' }))
    const names = list.json().result.tools.map(({ name }: { name: string }) => name)
    expect(names).toEqual(expect.arrayContaining(['fs.read', 'cmd.run']))
    const command = await seal.call('cmd.run', { command: 'ls' })
    expect(command.json()).toMatchObject({
      status: 'dispatch_required',
      result: { status: 'dispatch_required', action: 'exec' },
    })
  })

  it('a context that names more than one tool of a kind is judged by path, by tool and by deny list', async () => {
    t = await start()
    const headers = await serviceHeaders(t)
    const context = {
      name: 'shared-only',
      capabilities: [{ tool_pattern: 'fs.*', path_allowlist: ['/workspace/shared'] }],
      deny_list: ['fs.delete'],
    }
    await t.request({ method: 'POST', url: '/v1/security-contexts', headers, payload: context })
    const seal = await hand({ security_context: 'shared-only' })
    const verdict = async (name: string, args: object) => {
      const answer = await seal.call(name, args)
      if (answer.statusCode !== 200) requireSuperset(answer)
      return answer.statusCode === 200 ? 'allowed' : told(answer)
    }
    expect(await verdict('fs.write', { path: '/workspace/shared/a', content: 'x' })).toBe('allowed')
    expect(await verdict('fs.read', { path: '/workspace/shared/a' })).toBe('allowed')
    expect(await verdict('fs.read', { path: '/workspace/shared2/a' })).toEqual([403, 2002])
    expect(await verdict('fs.read', { path: '/workspace/shared/../../etc/passwd' })).toEqual([403, 2002])
    expect(await verdict('fs.read', {})).toEqual([422, 4000])
    expect(await verdict('fs.delete', { path: '/workspace/shared/a' })).toEqual([403, 2001])
    expect(await verdict('fsx.read', { path: '/workspace/shared/a' })).toEqual([403, 2000])
    expect(await verdict('web.search', { query: 'x' })).toEqual([403, 2000])
    expect(await verdict('fs.nothing', {})).toEqual([404, 4004])
    const incidents = (await t.request({ method: 'GET', url: '/v1/security/incidents', headers })).json()
    expect(incidents.incidents.map((one: { tool_name: string }) => one.tool_name).sort()).toEqual(
      ['fs.delete', 'fs.read', 'fs.read', 'fsx.read', 'web.search'].sort(),
    )
    expect(incidents.items[0]).toMatchObject({
      category: 'seal_policy_violation_blocked',
      severity: 'high',
      session_id: seal.sessionId,
    })
  })

  it('a rate limit of the context answers 429 with how long to wait', async () => {
    t = await start()
    const headers = await serviceHeaders(t)
    const capabilities = [
      { tool_pattern: 'fs.list', rate_limit: { calls: 2, per_seconds: 60 }, max_response_size: 200 },
    ]
    await t.request({ method: 'POST', url: '/v1/security-contexts', headers, payload: { name: 'slow', capabilities } })
    const seal = await hand({ security_context: 'slow' })
    for (const _ of [1, 2]) expect((await seal.call('fs.list', { path: '.' })).statusCode).toBe(200)
    const refused = await seal.call('fs.list', { path: '.' })
    expect(told(refused)).toEqual([429, 2005])
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
    expect(refused.json().payload.error.code).toBe(-32_005)
  })

  it('keeps the context as it was when the session began', async () => {
    t = await start()
    const headers = await serviceHeaders(t)
    const save = (capabilities: object[]) =>
      t.request({ method: 'POST', url: '/v1/security-contexts', headers, payload: { name: 'mine', capabilities } })
    await save([{ tool_pattern: 'fs.*' }])
    const before = await hand({ security_context: 'mine' })
    expect((await save([])).json()).toEqual({ saved: true, name: 'mine', version: 2 })
    const after = await hand({ security_context: 'mine' })
    expect((await before.call('fs.list', { path: '.' })).statusCode).toBe(200)
    expect(told(await after.call('fs.list', { path: '.' }))).toEqual([403, 2000])
  })

  it('is judged by the contracts that are assigned to its agent, and is in the audit log with its signature', async () => {
    t = await start()
    const headers = await serviceHeaders(t)
    const agentId = await deployAgent(t, headers, { tools: ['fs.read'] })
    await governAgent(
      t,
      '[{ id: no-secrets, type: pre, tool: "*", when: { args.path: { contains: secret } }, then: { effect: deny, message: Not that. } }]',
    )
    const { prefix } = await workloadPrefix(t, headers, {
      workload_id: 'wl',
      allowed_contexts: ['default'],
      agent_id: agentId,
    })
    const seal = await sealHand(t, { security_context: 'default' }, { prefix })
    expect((await seal.call('fs.list', { path: '.' })).statusCode).toBe(200)
    const body = seal.envelope(toolCall('fs.list', { path: 'secret' }))
    const denied = await seal.send(body)
    expect([...told(denied), denied.json().message]).toEqual([403, 4031, 'Not that.'])
    const audit = (await t.request({ method: 'GET', url: '/api/v1/events', headers: await t.admin() })).json()
    const events = audit as { verdict: string; agent_id: string; payload: Record<string, unknown> }[]
    const deny = events.find(({ verdict }) => verdict === 'call_denied')
    expect(deny).toMatchObject({
      agent_id: 'worker',
      payload: {
        seal_session_id: seal.sessionId,
        workload_id: null,
        envelope_signature: (JSON.parse(body) as { signature: string }).signature,
      },
    })
    expect(events.map(({ verdict }) => verdict)).toEqual(
      expect.arrayContaining(['seal_attestation_completed', 'call_executed']),
    )
    expect(JSON.stringify(events)).not.toContain(seal.token)
  })

  it('sees the files of its own session, and of no other', async () => {
    t = await start()
    const [one, other] = [await hand(), await hand()]
    await one.call('fs.write', { path: 'mine.txt', content: 'x' })
    const read = await other.call('fs.read', { path: 'mine.txt' })
    expect(read.json().payload.error).toBeDefined()
    for (const path of ['../../../etc/passwd', '/workspace/../x', '/etc/passwd', 'a\0b'])
      expect((await other.call('fs.read', { path })).statusCode).toBeGreaterThanOrEqual(400)
  })

  it('ends with the account that attested', async () => {
    t = await start()
    const account = await t.request({
      method: 'POST',
      url: '/api/v1/service-accounts',
      headers: await t.admin(),
      payload: { name: 'ci' },
    })
    const { id, client_id, client_secret } = account.json()
    const { requestToken } = await import('../../../test/runtime.ts')
    const granted = await requestToken(t, { grant_type: 'client_credentials', client_id, client_secret })
    const headers = { authorization: `Bearer ${granted.json().access_token}` }
    const seal = await sealHand(t, { security_context: 'default' }, { headers })
    expect((await seal.call('fs.list', { path: '.' })).statusCode).toBe(200)
    await t.request({ method: 'DELETE', url: `/api/v1/service-accounts/${id}`, headers: await t.admin() })
    expect(told(await seal.call('fs.list', { path: '.' }))).toEqual([401, 1006])
  })

  it('by an API key of the runtime, until the key is revoked', async () => {
    t = await start()
    const operator = await serviceHeaders(t)
    const made = await t.request({ method: 'POST', url: '/v1/api-keys', headers: operator, payload: { name: 'seal' } })
    const { id, key } = made.json<{ id: string; key: string }>()
    const seal = await sealHand(t, { security_context: 'default' }, { headers: { authorization: `Bearer ${key}` } })
    expect((await seal.call('fs.list', { path: '.' })).statusCode).toBe(200)
    await t.request({ method: 'DELETE', url: `/v1/api-keys/${id}`, headers: operator })
    expect(told(await seal.call('fs.list', { path: '.' }))).toEqual([401, 1006])
    const again = await attest(
      t,
      { public_key: key, security_context: 'default' },
      { headers: { authorization: `Bearer ${key}` } },
    )
    expect(again.statusCode).toBeGreaterThanOrEqual(400)
  })

  it('under a provisioned session, until it is revoked; a second one takes the place of the first', async () => {
    t = await start()
    const headers = await serviceHeaders(t)
    const pair = Ed25519Key.generate()
    const execution_id = crypto.randomUUID()
    const provision = (more: object = {}) =>
      t.request({
        method: 'POST',
        url: '/v1/seal/sessions',
        headers,
        payload: {
          execution_id,
          sub: crypto.randomUUID(),
          security_context_name: 'default',
          public_key_b64: pair.getPublicKeyBase64(),
          allowed_tool_patterns: ['fs.*'],
          ...more,
        },
      })
    const made = (await provision()).json()
    expect(made).toMatchObject({ status: 'success', saved: true, execution_id, session_status: 'Active' })
    const first = handOf(t, pair, made.security_token, made.session_id)
    expect((await first.call('fs.list', { path: '.' })).statusCode).toBe(200)
    expect(told(await first.call('cmd.run', { command: 'ls' }))).toEqual([403, 2000])
    const again = (
      await provision({ security_context: 'default', agent_id: crypto.randomUUID(), sub: undefined })
    ).json()
    const second = handOf(t, pair, again.security_token, again.session_id)
    expect(told(await first.call('fs.list', { path: '.' }))).toEqual([401, 1006])
    expect((await second.call('fs.list', { path: '.' })).statusCode).toBe(200)
    const short = (await provision({ expires_at: new Date(t.clock.now() + 60_000).toISOString() })).json()
    const brief = handOf(t, pair, short.security_token, short.session_id)
    expect(decodeJwt(short.security_token).exp).toBe(Math.floor(t.clock.now() / 1000) + 60)
    expect((await brief.call('fs.list', { path: '.' })).statusCode).toBe(200)
    expect(told(await second.call('fs.list', { path: '.' }))).toEqual([401, 1006])
    const url = `/v1/seal/sessions/${execution_id}`
    expect((await t.request({ method: 'GET', url, headers })).json()).toMatchObject({ session_status: 'Active' })
    expect((await t.request({ method: 'GET', url, headers: await t.otherTenant() })).statusCode).toBe(404)
    const revoked = await t.request({ method: 'DELETE', url, headers })
    expect(revoked.json()).toMatchObject({ execution_id, session_status: 'Revoked' })
    expect(told(await brief.call('fs.list', { path: '.' }))).toEqual([401, 1006])
    expect((await t.request({ method: 'DELETE', url, headers })).statusCode).toBe(404)
    for (const bad of [
      { execution_id: '../../etc' },
      { public_key_b64: Buffer.alloc(32).toString('base64') },
      { security_context_name: 'nope' },
      { security_token: 'x' },
      { allowed_tool_patterns: 'x'.repeat(2000) },
      { expires_at: 'tomorrow' },
      { expires_at: new Date(t.clock.now() + 2 * 86_400_000).toISOString() },
      { expires_at: new Date(t.clock.now() - 1000).toISOString() },
    ])
      expect([400, 422]).toContain((await provision(bad)).statusCode)
  })

  it('discovery lists what a context could allow, in both spellings of the schema', async () => {
    t = await start()
    const list = (query: string, headers: Record<string, string> = {}) =>
      t.request({ method: 'GET', url: `/v1/seal/tools${query}`, headers })
    const all = (await list('')).json()
    expect(all).toMatchObject({
      protocol: 'seal/v1',
      attestation_endpoint: '/v1/seal/attest',
      invoke_endpoint: '/v1/seal/invoke',
      security_context: null,
    })
    expect(all.tools[0]).toMatchObject({ name: expect.any(String), inputSchema: all.tools[0].input_schema })
    const consumer = (await list('?security_context=zaru-free')).json()
    expect(consumer.tools.some(({ name }: { name: string }) => name === 'fs.read')).toBe(false)
    const named = await list('?security_context=zaru-free', { 'x-zaru-security-context': ' default ' })
    expect(named.json()).toMatchObject({
      security_context: 'default',
      tools: expect.arrayContaining([expect.objectContaining({ name: 'fs.read' })]),
    })
    const unknown = await list('?security_context=lab')
    expect(told(unknown)).toEqual([404, 4004])
    requireSuperset(unknown)
    const headers = await serviceHeaders(t)
    await t.request({
      method: 'POST',
      url: '/v1/security-contexts',
      headers,
      payload: { name: 'lab', capabilities: [{ tool_pattern: 'fs.read' }] },
    })
    expect(
      (await list('?security_context=lab', headers)).json().tools.map(({ name }: { name: string }) => name),
    ).toEqual(['fs.read'])
    expect((await list('?security_context=lab', await t.otherTenant())).statusCode).toBe(404)
  })

  it('in the name of a known key, but signed with another one, is nobody’s', async () => {
    t = await start()
    const before = await hand()
    const { db } = t.server.database
    const first = await db.selectFrom('seal_token_keys').selectAll().executeTakeFirstOrThrow()
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const claims = decodeJwt(before.token)
    const forged = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'RS256', kid: first.id, typ: 'JWT' })
      .sign(privateKey)
    const body = encodeSealEnvelope(
      createSealEnvelope(forged, toolCall('fs.list', { path: '.' }), before.key, { now: t.clock.now }),
    )
    expect(told(await before.send(body))).toEqual([401, 1005])
    expect((await before.call('fs.list', { path: '.' })).statusCode).toBe(200)
  })
})

onEachDatabase('an envelope that is not right', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  it('is refused by its own code, in the body that every client understands, and never runs', async () => {
    t = await start()
    const headers = await serviceHeaders(t)
    const seal = await sealHand(t, { security_context: 'default' }, { headers })
    const other = await sealHand(t, { security_context: 'default' }, { headers })
    const good = () => seal.envelope(toolCall('fs.write', { path: 'ran.txt', content: 'x' }))
    const changed = (change: (envelope: Record<string, unknown>) => object) =>
      JSON.stringify(change(JSON.parse(good()) as Record<string, unknown>))
    const now = t.clock.now()
    const cases: readonly [string, string | Buffer, number, number][] = [
      ['nothing', '', 400, 1000],
      ['no JSON', 'x', 400, 1000],
      ['an array', '[]', 400, 1000],
      ['a duplicate name', good().replace('{', '{"protocol":"seal/v1",'), 400, 1000],
      ['no UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 400, 1000],
      ['no protocol', changed(({ protocol: _, ...rest }) => rest), 400, 1000],
      ['the old protocol', changed((e) => ({ ...e, protocol: 'smcp/v1' })), 400, 1000],
      ['no timestamp', changed(({ timestamp: _, ...rest }) => rest), 400, 1000],
      ['a timestamp without zone', changed((e) => ({ ...e, timestamp: '2026-05-01T12:00:00' })), 400, 1000],
      ['an empty payload', changed((e) => ({ ...e, payload: {} })), 400, 1000],
      ['garbage for base64', changed((e) => ({ ...e, signature: '!!!!' })), 400, 1000],
      ['URL-safe base64', changed((e) => ({ ...e, signature: `${'-'.repeat(86)}==` })), 400, 1000],
      ['a short signature', changed((e) => ({ ...e, signature: Buffer.alloc(63).toString('base64') })), 401, 1001],
      ['another payload', changed((e) => ({ ...e, payload: toolCall('fs.list') })), 401, 1001],
      ['another session’s token', changed((e) => ({ ...e, security_token: other.token })), 401, 1001],
      ['an unknown token', changed((e) => ({ ...e, security_token: `${seal.token}x` })), 401, 1005],
      ['a flipped token', changed((e) => ({ ...e, security_token: seal.token.replace(/.$/, 'A~') })), 401, 1005],
      ['31 s behind', seal.envelope(toolCall('fs.write', { path: 'ran.txt', content: 'x' }), now - 31_000), 401, 1003],
      ['31 s ahead', seal.envelope(toolCall('fs.write', { path: 'ran.txt', content: 'x' }), now + 31_000), 401, 1003],
      ['no method', seal.envelope({ id: 1 }), 400, 1000],
      ['no tool', seal.envelope({ method: 'tools/call', params: {} }), 400, 1000],
      ['no params', seal.envelope({ method: 'tools/call' }), 400, 1000],
      [
        'a list for arguments',
        seal.envelope({ method: 'tools/call', params: { name: 'fs.read', arguments: [] } }),
        400,
        1000,
      ],
      [
        'a whole number that would be rounded',
        seal.envelope(toolCall('fs.read', { path: 'a', n: 2n ** 60n })),
        422,
        4000,
      ],
      ['too many levels', good().replace('"x"', `${'['.repeat(300)}${']'.repeat(300)}`), 400, 1000],
      ['too much', `{"a":"${'x'.repeat(2 * 1024 ** 2)}"}`, 413, 1000],
    ]
    for (const [what, body, status, code] of cases) {
      const answer = await seal.send(body)
      expect([what, ...told(answer)]).toEqual([what, status, code])
      requireSuperset(answer)
      expect(answer.body).not.toContain(seal.token)
    }
    const form = await t.request({
      method: 'POST',
      url: '/v1/seal/invoke',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      payload: 'a=b',
    })
    expect(told(form)).toEqual([415, 1000])
    for (const url of ['/v1/seal/invoke', '/v1/seal/attest'])
      for (const method of ['GET', 'PUT'] as const) requireSuperset(await t.request({ method, url }))
    const list = await seal.call('fs.list', { path: '.' })
    expect(JSON.stringify(list.json().result)).not.toContain('ran.txt')
  })

  it('passes at both borders of the window, whatever the spelling of the instant, and once', async () => {
    t = await start()
    const seal = await sealHand(t, { security_context: 'default' }, { headers: await serviceHeaders(t) })
    const now = t.clock.now()
    for (const at of [now - 30_000, now + 30_000]) {
      const body = seal.envelope(toolCall('fs.list', { path: '.' }), at)
      expect((await seal.send(body)).statusCode).toBe(200)
      expect(told(await seal.send(body))).toEqual([401, 1003])
      const envelope = JSON.parse(body) as { timestamp: string }
      const respelled = JSON.stringify({ ...envelope, timestamp: Math.floor(at / 1000), container_id: 'c' }, null, 2)
      expect(told(await seal.send(respelled))).toEqual([401, 1003])
    }
    // Still fresh 59 s later, and still remembered.
    const ahead = seal.envelope(toolCall('fs.list', { path: '.' }), now + 29_000)
    expect((await seal.send(ahead)).statusCode).toBe(200)
    t.clock.set(now + 58_000)
    expect(told(await seal.send(ahead))).toEqual([401, 1003])
    // What ran out is swept; a clock that is set back makes it no new one.
    await t.clock.advance(240_000)
    t.clock.set(now)
    expect(told(await seal.send(ahead))).toEqual([401, 1003])
  })

  it('of a session that ran out is refused as expired', async () => {
    t = await start()
    const seal = await sealHand(t, { security_context: 'default' }, { headers: await serviceHeaders(t) })
    t.clock.set(t.clock.now() + 3_600_000)
    expect(told(await seal.call('fs.list', { path: '.' }))).toEqual([401, 1003])
  })

  it('many at once of one kind are accepted once', async () => {
    t = await start()
    const seal = await sealHand(t, { security_context: 'default' }, { headers: await serviceHeaders(t) })
    const body = seal.envelope(toolCall('fs.list', { path: '.' }))
    const answers = await Promise.all(Array.from({ length: 12 }, () => seal.send(body)))
    expect(answers.filter(({ statusCode }) => statusCode === 200)).toHaveLength(1)
  })

  it('sent as numbers of Python is verified as they are spelled', async () => {
    t = await start()
    const pair = Ed25519Key.generate()
    const seal = await sealHand(t, { security_context: 'default' }, { headers: await serviceHeaders(t), key: pair })
    const args = '{"big":1e+16,"n":1.0,"path":"."}'
    const payload = `{"id":"r","method":"tools/call","params":{"arguments":${args},"name":"fs.list"}}`
    const unix = Math.floor(t.clock.now() / 1000)
    const message = `{"payload":${payload},"security_token":${JSON.stringify(seal.token)},"timestamp":${unix}}`
    const body = `{"protocol":"seal/v1","payload":${payload},"security_token":${JSON.stringify(seal.token)},"signature":"${pair.signBase64(message)}","timestamp":${unix}}`
    expect(told(await seal.send(body))).toEqual([422, 4000])
  })
})

onPostgres('several servers on one database', (start) => {
  it('accept an envelope once between them, share keys and sessions, and a revocation holds on all of them', async () => {
    const one = await start({ environment: { LICTOR_MASTER_KEY: '7'.repeat(64) } })
    const other = await startTestServer({
      environment: { ...one.environment, LICTOR_DATA_DIR: mkdtempSync(join(tmpdir(), 'lictor-seal-')) },
    })
    try {
      const headers = await serviceHeaders(one)
      const { prefix } = await workloadPrefix(one, headers, { workload_id: 'wl', allowed_contexts: ['default'] })
      const seal = await sealHand(one, { security_context: 'default' }, { prefix })
      other.clock.set(one.clock.now())
      const elsewhere = handOf(other, seal.key, seal.token, seal.sessionId)
      for (let turn = 0; turn < 8; turn++) {
        const body = seal.envelope(toolCall('fs.list', { path: '.' }))
        const answers = await Promise.all([
          seal.send(body),
          elsewhere.send(body),
          seal.send(body),
          elsewhere.send(body),
        ])
        expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([200, 401, 401, 401])
      }
      // A session that the other server opened ends the one that this server opened, by the same proof.
      const again = await sealHand(other, { security_context: 'default' }, { prefix })
      expect(told(await seal.call('fs.list', { path: '.' }))).toEqual([401, 1006])
      expect(
        (await handOf(one, again.key, again.token, again.sessionId).call('fs.list', { path: '.' })).statusCode,
      ).toBe(200)
    } finally {
      await other.close()
      await one.close()
    }
  })
})
