import { govern } from '@lictor/guard/mcp'
import { Client as Client2, InMemoryTransport as Transport2 } from '@modelcontextprotocol/client'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js'
import { McpServer as McpServer2 } from '@modelcontextprotocol/server'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { type Given, prove, type Seen, scene, type Tools } from './prove.ts'

const about = { name: 'proofs', version: '1.0.0' }
const inputSchema = { path: z.string() }

/** What a tool of the script returns, as MCP wants it. */
function resultOf(value: unknown) {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  const structured = typeof value === 'object' ? { structuredContent: value as Record<string, unknown> } : {}
  return { content: [{ type: 'text' as const, text }], ...structured }
}

const handlerOf = (execute: Tools[string]) => async (args: { path: string }) => resultOf(await execute(args))

async function first(
  tools: Tools,
  around: (name: string, handler: ReturnType<typeof handlerOf>) => ReturnType<typeof handlerOf>,
) {
  const server = new McpServer(about)
  for (const [name, execute] of Object.entries(tools)) {
    server.registerTool(name, { description: name, inputSchema }, around(name, handlerOf(execute)))
  }
  const client = new Client(about)
  const [here, there] = InMemoryTransport.createLinkedPair()
  await Promise.all([client.connect(here), server.connect(there)])
  return { client, close: () => client.close() }
}

async function second(
  tools: Tools,
  around: (name: string, handler: ReturnType<typeof handlerOf>) => ReturnType<typeof handlerOf>,
) {
  const server = new McpServer2(about)
  for (const [name, execute] of Object.entries(tools)) {
    server.registerTool(
      name,
      { description: name, inputSchema: z.object(inputSchema) },
      around(name, handlerOf(execute)),
    )
  }
  const client = new Client2(about)
  const [here, there] = Transport2.createLinkedPair()
  await Promise.all([client.connect(here), server.connect(there)])
  return { client, close: () => client.close() }
}

interface AnyClient {
  readonly callTool: (
    params: { name: string; arguments: Record<string, unknown> },
    signal?: AbortSignal,
  ) => Promise<unknown>
}

/** Makes the calls of each answer side by side, as an agent does. */
async function called({ answers, signal }: Given, client: AnyClient): Promise<Seen> {
  const results: unknown[] = []
  for (const calls of answers) {
    results.push(
      ...(await Promise.all(
        calls.map(({ tool, args }) => client.callTool({ name: tool, arguments: { ...args } }, signal)),
      )),
    )
  }
  return { told: results.map((result) => JSON.stringify(result)), shown: JSON.stringify(results) }
}

const asIs = <Handler>(_name: string, handler: Handler) => handler

prove({
  name: 'MCP client, SDK 1',
  framework: '@modelcontextprotocol/sdk',
  run: async (given) => {
    const { client, close } = await first(given.tools, asIs)
    const governed = govern(given.guard).client(client)
    const seen = await called(given, {
      callTool: (params, signal) => governed.callTool(params, undefined, signal ? { signal } : {}),
    })
    await close()
    return seen
  },
})

prove({
  name: 'MCP server, SDK 1',
  framework: '@modelcontextprotocol/sdk',
  run: async (given) => {
    const adapter = govern(given.guard)
    const { client, close } = await first(given.tools, (name, handler) => adapter.handler(name, handler))
    const seen = await called(given, {
      callTool: (params, signal) => client.callTool(params, undefined, signal ? { signal } : {}),
    })
    await close()
    return seen
  },
})

prove({
  name: 'MCP client, SDK 2',
  framework: '@modelcontextprotocol/client',
  run: async (given) => {
    const { client, close } = await second(given.tools, asIs)
    const governed = govern(given.guard).client(client)
    const seen = await called(given, {
      callTool: (params, signal) => governed.callTool(params, signal ? { signal } : {}),
    })
    await close()
    return seen
  },
})

prove({
  name: 'MCP server, SDK 2',
  framework: '@modelcontextprotocol/server',
  run: async (given) => {
    const adapter = govern(given.guard)
    const { client, close } = await second(given.tools, (name, handler) => adapter.handler(name, handler))
    const seen = await called(given, {
      callTool: (params, signal) => client.callTool(params, signal ? { signal } : {}),
    })
    await close()
    return seen
  },
})

test('MCP: a refusal is an error result that asks for no output schema, and a request of tools/call is held too', async () => {
  const { guard, tools, ran } = scene()
  const { client, close } = await first(tools, asIs)
  const governed = govern(guard).client(client)
  const params = { name: 'read_file', arguments: { path: '.env' } }
  const refusal = { isError: true, content: [{ type: 'text', text: 'DENIED: .env is off limits.' }] }
  expect(await governed.callTool(params)).toEqual(refusal)
  expect(await governed.request({ method: 'tools/call', params }, CallToolResultSchema)).toEqual(refusal)
  expect(ran).toEqual([])
  expect((await governed.listTools()).tools.length).toBe(3)
  expect(guard.coverage().tools.map(({ toolName, status }) => [toolName, status])).toEqual([['read_file', 'enforced']])
  expect(() => govern(guard).client(governed)).toThrow('is governed already')
  await close()
})

test('MCP: text, structured content and embedded resources are redacted in their places', async () => {
  const { guard } = scene()
  const handler = govern(guard).handler('read_file', async (_args: { path: string }, _extra: object) => ({
    content: [
      { type: 'text' as const, text: 'ssn 123-45-6789' },
      { type: 'resource' as const, resource: { uri: 'file:///a', text: '123-45-6789' } },
    ],
    structuredContent: { rows: [{ ssn: '123-45-6789', n: 3 }] },
  }))
  expect(await handler({ path: 'x' }, {})).toEqual({
    content: [
      { type: 'text', text: 'ssn [REDACTED]' },
      { type: 'resource', resource: { uri: 'file:///a', text: '[REDACTED]' } },
    ],
    structuredContent: { rows: [{ ssn: '[REDACTED]', n: 3 }] },
  })
})
