import { describe, expect, it } from 'vitest'
import { manualClock } from '../../../test/manual-clock.ts'
import { ChatFailed, type ChatModel, type ChatPart, type ChatRequest } from '../../ports/chat-model.ts'
import type { ModelMessage } from '../../ports/model.ts'
import { type ChatEvent, chat, type Spent, shortAnswer } from './chat.ts'
import type { ToolResult } from './tools.ts'

type Round = readonly ChatPart[]
const text = (words: string): ChatPart => ({ kind: 'text', text: words })
const call = (id: string, args: unknown = { yaml_content: 'id: x' }, name = 'validate_contract'): ChatPart => ({
  kind: 'call',
  call: { id, name, arguments: args },
})
const tokens = (inputTokens: number, outputTokens: number): ChatPart => ({ kind: 'usage', inputTokens, outputTokens })

/** A model that plays its rounds, the last again and again, and keeps what it was asked. */
function playing(rounds: readonly Round[]): ChatModel & { asked: ChatRequest[] } {
  const asked: ChatRequest[] = []
  return {
    asked,
    async *stream(request) {
      asked.push({ ...request, messages: [...request.messages] })
      yield* rounds[Math.min(asked.length, rounds.length) - 1] ?? []
    },
  }
}

async function all(events: AsyncIterable<ChatEvent>): Promise<ChatEvent[]> {
  const found: ChatEvent[] = []
  for await (const event of events) found.push(event)
  return found
}

/** The assistant, as its clients see it. */
describe('a conversation with tools', () => {
  const start = (
    rounds: readonly Round[],
    runTool?: (name: string, args: unknown) => Promise<ToolResult>,
    hasTools = true,
  ) => {
    const clock = manualClock()
    const spent: Spent = { inputTokens: 0, outputTokens: 0 }
    const model = playing(rounds)
    const ran: [string, unknown][] = []
    const run = runTool ?? (async () => ({ valid: true, errors: [] }))
    const events = chat({
      model,
      messages: [{ role: 'user', content: 'go' }],
      hasTools,
      runTool: (name, args) => {
        ran.push([name, args])
        return run(name, args)
      },
      clock,
      signal: new AbortController().signal,
      spent,
    })
    return { clock, spent, model, ran, events }
  }
  const results = (events: readonly ChatEvent[]) => events.flatMap((event) => (event.kind === 'result' ? [event] : []))

  it('each call is announced before it runs and told with what it took; tokens of all rounds add up', async () => {
    const { clock, spent, model, events } = start(
      [
        [text('Let me '), text('see.'), call('c1'), tokens(10, 4)],
        [text('Fine.'), tokens(20, 5)],
      ],
      async () => {
        await clock.advance(40)
        return { valid: true, errors: [] }
      },
    )
    expect(await all(events)).toEqual([
      { kind: 'text', text: 'Let me ' },
      { kind: 'text', text: 'see.' },
      { kind: 'call', id: 'c1', tool: 'validate_contract' },
      { kind: 'result', id: 'c1', tool: 'validate_contract', result: { valid: true, errors: [] }, durationMs: 40 },
      { kind: 'text', text: 'Fine.' },
    ])
    expect(spent).toEqual({ inputTokens: 30, outputTokens: 9 })
    expect(model.asked.map(({ maxTokens }) => maxTokens)).toEqual([4096, 4096])
    const answered = model.asked[1]?.messages.at(-1) as Extract<ModelMessage, { role: 'tool' }>
    expect([answered.tool_call_id, JSON.parse(answered.content)]).toEqual(['c1', { valid: true, errors: [] }])
  })

  it('a tool that takes longer than five seconds, or throws, gives an error to the model, and the conversation goes on', async () => {
    const never = new Promise<ToolResult>(() => {})
    let ranOnce = false
    const { clock, events } = start([[call('slow'), call('broken')], [text('Sorry.')]], (_name, _args) =>
      Promise.resolve().then(() => {
        if (ranOnce) throw new Error('out of order')
        ranOnce = true
        return never
      }),
    )
    const found: ChatEvent[] = []
    for await (const event of events) {
      found.push(event)
      // The first call hangs: its time runs out while it is waited for.
      if (event.kind === 'call' && event.id === 'slow') setImmediate(() => void clock.advance(5_000))
    }
    expect(results(found).map(({ id, result, durationMs }) => [id, result, durationMs])).toEqual([
      ['slow', { error: 'The tool took longer than 5 seconds.' }, 5_000],
      ['broken', { error: 'out of order' }, 0],
    ])
    expect(found.at(-1)).toEqual({ kind: 'text', text: 'Sorry.' })
  })

  it('the eleventh call is not run and not told; the model hears of the limit, and then can only write', async () => {
    const eleven = Array.from({ length: 11 }, (_, index) => call(`c${index}`))
    const { model, ran, events } = start([eleven, [text('Enough.')]])
    const found = await all(events)
    expect([ran.length, results(found).length]).toEqual([10, 10])
    expect(found.map((event) => (event.kind === 'call' ? event.id : ''))).not.toContain('c10')
    expect(model.asked.map(({ tools }) => tools.length)).toEqual([2, 0])
    expect(JSON.stringify(model.asked[1]?.messages)).toContain('Tool call limit reached (10)')
  })

  it('after five rounds it ends, the fifth without tools', async () => {
    const { model, ran, events } = start([[call('again')]])
    await all(events)
    expect(model.asked.map(({ tools }) => tools.length)).toEqual([2, 2, 2, 2, 0])
    expect(ran).toHaveLength(4)
  })

  it('a model without tools is offered none, and what it calls all the same is not run', async () => {
    const { model, ran, events } = start([[text('Hi.'), call('c1')]], undefined, false)
    expect(await all(events)).toEqual([{ kind: 'text', text: 'Hi.' }])
    expect([model.asked[0]?.tools, ran]).toEqual([[], []])
  })

  it('arguments that are no JSON object reach the tool as they came', async () => {
    const { ran, events } = start([[call('a', '{"yaml'), call('b', [1]), call('c', null)], [text('ok')]])
    await all(events)
    expect(ran.map(([, args]) => args)).toEqual([{ _raw: '{"yaml' }, { _raw: '[1]' }, { _raw: 'null' }])
  })
})

