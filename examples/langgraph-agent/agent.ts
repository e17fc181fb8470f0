/**
 * An agent on LangGraph under `examples/bundles/assistant.yaml`, without a server: deletions are asked for in the terminal.
 *
 *   ANTHROPIC_API_KEY=… npx node agent.ts
 */
import type { BaseChatModel } from '@langchain/core/language_models/chat_models'
import { MessagesAnnotation, StateGraph } from '@langchain/langgraph'
import { ToolNode, toolsCondition } from '@langchain/langgraph/prebuilt'
import { Edictum, type Guard, LocalApprovalBackend } from '@lictor/guard'
import { govern } from '@lictor/guard/langchain'
import { initChatModel, tool } from 'langchain'
import { z } from 'zod'

/** Runs the agent to its end, and says what became of each call. */
export async function run(
  guard: Guard,
  model: BaseChatModel,
  say: (line: string) => void = console.log,
): Promise<void> {
  const schema = z.object({ path: z.string() })
  const tools = govern(guard).tools([
    tool(async ({ path }) => `contents of ${path}`, { name: 'read_file', description: 'Reads a file', schema }),
    tool(async ({ path }) => `deleted ${path}`, { name: 'delete_file', description: 'Deletes a file', schema }),
  ])
  const bound = model.bindTools?.(tools) ?? model
  const graph = new StateGraph(MessagesAnnotation)
    .addNode('model', async ({ messages }) => ({ messages: [await bound.invoke(messages)] }))
    .addNode('tools', new ToolNode(tools))
    .addEdge('__start__', 'model')
    .addConditionalEdges('model', toolsCondition)
    .addEdge('tools', 'model')
    .compile()
  const prompt = 'Read .env and data.csv, then delete old.csv. Say what happened.'
  const { messages } = await graph.invoke({ messages: [{ role: 'user', content: prompt }] })
  for (const message of messages) if (message.type === 'tool') say(`${message.name}: ${message.text}`)
  say(messages.at(-1)?.text ?? '')
}

if (import.meta.main) {
  const guard = Edictum.fromYaml('../bundles/assistant.yaml', { approvalBackend: new LocalApprovalBackend() })
  await run(
    guard,
    (await initChatModel(process.env.MODEL ?? 'anthropic:claude-sonnet-4-5')) as unknown as BaseChatModel,
  )
  await guard.close()
}
