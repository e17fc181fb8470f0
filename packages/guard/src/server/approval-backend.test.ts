import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { silentLogger } from '../logger.ts'
import { FakeConsole } from '../testing/fake-console.ts'
import { digestOf } from '../testing/fake-governance.ts'
import { ManualClock, until } from '../testing/manual-clock.ts'
import { ServerApprovalBackend, type ServerApprovalBackendOptions } from './approval-backend.ts'
import { EdictumServerClient } from './client.ts'
import { EdictumConnectionError } from './errors.ts'

let console_: FakeConsole
let clock: ManualClock
let polls: number

const backendWith = (options: ServerApprovalBackendOptions = {}) => {
  const client = new EdictumServerClient({
    baseUrl: console_.url,
    apiKey: 'k',
    agentId: 'agent-1',
    maxRetries: 1,
    logger: silentLogger,
    clock,
  })
  return new ServerApprovalBackend(client, { clock, ...options })
}

/** Creation answers with an id; polls answer one after the other, the last for ever. */
const script = (...answers: object[]) => {
  console_.answer = (seen) => {
    if (seen.method === 'POST') return { status: 201, json: { id: 'ap-1', status: 'pending' } }
    return { json: answers[Math.min(polls++, answers.length - 1)] }
  }
}

beforeEach(async () => {
  console_ = await FakeConsole.start()
  clock = new ManualClock()
  polls = 0
})
afterEach(() => console_.close())

describe('asking', () => {
  test('the body has exactly the documented fields, timeout in seconds', async () => {
    script({})
    const request = await backendWith().requestApproval('deploy', { service: 'api', password: 'p' }, 'Deploy?', {
      timeout: 60,
      timeoutEffect: 'allow',
      principal: { role: 'dev' },
    })
    expect(console_.requests[0]?.body).toEqual({
      agent_id: 'agent-1',
      tool_name: 'deploy',
      tool_args: { service: 'api', password: 'p' },
      message: 'Deploy?',
      timeout: 60,
      timeout_effect: 'allow',
      action_digest: digestOf({
        agent_id: 'agent-1',
        tool_name: 'deploy',
        tool_args: { service: 'api', password: 'p' },
        contract_name: null,
        policy_version: null,
      }),
    })
    expect(request).toMatchObject({
      approvalId: 'ap-1',
      timeout: 60,
      timeoutEffect: 'allow',
      principal: { role: 'dev' },
    })
  })

  test('source and contract go along when known, arguments are redacted when asked', async () => {
    script({})
    await backendWith({ redactApprovalArgs: true }).requestApproval('deploy', { password: 'p' }, 'Deploy?', {
      decisionSource: 'yaml_precondition',
      contractName: 'ask-first',
    })
    expect(console_.requests[0]?.body).toMatchObject({
      decision_source: 'yaml_precondition',
      contract_name: 'ask-first',
      tool_args: { password: '[REDACTED]' },
    })
  })

  test('an answer without an id rejects', async () => {
    console_.answer = () => ({ json: {} })
    await expect(backendWith().requestApproval('t', {}, 'm')).rejects.toThrow(/without an id/)
  })

  test('what JSON would lose is asked for in full: big integers as digits', async () => {
    script({})
    await backendWith().requestApproval('pay', { amount: 12345678901234567890n, list: [1n] }, 'Pay?')
    expect(console_.requests[0]?.body.tool_args).toEqual({ amount: '12345678901234567890', list: ['1'] })
  })

  test('429 is waited for as the server says, within the approval’s own time, which it shortens', async () => {
    let answers = 0
    console_.answer = () =>
      ++answers < 3 ? { status: 429, headers: { 'Retry-After': '20' } } : { status: 201, json: { id: 'ap-1' } }
    const request = backendWith().requestApproval('t', {}, 'm', { timeout: 60 })
    for (const turn of [1, 2]) {
      await until(() => answers === turn && clock.nextDelay === 20_000, 'the pause the server asked for')
      await clock.advance(20_000)
    }
    expect(await request).toMatchObject({ approvalId: 'ap-1' })
    expect(console_.requests.map((seen) => seen.body.timeout)).toEqual([60, 40, 20])
  })

  test('429 for longer than the approval lasts rejects at once', async () => {
    console_.answer = () => ({ status: 429, headers: { 'Retry-After': '3600' } })
    const request = backendWith().requestApproval('t', {}, 'm', { timeout: 60 })
    await expect(request).rejects.toMatchObject({ statusCode: 429, retryAfterSeconds: 3600 })
    expect(console_.requests).toHaveLength(1)
  })

  test('a server that swallows the question holds the call for eight seconds', async () => {
    console_.answer = () => new Promise(() => {})
    const request = backendWith()
      .requestApproval('t', {}, 'm')
      .catch((error: unknown) => error)
    await until(() => console_.requests.length === 1, 'the question is on its way')
    await clock.advance(8_000)
    expect(await request).toBeInstanceOf(EdictumConnectionError)
    expect(clock.pendingTimers).toBe(0)
  })
})

