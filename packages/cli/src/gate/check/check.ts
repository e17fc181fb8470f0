import { dirname } from 'node:path'
import { RedactionPolicy } from '@lictor/contracts'
import { type ApprovalBackend, EdictumConfigError } from '@lictor/guard'
import { appendToJournal } from '@lictor/guard/journal'
import { keyPrefixOf } from '@lictor/guard/key-prefix'
import {
  type Answer,
  type Arguments,
  type Asked,
  type Assistant,
  type Decided,
  UnreadableCall,
} from '../assistants/assistant.ts'
import { assistants } from '../assistants/assistants.ts'
import { isCursors } from '../assistants/cursor.ts'
import { type GatePlace, gateFolder } from '../place.ts'
import { appendLine } from '../record/log.ts'
import { randomId } from '../record/random-id.ts'
import { createRecorder } from '../record/recorder.ts'
import type { GateSettings } from '../settings.ts'
import { userName } from '../user-name.ts'
import { type InForce, readInForce } from './contracts.ts'
import type { Input } from './input.ts'
import { type Judged, judge } from './judge.ts'
import { PROOF_REASON, PROOF_TOOL } from './proof-tool.ts'

export interface Question {
  readonly assistant: Assistant
  readonly input: Promise<Input>
  readonly place: GatePlace
  /** Bundles instead of those of the settings; null asks for the settings. */
  readonly contracts: readonly string[] | null
  /** Milliseconds since 1970 by which the assistant must have its answer. */
  readonly deadline: number
  readonly signal: AbortSignal
  /** Makes the folder of the call the one that relative paths start from. */
  readonly enter: (folder: string) => void
  /** Something that changes nothing of the decision went wrong. */
  readonly note: (text: string) => void
}

export interface Checked {
  readonly answer: Answer
  /** Who asked, which may be another than was said. */
  readonly assistant: Assistant
  readonly verdict: 'allow' | 'deny'
  readonly tool: string | null
  /** What was read; null where that failed. */
  readonly settings: GateSettings | null
}

/** Judges one question of an assistant. Never rejects: what cannot be judged is refused, in that assistant's own form. */
export async function check(question: Question): Promise<Checked> {
  let { assistant } = question
  let tool: string | null = null
  let settings: GateSettings | null = null
  const end = (judged: Judged): Checked => ({
    answer: judged.isAllowed ? assistant.allow(judged) : assistant.deny(judged),
    assistant,
    verdict: judged.isAllowed ? 'allow' : 'deny',
    tool,
    settings,
  })
  try {
    const asked = objectIn(await question.input)
    if (assistant.name === 'claude-code' && isCursors(asked)) assistant = assistants.cursor
    const call = assistant.read(asked)
    tool = call.calls[0]?.tool ?? null
    if (tool === PROOF_TOOL) return end(refusal(PROOF_REASON))
    enter(call.folder, question.enter)
    const inForce = await readInForce(question.place, question.contracts).catch(withoutSettings)
    if ('isAllowed' in inForce) return end(inForce)
    settings = inForce.settings
    if (inForce.contracts === null) return end(withoutContracts(inForce, question))
    return end(await judgeBy({ ...inForce, contracts: inForce.contracts }, call, assistant, question))
  } catch (error) {
    return end(refusal(reasonOf(error, question.signal)))
  }
}

function judgeBy(
  inForce: InForce & { contracts: NonNullable<InForce['contracts']> },
  asked: Asked,
  assistant: Assistant,
  question: Question,
) {
  const { settings, contracts } = inForce
  const { console } = settings
  const { patterns, replacement } = settings.redaction
  const recorder = createRecorder({
    as: {
      agentId: settings.agentId,
      environment: console?.environment ?? 'production',
      assistant: assistant.name,
      user: userName(),
      folder: asked.folder ?? process.cwd(),
      subAgent: asked.subAgent,
    },
    newId: randomId,
    redaction: new RedactionPolicy({ customPatterns: patterns.map((pattern) => [pattern, replacement]) }),
    write: (line) => {
      if (!settings.audit.enabled) return
      attempt(() => appendLine(settings.audit.path, line, settings.audit.maxMb * 1024 * 1024), question.note)
      if (console === null) return
      const owner = { keyPrefix: keyPrefixOf(console.apiKey, console.environment), agentId: settings.agentId }
      attempt(() => appendToJournal(owner, line), question.note)
    },
  })
  return judge(asked, {
    settings,
    contracts,
    recorder,
    own: dirname(gateFolder(question.place)),
    newId: randomId,
    signal: question.signal,
    approvals: approvalsOf(settings, question.deadline),
    readAgain: async () => {
      const now = await readInForce(question.place, question.contracts)
      if (now.contracts === null) throw new EdictumConfigError([NO_CONTRACTS])
      return now.contracts
    },
  })
}

const NO_CONTRACTS = {
  code: 'no_contracts',
  path: '',
  line: null,
  column: null,
  message: 'the contracts were taken away while a person was asked',
}

/** The connection to the console is loaded when the first question is put. */
function approvalsOf(settings: GateSettings, deadline: number): ApprovalBackend | null {
  const { console } = settings
  if (console === null) return null
  let backend: Promise<ApprovalBackend> | null = null
  const connected = () => {
    backend ??= import('./ask.ts').then(({ consoleApprovals }) => consoleApprovals(console, settings.agentId, deadline))
    return backend
  }
  return {
    requestApproval: async (...question) => (await connected()).requestApproval(...question),
    waitForDecision: async (...question) => (await connected()).waitForDecision(...question),
    consume: async (id, digest) => (await connected()).consume?.(id, digest),
  }
}

function objectIn(input: Input): Arguments {
  if ('refusal' in input) throw new UnreadableCall(input.refusal)
  let parsed: unknown
  try {
    parsed = JSON.parse(input.text)
  } catch {
    throw new UnreadableCall('The question is no JSON')
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw new UnreadableCall('The question is no JSON object')
  return parsed as Arguments
}

/** Paths within commands start from the folder of the call. */
function enter(folder: string | null, go: (folder: string) => void): void {
  if (folder === null) return
  try {
    go(folder)
  } catch (error) {
    throw new UnreadableCall(`The folder of the call cannot be entered: ${(error as Error).message}`)
  }
}

function withoutContracts({ settings, problem }: InForce, question: Question): Judged {
  if (settings.failOpen) return { isAllowed: true, ...NOTHING }
  if (problem !== null) return refusal(`The contracts cannot be loaded: ${problem}`)
  const paths = (question.contracts ?? settings.contracts).join(', ') || 'none named'
  return refusal(`There are no contracts (${paths}). Run \`lictor gate init\``)
}

/** Settings that cannot be read say nothing of letting calls run, either. */
const withoutSettings = (error: unknown): Judged =>
  refusal(`The settings of the gate cannot be used: ${error instanceof Error ? error.message : String(error)}`)

function reasonOf(error: unknown, signal: AbortSignal): string {
  if (error instanceof UnreadableCall) return error.message
  if (signal.aborted) return signal.reason instanceof Error ? signal.reason.message : String(signal.reason)
  if (error instanceof EdictumConfigError) return `The call cannot be judged: ${error.message}`
  return `Gate internal error: ${error instanceof Error ? error.message : String(error)}`
}

const NOTHING: Decided = { contractsEvaluated: 0, contract: null, reason: null }
const refusal = (reason: string): Judged => ({ ...NOTHING, isAllowed: false, reason })

function attempt(act: () => void, note: (text: string) => void): void {
  try {
    act()
  } catch (error) {
    note(`lictor gate: the call was not recorded: ${error instanceof Error ? error.message : String(error)}`)
  }
}
