import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Edictum } from '../edictum.ts'
import { EdictumDenied } from '../errors.ts'
import { silentLogger } from '../logger.ts'
import type { ServerGuardOptions } from '../options.ts'
import { Session } from '../session.ts'
import { MemoryBackend } from '../storage.ts'
import { delivered, FakeConsole, newSigner } from '../testing/fake-console.ts'
import { digestOf, FakeGovernance } from '../testing/fake-governance.ts'
import { approve, bundle, countingTool, deny, limit } from '../testing/guards.ts'
import { ManualClock, settle, until } from '../testing/manual-clock.ts'

let console_: FakeConsole
let governance: FakeGovernance
let clock: ManualClock
let guards: Edictum[]
let contracts: string[]
let deliveryExtra: object
let warnings: string[]

beforeEach(async () => {
  console_ = await FakeConsole.start()
  governance = new FakeGovernance().attach(console_)
  governance.intercept = (seen) =>
    seen.path.startsWith('/api/v1/bundles') ? { json: delivered('main', bundle(contracts), deliveryExtra) } : null
  clock = new ManualClock()
  guards = []
  contracts = []
  deliveryExtra = {}
  warnings = []
})
afterEach(async () => {
  for (const guard of guards) await guard.close()
  await console_.close()
})

const connect = async (more: Partial<ServerGuardOptions> = {}) => {
  const guard = await Edictum.fromServer({
    url: console_.url,
    apiKey: 'edk_production_x',
    agentId: 'agent-1',
    bundleName: 'main',
    clock,
    autoWatch: false,
    spool: false,
    logger: { ...silentLogger, warn: (line) => warnings.push(line) },
    ...more,
  })
  guards.push(guard)
  return guard
}
const caught = (promise: Promise<unknown>) => promise.catch((error: unknown) => error)
const actions = (guard: Edictum) => guard.localSink.events.map((event) => event.action)

