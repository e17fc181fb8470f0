/** The client of the TypeScript SDK 2, in the mode that is named: legacy, auto, pin. */
import { readFileSync } from 'node:fs'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { tell } from './tell.mjs'

const { command, url, calls } = JSON.parse(readFileSync(0, 'utf8'))
const mode = process.argv[2]
const client = new Client(
  { name: 'proof', version: '1' },
  {
    capabilities: { sampling: {}, elicitation: { form: {} } },
    ...(mode === 'legacy' ? {} : { versionNegotiation: { mode: mode === 'pin' ? { pin: '2026-07-28' } : 'auto' } }),
  },
)
client.setRequestHandler('sampling/createMessage', async () => ({
  model: 'none',
  role: 'assistant',
  content: { type: 'text', text: 'sampled' },
}))
client.setRequestHandler('elicitation/create', async () => ({ action: 'accept', content: { confirm: true } }))
const [program, ...args] = command ?? []
await client.connect(
  url === undefined
    ? new StdioClientTransport({ command: program, args, env: process.env, stderr: 'ignore' })
    : new StreamableHTTPClientTransport(new URL(url)),
)
await tell(client, calls)
