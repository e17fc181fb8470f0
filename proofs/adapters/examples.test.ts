/** The agents of `examples/`, run here where their frameworks are, with models that follow a script. */
import { cpSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { BaseChatModel } from '@langchain/core/language_models/chat_models'
import { AIMessage } from '@langchain/core/messages'
import type { ChatResult } from '@langchain/core/outputs'
import { type ApprovalBackend, Edictum, silentLogger } from '@lictor/guard'
import { MockLanguageModelV4 } from 'ai/test'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { folder } from './installed.ts'

const root = new URL('../../', import.meta.url)
const copies = `${folder}.examples/`

beforeAll(() => {
  for (const name of ['ai-sdk-agent', 'langgraph-agent']) {
    mkdirSync(`${copies}${name}`, { recursive: true })
    cpSync(new URL(`examples/${name}/agent.ts`, root), `${copies}${name}/agent.ts`)
  }
})
afterAll(() => rmSync(copies, { recursive: true, force: true }))

const CALLS = [
  { id: 'c1', name: 'read_file', args: { path: '.env' } },
  { id: 'c2', name: 'read_file', args: { path: 'data.csv' } },
  { id: 'c3', name: 'delete_file', args: { path: 'old.csv' } },
]

/** Says yes to whatever is asked. */
const yes: ApprovalBackend = {
  requestApproval: async (toolName, toolArgs, message) => ({
    approvalId: 'ap-1',
    toolName,
    toolArgs,
    message,
    timeout: 300,
    timeoutEffect: 'deny',
    principal: null,
    metadata: {},
    createdAt: new Date(0).toISOString(),
  }),
  waitForDecision: async () => ({
    approved: true,
    approver: 'ann',
    reason: null,
    status: 'approved',
    timestamp: new Date(0).toISOString(),
  }),
}

const guarded = () =>
  Edictum.fromYamlString(readFileSync(new URL('examples/bundles/assistant.yaml', root), 'utf8'), {
    approvalBackend: yes,
    logger: silentLogger,
  })

test('the agent of examples/ai-sdk-agent is refused the secret, reads the file and deletes what it may', async () => {
  const { run } = (await import(`${copies}ai-sdk-agent/agent.ts`)) as {
    run: (guard: Edictum, model: MockLanguageModelV4, say: (line: string) => void) => Promise<void>
  }
  const usage = {
    inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
    outputTokens: { total: 1, text: 1, reasoning: 0 },
  }
  let turn = 0
  const model = new MockLanguageModelV4({
    doGenerate: async () => {
      const asks = turn++ === 0
      const calls = CALLS.map(({ id, name, args }) => ({
        type: 'tool-call' as const,
        toolCallId: id,
        toolName: name,
        input: JSON.stringify(args),
      }))
      const finishReason = { unified: asks ? ('tool-calls' as const) : ('stop' as const), raw: undefined }
      return { content: asks ? calls : [{ type: 'text' as const, text: 'done' }], finishReason, usage, warnings: [] }
    },
  })
  const said: string[] = []
  const guard = guarded()
  await run(guard, model, (line) => said.push(line))
  expect(said.sort()).toEqual([
    'delete_file old.csv: deleted old.csv',
    'done',
    'read_file data.csv: contents of data.csv',
    expect.stringContaining('read_file: EdictumDenied: DENIED: .env holds secrets.'),
  ])
})

class Scripted extends BaseChatModel {
  #turn = 0

  constructor() {
    super({})
  }

  _llmType(): string {
    return 'scripted'
  }

  override bindTools(): this {
    return this
  }

  async _generate(): Promise<ChatResult> {
    const calls = CALLS.map((call) => ({ ...call, type: 'tool_call' as const }))
    const message = this.#turn++ === 0 ? new AIMessage({ content: '', tool_calls: calls }) : new AIMessage('done')
    return { generations: [{ text: '', message }] }
  }
}

test('the agent of examples/langgraph-agent is refused the secret, reads the file and deletes what it may', async () => {
  const { run } = (await import(`${copies}langgraph-agent/agent.ts`)) as {
    run: (guard: Edictum, model: BaseChatModel, say: (line: string) => void) => Promise<void>
  }
  const said: string[] = []
  await run(guarded(), new Scripted(), (line) => said.push(line))
  expect(said).toEqual([
    expect.stringContaining('read_file: DENIED: .env holds secrets.'),
    'read_file: contents of data.csv',
    'delete_file: deleted old.csv',
    'done',
  ])
})
