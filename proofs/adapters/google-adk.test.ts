import {
  BaseLlm,
  type BaseLlmConnection,
  FunctionTool,
  InMemoryRunner,
  LlmAgent,
  type LlmRequest,
  type LlmResponse,
} from '@google/adk'
import { govern } from '@lictor/guard/google-adk'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { type Given, prove, type Seen, scene } from './prove.ts'

class Scripted extends BaseLlm {
  readonly requests: LlmRequest['contents'][] = []
  readonly #answers: Given['answers']

  constructor(answers: Given['answers']) {
    super({ model: 'scripted' })
    this.#answers = answers
  }

  async *generateContentAsync(request: LlmRequest): AsyncGenerator<LlmResponse, void> {
    this.requests.push(structuredClone(request.contents))
    const calls = this.#answers[this.requests.length - 1]
    const parts = calls
      ? calls.map(({ id, tool, args }) => ({ functionCall: { id, name: tool, args: { ...args } } }))
      : [{ text: 'done' }]
    yield { content: { role: 'model', parts } }
  }

  async connect(): Promise<BaseLlmConnection> {
    throw new Error('not used')
  }

  get told(): string[] {
    const parts = (this.requests.at(-1) ?? []).flatMap((content) => content.parts ?? [])
    return parts.flatMap(({ functionResponse }) =>
      functionResponse ? [JSON.stringify(functionResponse.response)] : [],
    )
  }
}

const toolsOf = ({ guard, tools }: Pick<Given, 'guard' | 'tools'>) =>
  govern(guard).tools(
    Object.entries(tools).map(
      ([name, execute]) =>
        new FunctionTool({
          name,
          description: name,
          parameters: z.object({ path: z.string() }),
          execute: async (args) => execute(args as { path: string }),
        }),
    ),
  )

prove({
  name: 'Google ADK',
  framework: '@google/adk',
  run: async ({ answers, signal, ...given }): Promise<Seen> => {
    const model = new Scripted(answers)
    const agent = new LlmAgent({ name: 'agent', model, tools: toolsOf(given) })
    const runner = new InMemoryRunner({ agent, appName: 'proofs' })
    const session = await runner.sessionService.createSession({ appName: 'proofs', userId: 'u' })
    const events: unknown[] = []
    const run = runner.runAsync({
      userId: 'u',
      sessionId: session.id,
      newMessage: { role: 'user', parts: [{ text: 'go' }] },
      ...(signal ? { abortSignal: signal } : {}),
    })
    for await (const event of run) events.push(event)
    return { told: model.told, shown: JSON.stringify(events) }
  },
})

test('Google ADK: a governed tool stays one of its class; what is no tool is refused', () => {
  const { guard, tools } = scene()
  const [read] = toolsOf({ guard, tools })
  expect(read).toBeInstanceOf(FunctionTool)
  expect(read!.name).toBe('read_file')
  expect(() => govern(guard).tools([{ name: 'set' }])).toThrow("The tool 'set' has no 'runAsync'")
})
