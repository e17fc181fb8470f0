import { BaseChatModel } from '@langchain/core/language_models/chat_models'
import { AIMessage, type BaseMessage, HumanMessage, ToolMessage } from '@langchain/core/messages'
import type { ChatResult } from '@langchain/core/outputs'
import { Command, interrupt, MemorySaver, MessagesAnnotation, StateGraph } from '@langchain/langgraph'
import { ToolNode, toolsCondition } from '@langchain/langgraph/prebuilt'
import { govern } from '@lictor/guard/langchain'
import { createAgent, tool } from 'langchain'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { type Given, prove, type Seen, scene } from './prove.ts'

class Scripted extends BaseChatModel {
  readonly answers: Given['answers']
  readonly requests: BaseMessage[][]

  constructor(answers: Given['answers'], requests: BaseMessage[][] = []) {
    super({})
    this.answers = answers
    this.requests = requests
  }

  _llmType(): string {
    return 'scripted'
  }

  override bindTools(): this {
    return this
  }

  async _generate(messages: BaseMessage[]): Promise<ChatResult> {
    this.requests.push(messages)
    const calls = this.answers[this.requests.length - 1]
    const message = calls
      ? new AIMessage({
          content: '',
          tool_calls: calls.map(({ id, tool: name, args }) => ({ id, name, args, type: 'tool_call' })),
        })
      : new AIMessage('done')
    return { generations: [{ text: '', message }] }
  }

  get told(): string[] {
    return (this.requests.at(-1) ?? []).filter((message) => ToolMessage.isInstance(message)).map(({ text }) => text)
  }
}

const schema = z.object({ path: z.string() })
const toolsOf = ({ guard, tools }: Pick<Given, 'guard' | 'tools'>) =>
  govern(guard).tools(
    Object.entries(tools).map(([name, execute]) =>
      tool(async (args) => execute(args), { name, description: name, schema }),
    ),
  )

/** The events of a run, which tracers and user interfaces see. */
async function eventsOf(events: AsyncIterable<unknown>): Promise<string> {
  const seen: unknown[] = []
  for await (const event of events) seen.push(event)
  return JSON.stringify(seen)
}

prove({
  name: 'LangChain createAgent',
  framework: 'langchain',
  run: async ({ answers, signal, ...given }): Promise<Seen> => {
    const model = new Scripted(answers)
    const agent = createAgent({ model, tools: toolsOf(given) })
    const events = agent.streamEvents(
      { messages: [new HumanMessage('go')] },
      { version: 'v2', ...(signal ? { signal } : {}) },
    )
    return { shown: await eventsOf(events), told: model.told }
  },
})

prove({
  name: 'LangGraph ToolNode',
  framework: '@langchain/langgraph',
  ownIds: 'ToolNode leaves out a call whose id has an answer in the conversation',
  run: async ({ answers, signal, ...given }): Promise<Seen> => {
    const model = new Scripted(answers)
    const graph = new StateGraph(MessagesAnnotation)
      .addNode('model', async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
      .addNode('tools', new ToolNode(toolsOf(given)))
      .addEdge('__start__', 'model')
      .addConditionalEdges('model', toolsCondition)
      .addEdge('tools', 'model')
      .compile()
    const events = graph.streamEvents(
      { messages: [new HumanMessage('go')] },
      { version: 'v2', ...(signal ? { signal } : {}) },
    )
    return { shown: await eventsOf(events), told: model.told }
  },
})

test('LangGraph: an interrupt inside a tool passes through, counts no execution, and the resumed call runs', async () => {
  const { guard, actions } = scene()
  let ran = 0
  const asking = tool(
    async ({ path }) => {
      const answer = interrupt(`read ${path}?`) as string
      ran++
      return `${answer} ${path}`
    },
    { name: 'read_file', description: 'reads', schema },
  )
  const model = new Scripted([[{ id: 'c1', tool: 'read_file', args: { path: 'a.txt' } }]])
  const agent = createAgent({ model, tools: govern(guard).tools([asking]), checkpointer: new MemorySaver() })
  const thread = { configurable: { thread_id: 't' } }
  const paused = await agent.invoke({ messages: [new HumanMessage('go')] }, thread)
  expect((paused as { __interrupt__?: unknown[] }).__interrupt__?.length).toBe(1)
  expect([ran, actions()]).toEqual([0, ['call_allowed', 'call_cancelled']])
  await agent.invoke(new Command({ resume: 'yes' }), thread)
  expect([ran, model.told]).toEqual([1, ['yes a.txt']])
  expect(actions().slice(2)).toEqual(['call_allowed', 'call_executed'])
})

test('LangChain: a ToolMessage stays one, redacted, and its artifact does not pass beside it', async () => {
  const { guard } = scene()
  const made = tool(
    async (_args, config) =>
      new ToolMessage({
        content: 'ssn 123-45-6789',
        artifact: { raw: '123-45-6789' },
        tool_call_id: config.toolCall?.id ?? '',
      }),
    { name: 'read_file', description: 'reads', schema },
  )
  const [read] = govern(guard).tools([made])
  const answer = await read!.invoke({ type: 'tool_call', id: 'c1', name: 'read_file', args: { path: 'x' } })
  expect(ToolMessage.isInstance(answer)).toBe(true)
  expect((answer as ToolMessage).text).toBe('ssn [REDACTED]')
  expect(JSON.stringify(answer)).not.toContain('123-45-6789')
})

test('LangChain: content and artifact are judged together, and a refusal has their form', async () => {
  const { guard } = scene()
  const made = tool(async () => ['ssn 123-45-6789', { raw: '123-45-6789', n: 3 }], {
    name: 'read_file',
    description: 'reads',
    schema,
    responseFormat: 'content_and_artifact',
  })
  const [read] = govern(guard).tools([made])
  const call = (path: string) => read!.invoke({ type: 'tool_call', id: 'c1', name: 'read_file', args: { path } })
  expect(await call('x')).toMatchObject({ content: 'ssn [REDACTED]', artifact: { raw: '[REDACTED]', n: 3 } })
  expect(await call('.env')).toMatchObject({ content: 'DENIED: .env is off limits.', artifact: null })
})

test('LangChain: of a generator the returned value is told, judged; what it yields on the way is not shown', async () => {
  const { guard } = scene()
  const made = tool(
    async function* () {
      yield 'ssn 123-45-6789 on the way'
      return 'ssn 123-45-6789'
    },
    { name: 'read_file', description: 'reads', schema },
  )
  const model = new Scripted([[{ id: 'c1', tool: 'read_file', args: { path: 'people.csv' } }]])
  const agent = createAgent({ model, tools: govern(guard).tools([made]) })
  const shown = await eventsOf(agent.streamEvents({ messages: [new HumanMessage('go')] }, { version: 'v2' }))
  expect(model.told).toEqual(['ssn [REDACTED]'])
  expect(shown).not.toContain('123-45-6789')
})
