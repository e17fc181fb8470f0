import { govern } from '@lictor/guard/voltagent'
import { Agent, createTool } from '@voltagent/core'
import { MockLanguageModelV3 } from 'ai/test'
import { expect, test, vi } from 'vitest'
import { z } from 'zod'
import { type Given, prove, type Seen, scene } from '../prove.ts'

// It sends what it saw to nobody, and its look-up of models on the web, which fails offline, is no news.
vi.hoisted(() => {
  process.env.VOLTAGENT_TELEMETRY_DISABLED = 'true'
  Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false })
  console.error = () => {}
  console.warn = () => {}
})

const usage = {
  inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 1, text: 1, reasoning: 0 },
}

function scripted(answers: Given['answers']) {
  let turn = 0
  return new MockLanguageModelV3({
    doGenerate: async () => {
      const calls = answers[turn++]
      const finishReason = { unified: calls ? ('tool-calls' as const) : ('stop' as const), raw: undefined }
      const content = calls
        ? calls.map(({ id, tool, args }) => ({
            type: 'tool-call' as const,
            toolCallId: id,
            toolName: tool,
            input: JSON.stringify(args),
          }))
        : [{ type: 'text' as const, text: 'done' }]
      return { content, finishReason, usage, warnings: [] }
    },
  })
}

const toolsOf = ({ guard, tools }: Pick<Given, 'guard' | 'tools'>) =>
  govern(guard).tools(
    Object.entries(tools).map(([name, execute]) =>
      createTool({
        name,
        description: name,
        parameters: z.object({ path: z.string() }),
        execute: async (args) => execute(args),
      }),
    ),
  )

prove({
  name: 'VoltAgent',
  framework: '@voltagent/core',
  run: async ({ answers, signal, ...given }): Promise<Seen> => {
    const model = scripted(answers)
    const shown: unknown[] = []
    const agent = new Agent({
      name: 'agent',
      instructions: 'go',
      model,
      tools: toolsOf(given),
      hooks: {
        onToolEnd: ({ output, error }) => {
          shown.push(output, error instanceof Error ? [error.message, error.stack] : error)
        },
      },
    })
    const result = await agent.generateText('go', { maxSteps: 5, ...(signal ? { abortSignal: signal } : {}) })
    const prompt = model.doGenerateCalls.at(-1)?.prompt ?? []
    const parts = prompt.flatMap((message) => (message.role === 'tool' ? message.content : []))
    const told = parts.flatMap((part) => (part.type === 'tool-result' ? [JSON.stringify(part.output)] : []))
    return { told, shown: JSON.stringify([shown, result.steps]) }
  },
})

test('VoltAgent: a governed tool stays of its class; one without execute is refused', () => {
  const { guard, tools } = scene()
  const [read] = toolsOf({ guard, tools })
  const made = createTool({ name: 'ui', description: 'ui', parameters: z.object({}) })
  expect(Object.getPrototypeOf(read)).toBe(Object.getPrototypeOf(made))
  expect(() => govern(guard).tools([made])).toThrow("The tool 'ui' has no 'execute'")
})
