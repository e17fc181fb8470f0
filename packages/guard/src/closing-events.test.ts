import { describe, expect, test } from 'vitest'
import type { ApprovalBackend, ApprovalDecision } from './approvals.ts'
import { closesCall } from './asking.ts'
import { EdictumDenied } from './errors.ts'
import {
  approve,
  bundle,
  countingTool,
  deny,
  guardFrom,
  limit,
  ScriptedApprovals,
  type TestGuard,
} from './testing/guards.ts'
import { settle } from './testing/manual-clock.ts'

const ask = approve('ask', 'deploy', ', timeout: 60')
const args = { path: 'api' }

/** A backend whose decision the test makes. */
class HeldApprovals implements ApprovalBackend {
  readonly withdrawn: string[] = []
  readonly consumed: [string, string][] = []
  readonly asked: string[] = []
  decide: (decision: Partial<ApprovalDecision>) => void = () => {}
  readonly #asked = new ScriptedApprovals({})

  requestApproval: ApprovalBackend['requestApproval'] = (...request) => {
    this.asked.push(request[2])
    return this.#asked.requestApproval(...request)
  }

  waitForDecision = (): Promise<ApprovalDecision> =>
    new Promise((resolve) => {
      this.decide = (decision) =>
        resolve({ approved: false, approver: 'ann', reason: null, status: 'denied', timestamp: '', ...decision })
    })

  withdraw = (approvalId: string): void => void this.withdrawn.push(approvalId)
}

const approved = { approved: true, status: 'approved' } as const

/** Of every attempt exactly one event closes it, and it is the last one before the next attempt. */
function closingEvents({ sink }: TestGuard): string[] {
  const byCall = new Map<string, string[]>()
  for (const event of sink.events) byCall.set(event.callId, [...(byCall.get(event.callId) ?? []), event.action])
  return [...byCall.values()].map((actions) => {
    const closing = actions.filter((action) => closesCall(action as never) || action === 'call_approval_timeout')
    expect(closing, actions.join(' ')).toHaveLength(1)
    expect(actions.at(-1)).toBe(closing[0])
    return closing[0] as string
  })
}

describe('every attempt leaves one closing event', () => {
  test.each(['requestApproval', 'waitForDecision'] as const)('when %s fails', async (method) => {
    const approvalBackend = new ScriptedApprovals(approved)
    Object.assign(approvalBackend, { [method]: () => Promise.reject(new Error('HTTP 413: too large')) })
    const test = guardFrom([ask], { approvalBackend })
    const tool = countingTool(1)
    await expect(test.guard.run('deploy', args, tool)).rejects.toThrow('413')
    expect(closingEvents(test)).toEqual(['call_approval_failed'])
    expect(test.sink.last()).toMatchObject({ decisionName: 'ask', reason: expect.stringContaining('HTTP 413') })
    expect(tool.calls).toEqual([])
  })

  test('when the attempt cannot be counted, and when an execution cannot be reserved', async () => {
    for (const failing of ['increment', 'batchGet'] as const) {
      const backend = {
        get: () => null,
        set: () => {},
        delete: () => {},
        increment: () => 1,
        batchGet: () => ({}),
        [failing]: () => Promise.reject(new Error('storage away')),
      }
      const test = guardFrom([], { backend })
      await expect(test.guard.run('t', {}, () => 1)).rejects.toThrow('storage away')
      expect(closingEvents(test)).toEqual(['call_denied'])
      expect(test.sink.last()).toMatchObject({
        decisionSource: 'session',
        policyError: true,
        reason: expect.stringContaining('storage away'),
      })
    }
  })

  test('when the sink refuses the event that allows it', async () => {
    let failures = 1
    const auditSink = {
      emit: () => {
        if (failures-- > 0) throw new Error('sink full')
      },
    }
    const test = guardFrom([limit('one', '{ max_tool_calls: 1 }')], { auditSink })
    const tool = countingTool(1)
    await expect(test.guard.run('t', {}, tool)).rejects.toThrow(/sinks failed/)
    expect(test.actions()).toEqual(['call_allowed', 'call_denied'])
    expect(test.sink.last()).toMatchObject({ decisionSource: 'audit' })
    expect(tool.calls).toEqual([])
    // Its place was given back.
    expect(await test.guard.run('t', {}, tool)).toBe(1)
  })

  test('when it is approved, denied, or nobody answers', async () => {
    for (const [decision, effect, closing] of [
      [approved, 'deny', 'call_executed'],
      [{ status: 'denied' }, 'deny', 'call_approval_denied'],
      [{ status: 'timeout' }, 'deny', 'call_approval_timeout'],
    ] as const) {
      const contract = approve('ask', 'deploy', `, timeout: 60, timeout_effect: ${effect}`)
      const test = guardFrom([contract], { approvalBackend: new ScriptedApprovals(decision) })
      await test.guard.run('deploy', args, () => 1).catch(() => {})
      expect(closingEvents(test)).toEqual([closing])
    }
  })

  test('a contract’s denial is told though the counters cannot be had', async () => {
    const backend = {
      get: () => null,
      set: () => {},
      delete: () => {},
      increment: () => Promise.reject(new Error('away')),
    }
    const test = guardFrom([deny('no-env', 'read_file', '.env')], { backend })
    await expect(test.guard.run('read_file', { path: '.env' }, () => 1)).rejects.toMatchObject({
      decisionName: 'no-env',
    })
    expect(closingEvents(test)).toEqual(['call_denied'])
  })
})

