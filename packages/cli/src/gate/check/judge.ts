import { createEnvelope, RedactionPolicy, ToolRegistry } from '@lictor/contracts'
import {
  type ApprovalBackend,
  defaultSuccessCheck,
  EdictumDenied,
  GovernancePipeline,
  GovernedCall,
  MemoryBackend,
  type NewId,
  realPath,
  Session,
  silentLogger,
  stateOf,
  systemClock,
} from '@lictor/guard'
import type { Asked, Decided, ToolCall } from '../assistants/assistant.ts'
import type { Recorder } from '../record/recorder.ts'
import type { GateSettings } from '../settings.ts'
import { type LoadedContracts, policyFor } from './contracts.ts'
import { scopeContract } from './scope.ts'

export interface Judging {
  readonly settings: GateSettings
  readonly contracts: LoadedContracts
  /** The contracts as they are now; asked again once a person has answered. */
  readonly readAgain: () => Promise<LoadedContracts>
  readonly recorder: Recorder
  /** The folder of the gate's own settings, contracts and records. */
  readonly own: string
  readonly newId: NewId
  /** Who asks a person; null where there is nobody to ask. */
  readonly approvals: ApprovalBackend | null
  /** Aborts when the answer is due, or nobody waits for it any more. */
  readonly signal: AbortSignal
}

export interface Judged extends Decided {
  readonly isAllowed: boolean
}

/** Judges every call of a question, in order, up to the first that is refused. */
export async function judge(asked: Asked, judging: Judging): Promise<Judged> {
  let contractsEvaluated = 0
  let observed: Decided | null = null
  for (const call of asked.calls) {
    const judged = await judgeCall(call, asked, judging)
    contractsEvaluated += judged.contractsEvaluated
    if (!judged.isAllowed) return { ...judged, contractsEvaluated }
    if (judged.contract !== null) observed ??= judged
  }
  const { contract, reason } = observed ?? { contract: null, reason: null }
  return { isAllowed: true, contractsEvaluated, contract, reason }
}

async function judgeCall(call: ToolCall, asked: Asked, judging: Judging): Promise<Judged> {
  const { settings, contracts, recorder, newId, signal } = judging
  const { tool, args } = call
  const folder = asked.folder ?? process.cwd()
  const policyOf = (loaded: LoadedContracts) => {
    const scope = scopeContract(
      call,
      { folder, allowlist: settings.scopeAllowlist, own: judging.own },
      loaded.document.defaultMode === 'observe',
    )
    return policyFor(loaded, tool, { contracts: scope === null ? [] : [scope], resolvePath: realPath })
  }
  const told = recorder.begin(contracts.name)
  const { patterns, replacement } = settings.redaction
  const context = { resolvePath: realPath, env: process.env }
  // Each call is judged by a process of its own, which sees no answer of a tool: what came before is not known to it.
  const stateFrom = (loaded: LoadedContracts) => ({ ...stateOf(policyOf(loaded), loaded.hash), asksForPast: false })
  let state = stateFrom(contracts)
  async function adoptCurrent(): Promise<void> {
    if (contracts.isCurrent()) return
    const loaded = await judging.readAgain()
    state = stateFrom(loaded)
  }
  // What only observes says so itself: a contract that enforces does so in a bundle that observes, too.
  const governing = () => ({ state, mode: 'enforce' as const, gates: null })
  const session = new Session(asked.session?.replaceAll(/[^\w.-]/g, '_') || newId(), new MemoryBackend())
  const registry = new ToolRegistry([...state.policy.tools])
  const envelope = createEnvelope(tool, args, {
    callId: asked.callId ?? newId(),
    runId: session.sessionId,
    environment: settings.console?.environment ?? 'production',
    timestamp: new Date().toISOString(),
    caller: asked.subAgent ?? '',
    toolUseId: asked.callId,
    registry,
  })
  const dependencies = {
    pipeline: new GovernancePipeline({ logger: silentLogger, context }),
    governing,
    auditSink: told.sink,
    redaction: new RedactionPolicy({ customPatterns: patterns.map((pattern) => [pattern, replacement]) }),
    approvalBackend: judging.approvals && judgedAgain(judging.approvals, adoptCurrent),
    onDeny: null,
    onAllow: null,
    successCheck: defaultSuccessCheck,
    telemetry: null,
    logger: silentLogger,
    clock: systemClock,
  }
  const { contractsEvaluated, observed } = told
  try {
    // The pieces that a guard is made of: a guard can reload its contracts, and brings along all the code for it.
    await new GovernedCall(envelope, session, governing(), dependencies, signal).authorize()
    return { isAllowed: true, contractsEvaluated: contractsEvaluated(), ...observed() }
  } catch (error) {
    if (!(error instanceof EdictumDenied)) throw error
    const { decisionName: contract, reason } = error
    return { isAllowed: false, contractsEvaluated: contractsEvaluated(), contract, reason }
  }
}

/** Contracts that were changed while a person was asked are in force when the answer comes. */
function judgedAgain(approvals: ApprovalBackend, adoptCurrent: () => Promise<void>): ApprovalBackend {
  return {
    requestApproval: (...question) => approvals.requestApproval(...question),
    waitForDecision: async (...question) => {
      const decision = await approvals.waitForDecision(...question)
      await adoptCurrent()
      return decision
    },
    consume: async (id, digest) => approvals.consume?.(id, digest),
  }
}
