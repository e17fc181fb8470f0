import type { DispatchMessage } from '@lictor/aegis'
import { RedactionPolicy } from '@lictor/contracts'
import { EdictumDenied, EdictumToolError } from '@lictor/guard'
import type { Clock } from '../../ports/clock.ts'
import type { ModelToolCall } from '../../ports/model.ts'
import type { RateLimiter } from '../../ports/rate-limiter.ts'
import { draft, type EventDraft } from '../executions/events.ts'
import { BundleUnusable, type ExecutionGuard, type GovernedCall } from '../governance/execution-guard.ts'
import { prepareArguments } from './arguments.ts'
import { findTool, type Tool } from './catalogue.ts'
import { dispatchOf } from './commands.ts'
import { type FilesContext, ToolFailed } from './files.ts'
import { type Capability, judgeByContext, type SecurityContext, type Violation } from './security-contexts.ts'
import { asRecord, eventKind, shortened, tailOf } from './telling.ts'
import { PathRefused } from './workspace.ts'

const redaction = new RedactionPolicy()
const POLICY_ERROR_CODE = -32_000
const TOOL_ERROR_CODE = -32_603

/** What one execution's calls are made in. */
export interface InvocationContext {
  readonly executionId: string
  /** `spec.tools`: nothing else can be called. */
  readonly toolNames: readonly string[]
  readonly securityContext: SecurityContext
  readonly files: FilesContext
  /** Where the sandbox sees the workspace. */
  readonly workspace: string
  readonly guard: ExecutionGuard
  record(events: readonly EventDraft[]): Promise<void>
  /** A refusal, by name of the tool, for the iteration. */
  violated(toolName: string): void
}

/** The step of a call in the iteration's trajectory. */
export interface TrajectoryStep {
  readonly tool: string
  readonly arguments_json: string
  status: 'pending' | 'dispatched' | 'succeeded' | 'failed'
  result_json?: string
  error?: string
}

export type Invoked =
  /** The text is what the model is told. */
  | { readonly kind: 'answered'; readonly content: string; readonly step: TrajectoryStep }
  | {
      readonly kind: 'dispatched'
      readonly message: DispatchMessage
      readonly running: DispatchedCall
      readonly step: TrajectoryStep
    }

/** A command that is out at the instance. */
export interface DispatchedCall {
  readonly callId: string
  readonly toolName: string
  readonly startedAt: number
  readonly governed: GovernedCall
  readonly capability: Capability
}

export interface CommandResult {
  readonly exit_code: number
  readonly stdout: string
  readonly stderr: string
  readonly truncated: boolean
}

/**
 * Tool calls of executions, in the order of aegis-runtime §4.1: is the tool the agent's, may it ever (security context), may
 * it now (assigned contracts, a human where they say so), then it runs. The first refusal ends the call, and every refusal
 * is an event and an audit event.
 */
export interface Invocations {
  begin(context: InvocationContext, call: ModelToolCall, index: number): Promise<Invoked>
  /** The result of a dispatched command, as the model is told it. */
  finish(
    context: InvocationContext,
    running: DispatchedCall,
    message: DispatchMessage,
    result: CommandResult,
  ): Promise<string>
}

class Refused extends Error {
  readonly violation: Violation | null
  readonly told: string
  constructor(told: string, violation: Violation | null) {
    super(told)
    this.told = told
    this.violation = violation
  }
}

