#!/usr/bin/env bash
# @langchain/langgraph 1.7.3 with langchain 1.5.14: an answer that arrives twice at the same moment makes the call twice, although
# the conversation is kept by a checkpointer.
#
# A tool asks a person by `interrupt` and pays when it is told to. A second `new Command({ resume })` after the first is done changes
# nothing: ann is paid once. While the first is still under way (a double click, a message delivered twice, two servers behind one
# address), both read the same checkpoint, both pay, and both report success. The checkpointer guards nothing here, whatever it
# stores in. Mastra 1.71.0 refuses the second: "already resumed by another caller". Who resumes by requests takes a lock for the
# thread, or claims each answer in a database before it is used.
#
# Seen with node 24.21.0:
#   answered again afterwards: paid 1
#   answered twice at once: paid 2, fulfilled, fulfilled
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --save-exact \
  @langchain/core@1.4.0 @langchain/langgraph@1.7.3 langchain@1.5.14 zod@4.6.7
cat > seen.mjs <<'JS'
import { BaseChatModel } from '@langchain/core/language_models/chat_models'
import { AIMessage, ToolMessage } from '@langchain/core/messages'
import { Command, interrupt, MemorySaver } from '@langchain/langgraph'
import { createAgent, tool } from 'langchain'
import { z } from 'zod'

let paid = 0
const pay = tool(
  async ({ to }) => {
    interrupt(`pay ${to}?`)
    await new Promise((resolve) => setTimeout(resolve, 200))
    paid++
    return `paid ${to}`
  },
  { name: 'pay', description: 'pays', schema: z.object({ to: z.string() }) },
)

class Model extends BaseChatModel {
  _llmType() {
    return 'scripted'
  }
  bindTools() {
    return this
  }
  async _generate(messages) {
    const tool_calls = [{ id: 'call_1', name: 'pay', args: { to: 'ann' }, type: 'tool_call' }]
    const isDone = ToolMessage.isInstance(messages.at(-1))
    return { generations: [{ text: '', message: isDone ? new AIMessage('done') : new AIMessage({ content: '', tool_calls }) }] }
  }
}

const agent = createAgent({ model: new Model({}), tools: [pay], checkpointer: new MemorySaver() })
async function asked(thread_id) {
  const thread = { configurable: { thread_id } }
  await agent.invoke({ messages: [{ role: 'user', content: 'pay ann' }] }, thread)
  paid = 0
  return () => agent.invoke(new Command({ resume: true }), thread)
}

const answer = await asked('one after the other')
await answer()
await answer()
console.log(`answered again afterwards: paid ${paid}`)
const answerAtOnce = await asked('at once')
const outcomes = await Promise.allSettled([answerAtOnce(), answerAtOnce()])
console.log(`answered twice at once: paid ${paid}, ${outcomes.map(({ status }) => status).join(', ')}`)
JS
seen=$(node seen.mjs)
echo "$seen"
[ "$seen" = 'answered again afterwards: paid 1
answered twice at once: paid 2, fulfilled, fulfilled' ]