describe('session limits over the server', () => {
  test('one exchange before the tool, one after it', async () => {
    contracts = [limit('budget', '{ max_tool_calls: 100, max_calls_per_tool: { "send mail": 3 } }')]
    const guard = await connect()
    let before = 0
    await guard.run('send mail', { to: 'u' }, () => (before = console_.to('/api/v1/sessions').length))
    expect(before).toBe(1)
    expect(console_.to('/api/v1/sessions').map((seen) => [seen.path, seen.body])).toEqual([
      [
        '/api/v1/sessions/reserve',
        {
          session: guard.sessionId,
          tool: 'send_x20mail',
          bounds: { max_attempts: 500, max_tool_calls: 100, max_calls_per_tool: 3 },
          count_attempt: true,
        },
      ],
      ['/api/v1/sessions/settle', { lease: 'lease-1', outcome: 'success' }],
    ])
    expect(governance.values.get(`s:${guard.sessionId}:execs`)).toBe(1)
  })

  test.each([false, true])('20 at once against 3 on two guards: three run (older server: %s)', async (older) => {
    governance.older = older
    contracts = [limit('budget', '{ max_calls_per_tool: { send_mail: 3 } }')]
    // An older server reserves nothing: the limit then holds within one guard only.
    const connected = older ? [await connect()] : [await connect(), await connect()]
    let ran = 0
    let release: () => void = () => {}
    const released = new Promise<void>((resolve) => (release = resolve))
    const calls = Array.from({ length: 20 }, (_, index) =>
      connected[index % connected.length]?.run(
        'send_mail',
        { to: `u${index}` },
        async () => {
          ran++
          await released
        },
        { sessionId: 'shared' },
      ),
    )
    let denied = 0
    for (const call of calls) call?.catch((error: unknown) => (denied += error instanceof EdictumDenied ? 1 : 0))
    await until(() => denied === 17, '17 are denied')
    release()
    await Promise.allSettled(calls)
    expect(ran).toBe(3)
    expect(warnings.filter((line) => line.includes('older'))).toHaveLength(older ? 1 : 0)
    expect(governance.values.get('s:shared:tool:send_mail')).toBe(3)
  })

  test('a call that is denied, or asks, holds no lease', async () => {
    contracts = [deny('no-env', 'read_file', '.env'), approve('ask', 'deploy')]
    const guard = await connect()
    await caught(guard.run('read_file', { path: '.env' }, () => 1))
    const waiting = caught(guard.run('deploy', { path: 'x' }, () => 1))
    await until(() => governance.approvals.length === 1, 'the question is put')
    expect(console_.to('/api/v1/sessions/reserve')).toHaveLength(0)
    expect(governance.values.get(`s:${guard.sessionId}:attempts`)).toBe(2)
    await until(() => clock.nextDelay === 2_000, 'the pause between polls')
    governance.approvals[0]!.status = 'denied'
    await clock.advance(2_000)
    expect(await waiting).toBeInstanceOf(EdictumDenied)
    expect(governance.leases.size).toBe(0)
  })

  test('a lease is renewed while its tool runs, and no longer', async () => {
    const guard = await connect()
    let end: () => void = () => {}
    const call = guard.run('t', {}, () => new Promise<void>((resolve) => (end = resolve)))
    const beats = () => clock.delays.filter((delay) => delay === 20_000).length
    await until(() => governance.leases.size === 1 && beats() === 1, 'the tool runs')
    await clock.advance(20_000)
    await until(() => governance.renewed.length === 1 && beats() === 2, 'the first renewal')
    await clock.advance(20_000)
    await until(() => governance.renewed.length === 2, 'the second renewal')
    end()
    await call
    await clock.advance(120_000)
    expect(governance.renewed).toEqual(['lease-1', 'lease-1'])
    expect(governance.settled).toEqual([['lease-1', 'success']])
  })

  test('a server that swallows everything holds a call for eight seconds, which leaves its closing event', async () => {
    const guard = await connect()
    const bundles = governance.intercept
    governance.intercept = (seen) => (seen.path.includes('/sessions/') ? new Promise(() => {}) : bundles(seen))
    const tool = countingTool(1)
    const call = caught(guard.run('t', {}, tool))
    await until(() => console_.to('/api/v1/sessions').length === 1, 'the reservation is on its way')
    await clock.advance(8_000)
    expect(await call).toMatchObject({ name: 'EdictumConnectionError' })
    expect(tool.calls).toEqual([])
    expect(actions(guard)).toEqual(['call_denied'])
    expect(guard.localSink.last()).toMatchObject({ decisionSource: 'session', policyError: true })
  })

  test('what a contract forbids is denied by it, though the server is away', async () => {
    contracts = [deny('no-env', 'read_file', '.env')]
    const guard = await connect({ maxRetries: 1 })
    governance.intercept = () => ({ status: 503 })
    await expect(guard.run('read_file', { path: '.env' }, () => 1)).rejects.toMatchObject({ decisionName: 'no-env' })
  })
})

