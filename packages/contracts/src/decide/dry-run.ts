import { type CompiledGate, type CompiledPost, type Fired, SKIPPED } from '../contracts/compiled.ts'
import { createEnvelope } from '../envelope/create.ts'
import type { PrincipalInput } from '../envelope/principal.ts'
import type { ToolRegistry } from '../envelope/registry.ts'
import { configError } from '../errors.ts'
import type { Evaluation } from '../expressions/evaluation.ts'
import { responseText } from '../expressions/response.ts'
import { marksOfPast, NO_PAST, type PastInput, pastOfMarks } from '../history/history.ts'
import type { Policy } from '../policy/policy.ts'
import type { Counters, DecideContext, Envelope } from '../types.ts'
import { BASH_COMMAND, unreadableBashCommand } from './bash-command.ts'

/** A call to try against a policy without running anything. */
export interface DryRunCall {
  readonly toolName: string
  readonly args?: Readonly<Record<string, unknown>>
  readonly principal?: PrincipalInput | null
  /** What the tool would return; post contracts are judged only when it is given. */
  readonly output?: unknown
  /** Default: `production`. */
  readonly environment?: string | null
  /** What came before in the session; nothing when it is left out. */
  readonly after?: PastInput
  readonly metadata?: Readonly<Record<string, unknown>>
  readonly registry?: ToolRegistry
}

/** A call of a batch, in the names of the wire. */
export interface DryRunBatchCall {
  readonly tool: string
  readonly args?: Readonly<Record<string, unknown>>
  readonly principal?: PrincipalInput | null
  readonly output?: unknown
  readonly environment?: string | null
  readonly after?: PastInput
}

export interface DryRunContract {
  readonly contractId: string
  readonly contractType: 'precondition' | 'sandbox' | 'postcondition'
  readonly passed: boolean
  readonly message: string | null
  readonly tags: readonly string[]
  /** True only for a contract that fired in observe mode, and not because it ended in an error. */
  readonly observed: boolean
  /** Declared effect of post contracts; always `warn` for the others. */
  readonly effect: 'warn' | 'redact' | 'deny' | 'label'
  readonly policyError: boolean
}

export interface DryRunResult {
  readonly verdict: 'allow' | 'deny' | 'warn'
  readonly toolName: string
  readonly contracts: readonly DryRunContract[]
  readonly denyReasons: readonly string[]
  readonly warnReasons: readonly string[]
  /** What the session is labelled with when the tool returns this output; labels that are only observed are left out. */
  readonly labels: readonly string[]
  readonly contractsEvaluated: number
  readonly policyError: boolean
}

const NO_COUNTERS: Counters = Object.freeze({ attempts: 0, executions: 0, toolExecutions: 0, past: NO_PAST })

/**
 * Judges a call against every contract that names its tool, without stopping at the first that fires: pre contracts,
 * sandboxes and, given an output, post contracts. No limits, session contracts, candidates or effects.
 *
 * Throws `EdictumConfigError` for an invalid tool name or unreadable arguments.
 */
export function dryRun(policy: Policy, call: DryRunCall, context?: DecideContext): DryRunResult {
  const envelope = createEnvelope(call.toolName, call.args ?? {}, {
    environment: call.environment || 'production',
    principal: call.principal ?? null,
    ...(call.metadata === undefined ? {} : { metadata: call.metadata }),
    ...(call.registry === undefined ? {} : { registry: call.registry }),
  })
  const plan = policy.planFor(envelope.toolName)
  const contracts = unreadableCommand(envelope)
  const counters = call.after === undefined ? NO_COUNTERS : { ...NO_COUNTERS, past: marksOfPast(call.after) }
  const labels: string[] = []
  const evaluation = policy.evaluation(envelope, counters, context)
  try {
    for (const gate of plan.gates) judge(gate, evaluation, contracts)
    if (envelope.joined !== null) judgeJoined(policy, envelope.joined, counters, plan.gates, context, contracts)
    if (call.output !== null && call.output !== undefined) {
      evaluation.response = call.output
      evaluation.inPost = true
      // The gates have read `output.text` and `result.*` as missing; the post contracts must not.
      evaluation.forget()
      for (const contract of plan.post) {
        judge(contract, evaluation, contracts)
        const fired = contracts.at(-1)
        if (contract.mark !== null && fired?.passed === false && !fired.observed) labels.push(contract.mark)
      }
    }
  } finally {
    evaluation.end()
  }
  return summary(envelope.toolName, contracts, labels)
}

