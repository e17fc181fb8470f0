import type { OrchestratorMessage } from '@lictor/aegis'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../../test/harness.ts'
import {
  allEvents,
  deployAgent,
  readStream,
  scriptEnvironment,
  serviceHeaders,
  startExecution,
} from '../../../test/runtime.ts'
import type { ModelMessage } from '../../ports/model.ts'
import type { EventDraft } from '../executions/events.ts'
import type { Execution, ExecutionStore } from '../executions/store.ts'
import type { Models } from '../models/models.ts'
import type { Invocations } from '../tools/invocations.ts'
import { type ActiveAttempt, attempts } from './attempts.ts'
import { type InnerLoop, innerLoop } from './inner-loop.ts'

const execution = { id: 'e1', agent_id: 'a1', agent_name: 'worker', tenant_id: 't1' } as Execution
const generate = {
  type: 'generate',
  agent_id: '',
  execution_id: 'e1',
  iteration_number: 1,
  model_alias: 'default',
  prompt: 'go',
  messages: [],
} as const
const result = (dispatch_id: string) =>
  ({
    type: 'dispatch_result',
    execution_id: 'e1',
    dispatch_id,
    exit_code: 0,
    stdout: 'out',
    stderr: '',
    duration_ms: 1,
    truncated: false,
  }) as const

/** The conversation of a final answer. */
function conversationOf(answer: OrchestratorMessage): readonly ModelMessage[] {
  if (answer.type !== 'final') throw new Error('The loop is not over.')
  return answer.conversation as readonly unknown[] as readonly ModelMessage[]
}

describe('the inner loop', () => {
  let turns: { text?: string; calls?: string[] }[]
  let ran: string[]
  let recorded: EventDraft[]
  let attempt: ActiveAttempt
  let loop: InnerLoop
  let over: AbortController

  beforeEach(() => {
    turns = []
    ran = []
    recorded = []
    over = new AbortController()
    const models: Models = {
      async turn() {
        const turn = turns.shift() ?? { calls: ['direct'] }
        return {
          text: turn.text ?? '',
          toolCalls: (turn.calls ?? []).map((name, index) => ({ id: `c${index}`, name, arguments: {} })),
          inputTokens: null,
          outputTokens: null,
          provider: 'test',
          model: 'test',
        }
      },
    }
    const invocations: Invocations = {
      async begin(_context, call) {
        ran.push(call.name)
        const step = { tool: call.name, arguments_json: '{}', status: 'pending' as const }
        if (call.name !== 'command') return { kind: 'answered', content: `did ${call.name}`, step }
        const message = {
          type: 'dispatch',
          dispatch_id: `d${ran.length}`,
          action: 'exec',
          command: 'x',
          args: [],
          cwd: '/',
          env_additions: {},
          timeout_secs: 1,
          max_output_bytes: 1,
        } as const
        return { kind: 'dispatched', message, running: {} as never, step }
      },
      finish: async (_context, _running, _message, { stdout }) => stdout,
    }
    loop = innerLoop({ models, invocations, store: { updateIteration: async () => {} } as unknown as ExecutionStore })
    attempt = {
      execution,
      iteration: 1,
      modelAlias: 'default',
      modelScript: undefined,
      temperature: undefined,
      turnLimit: 1000,
      signal: over.signal,
      trajectory: [],
      loop: null,
      isBusy: false,
      failure: null,
      isHopeless: false,
      answer: null,
      invocation: {
        toolNames: [],
        securityContext: { name: 'c', capabilities: [], denyList: [] },
        record: async (events: readonly EventDraft[]) => void recorded.push(...events),
      } as unknown as ActiveAttempt['invocation'],
    }
  })

  it('two direct calls and a text are one exchange, with everything in the conversation', async () => {
    turns = [{ calls: ['one'] }, { calls: ['two'] }, { text: 'Done.' }]
    const answer = await loop.answer(attempt, generate)
    expect(answer).toMatchObject({ type: 'final', content: 'Done.', tool_calls_executed: 2 })
    expect(conversationOf(answer).map((one) => one.role)).toEqual([
      'system',
      'user',
      'assistant',
      'tool',
      'assistant',
      'tool',
      'assistant',
    ])
  })

  it('a command between direct calls interrupts, and all three are answered before the model is asked again', async () => {
    turns = [{ calls: ['read', 'command', 'write'] }, { text: 'Done.' }]
    expect(await loop.answer(attempt, generate)).toMatchObject({ type: 'dispatch', dispatch_id: 'd2' })
    const answer = await loop.answer(attempt, result('d2'))
    expect(answer).toMatchObject({ type: 'final', tool_calls_executed: 3 })
    const conversation = conversationOf(answer)
    expect(
      conversation
        .filter((one) => one.role === 'tool')
        .map((one) => ['tool_call_id' in one && one.tool_call_id, one.content]),
    ).toEqual([
      ['c0', 'did read'],
      ['c1', 'out'],
      ['c2', 'did write'],
    ])
  })

  it('a wrong dispatch_id changes nothing, and a result that comes twice is refused', async () => {
    turns = [{ calls: ['command'] }, { text: 'Done.' }]
    await loop.answer(attempt, generate)
    await expect(loop.answer(attempt, result('other'))).rejects.toMatchObject({ status: 409 })
    expect(await loop.answer(attempt, result('d1'))).toMatchObject({ type: 'final' })
    await expect(loop.answer(attempt, result('d1'))).rejects.toMatchObject({ status: 409 })
    expect(ran).toEqual(['command'])
  })

  it('only its own execution, agent and iteration may speak', async () => {
    await expect(loop.answer(attempt, { ...generate, execution_id: 'e2' })).rejects.toMatchObject({ status: 404 })
    await expect(loop.answer(attempt, { ...generate, agent_id: 'a2' })).rejects.toMatchObject({ status: 403 })
    await expect(loop.answer(attempt, { ...generate, iteration_number: 2 })).rejects.toMatchObject({ status: 409 })
  })

  it('the 51st round that asks for tools ends the loop and fails the iteration', async () => {
    await expect(loop.answer(attempt, generate)).rejects.toMatchObject({
      status: 500,
      message: 'Inner loop exceeded max iterations (50)',
    })
    expect(ran).toHaveLength(50)
    expect(attempt.failure).toBe('Inner loop exceeded max iterations (50)')
  })

  it('after the end no model is asked and no tool is called', async () => {
    turns = [{ calls: ['command', 'direct'] }]
    await loop.answer(attempt, generate)
    over.abort(new Error('cancelled'))
    await expect(loop.answer(attempt, result('d1'))).rejects.toMatchObject({ status: 409 })
    expect(ran).toEqual(['command'])
  })

  it('earlier messages continue as they are, with the policy in front when they have none', async () => {
    turns = [{ text: 'Done.' }]
    const answer = await loop.answer(attempt, { ...generate, messages: [{ role: 'user', content: 'before' }] })
    const conversation = conversationOf(answer)
    expect(conversation.map((one) => [one.role, one.content.slice(0, 6)])).toEqual([
      ['system', 'You wo'],
      ['user', 'before'],
      ['assistant', 'Done.'],
    ])
  })

  it('one message at a time', async () => {
    turns = [{ text: 'Done.' }]
    const first = loop.answer(attempt, generate)
    await expect(loop.answer(attempt, generate)).rejects.toMatchObject({ status: 409 })
    await first
  })
})