describe('an approval is bound to its action', () => {
  const run = (guard: Edictum, tool: (args: object) => unknown = () => 'done') =>
    guard.run('deploy', { path: 'api', count: 2 }, tool)

  beforeEach(() => {
    contracts = [approve('ask', 'deploy', ', timeout: 60')]
    deliveryExtra = { public_key: governance.signer.publicKeyHex }
    governance.decideAtOnce = 'approved'
  })

  test('the digest goes along, the receipt is verified, and the approval is used up before the tool runs', async () => {
    const guard = await connect()
    let consumedBefore = false
    await run(guard, () => (consumedBefore = governance.approvals[0]?.consumedAt !== null))
    const digest = digestOf({
      agent_id: 'agent-1',
      tool_name: 'deploy',
      tool_args: { count: 2, path: 'api' },
      contract_name: 'ask',
      policy_version: guard.policyVersion,
    })
    expect(governance.approvals[0]?.body.action_digest).toBe(digest)
    expect(consumedBefore).toBe(true)
    expect(actions(guard)).toEqual(['call_approval_requested', 'call_approval_granted', 'call_executed'])
    expect(guard.localSink.last().approval).toEqual({
      id: 'ap-1',
      decidedBy: 'ann',
      reason: null,
      actionDigest: digest,
      verification: 'verified',
    })
  })

  test('a pinned key alone counts', async () => {
    deliveryExtra = {}
    const good = await connect({ signingPublicKey: governance.signer.publicKeyHex.toUpperCase() })
    expect(await run(good)).toBe('done')
    expect(good.localSink.last().approval?.verification).toBe('verified')
    deliveryExtra = { public_key: governance.signer.publicKeyHex }
    const other = await connect({ signingPublicKey: newSigner().publicKeyHex })
    expect(await caught(run(other))).toMatchObject({ name: 'ApprovalReceiptError' })
    expect(other.localSink.last().action).toBe('call_approval_failed')
  })

  test('a server that has changed its key is asked for the new one', async () => {
    deliveryExtra = { public_key: newSigner().publicKeyHex }
    const guard = await connect()
    deliveryExtra = { public_key: governance.signer.publicKeyHex }
    expect(await run(guard)).toBe('done')
    expect(guard.localSink.last().approval?.verification).toBe('verified')
  })

  test('without any key known the signature must still hold, and the record says unverified', async () => {
    deliveryExtra = {}
    const guard = await connect()
    expect(await run(guard)).toBe('done')
    expect(guard.localSink.last().approval?.verification).toBe('unverified')
  })

  test.each([
    ['is missing', () => null],
    ['is about another action', (receipt: object) => ({ ...receipt, action_digest: '0'.repeat(64) })],
    ['is about another approval', (receipt: object) => ({ ...receipt, approval_id: 'ap-9' })],
    ['tells another decision', (receipt: object) => ({ ...receipt, decision: 'denied' })],
    ['names another decider', (receipt: object) => ({ ...receipt, decided_by: 'mallory' })],
    ['has no signature', (receipt: object) => ({ ...receipt, signature: null })],
  ])('a receipt that %s denies', async (_what, forge) => {
    const guard = await connect()
    const receipt = governance.receipt.bind(governance)
    governance.receipt = (approval) => forge(receipt(approval) as object) as never
    const tool = countingTool(1)
    expect(await caught(run(guard, tool))).toMatchObject({ name: 'ApprovalReceiptError' })
    expect(tool.calls).toEqual([])
    expect(guard.localSink.last().action).toBe('call_approval_failed')
    expect(governance.approvals[0]?.consumedAt).toBeNull()
  })

  test('an approval that was used before denies, and gives its place back', async () => {
    const guard = await connect()
    const bundles = governance.intercept
    governance.intercept = (seen) => {
      const [first] = governance.approvals
      if (first && seen.path.endsWith('/consume')) first.consumedAt ??= 'before'
      return bundles(seen)
    }
    const tool = countingTool(1)
    expect(await caught(run(guard, tool))).toBeInstanceOf(EdictumDenied)
    expect(tool.calls).toEqual([])
    expect(actions(guard)).toEqual(['call_approval_requested', 'call_approval_granted', 'call_approval_failed'])
    expect(guard.localSink.last().reason).toContain('approval_consumed')
    await until(() => governance.settled.length === 1, 'the lease is given back')
    expect(governance.settled).toEqual([['lease-1', 'not_run']])
  })

  test('an older server’s word is taken, and recorded unverified', async () => {
    governance.older = true
    const guard = await connect()
    expect(await run(guard)).toBe('done')
    expect(console_.requests.some((seen) => seen.path.endsWith('/consume'))).toBe(false)
    expect(guard.localSink.last().approval).toMatchObject({ verification: 'unverified', actionDigest: null })
    await guard.close()
    expect(governance.events.at(-1)).toMatchObject({
      verdict: 'call_executed',
      payload: { approval: { id: 'ap-1', verification: 'unverified' } },
    })
  })

  test('five approved calls against a limit of two: two run, the other approvals stay unused', async () => {
    contracts = [...contracts, limit('budget', '{ max_tool_calls: 2 }')]
    const guard = await connect()
    let ran = 0
    const results = await Promise.allSettled(Array.from({ length: 5 }, () => run(guard, async () => ran++)))
    expect(ran).toBe(2)
    expect(results.filter((result) => result.status === 'rejected')).toHaveLength(3)
    expect(governance.approvals.filter((approval) => approval.consumedAt !== null)).toHaveLength(2)
  })

  test('a cancelled call stops asking', async () => {
    governance.decideAtOnce = null
    const guard = await connect()
    const controller = new AbortController()
    const call = caught(guard.run('deploy', { path: 'x' }, () => 1, { signal: controller.signal }))
    await until(() => clock.nextDelay === 2_000, 'the pause between polls')
    controller.abort(new Error('stop'))
    expect(await call).toMatchObject({ message: 'stop' })
    await settle()
    const polls = console_.to('/api/v1/approvals/').length
    await clock.advance(60_000)
    expect(console_.to('/api/v1/approvals/')).toHaveLength(polls)
    expect(guard.localSink.last().action).toBe('call_cancelled')
  })
})