/**
 * Dry runs of several calls, each on its own, in their order. Object outputs are judged as their JSON text. Throws
 * `EdictumConfigError` for a call without a tool.
 */
export function dryRunBatch(
  policy: Policy,
  calls: readonly DryRunBatchCall[],
  context?: DecideContext,
): readonly DryRunResult[] {
  return calls.map((call, index) => {
    if (typeof call.tool !== 'string') throw configError('dry_run_call', `Call ${index}: 'tool' is required`)
    const { principal } = call
    return dryRun(
      policy,
      {
        toolName: call.tool,
        args: call.args ?? {},
        principal: typeof principal === 'object' ? principal : null,
        output: typeof call.output === 'object' ? responseText(call.output) : call.output,
        environment: call.environment ?? null,
        ...(call.after === undefined ? {} : { after: call.after }),
      },
      context,
    )
  })
}

/** A `Bash` command that is no text denies the call, whatever the contracts say. */
function unreadableCommand(envelope: Envelope): DryRunContract[] {
  const message = unreadableBashCommand(envelope)
  if (message === null) return []
  const refusal = { contractId: BASH_COMMAND.name, contractType: 'precondition', passed: false, message } as const
  return [{ ...refusal, tags: [], observed: false, effect: 'warn', policyError: true }]
}

/** The call with its command as one line: a contract that fires only there replaces its own passing. */
function judgeJoined(
  policy: Policy,
  joined: Envelope,
  counters: Counters,
  gates: readonly CompiledGate[],
  context: DecideContext | undefined,
  contracts: DryRunContract[],
): void {
  const evaluation = policy.evaluation(joined, counters, context)
  try {
    const seen: DryRunContract[] = []
    for (const gate of gates) judge(gate, evaluation, seen)
    for (const second of seen) {
      const at = contracts.findIndex(({ contractId }) => contractId === second.contractId)
      if (at === -1) contracts.push(second)
      else if (contracts[at]?.passed && !second.passed) contracts[at] = second
    }
  } finally {
    evaluation.end()
  }
}

function judge(contract: CompiledGate | CompiledPost, evaluation: Evaluation, contracts: DryRunContract[]): void {
  const outcome = contract.evaluate(evaluation)
  if (outcome === SKIPPED) return
  const fired = outcome instanceof Promise ? asynchronous(contract) : outcome
  contracts.push({
    contractId: contract.id,
    contractType: contract.recordType as DryRunContract['contractType'],
    passed: fired === null,
    message: fired === null ? null : fired.message,
    tags: tagsOf(fired),
    observed: fired !== null && contract.mode === 'observe' && !couldNotRun(contract, fired),
    effect: contract.type === 'post' ? contract.effect : 'warn',
    policyError: fired?.policyError ?? false,
  })
}

/** A contract that ended in an error says nothing that could only be observed: it is a reason in either mode, as in Python. */
function couldNotRun({ type, programmatic }: CompiledGate | CompiledPost, { policyError }: Fired): boolean {
  return policyError && (type === 'sandbox' || programmatic)
}

function asynchronous(contract: CompiledGate | CompiledPost): Fired {
  const what = contract.type === 'post' ? 'Postcondition' : 'Precondition'
  const message = `${what} error: the check of '${contract.id}' is asynchronous and was judged synchronously`
  return { message, metadata: null, policyError: true }
}

/** Only a verdict that fired carries tags. */
function tagsOf(fired: Fired | null): readonly string[] {
  const tags = fired?.metadata?.tags
  return Array.isArray(tags) ? tags : []
}

function summary(toolName: string, contracts: readonly DryRunContract[], marks: readonly string[]): DryRunResult {
  const reasons = contracts.filter(({ passed, observed, effect }) => !passed && !observed && effect !== 'label')
  const texts = (isPost: boolean) =>
    reasons
      .filter((contract) => (contract.contractType === 'postcondition') === isPost)
      .map((contract) => contract.message ?? '')
  const denyReasons = texts(false)
  const warnReasons = texts(true)
  return {
    verdict: denyReasons.length > 0 ? 'deny' : warnReasons.length > 0 ? 'warn' : 'allow',
    toolName,
    contracts,
    denyReasons,
    warnReasons,
    labels: pastOfMarks(marks).labels,
    contractsEvaluated: contracts.length,
    policyError: contracts.some((contract) => contract.policyError),
  }
}
