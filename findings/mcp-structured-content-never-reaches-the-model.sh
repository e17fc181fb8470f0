#!/usr/bin/env bash
# @ai-sdk/mcp 2.0.99, @openai/agents 0.20.0 and @langchain/mcp-adapters 1.1.4: a tool of an MCP server that answers in structured
# content alone answers the model with nothing.
#
# The server publishes an output schema and answers `{ content: [], structuredContent: { total: 42 } }`, which the protocol allows
# (that the same is said again as text is a SHOULD). None of the three tells the model of 42: it reads `[]` as the answer of a tool
# that worked, and says that there is nothing. In LangChain the value is in the message's `artifact`, which models are not shown;
# OpenAI Agents have `useStructuredContent`, which is off. The same server serves clients that read structured content well, so its
# author does not see it. Who writes a server says it in text too; who connects to one looks at what the model is told.
#
# Seen with node 24.21.0:
#   @ai-sdk/mcp: the model is told {"type":"content","value":[]}
#   @openai/agents: the model is told {"type":"text","text":"[]"}
#   @langchain/mcp-adapters: the model is told []
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --save-exact --ignore-scripts ai@7.0.173 @ai-sdk/mcp@2.0.99 @openai/agents@0.20.0 \
  @langchain/core@1.4.0 @langchain/langgraph@1.7.3 @langchain/mcp-adapters@1.1.4 zod@4.6.7
cat > server.mjs <<'JS'
import { createInterface } from 'node:readline'

const outputSchema = { type: 'object', properties: { total: { type: 'number' } }, required: ['total'] }
const tools = [{ name: 'count', description: 'counts', inputSchema: { type: 'object', properties: {} }, outputSchema }]
const answers = {
  initialize: ({ protocolVersion }) => ({ protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 's', version: '1' } }),
  'tools/list': () => ({ tools }),
  'tools/call': () => ({ content: [], structuredContent: { total: 42 } }),
}
createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line)
  const result = answers[method]?.(params)
  const answer = result ? { result } : { error: { code: -32601, message: 'Method not found' } }
  if (id !== undefined) console.log(JSON.stringify({ jsonrpc: '2.0', id, ...answer }))
})
JS
cat > seen.mjs <<'JS'
import { createMCPClient } from '@ai-sdk/mcp'
import { Experimental_StdioMCPTransport } from '@ai-sdk/mcp/mcp-stdio'
import { MultiServerMCPClient } from '@langchain/mcp-adapters'
import { Agent, MCPServerStdio, run, setTracingDisabled, Usage } from '@openai/agents'
import { generateText, stepCountIs } from 'ai'
import { MockLanguageModelV4 } from 'ai/test'

const server = { command: process.execPath, args: ['server.mjs'] }
const told = (name, value) => console.log(`${name}: the model is told ${JSON.stringify(value)}`)

{
  const client = await createMCPClient({ transport: new Experimental_StdioMCPTransport(server) })
  const usage = { inputTokens: { total: 1 }, outputTokens: { total: 1 } }
  const model = new MockLanguageModelV4({
    doGenerate: async ({ prompt }) => {
      const answer = prompt.find(({ role }) => role === 'tool')
      if (answer) told('@ai-sdk/mcp', answer.content[0].output)
      return answer
        ? { finishReason: { unified: 'stop' }, usage, warnings: [], content: [{ type: 'text', text: 'done' }] }
        : {
            finishReason: { unified: 'tool-calls' },
            usage,
            warnings: [],
            content: [{ type: 'tool-call', toolCallId: 'call_1', toolName: 'count', input: '{}' }],
          }
    },
  })
  await generateText({ model, tools: await client.tools(), prompt: 'count', stopWhen: stepCountIs(3) })
  await client.close()
}
{
  setTracingDisabled(true)
  const mcp = new MCPServerStdio({ name: 's', ...server })
  await mcp.connect()
  const done = { type: 'message', role: 'assistant', status: 'completed', content: [{ type: 'output_text', text: 'done' }] }
  const call = { type: 'function_call', callId: 'call_1', name: 'count', arguments: '{}', status: 'completed' }
  const model = {
    async getResponse({ input }) {
      const answer = Array.isArray(input) && input.find(({ type }) => type === 'function_call_result')
      if (answer) told('@openai/agents', answer.output)
      return { usage: new Usage(), output: [answer ? done : call] }
    },
  }
  await run(new Agent({ name: 'counter', model, mcpServers: [mcp] }), 'count')
  await mcp.close()
}
{
  const client = new MultiServerMCPClient({ mcpServers: { s: { transport: 'stdio', ...server } } })
  const [count] = await client.getTools()
  const { content } = await count.invoke({ type: 'tool_call', id: 'call_1', name: 'count', args: {} })
  told('@langchain/mcp-adapters', content)
  await client.close()
}
JS
seen=$(node seen.mjs)
echo "$seen"
[ "$seen" = '@ai-sdk/mcp: the model is told {"type":"content","value":[]}
@openai/agents: the model is told {"type":"text","text":"[]"}
@langchain/mcp-adapters: the model is told []' ]
