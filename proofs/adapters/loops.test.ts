/** Loops in which the program itself makes the calls: OpenAI's chat and responses, Gemini's own loop, and none at all. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { GoogleGenAI, Type } from '@google/genai'
import { govern as governRegistry } from '@lictor/guard/fetch-tools'
import { govern as governGemini } from '@lictor/guard/google-genai'
import { govern as governOpenAi } from '@lictor/guard/openai'
import OpenAI from 'openai'
import { expect, test } from 'vitest'
import { type Given, prove, type Seen, scene } from './prove.ts'

const parameters = { type: 'object', properties: { path: { type: 'string' } }, required: ['path'] }

prove({
  name: 'OpenAI chat completions',
  framework: 'openai',
  run: async ({ guard, tools, answers, signal }): Promise<Seen> => {
    const requests: { messages: { role: string; content: string }[] }[] = []
    const client = new OpenAI({
      apiKey: 'none',
      fetch: async (_url, init) => {
        requests.push(JSON.parse(String(init?.body)))
        const calls = answers[requests.length - 1]?.map(({ id, tool, args }) => ({
          id,
          type: 'function',
          function: { name: tool, arguments: JSON.stringify(args) },
        }))
        const message = {
          role: 'assistant',
          content: calls ? null : 'done',
          refusal: null,
          ...(calls ? { tool_calls: calls } : {}),
        }
        const choices = [{ index: 0, message, finish_reason: calls ? 'tool_calls' : 'stop', logprobs: null }]
        return Response.json({ id: 'x', object: 'chat.completion', created: 0, model: 'm', choices })
      },
    })
    const governed = governOpenAi(guard, tools)
    const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: 'user', content: 'go' }]
    for (;;) {
      const offered = Object.keys(tools).map((name) => ({ type: 'function' as const, function: { name, parameters } }))
      const { choices } = await client.chat.completions.create({ model: 'm', messages, tools: offered })
      const message = choices[0]!.message
      if (!message.tool_calls) break
      messages.push(message, ...(await governed.chat(message.tool_calls, signal ? { signal } : {})))
    }
    const told = requests.at(-1)!.messages.filter(({ role }) => role === 'tool')
    return { told: told.map(({ content }) => content), shown: JSON.stringify(messages) }
  },
})

prove({
  name: 'OpenAI responses',
  framework: 'openai',
  run: async ({ guard, tools, answers, signal }): Promise<Seen> => {
    const requests: { input: { type?: string; output?: string }[] }[] = []
    const client = new OpenAI({
      apiKey: 'none',
      fetch: async (_url, init) => {
        requests.push(JSON.parse(String(init?.body)))
        const calls = answers[requests.length - 1]?.map(({ id, tool, args }) => ({
          type: 'function_call',
          id: `item-${id}`,
          call_id: id,
          name: tool,
          arguments: JSON.stringify(args),
          status: 'completed',
        }))
        const text = { type: 'output_text', text: 'done', annotations: [] }
        const output = calls ?? [{ type: 'message', id: 'm', role: 'assistant', status: 'completed', content: [text] }]
        return Response.json({ id: 'x', object: 'response', created_at: 0, model: 'm', status: 'completed', output })
      },
    })
    const governed = governOpenAi(guard, tools)
    const input: OpenAI.Responses.ResponseInputItem[] = [{ role: 'user', content: 'go' }]
    for (;;) {
      const offered = Object.keys(tools).map((name) => ({ type: 'function' as const, name, parameters, strict: true }))
      const { output } = await client.responses.create({ model: 'm', input, tools: offered })
      const answered = await governed.responses(output, signal ? { signal } : {})
      if (answered.length === 0) break
      input.push(...(output as OpenAI.Responses.ResponseInputItem[]), ...answered)
    }
    const told = requests.at(-1)!.input.filter(({ type }) => type === 'function_call_output')
    return { told: told.map(({ output = '' }) => output), shown: JSON.stringify(input) }
  },
})

test('OpenAI: a call always has its answer: unknown tools, arguments that are not JSON, calls of other kinds', async () => {
  const { guard, tools, actions } = scene()
  const governed = governOpenAi(guard, tools)
  const call = (id: string, name: string, text: string) => ({
    id,
    type: 'function',
    function: { name, arguments: text },
  })
  const calls = [call('1', 'nothing', '{}'), call('2', 'read_file', '{"path":'), { id: '3', type: 'custom' }]
  expect(await governed.chat(calls)).toEqual([
    { role: 'tool', tool_call_id: '1', content: "Error: There is no tool 'nothing'." },
    { role: 'tool', tool_call_id: '2', content: 'DENIED: The arguments are not valid JSON, so the call did not run.' },
    { role: 'tool', tool_call_id: '3', content: "Error: There is no tool 'custom'." },
  ])
  expect(await governed.chat(undefined)).toEqual([])
  expect(actions()).toEqual([])
})

/** A service on a free port of this machine that answers as Gemini does. */
async function gemini(answers: Given['answers']) {
  const requests: { contents: { parts: { functionResponse?: { response: unknown } }[] }[] }[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString()
    })
    request.on('end', () => {
      requests.push(JSON.parse(body))
      const calls = answers[requests.length - 1]
      const parts = calls
        ? calls.map(({ id, tool, args }) => ({ functionCall: { id, name: tool, args } }))
        : [{ text: 'done' }]
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ candidates: [{ content: { role: 'model', parts }, finishReason: 'STOP' }] }))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { ai: new GoogleGenAI({ apiKey: 'none', httpOptions: { baseUrl } }), requests, close: () => server.close() }
}

