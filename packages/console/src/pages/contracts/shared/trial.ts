import { createEnvelope, EdictumConfigError, loadPolicy, marksOfPast, ToolRegistry } from '@lictor/contracts'
import { explain } from '@lictor/contracts/authoring'
import { withoutPrefix } from '../issues.ts'
import type { Call } from './call.ts'
import { type Reason, reasonOf } from './reasons.ts'

/** What the contracts of a text do with a call. */
export type Trial =
  | {
      readonly kind: 'judged'
      readonly action: 'allow' | 'deny' | 'pending_approval'
      readonly reason: string | null
      /** The contract that decided; null where none did. */
      readonly contract: string | null
      /** Contracts that only observe and would have decided otherwise. */
      readonly isObserved: boolean
      readonly contracts: readonly Reason[]
    }
  /** The text does not load, or the call can be none. */
  | { readonly kind: 'refused'; readonly message: string }

/** Judges a call by a text, as the first of a session in which `call.past` has happened. No tool runs. */
export function tryCall(yaml: string, call: Call): Trial {
  try {
    const policy = loadPolicy(yaml)
    const envelope = createEnvelope(call.tool, call.args, {
      environment: call.environment,
      principal: call.principal,
      registry: new ToolRegistry(policy.tools),
    })
    const counters = { attempts: 0, executions: 0, toolExecutions: 0, past: marksOfPast(call.past) }
    const { decision, contracts } = explain(policy, envelope, counters, undefined, call.output ?? undefined)
    return {
      kind: 'judged',
      action: decision.action,
      reason: decision.approvalMessage ?? decision.reason,
      contract: decision.decisionName,
      isObserved: decision.observed,
      contracts: contracts.map(reasonOf),
    }
  } catch (error) {
    if (!(error instanceof EdictumConfigError)) throw error
    const more = error.issues.length - 1
    const message = withoutPrefix(error.message)
    return { kind: 'refused', message: more > 0 ? `${message} (and ${more} more)` : message }
  }
}
