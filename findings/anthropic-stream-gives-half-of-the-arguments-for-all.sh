#!/usr/bin/env bash
# @anthropic-ai/sdk 1.14.0: when an answer ends at its token limit in the middle of a tool call, `stream().finalMessage()` gives
# the call with the arguments that had come, as an ordinary object.
#
# The arguments come as pieces of JSON text. The SDK closes what is open and drops what is not whole, so a call that was cut in
# `{"path": "/data", "older_than_days": 36` (on its way to 365, say) is handed over as `{"path": "/data"}`: it parses, it fits
# a schema in which the limit is optional, and it means something else. Nothing is thrown; only `stop_reason` is `max_tokens`
# instead of `tool_use`. The SDK's own tool runner does not run such a call; a loop of one's own over the `tool_use` blocks of
# the message does. openai 7.59.0 gives the text as it came, which no parser takes. Ask for `stop_reason === 'tool_use'`
# before a call is judged or run.
#
# Seen with node 20.20.2 and 24.21.0:
#   sent: {"path": "/data", "older_than_days": 36
#   anthropic: remove {"path":"/data"}, stop_reason max_tokens
#   openai: no JSON, finish_reason length
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --save-exact @anthropic-ai/sdk@1.14.0 openai@7.59.0
cat > seen.mjs <<'JS'
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'

const sent = '{"path": "/data", "older_than_days": 36'
console.log(`sent: ${sent}`)
const stream = (lines) => async () => new Response(lines.join(''), { headers: { 'content-type': 'text/event-stream' } })

const usage = { input_tokens: 1, output_tokens: 1 }
const message = { id: 'm', type: 'message', role: 'assistant', model: 'm', content: [], stop_reason: null, usage }
const events = [
  { type: 'message_start', message },
  { type: 'content_block_start', index: 0, content_block: { type: 'tool_use', id: 't', name: 'remove', input: {} } },
  { type: 'content_block_delta', index: 0, delta: { type: 'input_json_delta', partial_json: sent } },
  { type: 'content_block_stop', index: 0 },
  { type: 'message_delta', delta: { stop_reason: 'max_tokens' }, usage },
  { type: 'message_stop' },
].map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
const messages = [{ role: 'user', content: 'tidy up' }]
const parameters = { type: 'object', properties: { path: { type: 'string' }, older_than_days: { type: 'integer' } }, required: ['path'] }

const anthropic = new Anthropic({ apiKey: 'key', fetch: stream(events) })
const tools = [{ name: 'remove', input_schema: parameters }]
const { content, stop_reason } = await anthropic.messages.stream({ model: 'm', max_tokens: 9, messages, tools }).finalMessage()
console.log(`anthropic: ${content[0].name} ${JSON.stringify(content[0].input)}, stop_reason ${stop_reason}`)

const call = { index: 0, id: 't', type: 'function', function: { name: 'remove', arguments: sent } }
const chunks = [
  { index: 0, delta: { role: 'assistant', tool_calls: [call] }, finish_reason: null },
  { index: 0, delta: {}, finish_reason: 'length' },
].map((choice) => `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [choice] })}\n\n`)
const openai = new OpenAI({ apiKey: 'key', fetch: stream([...chunks, 'data: [DONE]\n\n']) })
const functions = [{ type: 'function', function: { name: 'remove', parameters } }]
const { choices } = await openai.chat.completions.stream({ model: 'm', messages, tools: functions }).finalChatCompletion()
const asked = choices[0].message.tool_calls[0].function.arguments
const isJson = (text) => {
  try {
    return JSON.parse(text) !== undefined
  } catch {
    return false
  }
}
console.log(`openai: ${isJson(asked) ? asked : 'no JSON'}, finish_reason ${choices[0].finish_reason}`)
JS
seen=$(node seen.mjs)
echo "$seen"
[ "$seen" = 'sent: {"path": "/data", "older_than_days": 36
anthropic: remove {"path":"/data"}, stop_reason max_tokens
openai: no JSON, finish_reason length' ]
