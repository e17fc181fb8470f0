import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { EdictumDenied } from './errors.ts'
import { LocalApprovalBackend } from './local-approval.ts'
import { approve, countingTool, deny, guardFrom, ScriptedApprovals } from './testing/guards.ts'
import { ManualClock, settle } from './testing/manual-clock.ts'

const ask = [approve('ask', 'deploy', ', timeout: 60')]
const askOrAllow = [approve('ask', 'deploy', ', timeout: 60, timeout_effect: allow')]
const run = (guard: ReturnType<typeof guardFrom>['guard'], tool: (args: object) => unknown) =>
  guard.run('deploy', { path: 'api', password: 'hunter2' }, tool)

describe('a call whose contract asks', () => {
  test('granted: runs, with events requested, granted, executed', async () => {
    const backend = new ScriptedApprovals({ approved: true, status: 'approved', approver: 'ann' })
    const allowed: string[] = []
    const { guard, actions } = guardFrom(ask, {
      approvalBackend: backend,
      onAllow: (envelope) => allowed.push(envelope.toolName),
    })
    expect(await run(guard, () => 'done')).toBe('done')
    expect(actions()).toEqual(['call_approval_requested', 'call_approval_granted', 'call_executed'])
    expect(allowed).toEqual(['deploy'])
    expect(backend.asked).toMatchObject([
      {
        toolName: 'deploy',
        args: { path: 'api', password: 'hunter2' },
        message: 'May I? (ask)',
        options: { timeout: 60, timeoutEffect: 'deny', decisionSource: 'yaml_precondition', contractName: 'ask' },
      },
    ])
  })

  test('refused: never runs, with the human’s reason or else the contract’s', async () => {
    const tool = countingTool(1)
    const denials: unknown[] = []
    for (const [reason, expected] of [
      ['too late', 'too late'],
      [null, 'May I? (ask)'],
    ] as const) {
      const approvalBackend = new ScriptedApprovals({ approved: false, status: 'denied', reason })
      const { guard, actions, sink } = guardFrom(ask, {
        approvalBackend,
        onDeny: (_envelope, why, name) => denials.push([why, name]),
      })
      await expect(run(guard, tool)).rejects.toMatchObject({
        name: 'EdictumDenied',
        reason: expected,
        decisionName: 'ask',
      })
      expect(actions()).toEqual(['call_approval_requested', 'call_approval_denied'])
      // As in the published packages the event's reason is the contract's; what the human said stands beside who it was.
      expect(sink.last()).toMatchObject({ reason: 'May I? (ask)', approval: { reason } })
    }
    expect(denials).toEqual([
      ['too late', 'ask'],
      ['May I? (ask)', 'ask'],
    ])
    expect(tool.calls).toEqual([])
  })

  test('timed out: the contract’s effect decides, whatever the backend makes of it', async () => {
    const tool = countingTool('done')
    const denied = guardFrom(ask, { approvalBackend: new ScriptedApprovals({ approved: true, status: 'timeout' }) })
    await expect(run(denied.guard, tool)).rejects.toBeInstanceOf(EdictumDenied)
    expect(denied.actions()).toEqual(['call_approval_requested', 'call_approval_timeout'])
    expect(tool.calls).toEqual([])
    const allowed = guardFrom(askOrAllow, {
      approvalBackend: new ScriptedApprovals({ approved: false, status: 'timeout' }),
    })
    expect(await run(allowed.guard, tool)).toBe('done')
    expect(allowed.actions()).toEqual(['call_approval_requested', 'call_approval_timeout', 'call_executed'])
  })

  test('without a backend: denied, audited, told', async () => {
    const denials: unknown[] = []
    const { guard, actions } = guardFrom(ask, { onDeny: (_envelope, _reason, name) => denials.push(name) })
    const tool = countingTool(1)
    await expect(run(guard, tool)).rejects.toMatchObject({
      message: expect.stringMatching(/^Approval required but no approval backend configured/),
    })
    expect(actions()).toEqual(['call_denied'])
    expect(denials).toEqual(['ask'])
    expect(tool.calls).toEqual([])
  })

  test('a guard that observes still asks', async () => {
    const { guard } = guardFrom(ask, { mode: 'observe', approvalBackend: new ScriptedApprovals({ status: 'denied' }) })
    await expect(run(guard, () => 1)).rejects.toBeInstanceOf(EdictumDenied)
  })

  test('a backend that fails keeps the tool from running', async () => {
    const tool = countingTool(1)
    for (const method of ['requestApproval', 'waitForDecision'] as const) {
      const backend = new ScriptedApprovals({ approved: true, status: 'approved' })
      Object.assign(backend, { [method]: () => Promise.reject(new Error('inbox down')) })
      await expect(run(guardFrom(ask, { approvalBackend: backend }).guard, tool)).rejects.toThrow('inbox down')
    }
    expect(tool.calls).toEqual([])
  })

  test('is not even asked about when another contract denies', async () => {
    const backend = new ScriptedApprovals({ approved: true, status: 'approved' })
    const { guard } = guardFrom([...ask, deny('never', 'deploy', 'api')], { approvalBackend: backend })
    await expect(run(guard, () => 1)).rejects.toMatchObject({ decisionName: 'never' })
    expect(backend.asked).toEqual([])
  })
})

describe('the local backend', () => {
  const local = (answer: string) => {
    const written: string[] = []
    const clock = new ManualClock()
    const input = answer === 'never' ? new Readable({ read() {} }) : Readable.from([answer])
    const backend = new LocalApprovalBackend({
      input,
      output: { write: (text) => written.push(text) },
      clock,
      newId: () => 'id-1',
    })
    return { backend, clock, written }
  }

  test('prints the request with redacted arguments and without control characters', async () => {
    const { backend, written } = local('y\n')
    await backend.requestApproval('deploy', { password: 'hunter2', service: 'api' }, 'Go\u001b[31m on?\n')
    expect(written.join('')).toBe(
      '[APPROVAL REQUIRED] Go  on? \n  Tool: deploy\n  Args: {"password":"[REDACTED]","service":"api"}\n  ID:   id-1\n',
    )
  })

  test('takes y, yes and approve for a yes; anything else, and the end of input, for a no', async () => {
    for (const [answer, approved] of [
      ['y\n', true],
      [' YES \n', true],
      ['approve\n', true],
      ['n\n', false],
      ['yess\n', false],
      ['\n', false],
      ['', false],
    ] as const) {
      const { backend } = local(answer)
      const { approvalId } = await backend.requestApproval('t', {}, 'm')
      expect(await backend.waitForDecision(approvalId)).toMatchObject({
        approved,
        status: approved ? 'approved' : 'denied',
        approver: 'local',
      })
    }
  })

  test('times out as the request says; an id it does not know is denied', async () => {
    for (const [timeoutEffect, approved] of [
      ['deny', false],
      ['allow', true],
    ] as const) {
      const { backend, clock } = local('never')
      const { approvalId } = await backend.requestApproval('t', {}, 'm', { timeout: 5, timeoutEffect })
      const decision = backend.waitForDecision(approvalId)
      await settle()
      await clock.advance(5_000)
      expect(await decision).toMatchObject({ approved, status: 'timeout' })
    }
    const { backend, clock } = local('never')
    const decision = backend.waitForDecision('unknown')
    await settle()
    await clock.advance(300_000)
    expect(await decision).toMatchObject({ approved: false, status: 'timeout' })
  })
})
