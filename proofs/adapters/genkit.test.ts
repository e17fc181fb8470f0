import { govern } from '@lictor/guard/genkit'
import { type GenerateResponseData, genkit, z } from 'genkit'
import { generateMiddleware, genkit as genkitBeta } from 'genkit/beta'
import { expect, test } from 'vitest'
import { type Given, prove, type Seen, scene } from './prove.ts'

interface Message {
  readonly role: string
  readonly content: readonly { readonly toolResponse?: { readonly output?: unknown } }[]
}

async function generate({ guard, tools, answers, signal }: Given) {
  const ai = genkit({})
  const requests: Message[][] = []
  const model = ai.defineModel({ name: 'scripted' }, async (request): Promise<GenerateResponseData> => {
    requests.push(structuredClone(request.messages) as Message[])
    const calls = answers[requests.length - 1]
    const content = calls
      ? calls.map(({ id, tool, args }) => ({ toolRequest: { name: tool, ref: id, input: args } }))
      : [{ text: 'done' }]
    return { message: { role: 'model', content }, finishReason: 'stop' }
  })
  const made = Object.entries(tools).map(([name, execute]) =>
    ai.defineTool({ name, description: name, inputSchema: z.object({ path: z.string() }) }, async (args) =>
      execute(args),
    ),
  )
  const guarded = generateMiddleware({ name: 'lictor' }, () => govern(guard, signal ? { signal } : {}).middleware())
  const chunks: unknown[] = []
  const result = await ai.generate({
    model,
    tools: made,
    prompt: 'go',
    use: [guarded()],
    onChunk: (chunk) => chunks.push(chunk.toJSON()),
    ...(signal ? { abortSignal: signal } : {}),
  })
  return { requests, chunks, result }
}

prove({
  name: 'Genkit',
  framework: 'genkit',
  run: async (given): Promise<Seen> => {
    const { requests, chunks, result } = await generate(given)
    const parts = (requests.at(-1) ?? []).filter(({ role }) => role === 'tool').flatMap(({ content }) => content)
    const told = parts.map(({ toolResponse }) => JSON.stringify(toolResponse?.output))
    return { told, shown: JSON.stringify([chunks, result.messages]) }
  },
})

test('Genkit: an interrupt of a tool passes through, and counts no execution', async () => {
  const { guard, actions } = scene()
  const ai = genkitBeta({})
  const model = ai.defineModel({ name: 'scripted' }, async (): Promise<GenerateResponseData> => {
    const toolRequest = { name: 'read_file', ref: 'c1', input: { path: 'a.txt' } }
    return { message: { role: 'model', content: [{ toolRequest }] }, finishReason: 'stop' }
  })
  const read = ai.defineTool(
    { name: 'read_file', description: 'reads', inputSchema: z.object({ path: z.string() }) },
    async (_args, { interrupt }) => interrupt({ question: 'really?' }),
  )
  const guarded = generateMiddleware({ name: 'lictor' }, () => govern(guard).middleware())
  const result = await ai.generate({ model, tools: [read], prompt: 'go', use: [guarded()] })
  expect(result.finishReason).toBe('interrupted')
  expect(actions()).toEqual(['call_allowed', 'call_cancelled'])
})
