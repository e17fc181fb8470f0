#!/usr/bin/env bash
# @openai/agents 0.20.0: what a tool throws never reaches the model; it is told to try again instead.
#
# A tool that refuses by throwing ("table users is protected, do not repeat") ends as the fixed sentence "An error
# occurred while running the tool. Please try again.": the reason is lost, and the model is invited to repeat exactly the
# call that was refused. The run itself resolves, so the caller sees nothing either. A refusal has to be returned as the
# tool's result, or the tool needs an `errorFunction` of its own.
#
# Seen with node 20.20.2 and 24.21.0, zod 4.6.7:
#   told the model: An error occurred while running the tool. Please try again.
#   the run: resolved
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --save-exact @openai/agents@0.20.0 zod@4.6.7
cat > seen.mjs <<'JS'
import { Agent, Runner, setTracingDisabled, tool, Usage } from '@openai/agents'
import { z } from 'zod'

setTracingDisabled(true)
const asked = []
const callsTheTool = { type: 'function_call', callId: 'c1', name: 'drop', arguments: '{"table":"users"}', status: 'completed' }
const says = (text) => ({ type: 'message', role: 'assistant', status: 'completed', content: [{ type: 'output_text', text }] })
const model = {
  async getResponse({ input }) {
    asked.push(input)
    return { usage: new Usage(), output: [asked.length === 1 ? callsTheTool : says('understood')] }
  },
}
const drop = tool({
  name: 'drop',
  description: 'drops a table',
  parameters: z.object({ table: z.string() }),
  execute: async () => {
    throw new Error('table users is protected, do not repeat')
  },
})
const run = await new Runner().run(new Agent({ name: 'a', model, tools: [drop] }), 'go').then(
  () => 'resolved',
  (error) => error.message,
)
console.log(`told the model: ${asked[1].at(-1).output.text}`)
console.log(`the run: ${run}`)
JS
seen=$(node seen.mjs)
echo "$seen"
[ "$seen" = 'told the model: An error occurred while running the tool. Please try again.
the run: resolved' ]