prove({
  name: 'Google GenAI',
  framework: '@google/genai',
  run: async ({ guard, tools, answers, signal }): Promise<Seen> => {
    const { ai, requests, close } = await gemini(answers)
    try {
      const schema = { type: Type.OBJECT, properties: { path: { type: Type.STRING } } }
      const declarations = Object.keys(tools).map((name) => ({ name, parameters: schema }))
      const tool = governGemini(guard, signal ? { signal } : {}).tool(declarations, tools)
      const result = await ai.models.generateContent({ model: 'gemini', contents: 'go', config: { tools: [tool] } })
      const parts = requests.at(-1)!.contents.flatMap((content) => content.parts)
      const told = parts.flatMap(({ functionResponse }) =>
        functionResponse ? [JSON.stringify(functionResponse.response)] : [],
      )
      return { told, shown: JSON.stringify([requests, result.automaticFunctionCallingHistory]) }
    } finally {
      close()
    }
  },
})

test('Google GenAI: a declaration without a function is refused, a function without a declaration too', () => {
  const { guard, tools } = scene()
  const adapter = governGemini(guard)
  expect(() => adapter.tool([{ name: 'ui' }], {})).toThrow("The tool 'ui' has no 'function'")
  expect(() => adapter.tool([], { read_file: tools.read_file! })).toThrow("'read_file' has no declaration")
})

prove({
  name: 'plain functions',
  framework: '@lictor/guard',
  run: async ({ guard, tools, answers, signal }): Promise<Seen> => {
    const registry = governRegistry(guard)
    for (const [name, execute] of Object.entries(tools)) registry.add({ name, description: name, parameters }, execute)
    const results: unknown[] = []
    for (const calls of answers) {
      const made = calls.map(({ id, tool, args }) =>
        registry.execute(tool, { ...args }, { toolUseId: id, ...(signal ? { signal } : {}) }),
      )
      results.push(...(await Promise.all(made)))
    }
    const told = results.map((result) => (typeof result === 'string' ? result : JSON.stringify(result)))
    return { told, shown: JSON.stringify(results) }
  },
})

test('plain functions: what an agent starts has the same tools in a session of its own', async () => {
  const { guard, tools } = scene()
  const registry = governRegistry(guard).add({ name: 'read_file', description: 'Reads' }, tools.read_file!)
  registry.setPrincipal({ role: 'reader' })
  const below = registry.forSubagent('below')
  expect([below.sessionId, below.tools]).toEqual(['below', [{ name: 'read_file', description: 'Reads' }]])
  expect(await below.execute('read_file', { path: '.env' })).toBe('DENIED: .env is off limits.')
  expect(await below.execute('nothing')).toBe("Error: There is no tool 'nothing'.")
  expect(guard.localSink.last()).toMatchObject({ runId: 'below', principal: { role: 'reader' } })
  expect(() => registry.add({ name: 'read_file', description: 'Reads' }, () => 1)).toThrow(
    "'read_file' is registered already",
  )
})
