// biome-ignore-all lint/suspicious/noThenProperty: 'then' is a field of the language
import { createHash, createPublicKey, verify } from 'node:crypto'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { openSse, type SseClient } from '../../../test/sse-client.ts'

const bundle = (name: string, message = 'no'): string => `# kept for people
apiVersion: edictum/v1
kind: ContractBundle
metadata: {name: ${name}}
defaults: {mode: enforce}
contracts:
  - {id: a, type: pre, tool: x, when: {args.a: {in: [yes, "yes"]}}, then: {effect: deny, message: "${message}"}}
`
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

function isSigned(bytes: Uint8Array, signature: string, publicKey: string): boolean {
  const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), Buffer.from(publicKey, 'hex')])
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' })
  return verify(null, bytes, key, Buffer.from(signature, 'base64'))
}

onEachDatabase('the doors of the later SDKs', (start) => {
  let t: TestServer
  let admin: Record<string, string>
  let agent: Record<string, string>
  let address: Promise<string> | null
  const open: SseClient[] = []
  beforeEach(async () => {
    t = await start()
    address = null
    admin = await t.admin()
    agent = { ...(await t.agent()), 'content-type': 'application/json' }
  })
  afterEach(async () => {
    for (const client of open.splice(0)) client.close()
    await t.close()
  })

  /** The server's address; it listens from the first time it is asked for. */
  const listening = () => {
    address ??= t.listen()
    return address
  }
  const call = async (method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'PATCH', url: string, payload?: object, as = agent) =>
    t.request({ method, url, headers: as, ...(payload ? { payload } : {}) })
  async function deploy(yaml: string, env = 'production') {
    const uploaded = await call('POST', '/api/v1/bundles', { yaml_content: yaml }, admin)
    expect(uploaded.statusCode).toBe(201)
    const { name, version, revision_hash } = uploaded.json()
    const answer = await call('POST', `/api/v1/bundles/${name}/${version}/deploy`, { env }, admin)
    expect(answer.statusCode).toBeLessThan(300)
    return { name, version, storedHash: revision_hash as string }
  }
  async function stream(query = '', headers = agent): Promise<SseClient> {
    const client = await openSse(`${await listening()}/v1/stream${query}`, headers)
    open.push(client)
    expect(client.status).toBe(200)
    return client
  }
  const current = async (name: string) => (await call('GET', `/v1/rulesets/${name}/current`)).json()
  const told = async (client: SseClient, count: number) => {
    const events = []
    for (let i = 0; i < count; i++) events.push(await client.next())
    return events
  }

  it('a stored bundle is offered as a Ruleset in both forms, signed over the bytes that are offered; what is stored stays', async () => {
    const { storedHash } = await deploy(bundle('devops'))
    const offered = await current('devops')
    const bytes = Buffer.from(offered.yaml_bytes, 'base64')
    expect(bytes.toString()).toBe(offered.yaml)
    expect(JSON.parse(offered.yaml)).toMatchObject({
      kind: 'Ruleset',
      rules: [{ when: { 'args.a': { in: [true, 'yes'] } }, then: { action: 'block' } }],
    })
    expect(offered.revision_hash).toBe(sha256(bytes))
    expect(isSigned(bytes, offered.signature, offered.public_key)).toBe(true)
    const stored = (await call('GET', '/api/v1/bundles/devops/current?env=production')).json()
    expect(stored.revision_hash).toBe(storedHash)
    expect(Buffer.from(stored.yaml_bytes, 'base64').toString()).toBe(bundle('devops'))
  })

  it('the environment is that of the key; another is refused, and what is not deployed is not found', async () => {
    await deploy(bundle('devops'), 'staging')
    expect((await call('GET', '/v1/rulesets/devops/current')).statusCode).toBe(404)
    expect((await call('GET', '/v1/rulesets/devops/current?env=staging')).statusCode).toBe(403)
    expect((await call('GET', '/v1/stream?env=staging')).statusCode).toBe(403)
    const staging = await t.agent('staging')
    expect((await call('GET', '/v1/rulesets/devops/current', undefined, staging)).statusCode).toBe(200)
    expect((await call('GET', '/v1/rulesets/devops/current', undefined, {})).statusCode).toBe(401)
  })

  it('after the signing key is rotated, what is offered verifies with the new key, and its bytes are the same', async () => {
    await deploy(bundle('devops'))
    const before = await current('devops')
    expect((await call('POST', '/api/v1/settings/rotate-signing-key', {}, admin)).statusCode).toBeLessThan(300)
    const after = await current('devops')
    expect(after.public_key).not.toBe(before.public_key)
    expect(after.yaml_bytes).toBe(before.yaml_bytes)
    expect(isSigned(Buffer.from(after.yaml_bytes, 'base64'), after.signature, after.public_key)).toBe(true)
  })

  it('a version that was deployed before it was ever offered is offered, signed', async () => {
    await deploy(bundle('devops'))
    await t.server.database.db.deleteFrom('offered_rulesets').execute()
    const offered = await current('devops')
    expect(isSigned(Buffer.from(offered.yaml_bytes, 'base64'), offered.signature, offered.public_key)).toBe(true)
  })

  it('a stream that names no bundle is told every bundle of the environment, its own document first', async () => {
    const first = await deploy(bundle('devops'))
    await deploy(bundle('other'))
    await call(
      'POST',
      '/api/v1/assignment-rules',
      { priority: 1, pattern: '*', env: 'production', bundle_name: 'devops' },
      admin,
    )
    const client = await stream()
    const events = await told(client, 4)
    expect(events.map(({ type }) => type)).toEqual([
      'assignment_changed',
      'contract_update',
      'ruleset_updated',
      'ruleset_updated',
    ])
    const offered = await current('devops')
    expect(events[1]?.data).toMatchObject({
      type: 'contract_update',
      bundle_name: 'devops',
      yaml_bytes: offered.yaml_bytes,
      signature: offered.signature,
      revision_hash: offered.revision_hash,
    })
    expect(
      events
        .slice(2)
        .map(({ data }) => data.name)
        .sort(),
    ).toEqual(['devops', 'other'])
    expect(first.storedHash).not.toBe(offered.revision_hash)
  })

  it('who runs what is offered is sent nothing again, by either of its hashes', async () => {
    const { storedHash } = await deploy(bundle('devops'))
    const { revision_hash } = await current('devops')
    for (const hash of [revision_hash, storedHash]) {
      const client = await stream(`?env=production&bundle_name=devops&policy_version=${hash}`)
      await deploy(bundle('devops', `after ${hash}`))
      const { type, data } = await client.next()
      expect([type, data.bundle_name]).toEqual(['contract_update', 'devops'])
      expect(data.revision_hash).not.toBe(hash)
      client.close()
      await deploy(bundle('devops'))
    }
  })

  it('a deploy reaches each stream in the words that it reads', async () => {
    await deploy(bundle('devops'))
    const later = await stream('?bundle_name=devops')
    const earlier = await openSse(`${await listening()}/api/v1/stream?env=production&bundle_name=devops`, agent)
    open.push(earlier)
    await told(later, 1)
    await told(earlier, 1)
    const { version, storedHash } = await deploy(bundle('devops', 'second'))
    const [update, named] = await told(later, 2)
    expect([update?.type, named?.type, named?.data]).toEqual([
      'contract_update',
      'ruleset_updated',
      { type: 'ruleset_updated', name: 'devops', version },
    ])
    expect(Buffer.from(String(update?.data.yaml_bytes), 'base64').toString()).toContain('"kind": "Ruleset"')
    const [stored] = await told(earlier, 1)
    expect([stored?.type, stored?.data.revision_hash]).toEqual(['contract_update', storedHash])
    await deploy(bundle('last'))
    expect((await told(later, 1))[0]?.data).toMatchObject({ type: 'ruleset_updated', name: 'last' })
    expect(earlier.events.some(({ type }) => type.startsWith('ruleset'))).toBe(false)
  })

  it('an agent that is assigned another bundle is given its document with it, and follows rules when it comes back naming it', async () => {
    await deploy(bundle('one'))
    await deploy(bundle('two'))
    await deploy(bundle('three'))
    const rule = await call(
      'POST',
      '/api/v1/assignment-rules',
      { priority: 5, pattern: '*', env: 'production', bundle_name: 'one' },
      admin,
    )
    const client = await stream()
    await told(client, 5)
    await call('PATCH', '/api/v1/agent-registrations/agent-1', { bundle_name: 'two' }, admin)
    const [changed, update] = await told(client, 2)
    expect([changed?.type, changed?.data.bundle_name, update?.type, update?.data.bundle_name]).toEqual([
      'assignment_changed',
      'two',
      'contract_update',
      'two',
    ])
    await call('PATCH', '/api/v1/agent-registrations/agent-1', { bundle_name: '' }, admin)
    expect((await told(client, 2)).map(({ data }) => data.bundle_name)).toEqual(['one', 'one'])
    client.close()
    const { revision_hash } = await current('one')
    await expect
      .poll(
        async () =>
          (await t.server.database.db.selectFrom('agent_registrations').select('assigned_bundle').executeTakeFirst())
            ?.assigned_bundle,
        { timeout: 15_000 },
      )
      .toBe('one')
    const back = await stream(`?bundle_name=one&policy_version=${revision_hash}`)
    await told(back, 1)
    await call(
      'POST',
      '/api/v1/assignment-rules',
      { priority: 1, pattern: '*', env: 'production', bundle_name: 'three' },
      admin,
    )
    const [moved, document] = await told(back, 2)
    expect([moved?.data.bundle_name, document?.type, document?.data.bundle_name]).toEqual([
      'three',
      'contract_update',
      'three',
    ])
    expect(rule.statusCode).toBe(201)
  })

  it('an agent that names a bundle of its own keeps it, whatever the rules say', async () => {
    await deploy(bundle('mine'))
    await deploy(bundle('theirs'))
    const client = await stream('?bundle_name=mine')
    expect((await told(client, 1))[0]?.data.bundle_name).toBe('mine')
    await call(
      'POST',
      '/api/v1/assignment-rules',
      { priority: 1, pattern: '*', env: 'production', bundle_name: 'theirs' },
      admin,
    )
    const { version } = await deploy(bundle('mine', 'second'))
    expect((await told(client, 1))[0]?.data).toMatchObject({ type: 'contract_update', bundle_name: 'mine', version })
  })

  it('a document too large for a line of the Go SDK is told by its name', async () => {
    const many = Array.from(
      { length: 1_800 },
      (_, i) =>
        `  - {id: c${i}, type: pre, tool: x, when: {args.a: {equals: "${i}"}}, then: {effect: deny, message: "${'m'.repeat(400)}"}}`,
    ).join('\n')
    await deploy(
      `apiVersion: edictum/v1\nkind: ContractBundle\nmetadata: {name: large}\ndefaults: {mode: enforce}\ncontracts:\n${many}\n`,
    )
    const client = await stream('?bundle_name=large')
    const [event] = await told(client, 1)
    expect(event?.type).toBe('contract_update')
    expect(event?.data).toMatchObject({ _assignment_changed: true, bundle_name: 'large' })
    expect(event?.data).not.toHaveProperty('yaml_bytes')
    expect((await current('large')).yaml.length).toBeGreaterThan(750_000)
  })

  it('an agent of a key for rulesets is given them under /api/v1 too, with signatures in base64', async () => {
    await deploy(bundle('devops'))
    const made = await call('POST', '/api/v1/keys', { env: 'production', client: 'rulesets' }, admin)
    expect(made.json()).toMatchObject({ client: 'rulesets', signature: null })
    const key = { authorization: `Bearer ${made.json().key}`, 'x-edictum-agent-id': 'p17' }
    const offered = await current('devops')
    const got = (await call('GET', '/api/v1/bundles/devops/current?env=production', undefined, key)).json()
    expect([got.yaml_bytes, got.signature, got.revision_hash]).toEqual([
      offered.yaml_bytes,
      offered.signature,
      offered.revision_hash,
    ])
    const client = await openSse(`${await listening()}/api/v1/stream?env=production&bundle_name=devops`, key)
    open.push(client)
    expect((await told(client, 1))[0]?.data).toMatchObject({
      signature: offered.signature,
      yaml_bytes: offered.yaml_bytes,
    })
  })

  it('a key says how signatures are written on its streams', async () => {
    await deploy(bundle('devops'))
    const made = await call('POST', '/api/v1/keys', { env: 'production', signature: 'base64' }, admin)
    const key = { authorization: `Bearer ${made.json().key}`, 'x-edictum-agent-id': 'p16' }
    const client = await openSse(`${await listening()}/api/v1/stream?env=production&bundle_name=devops`, key)
    open.push(client)
    const seen = [(await told(client, 1))[0]]
    await deploy(bundle('devops', 'second'))
    seen.push((await told(client, 1))[0])
    for (const event of seen) {
      const { yaml_bytes, signature, public_key } = (event?.data ?? {}) as Record<string, string>
      expect(isSigned(Buffer.from(yaml_bytes ?? '', 'base64'), signature ?? '', public_key ?? '')).toBe(true)
    }
  })

  it('flat events are stored in one set of words, with what else they say as their payload, and the hash of what is stored', async () => {
    const { storedHash } = await deploy(bundle('devops'))
    const { revision_hash } = await current('devops')
    const flat = (action: string, more: object = {}) => ({
      schema_version: '0.3.0',
      call_id: `call-${action}`,
      agent_id: 'agent-1',
      tool_name: 'x',
      tool_args: { a: 1 },
      environment: 'production',
      mode: 'enforce',
      action,
      decision_name: 'a',
      policy_version: revision_hash,
      timestamp: '2026-03-01T12:00:00.123456+00:00',
      ...more,
    })
    const words = ['call_blocked', 'call_would_block', 'call_asked', 'call_approval_blocked', 'call_executed']
    const answer = await call('POST', '/v1/events', { events: words.map((word) => flat(word)) })
    expect(answer.json()).toEqual({ accepted: 5, duplicates: 0 })
    const events = (await call('GET', '/api/v1/events', undefined, admin)).json<
      { verdict: string; payload: object }[]
    >()
    expect(events.map(({ verdict }) => verdict).sort()).toEqual(
      ['call_denied', 'call_would_deny', 'call_approval_requested', 'call_approval_denied', 'call_executed'].sort(),
    )
    expect(events.find(({ verdict }) => verdict === 'call_denied')?.payload).toEqual({
      schema_version: '0.3.0',
      tool_args: { a: 1 },
      environment: 'production',
      action: 'call_blocked',
      decision_name: 'a',
      policy_version: storedHash,
      offered_policy_version: revision_hash,
    })
    const again = await call('POST', '/v1/events', { events: words.map((word) => flat(word)) })
    expect(again.json()).toEqual({ accepted: 0, duplicates: 5 })
  })

  it('events without a call, an agent or a mode are stored; the same again are duplicates; a malformed one costs none of the others', async () => {
    const go = {
      call_id: '',
      tool_name: 'x',
      action: 'call_allowed',
      principal: {},
      reason: '',
      timestamp: '2026-03-01T12:00:00.123456789Z',
    }
    const gate = { tool_name: 'Bash', decision: 'allowed', user: 'u', timestamp: '2026-03-01T12:00:00Z' }
    const batch = { events: [go, { ...go, tool_args: { n: 1 } }, gate, { action: 'call_allowed' }, 7] }
    const answer = (await call('POST', '/v1/events', batch)).json()
    expect(answer).toMatchObject({ accepted: 3, duplicates: 0, rejected: [{ index: 3 }, { index: 4 }] })
    expect((await call('POST', '/v1/events', { events: [go, gate] })).json()).toEqual({ accepted: 0, duplicates: 2 })
    const stored = (await call('GET', '/api/v1/events', undefined, admin)).json<
      { agent_id: string; mode: string; payload: object }[]
    >()
    expect(stored.map(({ agent_id, mode }) => [agent_id, mode])).toEqual(Array(3).fill(['agent-1', 'enforce']))
    expect(stored.some(({ payload }) => 'reason' in payload && payload.reason === null)).toBe(true)
    const { 'x-edictum-agent-id': _, ...nameless } = agent
    const none = await call('POST', '/v1/events', { events: [{ ...gate, user: 'v' }] }, nameless)
    expect(none.json()).toEqual({ accepted: 1, duplicates: 0 })
    expect((await call('GET', '/api/v1/events', undefined, admin)).body).toContain('key:edk_production_')
    const bad = await call('POST', '/v1/events', { events: [{}] })
    expect([bad.statusCode, bad.json().rejected.length]).toEqual([200, 1])
  })

  it('an event of 0.17 on the earlier door is stored by its decision, and shows which documents its agent reads', async () => {
    const event = {
      call_id: 'c',
      agent_id: 'p17',
      tool_name: 'x',
      decision: 'call_denied',
      mode: 'enforce',
      timestamp: 0,
      payload: {},
    }
    await call(
      'POST',
      '/api/v1/agents/ack',
      { bundle_name: 'b', policy_version: 'v' },
      { ...agent, 'x-edictum-agent-id': 'p17' },
    )
    await stream('', { ...agent, 'x-edictum-agent-id': 'later' })
    await openSse(`${await listening()}/api/v1/stream?env=production`, { ...agent, 'x-edictum-agent-id': 'p17' }).then(
      (client) => open.push(client),
    )
    expect((await call('POST', '/api/v1/events', { events: [event] })).json()).toEqual({ accepted: 1, duplicates: 0 })
    expect((await call('GET', '/api/v1/events', undefined, admin)).json()[0]).toMatchObject({ verdict: 'call_denied' })
    await expect
      .poll(
        async () => {
          await t.clock.advance(1_000)
          const agents = (await call('GET', '/api/v1/agent-registrations', undefined, admin)).json<
            { agent_id: string; reads: string }[]
          >()
          return agents.map(({ agent_id, reads }) => [agent_id, reads])
        },
        { timeout: 15_000 },
      )
      .toEqual([
        ['later', 'rulesets'],
        ['p17', 'rulesets'],
      ])
  })

  it('an approval is asked for in the words of rulesets, shown with its session, and its end is told in words that every client knows', async () => {
    const ask = {
      agent_id: 'agent-1',
      tool_name: 'x',
      tool_args: { a: 1 },
      message: 'm',
      timeout: 12.4,
      timeout_action: 'allow',
      session_id: 's-1',
    }
    const asked = await call('POST', '/v1/approvals', ask)
    expect(asked.statusCode).toBe(201)
    expect(asked.json()).toMatchObject({ status: 'pending', timeout: 13, timeout_action: 'allow', session_id: 's-1' })
    const { id } = asked.json()
    const shown = (await call('GET', `/api/v1/approvals/${id}`, undefined, admin)).json()
    expect(shown).toMatchObject({
      timeout_effect: 'allow',
      session_id: 's-1',
      tool_args: { a: 1 },
      agent_id: 'agent-1',
    })
    await call('PUT', `/api/v1/approvals/${id}`, { approved: false, reason: 'not now' }, admin)
    expect((await call('GET', `/v1/approvals/${id}`)).json()).toMatchObject({
      status: 'denied',
      decision_reason: 'not now',
      reason: 'not now',
    })
    const other = (await call('POST', '/v1/approvals', { ...ask, timeout: 1 })).json()
    await t.clock.advance(1_001)
    expect((await call('GET', `/v1/approvals/${other.id}`)).json().status).toBe('timeout')
    expect((await call('GET', '/v1/approvals/00000000-0000-4000-8000-000000000000')).statusCode).toBe(404)
    const earlier = await call('POST', '/api/v1/approvals', {
      agent_id: 'a',
      tool_name: 'x',
      message: 'm',
      timeout_action: 'allow',
    })
    expect(earlier.json()).toMatchObject({ timeout_effect: 'allow' })
  })

  it('counters and values of sessions are those of the earlier door, under any key that is text', async () => {
    const key = encodeURIComponent('s:räum 1@x:attempts')
    expect((await call('GET', `/v1/sessions/${key}`)).statusCode).toBe(404)
    expect((await call('POST', `/v1/sessions/${key}/increment`, { amount: 2 })).json()).toEqual({ value: 2 })
    expect((await call('PUT', '/v1/sessions/s:one:consec_fail', { value: '0' })).json()).toEqual({ value: '0' })
    expect((await call('POST', '/v1/sessions/s:one:consec_fail/increment', { amount: 1 })).json()).toEqual({ value: 1 })
    expect((await call('GET', '/api/v1/sessions/s%3Aone%3Aconsec_fail')).json()).toEqual({ value: '1' })
    expect((await call('POST', '/v1/sessions/batch', { keys: ['s:räum 1@x:attempts', 'none'] })).json()).toEqual({
      values: { 's:räum 1@x:attempts': '2', none: null },
    })
    expect((await call('DELETE', `/v1/sessions/${key}`)).json()).toEqual({ value: null })
    const longest = encodeURIComponent('é'.repeat(512))
    expect((await call('PUT', `/v1/sessions/${longest}`, { value: 'v' })).statusCode).toBe(200)
    for (const bad of ['é'.repeat(513), 'a\u0000b', 'a/../b']) {
      const answer = await call('POST', '/v1/sessions/batch', { keys: [bad] })
      expect([bad.length, answer.statusCode]).toEqual([bad.length, 422])
    }
  })

  it('the newest scan of skills of each key and folder is kept and listed; without a key none is taken', async () => {
    const scan = {
      scanner_version: '1',
      skills_dir: '/skills',
      total_scanned: 2,
      violations: [{ skill_name: 's' }],
      stats: { high: 1 },
    }
    for (const url of ['/v1/skill-scan', '/api/v1/skill-scan']) {
      const answer = await call('POST', url, { ...scan, scanner_version: url })
      expect([answer.statusCode, answer.json()]).toEqual([200, {}])
    }
    expect((await call('POST', '/v1/skill-scan', scan, {})).statusCode).toBe(401)
    const listed = (await call('GET', '/api/v1/skill-scans', undefined, admin)).json()
    expect(listed).toMatchObject([
      { skills_dir: '/skills', report: { ...scan, scanner_version: '/api/v1/skill-scan' } },
    ])
    expect((await call('POST', '/v1/skill-scan', { violations: 'x' })).statusCode).toBe(422)
  })

  it('says that it is there', async () => {
    expect((await call('GET', '/v1/health')).json()).toEqual({ status: 'ok' })
  })

  it('a Ruleset in words that some readers refuse is refused with each word and its place; one that others cannot load says whose', async () => {
    const ruleset = (rule: string) =>
      `apiVersion: edictum/v1\nkind: Ruleset\nmetadata: {name: r}\ndefaults: {mode: enforce}\nrules:\n  - ${rule}\n`
    const lax = await call(
      'POST',
      '/api/v1/bundles',
      { yaml_content: ruleset('{id: a, type: sandbox, tools: [x], within: [/tmp], outside: approve, message: m}') },
      admin,
    )
    expect(lax.statusCode).toBe(422)
    expect(lax.body).toContain("A Ruleset says 'ask', not 'approve'")
    const pattern = await call(
      'POST',
      '/api/v1/bundles',
      {
        yaml_content: ruleset(
          '{id: a, type: pre, tool: x, when: {args.a: {matches: "(?i)a(?=b)"}}, then: {action: block, message: m}}',
        ),
      },
      admin,
    )
    expect(pattern.json().reader_warnings.map((one: { reader: string }) => one.reader)).toEqual(['typescript', 'go'])
  })
})
