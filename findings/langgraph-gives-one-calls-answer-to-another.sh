#!/usr/bin/env bash
# @langchain/langgraph 1.7.3 with langchain 1.5.14: where two tool calls of one answer each ask a person by `interrupt`, the answer
# to one question is given to the other, and nothing says so.
#
# ToolNode runs the calls side by side in one node, and answers are handed out by the order in which `interrupt` is reached. A
# tool that looks something up before it asks reaches it in another order when the graph goes on: here the person saw one question,
# about ann, and answered 1; it was bob's call that went on with it, and bob's question was never shown. In createAgent each call is
# a task of its own, and both questions are shown together; but `new Command({ resume: 1 })` answers both (the Python library
# refuses that and asks for the ids of the interrupts). Right in both trials is only one question in an answer. Who asks people
# inside tools lets the model make one call at a time, or resumes with `{ [interrupt.id]: answer }` in createAgent.
#
# Seen with node 24.21.0:
#   ToolNode asked: how much for ann?
#   ToolNode, answered 1: bob gets 1
#   createAgent asked: how much for ann? how much for bob?
#   createAgent, answered 1: ann gets 1, bob gets 1
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
import { Command, interrupt, MemorySaver, MessagesAnnotation, StateGraph } from '@langchain/langgraph'
import { ToolNode, toolsCondition } from '@langchain/langgraph/prebuilt'
import { createAgent, tool } from 'langchain'
import { z } from 'zod'

/** Whose look-up is the quicker one: ann's at first, bob's when the graph goes on. */
let quicker = 'ann'
const paid = new Set()
const pay = tool(
  async ({ to }) => {
    await new Promise((resolve) => setTimeout(resolve, to === quicker ? 0 : 200))
    const amount = interrupt(`how much for ${to}?`)
    paid.add(`${to} gets ${amount}`)
    return `${to} gets ${amount}`
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
    const tool_calls = ['ann', 'bob'].map((to) => ({ id: `call_${to}`, name: 'pay', args: { to }, type: 'tool_call' }))
    const isDone = ToolMessage.isInstance(messages.at(-1))
    return { generations: [{ text: '', message: isDone ? new AIMessage('done') : new AIMessage({ content: '', tool_calls }) }] }
  }
}

async function see(name, graph) {
  quicker = 'ann'
  paid.clear()
  const thread = { configurable: { thread_id: name } }
  const asked = await graph.invoke({ messages: [{ role: 'user', content: 'pay ann and bob' }] }, thread)
  console.log(`${name} asked: ${asked.__interrupt__.map(({ value }) => value).join(' ')}`)
  quicker = 'bob'
  await graph.invoke(new Command({ resume: 1 }), thread)
  console.log(`${name}, answered 1: ${[...paid].sort().join(', ')}`)
}

const model = new Model({})
await see(
  'ToolNode',
  new StateGraph(MessagesAnnotation)
    .addNode('model', async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
    .addNode('tools', new ToolNode([pay]))
    .addEdge('__start__', 'model')
    .addConditionalEdges('model', toolsCondition)
    .addEdge('tools', 'model')
    .compile({ checkpointer: new MemorySaver() }),
)
await see('createAgent', createAgent({ model, tools: [pay], checkpointer: new MemorySaver() }))
JS
seen=$(node seen.mjs)
echo "$seen"
[ "$seen" = 'ToolNode asked: how much for ann?
ToolNode, answered 1: bob gets 1
createAgent asked: how much for ann? how much for bob?
createAgent, answered 1: ann gets 1, bob gets 1' ]
