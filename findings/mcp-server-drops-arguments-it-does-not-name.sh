#!/usr/bin/env bash
# @modelcontextprotocol/sdk 1.32.2, McpServer.registerTool: arguments that the input schema does not name vanish without
# a word, although the schema that clients are shown does not forbid them.
#
# The tool runs with less than was sent, judged, approved and logged: `mode: "append"` is gone, the tool takes its
# default, and the model is told that all is well. A gateway that records what it forwarded records something else than
# what ran. Name every argument, or make the schema strict (`z.strictObject`), which answers with an error.
#
# Seen with node 20.20.2 and 24.21.0, zod 4.6.7:
#   shown to clients: additionalProperties undefined
#   sent {"path":"a.txt","mode":"append"} ran with {"path":"a.txt"} isError undefined
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --save-exact @modelcontextprotocol/sdk@1.32.2 zod@4.6.7
cat > seen.mjs <<'JS'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { z } from 'zod'

let got
const server = new McpServer({ name: 'files', version: '1' })
server.registerTool('write', { inputSchema: { path: z.string() } }, async (input) => {
  got = input
  return { content: [{ type: 'text', text: 'written' }] }
})
const [here, there] = InMemoryTransport.createLinkedPair()
const client = new Client({ name: 'agent', version: '1' })
await server.connect(here)
await client.connect(there)
const { tools } = await client.listTools()
console.log(`shown to clients: additionalProperties ${tools[0].inputSchema.additionalProperties}`)
const sent = { path: 'a.txt', mode: 'append' }
const result = await client.callTool({ name: 'write', arguments: sent })
console.log(`sent ${JSON.stringify(sent)} ran with ${JSON.stringify(got)} isError ${result.isError}`)
JS
seen=$(node seen.mjs)
echo "$seen"
[ "$seen" = 'shown to clients: additionalProperties undefined
sent {"path":"a.txt","mode":"append"} ran with {"path":"a.txt"} isError undefined' ]