export function invocations(deps: {
  clock: Clock
  limiter: RateLimiter
  newId: () => string
  count: (verdict: 'allowed' | 'denied' | 'failed') => void
}): Invocations {
  const { clock, limiter, newId, count } = deps

  /** Everything that must hold before the tool runs. */
  async function authorize(
    context: InvocationContext,
    facts: { callId: string; name: string; raw: unknown; index: number },
  ): Promise<{ tool: Tool; args: Readonly<Record<string, unknown>>; governed: GovernedCall; capability: Capability }> {
    const { callId, name, raw, index } = facts
    const asked = { callId, toolName: name, args: asRecord(raw), callIndex: index }
    const refuse = async (violation: Violation): Promise<never> => {
      await context.guard.refused(asked, {
        source: 'security_context',
        name: violation.kind,
        reason: violation.details,
      })
      throw new Refused(`Tool '${name}' is not available. Do not retry this tool.`, violation)
    }
    const tool = findTool(name)
    if (!tool || !context.toolNames.includes(name))
      return refuse({ kind: 'ToolNotAllowed', details: `Tool '${name}' is not among the tools of the manifest.` })
    let args: Readonly<Record<string, unknown>>
    try {
      args = await prepareArguments(tool, raw, context.files.root)
    } catch (error) {
      if (!(error instanceof PathRefused)) throw error
      if (error.problem === 'traversal' || error.problem === 'outside')
        await context.record([draft('path_traversal_blocked', { attempted_path: error.path })])
      return refuse({
        kind: error.problem === 'traversal' ? 'PathTraversalAttempt' : 'PathOutsideBoundary',
        details: error.message,
      })
    }
    const verdict = judgeByContext(context.securityContext, tool.name, args)
    if (!verdict.allowed) return refuse(verdict.violation)
    const { capability } = verdict
    if (capability.rateLimit) {
      const { calls, perSeconds } = capability.rateLimit
      const limit = await limiter.hit(`tool:${context.executionId}:${capability.toolPattern}`, calls, perSeconds)
      if (!limit.allowed)
        return refuse({ kind: 'RateLimitExceeded', details: `At most ${calls} calls in ${perSeconds} seconds.` })
    }
    try {
      const governed = await context.guard.begin({ ...asked, args })
      await governed.authorize()
      return { tool, args: governed.envelope.args as Readonly<Record<string, unknown>>, governed, capability }
    } catch (error) {
      if (error instanceof EdictumDenied)
        throw new Refused(`Denied: ${error.reason ?? 'by contract'}`, {
          kind: 'ToolNotAllowed',
          details: `${error.decisionName ?? error.decisionSource ?? 'contract'}: ${error.reason ?? ''}`,
        })
      if (error instanceof BundleUnusable)
        throw new Refused(`Denied: ${error.message}`, { kind: 'ToolNotAllowed', details: error.message })
      throw error
    }
  }

  /** A refusal or a failure, told to the model and recorded. */
  async function failed(context: InvocationContext, callId: string, name: string, error: unknown): Promise<string> {
    const violation = error instanceof Refused ? error.violation : null
    const told =
      error instanceof Refused
        ? error.told
        : error instanceof PathRefused || error instanceof ToolFailed || error instanceof EdictumToolError
          ? `Tool execution error: ${error.message}`
          : null
    // Not the tool's failure but this server's: the loop ends.
    if (told === null) throw error
    if (violation) context.violated(name)
    count(violation ? 'denied' : 'failed')
    await context.record([
      ...(violation
        ? [
            draft('tool_policy_violation', {
              tool_name: name,
              violation_type: eventKind(violation.kind),
              details: violation.details,
            }),
          ]
        : []),
      draft('tool_invocation_failed', {
        invocation_id: callId,
        tool_name: name,
        error: { code: violation ? POLICY_ERROR_CODE : TOOL_ERROR_CODE, message: redaction.redactResult(told) },
      }),
    ])
    return told
  }

  /** Let the post-contracts judge what the tool returned; what the model may see of it. */
  async function settle(context: InvocationContext, running: DispatchedCall, returned: unknown): Promise<string> {
    const { callId, toolName, governed, capability, startedAt } = running
    const judged = await governed.complete({ returned })
    const content = typeof judged === 'string' ? judged : JSON.stringify(judged)
    const size = Buffer.byteLength(content)
    if (capability.maxResponseSize !== undefined && size > capability.maxResponseSize)
      throw new Refused(
        `Tool execution error: the result of ${size} bytes is larger than ${capability.maxResponseSize}.`,
        {
          kind: 'OutputSizeLimitExceeded',
          details: `${size} bytes, allowed are ${capability.maxResponseSize}.`,
        },
      )
    count('allowed')
    await context.record([
      draft('tool_invocation_completed', {
        invocation_id: callId,
        tool_name: toolName,
        result: shortened(judged),
        duration_ms: clock.now() - startedAt,
      }),
    ])
    return content
  }

  return {
    async begin(context, call, index) {
      const callId = newId()
      const { name } = call
      const step: TrajectoryStep = {
        tool: name,
        arguments_json: JSON.stringify(shortened(call.arguments)) ?? 'null',
        status: 'pending',
      }
      await context.record([
        draft('tool_invocation_requested', {
          invocation_id: callId,
          tool_name: name,
          arguments: shortened(call.arguments),
        }),
      ])
      try {
        const { tool, args, governed, capability } = await authorize(context, {
          callId,
          name,
          raw: call.arguments,
          index,
        })
        const running = { callId, toolName: name, startedAt: clock.now(), governed, capability }
        if (tool.kind === 'dispatched') {
          const message = dispatchOf(newId(), args, capability, context.workspace)
          step.status = 'dispatched'
          await context.record([
            draft('command_execution_started', {
              dispatch_id: message.dispatch_id,
              command: message.command,
              args: shortened(message.args),
              cwd: message.cwd,
              timeout_secs: message.timeout_secs,
            }),
          ])
          return { kind: 'dispatched', message, running, step }
        }
        let returned: unknown
        try {
          returned = await tool.run(args, context.files)
        } catch (error) {
          // The contracts hear of a tool that failed as well; what they leave of the message is what is told.
          await governed.complete({ threw: error })
          throw error
        }
        const content = await settle(context, running, returned)
        step.status = 'succeeded'
        step.result_json = JSON.stringify(shortened(content))
        return { kind: 'answered', content, step }
      } catch (error) {
        const content = await failed(context, callId, name, error)
        step.status = 'failed'
        step.error = redaction.redactResult(content)
        return { kind: 'answered', content, step }
      }
    },

    async finish(context, running, message, result) {
      const limit = message.max_output_bytes
      const returned = {
        exit_code: result.exit_code,
        stdout: tailOf(result.stdout, limit),
        stderr: tailOf(result.stderr, limit),
        ...(result.truncated
          ? {
              truncated: true,
              notice: `[AEGIS] Output truncated at ${Math.ceil(limit / 1024)} KB. Only its end was kept.`,
            }
          : {}),
      }
      await context.record([
        draft('command_execution_completed', {
          dispatch_id: message.dispatch_id,
          command: message.command,
          exit_code: result.exit_code,
          stdout_bytes: Buffer.byteLength(result.stdout),
          stderr_bytes: Buffer.byteLength(result.stderr),
          duration_ms: clock.now() - running.startedAt,
          truncated: result.truncated,
        }),
      ])
      try {
        return await settle(context, running, returned)
      } catch (error) {
        // A command that ended with another code than 0 is judged a failure, and its output is what the model needs.
        if (error instanceof EdictumToolError && error.result !== undefined) {
          count('failed')
          await context.record([
            draft('tool_invocation_completed', {
              invocation_id: running.callId,
              tool_name: running.toolName,
              result: shortened(error.result),
              duration_ms: clock.now() - running.startedAt,
            }),
          ])
          return JSON.stringify(error.result)
        }
        return failed(context, running.callId, running.toolName, error)
      }
    },
  }
}
