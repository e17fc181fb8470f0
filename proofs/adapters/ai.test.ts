import { govern } from '@lictor/guard/ai'
import { generateText, jsonSchema, stepCountIs, streamText, tool } from 'ai'
import { MockLanguageModelV4 } from 'ai/test'
import { expect, test } from 'vitest'
import { type Call, type Given, prove, type Seen, scene } from './prove.ts'

const usage = {
  inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 1, text: 1, reasoning: 0 },
}
const path = jsonSchema<{ path: string }>({
  type: 'object',
  properties: { path: { type: 'string' } },
  required: ['path'],
})

const partsOf = (calls: readonly Call[]) =>
  calls.map(({ id, tool, args }) => ({
    type: 'tool-call' as const,
    toolCallId: id,
    toolName: tool,
    input: JSON.stringify(args),
  }))

function scripted(answers: Given['answers']) {
  let turn = 0
  const next = () => answers[turn++]
  return new MockLanguageModelV4({
    doGenerate: async () => {
      const calls = next()
      const finishReason = { unified: calls ? ('tool-calls' as const) : ('stop' as const), raw: undefined }
      const content = calls ? partsOf(calls) : [{ type: 'text' as const, text: 'done' }]
      return { content, finishReason, usage, warnings: [] }
    },
    doStream: async () => {
      const calls = next()
      const finishReason = { unified: calls ? ('tool-calls' as const) : ('stop' as const), raw: undefined }
      const parts = calls
        ? partsOf(calls)
        : [
            { type: 'text-start' as const, id: 't' },
            { type: 'text-delta' as const, id: 't', delta: 'done' },
            { type: 'text-end' as const, id: 't' },
          ]
      const all = [
        { type: 'stream-start' as const, warnings: [] },
        ...parts,
        { type: 'finish' as const, finishReason, usage },
      ]
      return { stream: ReadableStream.from(all) as ReadableStream<(typeof all)[number]> }
    },
  })
}

type Prompt = MockLanguageModelV4['doGenerateCalls'][number]['prompt']

function toldIn(prompt: Prompt | undefined): string[] {
  const results = (prompt ?? []).flatMap((message) => (message.role === 'tool' ? message.content : []))
  return results.flatMap((part) => (part.type === 'tool-result' ? [JSON.stringify(part.output)] : []))
}

const toolsOf = ({ guard, tools }: Pick<Given, 'guard' | 'tools'>) =>
  govern(guard).tools(
    Object.fromEntries(
      Object.entries(tools).map(([name, execute]) => [
        name,
        tool({ inputSchema: path, execute: async (args) => execute(args) }),
      ]),
    ),
  )

/** Everything that hooks of the SDK are told. */
function listener() {
  const heard: unknown[] = []
  const hear = (event: unknown) => void heard.push(event)
  const telemetry = {
    integrations: [{ onToolExecutionStart: hear, onToolExecutionEnd: hear, onStepFinish: hear, onFinish: hear }],
  }
  return { heard, listening: { onStepFinish: hear, onToolExecutionEnd: hear, telemetry } }
}

const textOf = (value: unknown): string => {
  const seen = new WeakSet<object>()
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (inner instanceof Error) return `${inner.name}: ${inner.message} ${inner.stack}`
    if (typeof inner !== 'object' || inner === null) return inner
    if (seen.has(inner)) return undefined
    seen.add(inner)
    return inner
  })
}

prove({
  name: 'ai generateText',
  framework: 'ai',
  run: async ({ signal, ...given }): Promise<Seen> => {
    const model = scripted(given.answers)
    const { heard, listening } = listener()
    const result = await generateText({
      model,
      tools: toolsOf(given),
      prompt: 'go',
      stopWhen: stepCountIs(5),
      ...listening,
      ...(signal ? { abortSignal: signal } : {}),
    })
    return { told: toldIn(model.doGenerateCalls.at(-1)?.prompt), shown: textOf([heard, result.steps]) }
  },
})

prove({
  name: 'ai streamText',
  framework: 'ai',
  run: async ({ signal, ...given }): Promise<Seen> => {
    const model = scripted(given.answers)
    const { heard, listening } = listener()
    const result = streamText({
      model,
      tools: toolsOf(given),
      prompt: 'go',
      stopWhen: stepCountIs(5),
      ...listening,
      ...(signal ? { abortSignal: signal } : {}),
    })
    const parts: unknown[] = []
    for await (const part of result.toUIMessageStream()) parts.push(part)
    return { told: toldIn(model.doStreamCalls.at(-1)?.prompt), shown: textOf([heard, parts]) }
  },
})

