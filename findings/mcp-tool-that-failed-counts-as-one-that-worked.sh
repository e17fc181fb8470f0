#!/usr/bin/env bash
# @ai-sdk/mcp 2.0.99 and @openai/agents 0.20.0: a tool of an MCP server that answers `isError: true` is a tool that worked.
#
# In the AI SDK a local tool that throws gives a `tool-error` part and tells the model `error-text`; the same failure from an MCP
# server gives a `tool-result` part and tells the model plain content. What counts failures, stops after them, or reports them to a
# trace sees none, and providers that have a mark for a failed tool (Anthropic's `is_error`) do not get it. OpenAI Agents hand the
# text on as a completed call's output, too. @langchain/mcp-adapters 1.1.4 throws. Only the words of the server tell the model that
# nothing was done. Who connects to MCP servers looks at `isError` before the framework does.
#
# Seen with node 24.21.0:
#   @ai-sdk/mcp: local tool tool-error, error-text; MCP tool tool-result, content
#   @openai/agents: completed, [{"type":"input_text","text":"no such account"}]
#   @langchain/mcp-adapters: throws
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --save-exact --ignore-scripts ai@7.0.173 @ai-sdk/mcp@2.0.99 @openai/agents@0.20.0 \
  @langchain/core@1.4.0 @langchain/langgraph@1.7.3 @langchain/mcp-adapters@1.1.4 zod@4.6.7
cat > server.mjs <<'JS'
import { createInterface } from 'node:readline'

const answers = {
  initialize: ({ protocolVersion }) => ({ protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 's', version: '1' } }),
  'tools/list': () => ({ tools: [{ name: 'pay', description: 'pays', inputSchema: { type: 'object', properties: {} } }] }),
  'tools/call': () => ({ isError: true, content: [{ type: 'text', text: 'no such account' }] }),
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
import { generateText, stepCountIs, tool } from 'ai'
import { MockLanguageModelV4 } from 'ai/test'
import { z } from 'zod'

const server = { command: process.execPath, args: ['server.mjs'] }

async function inAiSdk(tools) {
  let told
  const usage = { inputTokens: { total: 1 }, outputTokens: { total: 1 } }
  const call = { type: 'tool-call', toolCallId: 'call_1', toolName: 'pay', input: '{}' }
  const model = new MockLanguageModelV4({
    doGenerate: async ({ prompt }) => {
      told = prompt.find(({ role }) => role === 'tool')?.content[0].output.type
      return told
        ? { finishReason: { unified: 'stop' }, usage, warnings: [], content: [{ type: 'text', text: 'done' }] }
        : { finishReason: { unified: 'tool-calls' }, usage, warnings: [], content: [call] }
    },
  })
  const { steps } = await generateText({ model, tools, prompt: 'pay', stopWhen: stepCountIs(3) })
  return `${steps[0].content.at(-1).type}, ${told}`
}
{
  const execute = async () => {
    throw new Error('no such account')
  }
  const local = await inAiSdk({ pay: tool({ description: 'pays', inputSchema: z.object({}), execute }) })
  const client = await createMCPClient({ transport: new Experimental_StdioMCPTransport(server) })
  console.log(`@ai-sdk/mcp: local tool ${local}; MCP tool ${await inAiSdk(await client.tools())}`)
  await client.close()
}
{
  setTracingDisabled(true)
  const mcp = new MCPServerStdio({ name: 's', ...server })
  await mcp.connect()
  const done = { type: 'message', role: 'assistant', status: 'completed', content: [{ type: 'output_text', text: 'done' }] }
  const call = { type: 'function_call', callId: 'call_1', name: 'pay', arguments: '{}', status: 'completed' }
  const model = {
    async getResponse({ input }) {
      const answer = Array.isArray(input) && input.find(({ type }) => type === 'function_call_result')
      if (answer) console.log(`@openai/agents: ${answer.status}, ${JSON.stringify(answer.output)}`)
      return { usage: new Usage(), output: [answer ? done : call] }
    },
  }
  await run(new Agent({ name: 'payer', model, mcpServers: [mcp] }), 'pay')
  await mcp.close()
}
{
  const client = new MultiServerMCPClient({ mcpServers: { s: { transport: 'stdio', ...server } } })
  const [pay] = await client.getTools()
  const outcome = await pay.invoke({ type: 'tool_call', id: 'call_1', name: 'pay', args: {} }).then(() => 'answers', () => 'throws')
  console.log(`@langchain/mcp-adapters: ${outcome}`)
  await client.close()
}
JS
seen=$(node seen.mjs)
echo "$seen"
[ "$seen" = '@ai-sdk/mcp: local tool tool-error, error-text; MCP tool tool-result, content
@openai/agents: completed, [{"type":"input_text","text":"no such account"}]
@langchain/mcp-adapters: throws' ]
