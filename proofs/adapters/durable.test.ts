/** Approvals that outlive the run, by the frameworks' own interrupts, decided on a real server. */
import { rmSync } from 'node:fs'
import { BaseChatModel } from '@langchain/core/language_models/chat_models'
import { AIMessage, type BaseMessage, HumanMessage, ToolMessage } from '@langchain/core/messages'
import type { ChatResult } from '@langchain/core/outputs'
import { Command, interrupt, MemorySaver, MessagesAnnotation, StateGraph } from '@langchain/langgraph'
import { ToolNode, toolsCondition } from '@langchain/langgraph/prebuilt'
import { Edictum, type EdictumPending, silentLogger } from '@lictor/guard'
import { govern as governAi } from '@lictor/guard/ai'
import { govern as governLangChain, type PendingQuestion } from '@lictor/guard/langchain'
import { govern as governMastra } from '@lictor/guard/mastra'
import { govern as governOpenAi } from '@lictor/guard/openai-agents'
import { Mastra } from '@mastra/core'
import { Agent as MastraAgent } from '@mastra/core/agent'
import { InMemoryStore } from '@mastra/core/storage'
import { createTool } from '@mastra/core/tools'
import {
  Agent,
  tool as agentTool,
  type Model,
  type ModelRequest,
  type ModelResponse,
  Runner,
  RunState,
  Usage,
} from '@openai/agents'
import { tool as aiTool, generateText, type ModelMessage, stepCountIs } from 'ai'
import { MockLanguageModelV4 } from 'ai/test'
import { tool as langchainTool } from 'langchain'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
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
    when: { args.path: { contains: old } }
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

const CALL = { id: 'c1', tool: 'delete_file' } as const
const path = z.object({ path: z.string() })

/** A run in a process of its own, but for what its framework has saved. */
interface Run {
  /** Runs until the model is done, or a person is asked. */
  readonly start: () => Promise<unknown>
  /** Goes on with what was saved, by whatever the framework wants to hear. */
  readonly resume: () => Promise<unknown>
  /** What the model was told of the call. */
  readonly told: () => string
}

interface FrameworkOfRuns {
  readonly name: string
  /** Whether a run that is gone on with too early ends again; where it cannot, its call waits. */
  readonly endsAgain: boolean
  readonly open: (given: {
    readonly guard: Edictum
    readonly thread: string
    /** Of the one call that the model makes. */
    readonly args: { readonly path: string }
    readonly remove: (args: { path: string }) => Promise<string>
    readonly onQuestion: (question: PendingQuestion) => void
  }) => Run
}

class ScriptedLangChain extends BaseChatModel {
  told: string[] = []
  readonly #args: object

  constructor(args: object) {
    super({})
    this.#args = args
  }

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
            tool_calls: [{ id: CALL.id, name: CALL.tool, args: this.#args, type: 'tool_call' }],
          })
    return { generations: [{ text: '', message }] }
  }
}

const threads = new MemorySaver()
const langgraph: FrameworkOfRuns = {
  name: 'LangGraph',
  endsAgain: true,
  open: ({ guard, thread, args, remove, onQuestion }) => {
    const tools = governLangChain(guard, {
      sessionId: thread,
      interrupt: (question) => {
        onQuestion(question)
        return interrupt(question)
      },
    }).tools([langchainTool(remove, { name: CALL.tool, description: 'deletes', schema: path })])
    const model = new ScriptedLangChain(args)
    const graph = new StateGraph(MessagesAnnotation)
      .addNode('model', async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
      .addNode('tools', new ToolNode(tools))
      .addEdge('__start__', 'model')
      .addConditionalEdges('model', toolsCondition)
      .addEdge('tools', 'model')
      .compile({ checkpointer: threads })
    const config = { configurable: { thread_id: thread } }
    return {
      start: () => graph.invoke({ messages: [new HumanMessage('go')] }, config),
      resume: () => graph.invoke(new Command({ resume: true }), config),
      told: () => model.told.join(),
    }
  },
}

const usage = {
  inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 1, text: 1, reasoning: 0 },
}
const conversations = new Map<string, ModelMessage[]>()
const aiSdk: FrameworkOfRuns = {
  name: 'AI SDK',
  endsAgain: false,
  open: ({ guard, thread, args, remove, onQuestion }) => {
    const tools = governAi(guard, { sessionId: thread, durable: true, onQuestion }).tools({
      delete_file: aiTool({ inputSchema: path, execute: remove }),
    })
    const model = new MockLanguageModelV4({
      doGenerate: async ({ prompt }) => {
        const isTold = prompt.some(({ role }) => role === 'tool')
        const finishReason = { unified: isTold ? ('stop' as const) : ('tool-calls' as const), raw: undefined }
        const input = JSON.stringify(args)
        const call = { type: 'tool-call' as const, toolCallId: CALL.id, toolName: CALL.tool, input }
        const content = [isTold ? { type: 'text' as const, text: 'done' } : call]
        return { content, finishReason, usage, warnings: [] }
      },
    })
    const run = async (messages: ModelMessage[]) => {
      const { response } = await generateText({ model, tools, messages, stopWhen: stepCountIs(3) })
      conversations.set(thread, [...messages, ...response.messages])
    }
    return {
      start: () => run([{ role: 'user', content: 'go' }]),
      resume: () => {
        const messages = conversations.get(thread) ?? []
        const content = messages.flatMap((message) =>
          message.role === 'assistant' && typeof message.content !== 'string'
            ? message.content.flatMap((part) =>
                part.type === 'tool-approval-request'
                  ? [{ type: 'tool-approval-response' as const, approvalId: part.approvalId, approved: true }]
                  : [],
              )
            : [],
        )
        return run([...messages, { role: 'tool', content }])
      },
      told: () => JSON.stringify(model.doGenerateCalls.at(-1)?.prompt.filter(({ role }) => role === 'tool')),
    }
  },
}