test('ai: of a generator whose output is judged, nothing leaves before the end, and then only what was judged', async () => {
  const { guard, actions } = scene()
  const model = scripted([[{ id: 'c1', tool: 'read_file', args: { path: 'people.csv' } }]])
  const { tools } = {
    tools: govern(guard).tools({
      read_file: tool({
        inputSchema: path,
        async *execute() {
          yield 'ssn 123'
          yield 'ssn 123-45-6789'
        },
      }),
    }),
  }
  const result = streamText({ model, tools, prompt: 'go', stopWhen: stepCountIs(2) })
  const parts: unknown[] = []
  for await (const part of result.fullStream) parts.push(part)
  expect(textOf(parts)).not.toContain('ssn 123')
  expect(toldIn(model.doStreamCalls.at(-1)?.prompt)).toEqual(['{"type":"text","value":"ssn [REDACTED]"}'])
  expect(actions()).toEqual(['call_allowed', 'call_executed'])
})

test('ai: of a generator that nobody judges, every piece is shown, and the last one is told', async () => {
  const { guard, actions } = scene()
  const model = scripted([[{ id: 'c1', tool: 'search', args: { path: 'x' } }]])
  const tools = govern(guard).tools({
    search: tool({
      inputSchema: path,
      async *execute() {
        yield 'one'
        yield 'two'
      },
    }),
  })
  const result = streamText({ model, tools, prompt: 'go', stopWhen: stepCountIs(2) })
  const preliminary: unknown[] = []
  for await (const part of result.fullStream)
    if (part.type === 'tool-result' && part.preliminary) preliminary.push(part.output)
  expect(preliminary).toEqual(['one', 'two'])
  expect(toldIn(model.doStreamCalls.at(-1)?.prompt)).toEqual(['{"type":"text","value":"two"}'])
  expect(actions()).toEqual(['call_allowed', 'call_executed'])
})

test('ai: a generator that is read no further is ended and recorded', async () => {
  const { guard, actions } = scene()
  let isEnded = false
  const { search } = govern(guard).tools({
    search: tool({
      inputSchema: path,
      async *execute() {
        try {
          yield 'one'
          yield 'two'
        } finally {
          isEnded = true
        }
      },
    }),
  })
  const pieces = search.execute!(
    { path: 'x' },
    { toolCallId: 'c1', messages: [], context: {} },
  ) as AsyncIterable<string>
  for await (const piece of pieces) {
    expect(piece).toBe('one')
    break
  }
  expect([isEnded, actions()]).toEqual([true, ['call_allowed', 'call_failed']])
})

test('ai: a denied generator runs not at all, and the model is told why', async () => {
  const { guard } = scene()
  const model = scripted([[{ id: 'c1', tool: 'read_file', args: { path: '.env' } }]])
  let began = false
  const tools = govern(guard).tools({
    read_file: tool({
      inputSchema: path,
      async *execute() {
        began = true
        yield 'text'
      },
    }),
  })
  await streamText({ model, tools, prompt: 'go', stopWhen: stepCountIs(2) }).consumeStream()
  expect(began).toBe(false)
  expect(toldIn(model.doStreamCalls.at(-1)?.prompt)[0]).toContain('DENIED: .env is off limits.')
})

test('ai: a tool without execute is refused unless it is said to run elsewhere; what the provider runs is listed', () => {
  const { guard } = scene()
  const confirm = tool({ inputSchema: path })
  expect(() => govern(guard).tools({ confirm })).toThrow("The tool 'confirm' has no 'execute'")
  const web = { type: 'provider', isProviderExecuted: true, id: 'x.web', args: {}, inputSchema: path } as const
  const read = tool({ inputSchema: path, execute: async () => 'x' })
  const governed = govern(guard, { ungoverned: ['confirm'] }).tools({ confirm, web, read_file: read })
  expect(governed.web).toBe(web)
  expect(guard.ungoverned().map(({ toolName, elsewhere }) => [toolName, elsewhere])).toEqual([
    ['confirm', 'it has no function here'],
    ['web', 'the provider runs it'],
  ])
  expect(guard.coverage().tools.at(-1)).toMatchObject({
    toolName: 'read_file',
    status: 'enforced',
    contracts: ['no-env', 'ssn'],
  })
  expect(() => govern(guard).tools({ read_file: governed.read_file })).toThrow(
    "The tool 'read_file' is governed already",
  )
})