describe('an adoption is acknowledged', () => {
  test('at the start and after each update, by name and version', async () => {
    contracts = [deny('one', 't', 'x')]
    const guard = await connect({ autoWatch: true })
    await until(() => governance.acknowledged.length === 1, 'the first acknowledgement')
    const first = guard.policyVersion
    const stream = await console_.streamNumber(1)
    stream.send('contract_update', delivered('main', bundle([deny('two', 't', 'y')])))
    await until(() => governance.acknowledged.length === 2, 'the second acknowledgement')
    expect(guard.policyVersion).not.toBe(first)
    expect(governance.acknowledged).toEqual([
      { bundle_name: 'main', policy_version: first },
      { bundle_name: 'main', policy_version: guard.policyVersion },
    ])
  })

  test('an older server is asked once', async () => {
    governance.older = true
    const guard = await connect({ autoWatch: true })
    const stream = await console_.streamNumber(1)
    await until(() => console_.to('/api/v1/agents/ack').length === 1, 'the acknowledgement')
    await settle()
    const before = guard.policyVersion
    stream.send('contract_update', delivered('main', bundle([deny('two', 't', 'y')])))
    await until(() => guard.policyVersion !== before, 'the update')
    await settle()
    expect(console_.to('/api/v1/agents/ack')).toHaveLength(1)
  })
})

describe('sequence rules over the server', () => {
  const rules = [
    '{ id: web, type: post, tool: fetch, then: { effect: label, label: untrusted } }',
    '{ id: no-mail, type: pre, tool: send_mail, after: { labels: [untrusted], tools: [read_inbox] }, then: { effect: deny, message: "Not now." } }',
  ]

  test.each(['fetch', 'read_inbox'])(
    'what %s left in a session is there for every guard that shares it',
    async (tool) => {
      contracts = rules
      const [one, other] = [await connect(), await connect()]
      const shared = { sessionId: 'conversation-1' }
      await other.run('send_mail', {}, () => 'sent', shared)
      await one.run(tool, {}, () => 'a page', shared)
      await expect(other.run('send_mail', {}, () => 'sent', shared)).rejects.toThrow('Not now.')
      await other.run('send_mail', {}, () => 'sent', { sessionId: 'conversation-2' })
    },
  )

  test('a tool about whose past nothing is asked costs no further exchange', async () => {
    contracts = rules
    const guard = await connect()
    await guard.run('list_files', {}, () => 'a')
    const alone = console_.to('/api/v1/sessions').length
    contracts = [deny('no-env', 'list_files', '.env')]
    const plain = await connect()
    await plain.run('list_files', {}, () => 'a')
    expect(console_.to('/api/v1/sessions').length - alone).toBe(alone)
  })
})