describe('waiting', () => {
  test('pending, pending, approved resolves with approver and reason', async () => {
    script(
      { status: 'pending' },
      { status: 'pending' },
      { status: 'approved', decided_by: 'ann', decision_reason: 'fine' },
    )
    const decision = backendWith().waitForDecision('ap-1')
    for (const turn of [1, 2]) {
      await until(() => polls === turn && clock.nextDelay === 2_000, 'the pause between polls')
      await clock.advance(2_000)
    }
    expect(await decision).toMatchObject({ approved: true, status: 'approved', approver: 'ann', reason: 'fine' })
  })

  test('denied and timeout are told apart; a timeout follows the effect', async () => {
    script({ status: 'denied', decided_by: 'bob', decision_reason: null })
    const backend = backendWith()
    expect(await backend.waitForDecision('ap-1')).toMatchObject({ approved: false, status: 'denied', approver: 'bob' })
    script({ status: 'timeout' })
    expect(await backend.waitForDecision('ap-1')).toMatchObject({ approved: false, status: 'timeout' })
    await backend.requestApproval('t', {}, 'm', { timeoutEffect: 'allow' })
    expect(await backend.waitForDecision('ap-1')).toMatchObject({ approved: true, status: 'timeout' })
  })

  test('an unknown status keeps waiting', async () => {
    script({ status: 'escalated' }, { status: 'approved' })
    const decision = backendWith().waitForDecision('ap-1')
    await until(() => clock.nextDelay === 2_000, 'the pause between polls')
    await clock.advance(2_000)
    expect(await decision).toMatchObject({ approved: true })
  })

  test('the local deadline is a timeout, polled once more exactly then', async () => {
    script({ status: 'pending' })
    const backend = backendWith({ longPollSeconds: 0 })
    await backend.requestApproval('t', {}, 'm', { timeout: 3, timeoutEffect: 'allow' })
    const started = clock.now()
    const decision = backend.waitForDecision('ap-1')
    await until(() => polls === 1 && clock.nextDelay === 2_000, 'first pause')
    await clock.advance(2_000)
    await until(() => polls === 2 && clock.nextDelay === 1_000, 'the rest until the deadline')
    await clock.advance(1_000)
    expect(await decision).toMatchObject({ approved: true, status: 'timeout' })
    expect(polls).toBe(3)
    expect(clock.now() - started).toBe(3_000)
  })

  test('an id nobody remembers times out after 300 s and is denied', async () => {
    script({ status: 'pending' })
    const decision = backendWith({ longPollSeconds: 0, pollInterval: 300_000 }).waitForDecision('ap-9')
    await until(() => clock.nextDelay === 300_000, 'the pause')
    await clock.advance(300_000)
    expect(await decision).toMatchObject({ approved: false, status: 'timeout' })
  })

  test('a server that holds the answer back is asked again at once', async () => {
    let release: (value: object) => void = () => {}
    console_.answer = (seen) => {
      polls++
      if (polls === 1) return new Promise((resolve) => (release = (json) => resolve({ json })))
      expect(seen.query.get('wait')).toBe('30')
      return { json: { status: 'approved', decided_by: 'ann' } }
    }
    const decision = backendWith().waitForDecision('ap-1')
    await until(() => polls === 1, 'the held poll')
    expect(console_.requests[0]?.query.get('wait')).toBe('30')
    await clock.advance(30_000)
    release({ status: 'pending' })
    expect(await decision).toMatchObject({ approved: true, approver: 'ann' })
    expect(clock.delays).not.toContain(2_000)
  })

  test('the agent stream wakes a waiting call, which reads the decision itself', async () => {
    script({ status: 'pending' }, { status: 'denied', decided_by: 'ann', decision_reason: 'no' })
    const backend = backendWith()
    const decision = backend.waitForDecision('ap-1')
    await until(() => clock.nextDelay === 2_000, 'the pause between polls')
    backend.wake('another')
    backend.wake('ap-1')
    expect(await decision).toMatchObject({ approved: false, reason: 'no' })
    expect(clock.pendingTimers).toBe(0)
  })

  test('a wake while a poll is on its way is not lost', async () => {
    let release: () => void = () => {}
    console_.answer = () => {
      polls++
      if (polls === 1) return new Promise((resolve) => (release = () => resolve({ json: { status: 'pending' } })))
      return { json: { status: 'approved' } }
    }
    const backend = backendWith()
    const decision = backend.waitForDecision('ap-1')
    await until(() => polls === 1, 'the first poll')
    backend.wake('ap-1')
    release()
    expect(await decision).toMatchObject({ approved: true })
  })

  test('a server that restarts does not end the wait', async () => {
    script({ status: 'pending' })
    const port = Number(new URL(console_.url).port)
    const decision = backendWith().waitForDecision('ap-1')
    await until(() => clock.nextDelay === 2_000, 'the pause between polls')
    await console_.close()
    await clock.advance(2_000)
    await until(() => clock.nextDelay === 2_000, 'the pause after the failed poll')
    console_ = await FakeConsole.start(port)
    script({ status: 'approved', decided_by: 'ann' })
    await clock.advance(2_000)
    expect(await decision).toMatchObject({ approved: true, approver: 'ann' })
  })

  test.each([429, 502, 503, 504])(
    'a server that cannot answer for the moment does not end the wait: %i',
    async (status) => {
      console_.answer = () => ({ status })
      const decision = backendWith().waitForDecision('ap-1')
      await until(() => clock.nextDelay === 2_000, 'the pause after the failed poll')
      script({ status: 'approved', decided_by: 'ann' })
      await clock.advance(2_000)
      expect(await decision).toMatchObject({ approved: true, approver: 'ann' })
    },
  )

  test('a server still away at the deadline is an error, whatever a time-out would allow', async () => {
    script({ status: 'pending' })
    const backend = backendWith()
    await backend.requestApproval('t', {}, 'm', { timeout: 3, timeoutEffect: 'allow' })
    await console_.close()
    const decision = backend.waitForDecision('ap-1').catch((error: unknown) => error)
    await until(() => clock.nextDelay === 2_000, 'the pause')
    await clock.advance(2_000)
    await until(() => clock.nextDelay === 1_000, 'the rest until the deadline')
    await clock.advance(1_000)
    expect(await decision).toBeInstanceOf(EdictumConnectionError)
    console_ = await FakeConsole.start()
  })

  test('a server that swallows the last poll holds the call five seconds beyond the deadline', async () => {
    console_.answer = (seen) => {
      if (seen.method === 'POST') return { status: 201, json: { id: 'ap-1' } }
      polls++
      return new Promise(() => {})
    }
    const backend = backendWith()
    await backend.requestApproval('t', {}, 'm', { timeout: 6, timeoutEffect: 'allow' })
    const decision = backend.waitForDecision('ap-1').catch((error: unknown) => error)
    await until(() => polls === 1, 'the poll is on its way')
    await clock.advance(11_000)
    expect(await decision).toBeInstanceOf(EdictumConnectionError)
    expect(clock.pendingTimers).toBe(0)
  })

  test('404 and 500 reject: the call fails closed', async () => {
    await expect(backendWith().waitForDecision('ap-1')).rejects.toMatchObject({ statusCode: 404 })
    console_.answer = () => ({ status: 500 })
    await expect(backendWith().waitForDecision('ap-1')).rejects.toMatchObject({ statusCode: 500 })
  })
})