describe('a short answer', () => {
  const ask = (model: ChatModel, clock = manualClock(), spent: Spent = { inputTokens: 0, outputTokens: 0 }) =>
    shortAnswer({ model, messages: [{ role: 'user', content: 'x' }], maxTokens: 150, timeoutMs: 15_000, clock, spent })
  /** Says the words, then nothing until it is broken off. */
  const hanging = (words: string, began: () => void): ChatModel => ({
    async *stream({ signal }) {
      if (words !== '') yield text(words)
      await new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason))
        began()
      })
    },
  })

  it('is the text, asked for briefly and without tools', async () => {
    const model = playing([[text('One '), text('sentence.'), tokens(7, 3)]])
    const spent = { inputTokens: 0, outputTokens: 0 }
    expect(await ask(model, manualClock(), spent)).toBe('One sentence.')
    expect(spent).toEqual({ inputTokens: 7, outputTokens: 3 })
    expect(model.asked[0]).toMatchObject({ maxTokens: 150, isBrief: true, tools: [] })
  })

  it('that takes too long is cut: what came is the answer, nothing is an error', async () => {
    for (const words of ['Half a', '']) {
      const clock = manualClock()
      const began = Promise.withResolvers<void>()
      const answer = ask(hanging(words, began.resolve), clock).catch((error: unknown) => error)
      await began.promise
      await clock.advance(15_000)
      expect(await answer).toEqual(
        words === '' ? new ChatFailed('The model did not finish within 15 seconds.') : 'Half a',
      )
    }
  })
})