describe('a question that outlives its run', () => {
  const made = { sessionId: 'thread-1', toolUseId: 'c1', durable: true } as const

  test('is asked once, gone by when the call is made again, and used up by the first run', async () => {
    contracts = [approve('ask', 'delete_file')]
    const storageBackend = new MemoryBackend()
    const [first, later] = [await connect({ storageBackend }), await connect({ storageBackend })]
    const tool = countingTool('deleted')
    const call = (guard: Edictum) => caught(guard.run('delete_file', { path: 'a' }, tool, made))
    expect(await call(first)).toMatchObject({ code: 'EDICTUM_PENDING', approvalId: 'ap-1', question: 'May I? (ask)' })
    expect(await call(later)).toMatchObject({ code: 'EDICTUM_PENDING', approvalId: 'ap-1' })
    expect(governance.approvals).toHaveLength(1)
    expect(actions(first)).toEqual(['call_approval_requested', 'call_cancelled'])
    governance.decide(governance.approvals[0] as never, 'approved')
    await call(later)
    expect(tool.calls).toHaveLength(1)
    expect(await call(first)).toBeInstanceOf(EdictumDenied)
    expect(tool.calls).toHaveLength(1)
  })

  test('is put ahead of its call, which counts nothing and is asked no second time', async () => {
    contracts = [approve('ask', 'delete_file')]
    const guard = await connect({ storageBackend: new MemoryBackend() })
    const ahead = async (args: object) => (await guard.begin('delete_file', { ...args }, made)).askAhead()
    expect(await ahead({ path: 'a' })).toMatchObject({ code: 'EDICTUM_PENDING', approvalId: 'ap-1' })
    expect(await ahead({ path: 'a' })).toMatchObject({ approvalId: 'ap-1' })
    expect(actions(guard)).toEqual(['call_approval_requested', 'call_cancelled'])
    governance.decide(governance.approvals[0] as never, 'approved')
    expect(await ahead({ path: 'a' })).toBeNull()
    expect(await new Session(made.sessionId, guard.backend).attemptCount()).toBe(0)
    const tool = countingTool('deleted')
    await guard.run('delete_file', { path: 'a' }, tool, made)
    expect([tool.calls.length, governance.approvals.length]).toEqual([1, 1])
    expect(actions(guard).slice(2)).toEqual(['call_approval_granted', 'call_executed'])
  })

  test('is not put ahead for a call that no contract asks about, or that one denies', async () => {
    contracts = [approve('ask', 'delete_file'), deny('never', 'read_file', 'a')]
    const guard = await connect({ storageBackend: new MemoryBackend() })
    const ahead = async (tool: string) => (await guard.begin(tool, { path: 'a' }, made)).askAhead()
    expect([await ahead('list_files'), await ahead('read_file')]).toEqual([null, null])
    expect([governance.approvals, actions(guard)]).toEqual([[], []])
  })

  test('that is refused stays refused', async () => {
    contracts = [approve('ask', 'delete_file')]
    const guard = await connect({ storageBackend: new MemoryBackend() })
    const tool = countingTool('deleted')
    const call = () => caught(guard.run('delete_file', { path: 'a' }, tool, made))
    await call()
    governance.decide(governance.approvals[0] as never, 'denied')
    expect(await call()).toBeInstanceOf(EdictumDenied)
    expect(await call()).toBeInstanceOf(EdictumDenied)
    expect([tool.calls, governance.approvals.length]).toEqual([[], 1])
  })

  test('needs an id of the call, and a server that binds approvals to their action', async () => {
    contracts = [approve('ask', 'delete_file')]
    const guard = await connect({ storageBackend: new MemoryBackend() })
    const { toolUseId: _, ...nameless } = made
    expect(await caught(guard.run('delete_file', { path: 'a' }, () => 'x', nameless))).toMatchObject({
      message: expect.stringContaining('no id of its own'),
    })
    governance.older = true
    const tool = countingTool('deleted')
    const call = () => caught(guard.run('delete_file', { path: 'b' }, tool, made))
    await call()
    governance.decide(governance.approvals.at(-1) as never, 'approved')
    expect(await call()).toMatchObject({ message: expect.stringContaining('bound to another action, or to none') })
    expect(tool.calls).toHaveLength(0)
  })
})