class ScriptedAgent implements Model {
  told = ''
  readonly #args: object

  constructor(args: object) {
    this.#args = args
  }

  async getResponse({ input }: ModelRequest): Promise<ModelResponse> {
    const results = Array.isArray(input) ? input.filter(({ type }) => type === 'function_call_result') : []
    this.told = JSON.stringify(results)
    const args = JSON.stringify(this.#args)
    const output: ModelResponse['output'] =
      results.length > 0
        ? [
            {
              type: 'message',
              role: 'assistant',
              status: 'completed',
              content: [{ type: 'output_text', text: 'done' }],
            },
          ]
        : [{ type: 'function_call', callId: CALL.id, name: CALL.tool, status: 'completed', arguments: args }]
    return { usage: new Usage(), output }
  }

  async *getStreamedResponse(): AsyncGenerator<never> {
    yield* []
    throw new Error('not used')
  }
}

const states = new Map<string, string>()
const openAiAgents: FrameworkOfRuns = {
  name: 'OpenAI Agents',
  endsAgain: false,
  open: ({ guard, thread, args, remove, onQuestion }) => {
    const tools = governOpenAi(guard, { sessionId: thread, durable: true, onQuestion }).tools([
      agentTool({ name: CALL.tool, description: 'deletes', parameters: path, execute: remove }),
    ])
    const model = new ScriptedAgent(args)
    const agent = new Agent({ name: 'janitor', model, tools })
    const runner = new Runner({ tracingDisabled: true })
    return {
      start: async () => {
        const result = await runner.run(agent, 'go')
        states.set(thread, result.state.toString())
      },
      resume: async () => {
        const state = await RunState.fromString(agent, states.get(thread) ?? '')
        for (const interruption of state.getInterruptions()) state.approve(interruption)
        await runner.run(agent, state)
      },
      told: () => model.told,
    }
  },
}

const storage = new InMemoryStore()
const mastra: FrameworkOfRuns = {
  name: 'Mastra',
  endsAgain: true,
  open: ({ guard, thread, args, remove, onQuestion }) => {
    const prompts: unknown[] = []
    const usage = { inputTokens: 1, outputTokens: 1, totalTokens: 2 }
    const model = {
      specificationVersion: 'v2' as const,
      provider: 'scripted',
      modelId: 'scripted',
      supportedUrls: {},
      doGenerate: async ({ prompt }: { prompt: { role: string }[] }) => {
        const results = prompt.filter(({ role }) => role === 'tool')
        prompts.push(results)
        const isTold = results.length > 0
        const input = JSON.stringify(args)
        const call = { type: 'tool-call' as const, toolCallId: CALL.id, toolName: CALL.tool, input }
        const content = [isTold ? { type: 'text' as const, text: 'done' } : call]
        const finishReason = isTold ? ('stop' as const) : ('tool-calls' as const)
        return { content, finishReason, usage, warnings: [] }
      },
      doStream: async () => {
        throw new Error('not used')
      },
    }
    const tools = governMastra(guard, { sessionId: thread, durable: true, onQuestion }).tools({
      delete_file: createTool({
        id: CALL.tool,
        description: 'deletes',
        inputSchema: path,
        suspendSchema: z.any(),
        resumeSchema: z.any(),
        execute: remove,
      }),
    })
    const agent = new MastraAgent({
      id: 'janitor',
      name: 'janitor',
      instructions: 'go',
      model: model as never,
      tools: tools as never,
    })
    const janitor = new Mastra({ agents: { janitor: agent }, storage, logger: false }).getAgent('janitor')
    return {
      start: () => janitor.generate('go', { runId: thread, maxSteps: 3 }),
      resume: () => janitor.resumeGenerate({ go: 'on' }, { runId: thread, toolCallId: CALL.id, maxSteps: 3 }),
      told: () => JSON.stringify(prompts.at(-1)),
    }
  },
}

const OLD = { path: 'old.csv' }
const ran: string[] = []
const runsOf = (thread: string) => ran.filter((one) => one === thread)

/** Each framework is an agent of its own: how many questions an agent may put in a minute is limited. */
async function guardOf(agentId: string): Promise<Edictum> {
  const guard = await Edictum.fromServer({
    url: server.url,
    apiKey,
    agentId,
    bundleName: 'durable',
    autoWatch: false,
    spool: false,
    logger: silentLogger,
  })
  guards.push(guard)
  return guard
}

async function processOf({ name, open }: FrameworkOfRuns, what: string, args = OLD) {
  const agentId = name.replace(' ', '-')
  const guard = await guardOf(agentId)
  const thread = `${agentId}-${what}`
  const questions: PendingQuestion[] = []
  const run = open({
    guard,
    thread,
    args,
    onQuestion: (question) => void questions.push(question),
    remove: async ({ path: removed }) => {
      ran.push(thread)
      return `deleted ${removed}`
    },
  })
  return { ...run, guard, thread, questions, actions: () => guard.localSink.events.map(({ action }) => action) }
}

/** A run that has ended because a person is asked; what was asked. */
async function stopped(framework: FrameworkOfRuns, what: string): Promise<string> {
  const first = await processOf(framework, what)
  await first.start()
  expect(first.questions).toEqual([
    expect.objectContaining({ tool: CALL.tool, args: OLD, question: 'May I delete old.csv?' }),
  ])
  expect(first.actions()).toEqual(['call_approval_requested', 'call_cancelled'])
  return first.questions[0]?.approval_id ?? ''
}

describe.each([langgraph, aiSdk, openAiAgents, mastra])('$name', (framework) => {
  test('the run ends while a person thinks, and another process goes on by the decision of the server', async () => {
    const id = await stopped(framework, 'agreed')
    await person.decide(id, true)
    const later = await processOf(framework, 'agreed')
    await later.resume()
    expect(runsOf(later.thread)).toHaveLength(1)
    expect(later.told()).toContain('deleted old.csv')
    expect(later.actions()).toEqual(['call_approval_granted', 'call_executed'])
  })

  test('a refusal is told to the model, and nothing runs', async () => {
    const id = await stopped(framework, 'refused')
    await person.decide(id, false, 'Keep it')
    const later = await processOf(framework, 'refused')
    await later.resume()
    expect(later.told()).toContain('DENIED: Keep it')
    expect(runsOf(later.thread)).toEqual([])
  })

  test('gone on with before anybody has decided, it runs nothing until somebody has, whatever it was told', async () => {
    const id = await stopped(framework, 'early')
    const early = await processOf(framework, 'early')
    const resumed = early.resume()
    if (framework.endsAgain) {
      await resumed
      expect([...new Set(early.questions.map(({ approval_id }) => approval_id))]).toEqual([id])
    } else await vi.waitUntil(() => early.actions().includes('call_cancelled'), { timeout: 60_000 })
    expect(runsOf(early.thread)).toEqual([])
    await person.decide(id, true)
    if (framework.endsAgain) await (await processOf(framework, 'early')).resume()
    else await resumed
    expect(runsOf(early.thread)).toHaveLength(1)
  })

  test('gone on with by two processes at once, the call runs once', async () => {
    const id = await stopped(framework, 'twice')
    await person.decide(id, true)
    const both = await Promise.all([processOf(framework, 'twice'), processOf(framework, 'twice')])
    await Promise.allSettled(both.map((one) => one.resume()))
    expect(runsOf(both[0].thread)).toHaveLength(1)
  })

  test('a call about which nobody is asked runs at once, and leaves the events of one call', async () => {
    const run = await processOf(framework, 'plain', { path: 'new.csv' })
    await run.start()
    expect(runsOf(run.thread)).toHaveLength(1)
    expect(run.told()).toContain('deleted new.csv')
    expect([run.questions, run.actions()]).toEqual([[], ['call_allowed', 'call_executed']])
  })
})

test('an approval is for these arguments alone: the same call with others is asked about anew', async () => {
  const guard = await guardOf('by-hand')
  const call = (path: string) =>
    guard.run('delete_file', { path }, () => 'deleted', { sessionId: 'bound', toolUseId: 'c1', durable: true })
  const pending = (await call('old.csv').catch((error: unknown) => error)) as EdictumPending
  await person.decide(pending.approvalId, true)
  await expect(call('older.csv')).rejects.toMatchObject({ code: 'EDICTUM_PENDING' })
  expect(await call('old.csv')).toBe('deleted')
  await expect(call('old.csv')).rejects.toThrow('The approval could not be used')
})
