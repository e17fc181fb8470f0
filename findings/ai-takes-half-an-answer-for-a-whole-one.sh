#!/usr/bin/env bash
# ai 7.0.173 with @ai-sdk/anthropic 4.0.105 and @ai-sdk/openai-compatible 3.0.92: a stream that is cut off in the middle of an answer
# is told as an error for one provider and not for the other; for both, streamText gives the half for the answer.
#
# A proxy that restarts or a connection that ends leaves half an answer. Anthropic's stream ends with `message_stop`, OpenAI's with a
# chunk that has a `finish_reason`. Without them `await result.text` resolves with the half that came. With the OpenAI-compatible
# provider onError hears of it and `finishReason` is 'error'; with Anthropic nothing is thrown or told, and `finishReason` is
# 'interrupted', beside the values that code asks for ('length', 'tool-calls', 'error'). Who has tried a cut with one provider acts
# on half an answer with the other: ask for `finishReason === 'stop'`, and for nothing else.
#
# Seen with node 20.20.2 and 24.21.0:
#   anthropic: resolved 'Delete everything but', finishReason interrupted, errors told: 0
#   openai-compatible: resolved 'Delete everything but', finishReason error, errors told: 1
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --save-exact ai@7.0.173 @ai-sdk/anthropic@4.0.105 @ai-sdk/openai-compatible@3.0.92
cat > seen.mjs <<'JS'
import { createServer } from 'node:http'
import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { streamText } from 'ai'

globalThis.AI_SDK_LOG_WARNINGS = false

const usage = { input_tokens: 1, output_tokens: 1 }
const message = { id: 'm', type: 'message', role: 'assistant', model: 'm', content: [], stop_reason: null, usage }
const anthropic = [
  { type: 'message_start', message },
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Delete everything but' } },
]
const delta = { role: 'assistant', content: 'Delete everything but' }
const openai = [{ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta }] }]

const server = createServer((request, response) => {
  response.setHeader('content-type', 'text/event-stream')
  const events = request.url.endsWith('/messages') ? anthropic : openai
  for (const event of events) {
    if (event.type) response.write(`event: ${event.type}\n`)
    response.write(`data: ${JSON.stringify(event)}\n\n`)
  }
  response.end()
})
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
const baseURL = `http://127.0.0.1:${server.address().port}`
const models = {
  anthropic: createAnthropic({ baseURL, apiKey: 'k' })('m'),
  'openai-compatible': createOpenAICompatible({ name: 'local', baseURL, apiKey: 'k' })('m'),
}
for (const [name, model] of Object.entries(models)) {
  const told = []
  const result = streamText({ model, prompt: 'What shall I do?', maxRetries: 0, onError: ({ error }) => told.push(error) })
  try {
    const [text, finishReason] = [await result.text, await result.finishReason]
    console.log(`${name}: resolved '${text}', finishReason ${finishReason}, errors told: ${told.length}`)
  } catch (error) {
    console.log(`${name}: rejected, errors told: ${told.length}`)
  }
}
server.close()
server.closeAllConnections()
JS
node seen.mjs | tee seen.txt
diff - seen.txt <<'TXT'
anthropic: resolved 'Delete everything but', finishReason interrupted, errors told: 0
openai-compatible: resolved 'Delete everything but', finishReason error, errors told: 1
TXT
