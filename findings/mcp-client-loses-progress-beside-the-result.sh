#!/usr/bin/env bash
# @modelcontextprotocol/sdk 1.32.2 and @modelcontextprotocol/client 2.4.0: progress that is read in one piece with the result is lost.
#
# A server over standard streams writes three notifications of progress and then the result, and the client reads them in one
# piece, as it does whenever the server is quick or the client is busy for a moment. The client hands the result out and lets go of
# the listener before it has handed out the progress: `onprogress` is never called. Written apart, all three arrive. Whoever shows
# the last line of a build, or takes partial results from progress, has it on one machine and not on another; the Python clients
# hand all of it out. A server cannot help it but by waiting between the last progress and the result.
#
# Seen with Node 24.21.0:
#   sdk 1.32.2: in one piece 0 of 3, apart 3 of 3
#   client 2.4.0: in one piece 0 of 3, apart 3 of 3
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts @modelcontextprotocol/sdk@1.32.2 @modelcontextprotocol/client@2.4.0
cat > server.mjs <<'JS'
import { createInterface } from 'node:readline'
const line = (message) => JSON.stringify({ jsonrpc: '2.0', ...message }) + '\n'
const initialized = { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 's', version: '1' } }
createInterface({ input: process.stdin }).on('line', async (text) => {
  const { id, method, params } = JSON.parse(text)
  if (method === 'initialize') process.stdout.write(line({ id, result: initialized }))
  if (method === 'tools/list') process.stdout.write(line({ id, result: { tools: [{ name: 'x', inputSchema: { type: 'object' } }] } }))
  if (method !== 'tools/call') return
  const { progressToken } = params._meta
  const lines = [1, 2, 3].map((progress) => line({ method: 'notifications/progress', params: { progressToken, progress } }))
  lines.push(line({ id, result: { content: [] } }))
  if (!params.arguments.apart) return process.stdout.write(lines.join(''))
  for (const one of lines) {
    process.stdout.write(one)
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
})
JS
cat > seen.mjs <<'JS'
import { Client as One } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport as OneStdio } from '@modelcontextprotocol/sdk/client/stdio.js'
import { Client as Two } from '@modelcontextprotocol/client'
import { StdioClientTransport as TwoStdio } from '@modelcontextprotocol/client/stdio'
for (const [name, Client, Stdio, call] of [
  ['sdk 1.32.2', One, OneStdio, (client, request, options) => client.callTool(request, undefined, options)],
  ['client 2.4.0', Two, TwoStdio, (client, request, options) => client.callTool(request, options)],
]) {
  const client = new Client({ name: 'c', version: '1' })
  await client.connect(new Stdio({ command: process.execPath, args: ['server.mjs'] }))
  const seen = {}
  for (const apart of [false, true]) {
    seen[apart] = 0
    await call(client, { name: 'x', arguments: { apart } }, { onprogress: () => seen[apart]++ })
    await new Promise((resolve) => setTimeout(resolve, 300))
  }
  console.log(`${name}: in one piece ${seen.false} of 3, apart ${seen.true} of 3`)
  await client.close()
}
JS
node seen.mjs