describe('a call that is taken back', () => {
  const reason = new Error('the user pressed stop')

  test('before it begins does not run', async () => {
    const test = guardFrom([])
    const tool = countingTool(1)
    await expect(test.guard.run('t', {}, tool, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(closingEvents(test)).toEqual(['call_cancelled'])
    expect(tool.calls).toEqual([])
  })

  test('while a human is asked ends at once, withdraws its question, and runs no more', async () => {
    const approvalBackend = new HeldApprovals()
    const test = guardFrom([ask], { approvalBackend })
    const tool = countingTool(1)
    const controller = new AbortController()
    const call = test.guard.run('deploy', args, tool, { signal: controller.signal }).catch((error: unknown) => error)
    await settle()
    controller.abort(reason)
    expect(await call).toBe(reason)
    approvalBackend.decide(approved)
    await settle()
    expect(approvalBackend.withdrawn).toEqual(['ap-1'])
    expect(test.actions()).toEqual(['call_approval_requested', 'call_cancelled'])
    expect(test.sink.last().reason).toContain('the user pressed stop')
    expect(tool.calls).toEqual([])
  })

  test('in the moment it is approved does not run', async () => {
    const controller = new AbortController()
    const approvalBackend = new ScriptedApprovals(approved)
    const waitForDecision = approvalBackend.waitForDecision.bind(approvalBackend)
    approvalBackend.waitForDecision = async () => {
      controller.abort(reason)
      return waitForDecision()
    }
    const test = guardFrom([ask], { approvalBackend })
    const tool = countingTool(1)
    await expect(test.guard.run('deploy', args, tool, { signal: controller.signal })).rejects.toBe(reason)
    expect(closingEvents(test)).toEqual(['call_cancelled'])
    expect(tool.calls).toEqual([])
  })

  test('while its tool runs leaves that to the tool, which has the signal', async () => {
    const test = guardFrom([])
    const controller = new AbortController()
    const call = test.guard.run(
      't',
      {},
      (_args, { signal }) =>
        new Promise((_, reject) => signal?.addEventListener('abort', () => reject(new Error('stopped half-way')))),
      { signal: controller.signal },
    )
    const caught = call.catch((error: unknown) => error)
    await settle()
    controller.abort(reason)
    expect(await caught).toMatchObject({ name: 'EdictumToolError', message: 'stopped half-way' })
    expect(closingEvents(test)).toEqual(['call_failed'])
  })
})

describe('after an approval the call is judged again', () => {
  const waiting = async (contracts: readonly string[]) => {
    const approvalBackend = new HeldApprovals()
    const test = guardFrom(contracts, { approvalBackend })
    const tool = countingTool('deployed')
    const call = test.guard.run('deploy', args, tool)
    const outcome = call.then(
      (value) => value,
      (error: unknown) => error,
    )
    await settle()
    return { ...test, approvalBackend, tool, outcome }
  }

  test('a deny deployed while it waited denies it', async () => {
    const t = await waiting([ask])
    t.guard.reload(bundle([ask, deny('freeze', 'deploy', 'api')]))
    t.approvalBackend.decide(approved)
    expect(await t.outcome).toBeInstanceOf(EdictumDenied)
    expect(t.tool.calls).toEqual([])
    expect(t.actions()).toEqual(['call_approval_requested', 'call_approval_granted', 'call_denied'])
    expect(t.sink.last()).toMatchObject({ decisionName: 'freeze', policyVersion: t.guard.policyVersion })
  })

  test('the same contract in a new version is satisfied: nobody is asked twice', async () => {
    const t = await waiting([ask])
    t.guard.reload(bundle([approve('ask', 'deploy', ', timeout: 90'), deny('other', 'read_file', 'x')]))
    t.approvalBackend.decide(approved)
    expect(await t.outcome).toBe('deployed')
    expect(t.approvalBackend.asked).toEqual(['May I? (ask)'])
    expect(t.sink.last()).toMatchObject({ action: 'call_executed', policyVersion: t.guard.policyVersion })
  })

  test.each(['before', 'behind'])('another contract that asks, %s the first, asks anew', async (where) => {
    const t = await waiting([ask])
    const other = approve('second-pair-of-eyes', 'deploy', ', timeout: 30')
    t.guard.reload(bundle(where === 'before' ? [other, ask] : [ask, other]))
    t.approvalBackend.decide(approved)
    await settle()
    expect(t.approvalBackend.asked).toEqual(['May I? (ask)', 'May I? (second-pair-of-eyes)'])
    expect(t.tool.calls).toEqual([])
    t.approvalBackend.decide({ status: 'denied' })
    expect(await t.outcome).toBeInstanceOf(EdictumDenied)
    expect(t.sink.last()).toMatchObject({ action: 'call_approval_denied', decisionName: 'second-pair-of-eyes' })
  })

  test('two contracts that ask together are one question', async () => {
    const t = await waiting([ask, approve('also', 'deploy')])
    t.approvalBackend.decide(approved)
    expect(await t.outcome).toBe('deployed')
    expect(t.approvalBackend.asked).toEqual(['May I? (ask)'])
  })

  test('it counts no second attempt', async () => {
    const t = await waiting([ask, limit('tries', '{ max_attempts: 2 }')])
    t.approvalBackend.decide(approved)
    expect(await t.outcome).toBe('deployed')
    expect(t.sink.last()).toMatchObject({ sessionAttemptCount: 1, sessionExecutionCount: 1 })
  })

  test('what was shown is what runs, whatever became of the caller’s object meanwhile', async () => {
    const approvalBackend = new HeldApprovals()
    const { guard, sink } = guardFrom([ask], { approvalBackend })
    const mine = { path: 'api', options: { replicas: 1 } }
    const call = guard.run('deploy', mine, (judged) => judged)
    await settle()
    mine.path = 'everything'
    mine.options.replicas = 99
    approvalBackend.decide(approved)
    const ran = await call
    expect(ran).toEqual({ path: 'api', options: { replicas: 1 } })
    expect(sink.last().toolArgs).toEqual(ran)
  })
})
