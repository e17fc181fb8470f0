#!/usr/bin/env bash
# @google/genai 3.3.0, automatic function calling: every CallableTool is handed every function call, also those that
# another one declared.
#
# `callTool` reads like "here are your calls". With two callable tools (two MCP servers, say), a call of `charge`, which
# only the first declares, reaches both, both run, and the model gets two responses for its one call. A callable tool must
# pick the calls whose names it declared and answer nothing else; a wrapper that counts or approves calls counts each
# once for every tool in the list.
#
# Seen with node 20.20.2 and 24.21.0:
#   handed to payments: charge
#   handed to mail: charge
#   responses for one call: 2
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --save-exact @google/genai@3.3.0
cat > seen.mjs <<'JS'
import { createServer } from 'node:http'
import { GoogleGenAI } from '@google/genai'

const requests = []
const model = createServer(async (request, response) => {
  let body = ''
  for await (const chunk of request) body += chunk
  requests.push(JSON.parse(body))
  const part = requests.length === 1 ? { functionCall: { name: 'charge', args: { cents: 500 } } } : { text: 'charged' }
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify({ candidates: [{ content: { role: 'model', parts: [part] }, finishReason: 'STOP' }] }))
})
await new Promise((listening) => model.listen(0, '127.0.0.1', listening))
const callable = (owner, name) => ({
  tool: async () => ({ functionDeclarations: [{ name, parametersJsonSchema: { type: 'object' } }] }),
  callTool: async (calls) => {
    console.log(`handed to ${owner}: ${calls.map((call) => call.name)}`)
    return calls.map((call) => ({ functionResponse: { name: call.name, response: { by: owner } } }))
  },
})
const ai = new GoogleGenAI({ apiKey: 'none', httpOptions: { baseUrl: `http://127.0.0.1:${model.address().port}` } })
const tools = [callable('payments', 'charge'), callable('mail', 'send')]
await ai.models.generateContent({ model: 'any', contents: 'charge 5', config: { tools } })
console.log(`responses for one call: ${requests[1].contents.at(-1).parts.length}`)
model.close()
JS
seen=$(node seen.mjs)
echo "$seen"
[ "$seen" = 'handed to payments: charge
handed to mail: charge
responses for one call: 2' ]
