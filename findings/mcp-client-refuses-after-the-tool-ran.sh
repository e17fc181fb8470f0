#!/usr/bin/env bash
# @modelcontextprotocol/sdk 1.32.2: whether `client.callTool` throws depends on whether `client.listTools` was called before.
#
# A client that has listed the tools checks the structured content of a result against the tool's output schema and throws
# -32602 where it does not fit. The tool has run by then, its answer is lost, and the error reads like one about the
# arguments: a caller that tries again does the work twice. The same client that has not listed the tools returns the
# answer. So a wrapper that adds a harmless `listTools` turns calls that worked into errors, and "it threw" does not mean
# "it did not run".
#
# Seen with node 20.20.2 and 24.21.0:
#   not listed: the answer, ran 1
#   listed: throws -32602, ran 2
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --save-exact @modelcontextprotocol/sdk@1.32.2
cat > seen.mjs <<'JS'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js'

let ran = 0
const outputSchema = { type: 'object', properties: { balance: { type: 'number' } }, required: ['balance'] }
const server = new Server({ name: 'bank', version: '1' }, { capabilities: { tools: {} } })
server.setRequestHandler(ListToolsRequestSchema, async () => ({
  tools: [{ name: 'transfer', inputSchema: { type: 'object' }, outputSchema }],
}))
server.setRequestHandler(CallToolRequestSchema, async () => {
  ran += 1
  return { content: [{ type: 'text', text: 'done' }], structuredContent: { balance: 'seventy' } }
})
const [here, there] = InMemoryTransport.createLinkedPair()
const client = new Client({ name: 'agent', version: '1' })
await server.connect(here)
await client.connect(there)
const call = () =>
  client.callTool({ name: 'transfer', arguments: {} }).then(
    () => 'the answer',
    (error) => `throws ${error.code}`,
  )
console.log(`not listed: ${await call()}, ran ${ran}`)
await client.listTools()
console.log(`listed: ${await call()}, ran ${ran}`)
JS
seen=$(node seen.mjs)
echo "$seen"
[ "$seen" = "not listed: the answer, ran 1
listed: throws -32602, ran 2" ]
