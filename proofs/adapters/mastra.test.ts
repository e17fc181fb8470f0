import { govern } from '@lictor/guard/mastra'
import { Agent } from '@mastra/core/agent'
import { createTool } from '@mastra/core/tools'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { type Given, prove, type Seen, scene } from './prove.ts'

/** A model that follows the script, by the interface of the AI SDK that Mastra takes. */
function scripted(answers: Given['answers']) {
  const prompts: { role: string; content: unknown }[][] = []
  const usage = { inputTokens: 1, outputTokens: 1, totalTokens: 2 }
  const next = (prompt: never) => {
    prompts.push(structuredClone(prompt))
    return answers[prompts.length - 1]
  }
  const model = {
    specificationVersion: 'v2' as const,
    provider: 'scripted',
    modelId: 'scripted',
    supportedUrls: {},
    doGenerate: async ({ prompt }: { prompt: never }) => {
      const calls = next(prompt)
      const content = calls
        ? calls.map(({ id, tool, args }) => ({
            type: 'tool-call' as const,
            toolCallId: id,
            toolName: tool,
            input: JSON.stringify(args),
          }))
        : [{ type: 'text' as const, text: 'done' }]
      return { content, finishReason: calls ? ('tool-calls' as const) : ('stop' as const), usage, warnings: [] }
    },
    doStream: async ({ prompt }: { prompt: never }) => {
      const calls = next(prompt)
      const parts = calls
        ? calls.map(({ id, tool, args }) => ({
            type: 'tool-call' as const,
            toolCallId: id,
            toolName: tool,
            input: JSON.stringify(args),
          }))
        : [
            { type: 'text-start' as const, id: 't' },
            { type: 'text-delta' as const, id: 't', delta: 'done' },
            { type: 'text-end' as const, id: 't' },
          ]
      const finishReason = calls ? ('tool-calls' as const) : ('stop' as const)
      const all = [
        { type: 'stream-start' as const, warnings: [] },
        ...parts,
        { type: 'finish' as const, finishReason, usage },
      ]
      return { stream: ReadableStream.from(all) as ReadableStream<never> }
    },
  }
  const told = () =>
    (prompts.at(-1) ?? [])
      .filter(({ role }) => role === 'tool')
      .flatMap(({ content }) => (content as { output?: unknown }[]).map(({ output }) => JSON.stringify(output)))
  return { model, told, prompts }
}

const toolsOf = ({ guard, tools }: Pick<Given, 'guard' | 'tools'>) =>
  govern(guard).tools(
    Object.fromEntries(
      Object.entries(tools).map(([name, execute]) => [
        name,
        createTool({
          id: name,
          description: name,
          inputSchema: z.object({ path: z.string() }),
          execute: async ({ path }) => execute({ path }),
        }),
      ]),
    ),
  )

prove({
  name: 'Mastra generate',
  framework: '@mastra/core',
  run: async ({ answers, signal, ...given }): Promise<Seen> => {
    const { model, told } = scripted(answers)
    const agent = new Agent({
      id: 'a',
      name: 'a',
      instructions: 'go',
      model: model as never,
      tools: toolsOf(given) as never,
    })
    const result = await agent.generate('go', { maxSteps: 5, ...(signal ? { abortSignal: signal } : {}) })
    return { told: told(), shown: JSON.stringify([result.steps, result.toolResults]) }
  },
})

prove({
  name: 'Mastra stream',
  framework: '@mastra/core',
  run: async ({ answers, signal, ...given }): Promise<Seen> => {
    const { model, told } = scripted(answers)
    const agent = new Agent({
      id: 'a',
      name: 'a',
      instructions: 'go',
      model: model as never,
      tools: toolsOf(given) as never,
    })
    const result = await agent.stream('go', { maxSteps: 5, ...(signal ? { abortSignal: signal } : {}) })
    const parts: unknown[] = []
    for await (const part of result.fullStream) parts.push(part)
    return { told: told(), shown: JSON.stringify(parts) }
  },
})

test('Mastra: a governed tool stays of its class, with its schemas; one without execute is refused', () => {
  const { guard, tools } = scene()
  const { read_file } = toolsOf({ guard, tools })
  const made = createTool({ id: 'x', description: 'x', inputSchema: z.object({}), execute: async () => 1 })
  expect(Object.getPrototypeOf(read_file)).toBe(Object.getPrototypeOf(made))
  expect(read_file).toMatchObject({ id: 'read_file', description: 'read_file' })
  const without = createTool({ id: 'ui', description: 'ui', inputSchema: z.object({}) })
  expect(() => govern(guard).tools({ ui: without })).toThrow("The tool 'ui' has no 'execute'")
})
