#!/usr/bin/env bash
# ai 7.0.173: when two tool calls of one answer bear the same id, both run as the model asked, and the model is told that it
# asked for the first one twice.
#
# Ids of tool calls are the provider's. Servers of local models count them anew (`call_0`) and some give the same to every
# call of an answer. generateText runs each call with its own input, and then looks calls up by id: `toolCalls` of the step,
# and what the next step sends to the model, show the first call's input for both; only `toolResults` has each. Here ann and
# bob are paid, and the calls on record are ann and ann. Whoever logs, approves or counts by `toolCalls` or toolCallId needs
# ids of their own.
#
# Seen with node 20.20.2 and 24.21.0:
#   ran: ann, bob
#   told to the model: ann, ann
#   toolCalls: ann, ann
#   toolResults: ann -> paid ann, bob -> paid bob
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --save-exact ai@7.0.173
cat > seen.mjs <<'JS'
import { generateText, jsonSchema, stepCountIs, tool } from 'ai'
import { MockLanguageModelV4 } from 'ai/test'

const ran = []
const pay = tool({
  inputSchema: jsonSchema({ type: 'object', properties: { to: { type: 'string' } } }),
  execute: async ({ to }) => {
    ran.push(to)
    return `paid ${to}`
  },
})
const callOf = (to) => ({ type: 'tool-call', toolCallId: 'call_0', toolName: 'pay', input: JSON.stringify({ to }) })
const usage = { inputTokens: { total: 1 }, outputTokens: { total: 1 } }
const prompts = []
const model = new MockLanguageModelV4({
  doGenerate: async ({ prompt }) => {
    prompts.push(prompt)
    return prompts.length === 1
      ? { content: [callOf('ann'), callOf('bob')], finishReason: { unified: 'tool-calls' }, usage, warnings: [] }
      : { content: [{ type: 'text', text: 'done' }], finishReason: { unified: 'stop' }, usage, warnings: [] }
  },
})
const { steps } = await generateText({ model, prompt: 'pay both', tools: { pay }, stopWhen: stepCountIs(2) })
const told = prompts[1].find(({ role }) => role === 'assistant').content
console.log(`ran: ${ran.join(', ')}`)
console.log(`told to the model: ${told.map(({ input }) => input.to).join(', ')}`)
console.log(`toolCalls: ${steps[0].toolCalls.map(({ input }) => input.to).join(', ')}`)
console.log(`toolResults: ${steps[0].toolResults.map(({ input, output }) => `${input.to} -> ${output}`).join(', ')}`)
JS
seen=$(node seen.mjs)
echo "$seen"
[ "$seen" = 'ran: ann, bob
told to the model: ann, ann
toolCalls: ann, ann
toolResults: ann -> paid ann, bob -> paid bob' ]
