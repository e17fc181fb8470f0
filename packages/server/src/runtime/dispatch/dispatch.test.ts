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
import type { Models } from '../models/models.ts'
import type { EventDraft } from '../record/events.ts'
import type { Execution } from '../record/execution.ts'
import { type RecordedCall, replay, type TurnEntry } from '../record/turns.ts'
import type { Invocations } from '../tools/invocations.ts'
import { createAttempts } from './attempts.ts'
import { type Conversation, type ConversationSettings, createConversations } from './conversation.ts'

const execution = { id: 'e1', agentId: 'a1', agentName: 'worker', tenantId: 't1' } as Execution
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

describe('the conversation of an attempt', () => {
  let turns: { text?: string; calls?: string[]; isCutOff?: true }[]
  let ran: string[]
  let recorded: EventDraft[]
  let told: (readonly ModelMessage[])[]
  let conversation: Conversation
  let over: AbortController
  let entries: TurnEntry[]
  let resumed: (RecordedCall | null | undefined)[]

  /** Open the conversation of an attempt of which this is recorded. */
  function start(before: readonly TurnEntry[]) {
    entries = [...before]
    resumed = []
    turns = []
    ran = []
    recorded = []
    told = []
    over = new AbortController()
    const models: Models = {
      async turn({ messages }) {
        told.push([...messages])
        const turn = turns.shift() ?? { calls: ['direct'] }
        return {
          text: turn.text ?? '',
          toolCalls: (turn.calls ?? []).map((name, index) => ({ id: 'the same', name, arguments: { index } })),
          isCutOff: turn.isCutOff ?? false,
          inputTokens: null,
          outputTokens: null,
          provider: 'test',
          model: 'test',
        }
      },
    }
    const invocations: Pick<Invocations, 'begin' | 'refuse' | 'finish'> = {
      async begin(_context, call, _index, interrupted) {
        resumed.push(interrupted)
        ran.push(call.name)
        const step = { tool: call.name, argumentsJson: '{}', status: 'pending' as const }
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
        return { kind: 'dispatched', message, running: { step } as never, step }
      },
      refuse: async (_context, call, _index, { reason }) => ({
        content: reason,
        step: { tool: call.name, argumentsJson: '{}', status: 'failed' },
      }),
      finish: async (_context, { step }, _message, { stdout }) => ({
        content: stdout,
        step: { ...step, status: 'succeeded' },
      }),
    }
    const open = createConversations({
      models,
      invocations,
      store: { updateIteration: async () => {} },
      catalogue: { find: () => null },
    })
    conversation = open({
      execution,
      iteration: 1,
      modelAlias: 'default',
      modelScript: undefined,
      temperature: undefined,
      turnLimit: 1000,
      longestTurn: 1000,
      signal: over.signal,
      recorded: replay(before),
      goesOn: async () => {},
      step: (work) => work(),
      invocation: {
        toolNames: [],
        securityContext: { name: 'c', capabilities: [], denyList: [] },
        record: async (events: readonly EventDraft[], entry?: TurnEntry) => {
          recorded.push(...events)
          if (entry) entries.push(entry)
        },
      } as unknown as ConversationSettings['invocation'],
    })
  }
  beforeEach(() => start([]))

  it('two direct calls and a text are one exchange, with everything in the conversation', async () => {
    turns = [{ calls: ['one'] }, { calls: ['two'] }, { text: 'Done.' }]
    const answer = await conversation.answer(generate)
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
    expect(await conversation.answer(generate)).toMatchObject({ type: 'dispatch', dispatch_id: 'd2' })
    const answer = await conversation.answer(result('d2'))
    expect(answer).toMatchObject({ type: 'final', tool_calls_executed: 3 })
    expect(
      conversationOf(answer)
        .filter((one) => one.role === 'tool')
        .map((one) => ['tool_call_id' in one && one.tool_call_id, one.content]),
    ).toEqual([
      ['call_1_1', 'did read'],
      ['call_1_2', 'out'],
      ['call_1_3', 'did write'],
    ])
    expect(conversation.trajectory.map(({ tool, status }) => [tool, status])).toEqual([
      ['read', 'pending'],
      ['command', 'succeeded'],
      ['write', 'pending'],
    ])
  })

  it('a wrong dispatch_id changes nothing, and another result for a command that is back is refused', async () => {
    turns = [{ calls: ['command'] }, { text: 'Done.' }]
    await conversation.answer(generate)
    await expect(conversation.answer(result('other'))).rejects.toMatchObject({ status: 409 })
    expect(await conversation.answer(result('d1'))).toMatchObject({ type: 'final' })
    await expect(conversation.answer({ ...result('d1'), stdout: 'else' })).rejects.toMatchObject({ status: 409 })
    expect(ran).toEqual(['command'])
  })

  it('a result whose answer was lost is sent again and gets the same answer, while it is made and after', async () => {
    turns = [{ calls: ['command'] }, { calls: ['command'] }, { text: 'Done.' }]
    await conversation.answer(generate)
    const [first, again] = await Promise.all([conversation.answer(result('d1')), conversation.answer(result('d1'))])
    expect(first).toMatchObject({ type: 'dispatch', dispatch_id: 'd2' })
    expect(again).toEqual(first)
    expect(await conversation.answer(result('d1'))).toEqual(first)
    expect(await conversation.answer(result('d2'))).toMatchObject({ type: 'final', tool_calls_executed: 2 })
    expect(ran).toEqual(['command', 'command'])
  })

  it('one that was interrupted goes on at the call that was under way, and asks the model nothing anew', async () => {
    turns = [{ calls: ['one', 'two', 'three'] }]
    const answered = conversation.answer(generate)
    await answered.catch(() => {})
    const opened = entries.slice(0, 2)
    expect(opened.map(({ kind }) => kind)).toEqual(['opened', 'answered'])
    const step = { tool: 'one', argumentsJson: '{}', status: 'succeeded' } as const
    start([
      ...opened,
      { kind: 'called', call: 'call_1_1', invocationId: 'i1' },
      { kind: 'told', call: 'call_1_1', content: 'did one', step },
      { kind: 'called', call: 'call_1_2', invocationId: 'i2' },
      { kind: 'running', call: 'call_1_2' },
    ])
    turns = [{ text: 'Done.' }]
    const answer = await conversation.answer({ ...generate, prompt: 'another prompt' })
    expect(answer).toMatchObject({ type: 'final', content: 'Done.', tool_calls_executed: 3 })
    expect(ran).toEqual(['two', 'three'])
    expect(resumed).toMatchObject([
      { invocationId: 'i2', isRunning: true },
      { invocationId: null, isRunning: false },
    ])
    expect(told).toHaveLength(1)
    expect(conversationOf(answer).map(({ content }) => content)).toEqual([
      expect.any(String),
      'go',
      '',
      'did one',
      'did two',
      'did three',
      'Done.',
    ])
  })

  it('what was concluded is answered again in the same words, and the exchange after it goes on', async () => {
    const first = [
      {
        kind: 'opened',
        messages: [
          { role: 'system', content: 's' },
          { role: 'user', content: 'a' },
        ],
      },
      { kind: 'concluded', text: 'First.' },
    ] as const
    const second = [
      {
        kind: 'opened',
        messages: [
          { role: 'system', content: 's' },
          { role: 'user', content: 'b' },
        ],
      },
    ] as const
    const saying = (content: string) => ({
      ...generate,
      messages: [
        { role: 'system', content: 's' },
        { role: 'user', content },
      ],
    })
    start([...first, ...second])
    turns = [{ text: 'Second.' }, { text: 'Third.' }]
    expect(await conversation.answer(saying('a'))).toMatchObject({ content: 'First.' })
    expect(told).toEqual([])
    expect(await conversation.answer(saying('b'))).toMatchObject({ content: 'Second.' })
    expect(await conversation.answer(saying('c'))).toMatchObject({ content: 'Third.' })
    expect(entries.filter(({ kind }) => kind === 'opened')).toHaveLength(3)
  })

  it('only its own execution, agent and iteration may speak', async () => {
    await expect(conversation.answer({ ...generate, execution_id: 'e2' })).rejects.toMatchObject({ status: 404 })
    await expect(conversation.answer({ ...generate, agent_id: 'a2' })).rejects.toMatchObject({ status: 403 })
    await expect(conversation.answer({ ...generate, iteration_number: 2 })).rejects.toMatchObject({ status: 409 })
  })

  it('the 51st round that asks for tools ends the loop and fails the iteration', async () => {
    await expect(conversation.answer(generate)).rejects.toMatchObject({
      status: 500,
      message: 'Inner loop exceeded max iterations (50)',
    })
    expect(ran).toHaveLength(50)
    expect(conversation.failure).toEqual({ kind: 'rounds', most: 50 })
  })

  it('after the end no model is asked and no tool is called', async () => {
    turns = [{ calls: ['command', 'direct'] }]
    await conversation.answer(generate)
    over.abort(new Error('cancelled'))
    await expect(conversation.answer(result('d1'))).rejects.toMatchObject({ status: 409 })
    expect(ran).toEqual(['command'])
  })

  it('earlier messages continue as they are, with the policy in front when they have none', async () => {
    turns = [{ text: 'Done.' }]
    const answer = await conversation.answer({ ...generate, messages: [{ role: 'user', content: 'before' }] })
    expect(conversationOf(answer).map((one) => [one.role, one.content.slice(0, 6)])).toEqual([
      ['system', 'You wo'],
      ['user', 'before'],
      ['assistant', 'Done.'],
    ])
  })

  it('two calls to which the provider gave one id are two calls, over the whole conversation', async () => {
    turns = [{ calls: ['one', 'two'] }, { calls: ['one'] }, { text: 'Done.' }]
    const answer = await conversation.answer(generate)
    expect(ran).toEqual(['one', 'two', 'one'])
    const ids = conversationOf(answer).flatMap((one) => ('tool_call_id' in one ? [one.tool_call_id] : []))
    expect(ids).toEqual(['call_1_1', 'call_1_2', 'call_2_1'])
  })

  it('calls of an answer that was cut off are not run, and the model is told', async () => {
    turns = [{ calls: ['write', 'command'], isCutOff: true }, { text: 'Shorter.' }]
    expect(await conversation.answer(generate)).toMatchObject({ type: 'final', content: 'Shorter.' })
    expect(ran).toEqual([])
    expect(told[1]?.slice(-2).map(({ content }) => content)).toEqual([
      expect.stringContaining('cut off at the length limit'),
      expect.stringContaining('cut off at the length limit'),
    ])
  })

  it('a final text that was cut off is no final answer', async () => {
    turns = [{ text: 'And so', isCutOff: true }]
    await expect(conversation.answer(generate)).rejects.toMatchObject({ status: 502 })
    expect(conversation.failure).toEqual({ kind: 'cut_off' })
  })

  it('one message at a time', async () => {
    turns = [{ text: 'Done.' }]
    const first = conversation.answer(generate)
    await expect(conversation.answer(generate)).rejects.toMatchObject({ status: 409 })
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
  const registry = createAttempts()
  const attempt = { execution } as unknown as Conversation
  registry.add('secret', attempt)
  expect(registry.byToken('secret')).toBe(attempt)
  expect(registry.byToken('Secret')).toBeNull()
  registry.remove('secret')
  expect(registry.byToken('secret')).toBeNull()
})
