import { describe, expect, test } from 'vitest'
import type { ApprovalBackend, ApprovalDecision } from './approvals.ts'
import { Edictum } from './edictum.ts'
import { EdictumDenied } from './errors.ts'
import { silentLogger } from './logger.ts'
import { MemoryBackend, type StorageBackend } from './storage.ts'
import { approve, bundle, guardFrom, limit, ScriptedApprovals } from './testing/guards.ts'
import { settle } from './testing/manual-clock.ts'

/** A tool that stays busy until the test lets it go. */
function busyTool() {
  const waiting: (() => void)[] = []
  const tool = () => {
    tool.running++
    return new Promise<string>((resolve) => waiting.push(() => resolve('done')))
  }
  tool.running = 0
  tool.release = () => {
    for (const resume of waiting.splice(0)) resume()
  }
  return tool
}

const denials = (results: readonly PromiseSettledResult<unknown>[]) =>
  results.filter((result) => result.status === 'rejected' && result.reason instanceof EdictumDenied).length

/** Storage elsewhere: every answer takes a turn, and the counters are those of a plain key-value store. */
function remoteStorage(): StorageBackend {
  const memory = new MemoryBackend()
  const later = async <T>(value: () => T): Promise<T> => {
    await new Promise<void>((resolve) => setImmediate(resolve))
    return value()
  }
  return {
    get: (key) => later(() => memory.get(key)),
    set: (key, value) => later(() => memory.set(key, value)),
    delete: (key) => later(() => memory.delete(key)),
    increment: (key, amount) => later(() => memory.increment(key, amount)),
  }
}

describe.each([
  ['in memory', () => new MemoryBackend()],
  ['in storage of one’s own', remoteStorage],
])('calls side by side, counted %s', (_where, storage) => {
  test.each([
    ['max_calls_per_tool', '{ max_calls_per_tool: { send_mail: 3 } }'],
    ['max_tool_calls', '{ max_tool_calls: 3 }'],
  ])('20 at once against %s of 3: three run, 17 are denied', async (_name, limits) => {
    const { guard } = guardFrom([limit('budget', limits)], { backend: storage() })
    const tool = busyTool()
    const calls = Array.from({ length: 20 }, (_, index) => guard.run('send_mail', { to: `u${index}` }, tool))
    const all = Promise.allSettled(calls)
    await settle()
    expect(tool.running).toBe(3)
    tool.release()
    expect(denials(await all)).toBe(17)
    expect(tool.running).toBe(3)
    await expect(guard.run('send_mail', {}, tool)).rejects.toBeInstanceOf(EdictumDenied)
  })

  test('two guards that share the storage share the limit', async () => {
    const backend = storage()
    const text = bundle([limit('budget', '{ max_tool_calls: 4 }')])
    const guards = [0, 1].map(() => Edictum.fromYamlString(text, { backend, logger: silentLogger }))
    const tool = busyTool()
    const all = Promise.allSettled(
      guards.flatMap((guard) => Array.from({ length: 5 }, () => guard.run('t', {}, tool, { sessionId: 'shared' }))),
    )
    await settle()
    tool.release()
    expect(denials(await all)).toBe(6)
    expect(tool.running).toBe(4)
  })

  test('a call that fails, or is cancelled, gives its place back or counts as one; no place is lost', async () => {
    const { guard } = guardFrom([limit('budget', '{ max_tool_calls: 3 }')], { backend: storage() })
    await expect(guard.run('t', {}, () => 'error: x')).rejects.toThrow()
    const begun = await guard.begin('t', {})
    await begun.authorize()
    await begun.cancel('not needed')
    expect(await guard.run('t', {}, () => 1)).toBe(1)
    expect(await guard.run('t', {}, () => 2)).toBe(2)
    await expect(guard.run('t', {}, () => 3)).rejects.toBeInstanceOf(EdictumDenied)
  })

  test('five that wait for a human against a limit of 2: at most two run, and waiting holds no place', async () => {
    let release: (decision: ApprovalDecision) => void = () => {}
    const decided = new Promise<ApprovalDecision>((resolve) => (release = resolve))
    const asked = new ScriptedApprovals({})
    const approvalBackend: ApprovalBackend = {
      requestApproval: (...args) => asked.requestApproval(...args),
      waitForDecision: () => decided,
    }
    const { guard } = guardFrom([approve('ask', 'deploy'), limit('budget', '{ max_tool_calls: 2 }')], {
      approvalBackend,
      backend: storage(),
    })
    let ran = 0
    const waiting = Promise.allSettled(
      Array.from({ length: 5 }, () => guard.run('deploy', { path: 'x' }, async () => ran++)),
    )
    await settle()
    expect(asked.asked).toHaveLength(5)
    // Five questions are open, and another tool still has both places.
    expect(await guard.run('other', {}, () => 'ran')).toBe('ran')
    release({ approved: true, approver: 'ann', reason: null, status: 'approved', timestamp: '' })
    expect(denials(await waiting)).toBe(4)
    expect(ran).toBe(1)
  })
})

test('a guard that observes runs what a limit would refuse, and says so', async () => {
  const { guard, actions } = guardFrom([limit('budget', '{ max_tool_calls: 1 }')], { mode: 'observe' })
  await guard.run('t', {}, () => 1)
  expect(await guard.run('t', {}, () => 2)).toBe(2)
  expect(actions()).toEqual(['call_allowed', 'call_executed', 'call_would_deny', 'call_executed'])
})

test('the denial of a call without a place is the session contract’s own word', async () => {
  const { guard, sink } = guardFrom([
    '{ id: budget, type: session, limits: { max_tool_calls: 1 }, then: { effect: deny, message: "Budget used." } }',
  ])
  const tool = busyTool()
  const first = guard.run('t', {}, tool)
  await settle()
  await expect(guard.run('t', {}, tool)).rejects.toMatchObject({
    message: 'Budget used.',
    decisionSource: 'yaml_session',
    decisionName: 'budget',
  })
  expect(sink.last()).toMatchObject({ action: 'call_denied', decisionName: 'budget' })
  tool.release()
  await first
})
