import { decidePost, redactText } from '@lictor/contracts'
import {
  EdictumDenied,
  EdictumToolError,
  type GovernedCall,
  type Guard,
  type GuardState,
  type RunOptions,
  realPath,
} from '@lictor/guard'
import {
  type CallToJudge,
  isRecord,
  type Judge,
  type JudgedCall,
  type JudgedOutcome,
  Refused,
} from '@lictor/mcp/gateway'

/** Tools whose contracts are remembered for texts that belong to no call. */
const MOST_TOOLS = 1000
const UNBOUNDED = { maxAttempts: Number.MAX_SAFE_INTEGER, maxToolCalls: Number.MAX_SAFE_INTEGER }

/** On whose behalf calls are made, and in which session of the guard. */
export type JudgedFor = Pick<RunOptions, 'sessionId' | 'principal'>

/**
 * A guard as the judge of a gateway.
 * @param guard the guard, made at the first call that is judged: a start that only asks what there is leaves no trace
 */
export function guardJudge(guard: () => Guard | Promise<Guard>, judgedFor: JudgedFor = {}): Judge {
  /** The latest call of each tool: what its contracts find in its results is not shown by other ways either. */
  const latest = new Map<string, { guard: Guard; call: GovernedCall }>()
  const context = { resolvePath: realPath, env: process.env }

  function redactFor(judging: Guard, call: GovernedCall, text: string): string {
    const { replacement } = decidePost(judging.state.policy, call.envelope, text, true, context)
    return replacement === null ? text : String(replacement.value)
  }

  let bounded: GuardState | null = null

  /** A connection may last for days: what it may do is said by the contracts, not by what a guard assumes of one run. */
  function unbind(judging: Guard): void {
    if (judging.state === bounded) return
    judging.limits = UNBOUNDED
    bounded = judging.state
  }

  function begin(judging: Guard, { tool, args, metadata, signal }: CallToJudge): JudgedCall | Promise<JudgedCall> {
    unbind(judging)
    const begun = judging.begin(tool, args, { ...judgedFor, metadata, signal })
    return begun instanceof Promise
      ? begun.then((call) => remembered(judging, tool, call))
      : remembered(judging, tool, begun)
  }

  function remembered(judging: Guard, tool: string, call: GovernedCall): JudgedCall {
    latest.delete(tool)
    latest.set(tool, { guard: judging, call })
    if (latest.size > MOST_TOOLS) latest.delete([...latest.keys()][0] as string)
    return judgedCall(judging, call)
  }

  function judgedCall(judging: Guard, call: GovernedCall): JudgedCall {
    return {
      authorize() {
        try {
          return call.authorize()?.catch(refused)
        } catch (error) {
          return refused(error)
        }
      },
      complete(outcome) {
        const judged = (value: unknown): JudgedOutcome =>
          'returned' in outcome && value === outcome.returned ? UNCHANGED : { kind: 'replaced', value }
        try {
          const settled = call.complete(outcome)
          return settled instanceof Promise ? settled.then(judged, failed) : judged(settled)
        } catch (error) {
          return failed(error)
        }
      },
      cancel: (reason) => call.cancel(reason),
      redact: (text) => redactText(redactFor(judging, call, text)),
    }
  }

  return {
    begin(call) {
      const judging = guard()
      return judging instanceof Promise ? judging.then((made) => begin(made, call)) : begin(judging, call)
    },
    redact(text) {
      let shown = text
      for (const { guard: judging, call } of latest.values()) shown = redactFor(judging, call, shown)
      return redactText(shown)
    },
  }
}

const UNCHANGED: JudgedOutcome = { kind: 'unchanged' }

function failed(error: unknown): JudgedOutcome {
  if (!(error instanceof EdictumToolError)) throw error
  // A failure that no contract changed still carries what the tool gave back.
  return error.result === undefined ? { kind: 'replaced', value: error.message } : UNCHANGED
}

function refused(error: unknown): never {
  if (!(error instanceof EdictumDenied)) throw error
  const by = error.decisionName === null ? '' : ` (${error.decisionName})`
  throw new Refused(`Refused${by}: ${error.reason ?? 'a contract says no'} The call was not made.`, { cause: error })
}

/**
 * Whether a result of MCP says that its tool succeeded: `isError` says that it did not, and some servers say so in words
 * alone.
 */
export function isMcpSuccess(_tool: string, result: unknown): boolean {
  if (!isRecord(result)) return true
  if (result.isError === true) return false
  const [first, ...more] = Array.isArray(result.content) ? result.content : []
  const text = isRecord(first) && first.type === 'text' && typeof first.text === 'string' ? first.text : ''
  return more.length > 0 || !/^(error|fatal):/i.test(text)
}
