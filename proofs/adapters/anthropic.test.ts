import Anthropic from '@anthropic-ai/sdk'
import { betaZodTool } from '@anthropic-ai/sdk/helpers/beta/zod'
import { ToolError } from '@anthropic-ai/sdk/lib/tools/ToolError'
import { govern } from '@lictor/guard/anthropic'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { type Given, prove, type Seen, scene } from './prove.ts'

interface Sent {
  readonly messages: readonly { readonly role: string; readonly content: unknown }[]
}

/** A client whose service answers by the script. */
function scripted(answers: Given['answers']) {
  const requests: Sent[] = []
  const client = new Anthropic({
    apiKey: 'none',
    maxRetries: 0,
    fetch: async (_url, init) => {
      requests.push(JSON.parse(String(init?.body)) as Sent)
      const calls = answers[requests.length - 1]
      const content = calls
        ? calls.map(({ id, tool, args }) => ({ type: 'tool_use', id, name: tool, input: args }))
        : [{ type: 'text', text: 'done', citations: null }]
      return Response.json({
        id: `m${requests.length}`,
        type: 'message',
        role: 'assistant',
        model: 'm',
        content,
        stop_reason: calls ? 'tool_use' : 'end_turn',
        stop_sequence: null,
        usage: { input_tokens: 1, output_tokens: 1 },
      })
    },
  })
  const results = () =>
    (requests.at(-1)?.messages ?? []).flatMap(({ content }) =>
      (Array.isArray(content) ? (content as { type: string; content?: unknown; is_error?: boolean }[]) : []).filter(
        ({ type }) => type === 'tool_result',
      ),
    )
  return { client, requests, results }
}

const inputSchema = z.object({ path: z.string() })
const textOf = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value))
const toolsOf = ({ guard, tools }: Pick<Given, 'guard' | 'tools'>) =>
  govern(guard).tools(
    Object.entries(tools).map(([name, execute]) =>
      betaZodTool({ name, description: name, inputSchema, run: async (args) => textOf(await execute(args)) }),
    ),
  )

prove({
  name: 'Anthropic tool runner',
  framework: '@anthropic-ai/sdk',
  run: async ({ answers, signal, ...given }): Promise<Seen> => {
    const { client, requests, results } = scripted(answers)
    const runner = client.beta.messages.toolRunner(
      {
        model: 'm',
        max_tokens: 100,
        max_iterations: 5,
        tools: toolsOf(given),
        messages: [{ role: 'user', content: 'go' }],
      },
      signal ? { signal } : {},
    )
    await runner.runUntilDone()
    return { told: results().map(({ content }) => textOf(content)), shown: JSON.stringify([requests, runner.params]) }
  },
})

test('Anthropic: a refusal is an error result, and what a ToolError carries is redacted with its message', async () => {
  const { guard } = scene()
  const calls = ['.env', 'people.csv'].map((path, index) => ({ id: `c${index}`, tool: 'read_file', args: { path } }))
  const { client, results } = scripted([calls])
  const read = betaZodTool({
    name: 'read_file',
    description: 'reads',
    inputSchema,
    run: () => {
      throw new ToolError('no row of 123-45-6789')
    },
  })
  const params = { model: 'm', max_tokens: 100, messages: [{ role: 'user' as const, content: 'go' }] }
  await client.beta.messages.toolRunner({ ...params, tools: govern(guard).tools([read]) }).runUntilDone()
  expect(results().map(({ content, is_error }) => [content, is_error])).toEqual([
    [expect.stringContaining('DENIED: .env is off limits.'), true],
    ['no row of [REDACTED]', true],
  ])
})

test('Anthropic: tools that Anthropic runs are listed, others without a function are refused', () => {
  const { guard } = scene()
  govern(guard).tools([{ type: 'web_search_20250305', name: 'web_search' }])
  expect(guard.ungoverned().map(({ toolName }) => toolName)).toEqual(['web_search'])
  expect(() => govern(guard).tools([{ type: 'bash_20250124', name: 'bash' }])).toThrow("The tool 'bash' has no 'run'")
})
