#!/usr/bin/env bash
# ai 7.0.173: two calls of one answer wait for approval; a run that goes on with one answer makes that call, then rejects, and
# what the call gave back is lost. A run that goes on when the second answer is there makes the first call again.
#
# A model asks to pay ann and bob, and both wait for a person, who decides one after the other. `generateText` with the first
# answer alone pays ann and then rejects with AI_MissingToolResultsError about bob's call: no messages come back, so nothing in the
# conversation says that ann was paid. The natural next step, the same conversation with both answers, pays ann a second time.
# An error after the fact reads like "nothing was done". Who lets people decide call by call collects all the answers to a step
# before the run goes on, or keeps by the call's id what was done already.
#
# Seen with node 24.21.0:
#   one answer: AI_MissingToolResultsError, paid ann
#   both answers: resolved, paid ann, ann, bob
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --save-exact ai@7.0.173 zod@4.6.7
cat > seen.mjs <<'JS'
import { generateText, stepCountIs, tool } from 'ai'
import { MockLanguageModelV4 } from 'ai/test'
import { z } from 'zod'

const paid = []
const usage = { inputTokens: { total: 1 }, outputTokens: { total: 1 } }
const pays = ['ann', 'bob'].map((to) => ({ type: 'tool-call', toolCallId: `call_${to}`, toolName: 'pay', input: JSON.stringify({ to }) }))
let isAsked = false
const model = new MockLanguageModelV4({
  doGenerate: async () => {
    if (isAsked) return { finishReason: { unified: 'stop' }, usage, warnings: [], content: [{ type: 'text', text: 'done' }] }
    isAsked = true
    return { finishReason: { unified: 'tool-calls' }, usage, warnings: [], content: pays }
  },
})
const pay = tool({
  description: 'pays',
  inputSchema: z.object({ to: z.string() }),
  execute: async ({ to }) => {
    paid.push(to)
    return `paid ${to}`
  },
})
const run = (messages) =>
  generateText({ model, tools: { pay }, toolApproval: () => 'user-approval', stopWhen: stepCountIs(4), messages })

const start = [{ role: 'user', content: 'pay ann and bob' }]
const asked = await run(start)
const answers = asked.content
  .filter(({ type }) => type === 'tool-approval-request')
  .map(({ approvalId }) => ({ type: 'tool-approval-response', approvalId, approved: true }))
const goOn = (content) =>
  run([...start, ...asked.response.messages, { role: 'tool', content }]).then(() => 'resolved', ({ name }) => name)
console.log(`one answer: ${await goOn(answers.slice(0, 1))}, paid ${paid.join(', ')}`)
console.log(`both answers: ${await goOn(answers)}, paid ${paid.join(', ')}`)
JS
seen=$(node seen.mjs)
echo "$seen"
[ "$seen" = 'one answer: AI_MissingToolResultsError, paid ann
both answers: resolved, paid ann, ann, bob' ]
