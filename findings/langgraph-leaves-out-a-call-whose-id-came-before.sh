#!/usr/bin/env bash
# @langchain/langgraph 1.7.3: ToolNode leaves out a tool call whose id had an answer earlier in the conversation. The tool does
# not run, nothing is said, and the model is asked again with a call that nobody answered.
#
# Ids of tool calls are the provider's, and servers of local models count them anew in every answer (`call_0`). ToolNode skips
# calls whose id stands on any earlier ToolMessage. So ann is paid and bob is not: the graph goes back to the model, which has
# the answer for ann as the only answer to `call_0`, and will most likely report both as paid. A model that asks again runs the
# graph into its recursion limit. langchain's createAgent, with the same messages, runs both. Who uses ToolNode with such a
# server gives each call an id of its own before it enters the state.
#
# Seen with node 24.21.0:
#   ToolNode ran: ann
#   ToolNode answered: paid ann
#   createAgent ran: ann, bob
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
import { MessagesAnnotation, StateGraph } from '@langchain/langgraph'
import { ToolNode, toolsCondition } from '@langchain/langgraph/prebuilt'
import { createAgent, tool } from 'langchain'
import { z } from 'zod'

const ran = []
const pay = tool(
  ({ to }) => {
    ran.push(to)
    return `paid ${to}`
  },
  { name: 'pay', description: 'pays', schema: z.object({ to: z.string() }) },
)

class Model extends BaseChatModel {
  turn = 0
  _llmType() {
    return 'scripted'
  }
  bindTools() {
    return this
  }
  async _generate() {
    const to = ['ann', 'bob'][this.turn++]
    const call = { id: 'call_0', name: 'pay', args: { to }, type: 'tool_call' }
    return { generations: [{ text: '', message: to ? new AIMessage({ content: '', tool_calls: [call] }) : new AIMessage('done') }] }
  }
}

const model = new Model({})
const graph = new StateGraph(MessagesAnnotation)
  .addNode('model', async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
  .addNode('tools', new ToolNode([pay]))
  .addEdge('__start__', 'model')
  .addConditionalEdges('model', toolsCondition)
  .addEdge('tools', 'model')
  .compile()
const start = { messages: [{ role: 'user', content: 'pay ann, then bob' }] }
const { messages } = await graph.invoke(start)
console.log(`ToolNode ran: ${ran.splice(0).join(', ')}`)
console.log(`ToolNode answered: ${messages.filter((message) => ToolMessage.isInstance(message)).map(({ text }) => text).join(', ')}`)
await createAgent({ model: new Model({}), tools: [pay] }).invoke(start)
console.log(`createAgent ran: ${ran.join(', ')}`)
JS
seen=$(node seen.mjs)
echo "$seen"
[ "$seen" = 'ToolNode ran: ann
ToolNode answered: paid ann
createAgent ran: ann, bob' ]
