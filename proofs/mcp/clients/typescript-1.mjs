/** The client of the TypeScript SDK 1 does what it is told, and says what it got. */
import { readFileSync } from 'node:fs'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { CreateMessageRequestSchema, ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { tell } from './tell.mjs'

const { command, url, calls } = JSON.parse(readFileSync(0, 'utf8'))
const client = new Client(
  { name: 'proof', version: '1' },
  { capabilities: { sampling: {}, elicitation: { form: {} } } },
)
client.setRequestHandler(CreateMessageRequestSchema, async () => ({
  model: 'none',
  role: 'assistant',
  content: { type: 'text', text: 'sampled' },
}))
client.setRequestHandler(ElicitRequestSchema, async () => ({ action: 'accept', content: { confirm: true } }))
const [program, ...args] = command ?? []
await client.connect(
  url === undefined
    ? new StdioClientTransport({ command: program, args, env: process.env, stderr: 'ignore' })
    : new StreamableHTTPClientTransport(new URL(url)),
)
await tell(client, calls)
