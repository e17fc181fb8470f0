import { govern } from '@lictor/guard/strands'
import {
  AfterToolCallEvent,
  Agent,
  InterruptResponseContent,
  type Message,
  Model,
  type ModelStreamEvent,
  tool,
} from '@strands-agents/sdk'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { type Given, prove, type Seen, scene } from './prove.ts'

class Scripted extends Model {
  readonly requests: unknown[][] = []
  readonly #answers: Given['answers']

  constructor(answers: Given['answers']) {
    super()
    this.#answers = answers
  }

  updateConfig(): void {}

  getConfig() {
    return { modelId: 'scripted' }
  }

  async *stream(messages: Message[]): AsyncGenerator<ModelStreamEvent> {
    this.requests.push(JSON.parse(JSON.stringify(messages)) as unknown[])
    const calls = this.#answers[this.requests.length - 1]
    yield { type: 'modelMessageStartEvent', role: 'assistant' }
    for (const { id, tool: name, args } of calls ?? []) {
      yield { type: 'modelContentBlockStartEvent', start: { type: 'toolUseStart', name, toolUseId: id } }
      yield { type: 'modelContentBlockDeltaEvent', delta: { type: 'toolUseInputDelta', input: JSON.stringify(args) } }
      yield { type: 'modelContentBlockStopEvent' }
    }
    if (!calls) {
      yield { type: 'modelContentBlockStartEvent' }
      yield { type: 'modelContentBlockDeltaEvent', delta: { type: 'textDelta', text: 'done' } }
      yield { type: 'modelContentBlockStopEvent' }
    }
    yield { type: 'modelMessageStopEvent', stopReason: calls ? 'toolUse' : 'endTurn' }
  }

  get told(): string[] {
    const messages = (this.requests.at(-1) ?? []) as { content: { toolResult?: { content: unknown } }[] }[]
    const blocks = messages.flatMap(({ content }) => content)
    return blocks.flatMap(({ toolResult }) => (toolResult ? [JSON.stringify(toolResult.content)] : []))
  }
}

const toolsOf = ({ guard, tools }: Pick<Given, 'guard' | 'tools'>) =>
  govern(guard).tools(
    Object.entries(tools).map(([name, execute]) =>
      tool({
        name,
        description: name,
        inputSchema: z.object({ path: z.string() }),
        callback: async (args) => (await execute(args)) as string,
      }),
    ),
  )

prove({
  name: 'Strands Agents',
  framework: '@strands-agents/sdk',
  run: async ({ answers, signal, ...given }): Promise<Seen> => {
    const model = new Scripted(answers)
    const agent = new Agent({ model, tools: toolsOf(given), printer: false })
    const shown: unknown[] = []
    agent.addHook(AfterToolCallEvent, (event) => {
      shown.push(event.toJSON(), event.error?.message)
    })
    for await (const event of agent.stream('go', signal ? { cancelSignal: signal } : {})) shown.push(event)
    return { told: model.told, shown: JSON.stringify([shown, agent.messages]) }
  },
})

test('Strands: what a tool tells on its way is shown where nobody judges it, and only there', async () => {
  for (const name of ['search', 'read_file']) {
    const { guard } = scene()
    const model = new Scripted([[{ id: 'c1', tool: name, args: { path: 'people.csv' } }]])
    const streaming = tool({
      name,
      description: name,
      inputSchema: z.object({ path: z.string() }),
      async *callback() {
        yield 'half of 123-45-6789'
        return 'ssn 123-45-6789'
      },
    })
    const agent = new Agent({ model, tools: govern(guard).tools([streaming]), printer: false })
    const shown: unknown[] = []
    for await (const event of agent.stream('go')) shown.push(event)
    expect(JSON.stringify(shown).includes('half of')).toBe(name === 'search')
    expect(model.told[0]).toContain(name === 'search' ? 'ssn 123-45-6789' : 'ssn [REDACTED]')
  }
})

test('Strands: an interrupt of a tool passes through, counts no execution, and the resumed call runs', async () => {
  const { guard, actions } = scene()
  const model = new Scripted([[{ id: 'c1', tool: 'read_file', args: { path: 'a.txt' } }]])
  const asking = tool({
    name: 'read_file',
    description: 'reads',
    inputSchema: z.object({ path: z.string() }),
    callback: async ({ path }, context) => `${context!.interrupt({ name: 'sure', reason: path })} ${path}`,
  })
  const agent = new Agent({ model, tools: govern(guard).tools([asking]), printer: false })
  const paused = await agent.invoke('go')
  expect(paused.stopReason).toBe('interrupt')
  expect(actions()).toEqual(['call_allowed', 'call_cancelled'])
  const [interrupt] = paused.interrupts!
  await agent.invoke([new InterruptResponseContent({ interruptId: interrupt!.id, response: 'yes' })])
  expect(model.told[0]).toContain('yes a.txt')
  expect(actions().slice(2)).toEqual(['call_allowed', 'call_executed'])
})
