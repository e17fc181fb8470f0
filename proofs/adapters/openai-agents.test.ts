import { govern } from '@lictor/guard/openai-agents'
import {
  Agent,
  type Model,
  type ModelRequest,
  type ModelResponse,
  Runner,
  setTraceProcessors,
  setTracingDisabled,
  tool,
  Usage,
} from '@openai/agents'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { type Given, prove, type Seen, scene } from './prove.ts'

/** What a tracer is told while the runs of this file go on, one after the other. */
const traced: string[] = []
const told = async (span: { toJSON(): object | null }) => void traced.push(JSON.stringify(span.toJSON()))
const ignored = async () => {}
setTraceProcessors([
  {
    onTraceStart: ignored,
    onTraceEnd: told,
    onSpanStart: ignored,
    onSpanEnd: told,
    shutdown: ignored,
    forceFlush: ignored,
  },
])
setTracingDisabled(false)

/** A model that asks for calls in the order of the script, and remembers what it was told. */
class Scripted implements Model {
  readonly requests: ModelRequest[] = []
  readonly #answers: Given['answers']

  constructor(answers: Given['answers']) {
    this.#answers = answers
  }

  async getResponse(request: ModelRequest): Promise<ModelResponse> {
    this.requests.push(
      structuredClone({ ...request, signal: undefined, tools: [], handoffs: [] }) as unknown as ModelRequest,
    )
    const calls = this.#answers[this.requests.length - 1]
    const output: ModelResponse['output'] = calls
      ? calls.map(({ id, tool: name, args }) => ({
          type: 'function_call' as const,
          callId: id,
          name,
          status: 'completed' as const,
          arguments: JSON.stringify(args),
        }))
      : [{ type: 'message', role: 'assistant', status: 'completed', content: [{ type: 'output_text', text: 'done' }] }]
    return { usage: new Usage(), output }
  }

  async *getStreamedResponse(): AsyncGenerator<never> {
    yield* []
    throw new Error('not used')
  }

  get told(): string[] {
    const input = this.requests.at(-1)?.input
    if (!Array.isArray(input)) return []
    return input.flatMap((item) => (item.type === 'function_call_result' ? [JSON.stringify(item.output)] : []))
  }
}

const toolsOf = ({ guard, tools }: Pick<Given, 'guard' | 'tools'>) =>
  govern(guard).tools(
    Object.entries(tools).map(([name, execute]) =>
      tool({
        name,
        description: name,
        parameters: z.object({ path: z.string() }),
        execute: async (args) => execute(args),
      }),
    ),
  )

prove({
  name: 'OpenAI Agents',
  framework: '@openai/agents',
  // The SDK tells the model of a failing tool by a text of its own, without the message.
  failure: 'An error occurred while running the tool.',
  ownIds: 'the run ends with ModelBehaviorError',
  run: async ({ answers, signal, ...given }): Promise<Seen> => {
    const model = new Scripted(answers)
    const agent = new Agent({ name: 'agent', model, tools: toolsOf(given) })
    const shown: unknown[] = []
    agent.on('agent_tool_end', (_context, _tool, result) => shown.push(result))
    traced.length = 0
    const runner = new Runner({ tracingDisabled: false })
    const result = await runner.run(agent, 'go', signal ? { signal } : {})
    return {
      told: model.told,
      shown: JSON.stringify([traced, shown, result.history, result.newItems.map((item) => item.toJSON())]),
    }
  },
})

test('OpenAI Agents: spans of a trace hold the redacted text', async () => {
  const { guard, tools } = scene()
  const model = new Scripted([[{ id: 'c1', tool: 'read_file', args: { path: 'people.csv' } }]])
  traced.length = 0
  const agent = new Agent({ name: 'agent', model, tools: toolsOf({ guard, tools }) })
  await new Runner({ tracingDisabled: false }).run(agent, 'go')
  expect(traced.filter((span) => span.includes('read_file')).join()).toContain('ssn [REDACTED]')
  expect(traced.join()).not.toContain('123-45-6789')
})

test('OpenAI Agents: a tool that streams is collected, never silently empty', async () => {
  const { guard } = scene()
  const model = new Scripted([[{ id: 'c1', tool: 'read_file', args: { path: 'people.csv' } }]])
  const streaming = tool({
    name: 'read_file',
    description: 'reads',
    parameters: z.object({ path: z.string() }),
    execute: async () =>
      (async function* () {
        yield 'ssn 123-'
        yield '45-6789'
      })(),
  })
  await new Runner({ tracingDisabled: true }).run(
    new Agent({ name: 'a', model, tools: govern(guard).tools([streaming]) }),
    'go',
  )
  expect(model.told).toEqual([expect.stringContaining('ssn [REDACTED]')])
})

test('OpenAI Agents: arguments that are not JSON run nothing; a failing tool is recorded as one', async () => {
  const { guard, tools, actions } = scene()
  const [read] = toolsOf({ guard, tools })
  expect(await read!.invoke({} as never, '{"path":', undefined as never)).toMatch(
    /^DENIED: The arguments are not valid JSON/,
  )
  expect(actions()).toEqual([])
  expect(await read!.invoke({ usage: new Usage() } as never, '{"path":"broken.txt"}', undefined as never)).toMatch(
    /^An error/,
  )
  expect(actions()).toEqual(['call_allowed', 'call_failed'])
})

test('OpenAI Agents: two tools of one name, and tools of other kinds, are refused at once; hosted ones are listed', () => {
  const { guard, tools } = scene()
  const [read] = toolsOf({ guard, tools: { read_file: tools.read_file! } })
  expect(() => govern(guard).tools([read!, read!])).toThrow("Two tools are named 'read_file'")
  expect(() => govern(guard).tools([{ type: 'shell', name: 'shell' }])).toThrow("The tool 'shell' has no 'invoke'")
  govern(guard).tools([{ type: 'hosted_tool', name: 'web_search' }])
  expect(guard.ungoverned().map(({ toolName, elsewhere }) => [toolName, elsewhere])).toEqual([
    ['web_search', 'the provider runs it'],
  ])
})
