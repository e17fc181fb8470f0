/** Approvals that outlive the run, by the frameworks' own interrupts, decided on a real server. */
import { rmSync } from 'node:fs'
import { BaseChatModel } from '@langchain/core/language_models/chat_models'
import { AIMessage, type BaseMessage, HumanMessage, ToolMessage } from '@langchain/core/messages'
import type { ChatResult } from '@langchain/core/outputs'
import { Command, interrupt, MemorySaver, MessagesAnnotation, StateGraph } from '@langchain/langgraph'
import { ToolNode, toolsCondition } from '@langchain/langgraph/prebuilt'
import { Edictum, silentLogger } from '@lictor/guard'
import { govern } from '@lictor/guard/langchain'
import { tool } from 'langchain'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { type Administrator, administrator, type ServerProcess, startServer } from '../../e2e/support/server.ts'

const BUNDLE = `
apiVersion: edictum/v1
kind: ContractBundle
metadata: { name: durable }
defaults: { mode: enforce }
contracts:
  - id: ask
    type: pre
    tool: delete_file
    when: { args.path: { exists: true } }
    then: { effect: approve, message: "May I delete {args.path}?", timeout: 86400 }
`

let server: ServerProcess
let person: Administrator
let apiKey = ''
const guards: Edictum[] = []

beforeAll(async () => {
  server = await startServer()
  person = await administrator(server.url)
  apiKey = await person.createKey()
  await person.deploy(BUNDLE)
}, 120_000)
afterAll(async () => {
  for (const guard of guards) await guard.close()
  await server?.stop()
  if (server) rmSync(server.dataDir, { recursive: true, force: true })
})

/** Asks for one deletion, and then tells what it heard. */
class Scripted extends BaseChatModel {
  told: string[] = []

  _llmType(): string {
    return 'scripted'
  }

  async _generate(messages: BaseMessage[]): Promise<ChatResult> {
    this.told = messages.filter((message) => ToolMessage.isInstance(message)).map(({ text }) => text)
    const message =
      this.told.length > 0
        ? new AIMessage('done')
        : new AIMessage({
            content: '',
            tool_calls: [{ id: 'c1', name: 'delete_file', args: { path: 'old.csv' }, type: 'tool_call' }],
          })
    return { generations: [{ text: '', message }] }
  }
}

const ran: string[] = []
const saved = new MemorySaver()

/** A process of its own, but for the saved threads: another guard, another graph, another model. */
async function processOf(thread: string) {
  const guard = await Edictum.fromServer({
    url: server.url,
    apiKey,
    agentId: 'janitor',
    bundleName: 'durable',
    autoWatch: false,
    spool: false,
    logger: silentLogger,
  })
  guards.push(guard)
  const remove = tool(
    async ({ path }) => {
      ran.push(`${thread} ${path}`)
      return `deleted ${path}`
    },
    { name: 'delete_file', description: 'deletes', schema: z.object({ path: z.string() }) },
  )
  const model = new Scripted({})
  const graph = new StateGraph(MessagesAnnotation)
    .addNode('model', async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
    .addNode('tools', new ToolNode(govern(guard, { sessionId: thread, interrupt }).tools([remove])))
    .addEdge('__start__', 'model')
    .addConditionalEdges('model', toolsCondition)
    .addEdge('tools', 'model')
    .compile({ checkpointer: saved })
  const config = { configurable: { thread_id: thread } }
  return {
    model,
    guard,
    start: () => graph.invoke({ messages: [new HumanMessage('go')] }, config),
    resume: () => graph.invoke(new Command({ resume: true }), config),
  }
}

interface Interrupted {
  readonly __interrupt__?: readonly { readonly value: { readonly approval_id: string } }[]
}

const questionOf = (answer: unknown) => (answer as Interrupted).__interrupt__?.[0]?.value
const runsOf = (thread: string) => ran.filter((one) => one.startsWith(thread))

async function stopped(thread: string): Promise<string> {
  const first = await processOf(thread)
  const question = questionOf(await first.start())
  expect(question).toMatchObject({ tool: 'delete_file', args: { path: 'old.csv' }, question: 'May I delete old.csv?' })
  expect(first.guard.localSink.events.map(({ action }) => action)).toEqual([
    'call_approval_requested',
    'call_cancelled',
  ])
  return question?.approval_id ?? ''
}

test('LangGraph: the run ends while a person thinks, and another process goes on by the decision of the server', async () => {
  const id = await stopped('agreed')
  await person.decide(id, true)
  const later = await processOf('agreed')
  await later.resume()
  expect(runsOf('agreed')).toEqual(['agreed old.csv'])
  expect(later.model.told).toEqual(['deleted old.csv'])
  expect(later.guard.localSink.events.map(({ action }) => action)).toEqual(['call_approval_granted', 'call_executed'])
})

test('LangGraph: a refusal is told to the model, and nothing runs', async () => {
  const id = await stopped('refused')
  await person.decide(id, false, 'Keep it')
  const later = await processOf('refused')
  await later.resume()
  expect(later.model.told).toEqual(['DENIED: Keep it'])
  expect(runsOf('refused')).toEqual([])
})

test('LangGraph: gone on with before anybody has decided, it stops again at the same question, whatever the resuming says', async () => {
  const id = await stopped('early')
  const early = await processOf('early')
  expect(questionOf(await early.resume())?.approval_id).toBe(id)
  expect(runsOf('early')).toEqual([])
  await person.decide(id, true)
  await (await processOf('early')).resume()
  expect(runsOf('early')).toEqual(['early old.csv'])
})

test('LangGraph: gone on with by two processes at once, the call runs once', async () => {
  const id = await stopped('twice')
  await person.decide(id, true)
  const both = await Promise.all([processOf('twice'), processOf('twice')])
  await Promise.allSettled(both.map((one) => one.resume()))
  expect(runsOf('twice')).toEqual(['twice old.csv'])
})

test('an approval is for these arguments alone: the same call with others is asked about anew', async () => {
  const id = await stopped('bound')
  await person.decide(id, true)
  const { guard } = await processOf('bound')
  const call = (path: string) =>
    guard.run('delete_file', { path }, () => 'deleted', { sessionId: 'bound', toolUseId: 'c1', durable: true })
  await expect(call('other.csv')).rejects.toMatchObject({ code: 'EDICTUM_PENDING' })
  expect(await call('old.csv')).toBe('deleted')
  await expect(call('old.csv')).rejects.toThrow('The approval could not be used')
})
