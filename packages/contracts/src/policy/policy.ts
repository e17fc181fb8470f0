import type { CompiledContract, CompiledGate, CompiledPost, CompiledSession } from '../contracts/compiled.ts'
import type { ToolDocument } from '../document.ts'
import { Evaluation, type SelectorReader } from '../expressions/evaluation.ts'
import type { Counters, DecideContext, Envelope, Mode, OperationLimits } from '../types.ts'
import { createPlan, type ToolPlan } from './plan.ts'
import { ToolIndex } from './tool-index.ts'

/** Tool names come from outside; beyond this many the oldest plan is forgotten and made anew when needed. */
const MAX_PLANS = 1024

export interface PolicyParts {
  readonly version: string
  readonly name: string | null
  readonly defaultMode: Mode
  readonly limits: OperationLimits
  readonly tools: ReadonlyMap<string, ToolDocument>
  readonly contracts: readonly CompiledContract[]
  readonly readers: readonly SelectorReader[]
  readonly resolvePath?: ((path: string) => string) | undefined
}

/** A compiled bundle. Immutable for all who decide with it; made by `compilePolicy`. */
export class Policy {
  /** Lower-case hex hash that identifies the bundle's bytes. */
  readonly version: string
  readonly name: string | null
  readonly defaultMode: Mode
  /** Enforced limits, session contracts merged in. */
  readonly limits: OperationLimits
  /** Classifications of the bundle's `tools` section. */
  readonly tools: ReadonlyMap<string, ToolDocument>
  /** Every compiled contract, disabled ones left out, candidates included, in bundle order. */
  readonly contracts: readonly CompiledContract[]
  readonly #sessions: readonly CompiledSession[]
  readonly #sessionCandidates: readonly CompiledSession[]
  readonly #gates: ToolIndex<CompiledGate>
  readonly #gateCandidates: ToolIndex<CompiledGate>
  readonly #post: ToolIndex<CompiledPost>
  readonly #postCandidates: ToolIndex<CompiledPost>
  readonly #plans = new Map<string, ToolPlan>()
  readonly #readers: readonly SelectorReader[]
  readonly #context: DecideContext
  #commonPlan: ToolPlan | null = null
  #spare: Evaluation | null = null

  constructor(parts: PolicyParts) {
    this.version = parts.version
    this.name = parts.name
    this.defaultMode = parts.defaultMode
    this.limits = parts.limits
    this.tools = parts.tools
    this.contracts = Object.freeze([...parts.contracts])
    this.#readers = parts.readers
    this.#context = parts.resolvePath === undefined ? {} : { resolvePath: parts.resolvePath }
    const gates = parts.contracts.filter(isGate)
    const post = parts.contracts.filter((contract) => contract.type === 'post')
    const sessions = parts.contracts.filter((contract) => contract.type === 'session')
    this.#gates = new ToolIndex(gates.filter((contract) => !contract.candidate))
    this.#gateCandidates = new ToolIndex(gates.filter((contract) => contract.candidate))
    this.#post = new ToolIndex(post.filter((contract) => !contract.candidate))
    this.#postCandidates = new ToolIndex(post.filter((contract) => contract.candidate))
    this.#sessions = sessions.filter((contract) => !contract.candidate)
    this.#sessionCandidates = sessions.filter((contract) => contract.candidate)
  }

  /**
   * The lowest limit on executions of one tool that any contract looks at, observing ones included, or null when the
   * counter of this tool need not be read. The enforced limit is in `limits.maxCallsPerTool`.
   */
  toolLimitFor(tool: string): number | null {
    let lowest = this.limits.maxCallsPerTool.get(tool) ?? Number.POSITIVE_INFINITY
    for (const session of this.#sessions) lowest = Math.min(lowest, session.maxCallsPerTool.get(tool) ?? lowest)
    for (const session of this.#sessionCandidates)
      lowest = Math.min(lowest, session.maxCallsPerTool.get(tool) ?? lowest)
    return lowest === Number.POSITIVE_INFINITY ? null : lowest
  }

  /** What contracts ask of the past of a session when this tool is called, by the names of its store; most often nothing. */
  marksFor(tool: string): readonly string[] {
    return this.planFor(tool).marks
  }

  /** What the policy says about one tool. For the deciding functions of this package. */
  planFor(tool: string): ToolPlan {
    const known = this.#plans.get(tool)
    if (known !== undefined) return known
    const plan = this.#makePlan(tool)
    if (this.#plans.size >= MAX_PLANS) {
      for (const oldest of this.#plans.keys()) {
        this.#plans.delete(oldest)
        break
      }
    }
    this.#plans.set(tool, plan)
    return plan
  }

  /** Tools nobody names share one plan, so that made-up tool names cannot fill the memory. */
  #makePlan(tool: string): ToolPlan {
    const gates = this.#gates.find(tool)
    const gateCandidates = this.#gateCandidates.find(tool)
    const post = this.#post.find(tool)
    const postCandidates = this.#postCandidates.find(tool)
    const toolLimit = this.limits.maxCallsPerTool.get(tool) ?? null
    const isCommon =
      toolLimit === null &&
      gates === this.#gates.everyTool &&
      gateCandidates === this.#gateCandidates.everyTool &&
      post === this.#post.everyTool &&
      postCandidates === this.#postCandidates.everyTool
    if (isCommon && this.#commonPlan !== null) return this.#commonPlan
    const candidates = [...gateCandidates, ...this.#sessionCandidates]
    const plan = createPlan({ gates, sessions: this.#sessions, post, candidates, postCandidates, toolLimit })
    if (isCommon) this.#commonPlan = plan
    return plan
  }

  /** An evaluation to read selectors with; its `end` must be called when the decision is made. */
  evaluation(envelope: Envelope, counters: Counters, context: DecideContext | undefined): Evaluation {
    let evaluation = this.#spare
    if (evaluation === null || evaluation.busy) {
      evaluation = new Evaluation(this.#readers, envelope, counters)
      this.#spare ??= evaluation
    }
    return evaluation.begin(envelope, counters, context ?? this.#context)
  }
}

function isGate(contract: CompiledContract): contract is CompiledGate {
  return contract.type === 'pre' || contract.type === 'sandbox'
}