describe('the dispatch gateway', () => {
  let t: TestServer
  afterEach(() => t.close())

  it('is reached by the address of a living attempt, or by a bearer that may execute; by nobody else', async () => {
    t = await startTestServer({ environment: scriptEnvironment([{ text: 'late', delay_ms: 3_600_000 }]) })
    const address = await t.listen()
    const headers = await serviceHeaders(t)
    const agent = await deployAgent(t, headers)
    const id = await startExecution(t, headers, agent)
    await readStream(address, `/v1/executions/${id}/stream`, headers, (event) => event.type === 'instance_spawned')
    const message = { ...generate, execution_id: id, agent_id: agent }
    const post = async (url: string, as: Record<string, string> = {}, payload: object = message) =>
      (await t.request({ method: 'POST', url, headers: as, payload })).statusCode
    expect(await post('/x/guessed/v1/dispatch-gateway')).toBe(401)
    expect(await post('/v1/dispatch-gateway')).toBe(401)
    expect(await post('/v1/dispatch-gateway', await t.agent())).toBe(401)
    const reader = await serviceHeaders(t, { role: 'aegis:readonly' })
    expect(await post('/v1/dispatch-gateway', reader)).toBe(403)
    expect(await post('/v1/dispatch-gateway', headers, { ...message, execution_id: crypto.randomUUID() })).toBe(404)
    expect(await post('/v1/dispatch-gateway', headers, { type: 'generate' })).toBe(422)
    expect(await post('/v1/dispatch-gateway', headers, { ...message, agent_id: 'other' })).toBe(403)
    await t.request({ method: 'POST', url: `/v1/executions/${id}/cancel`, headers })
    await allEvents(address, headers, id)
    expect(await post('/v1/dispatch-gateway', headers)).toBe(409)
  })
})

it('a token finds its attempt and no other, and none once it is over', () => {
  const registry = attempts()
  const attempt = { execution } as ActiveAttempt
  registry.add('secret', attempt)
  expect(registry.byToken('secret')).toBe(attempt)
  expect(registry.byToken('Secret')).toBeNull()
  registry.remove('secret')
  expect(registry.byToken('secret')).toBeNull()
})
