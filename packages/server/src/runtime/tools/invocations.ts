import type { DispatchMessage } from '@lictor/aegis'
import { RedactionPolicy } from '@lictor/contracts'
import { EdictumToolError } from '@lictor/guard'
import { jsonIn } from '@lictor/wire'
import { DomainError } from '../../errors.ts'
import type { Clock } from '../../ports/clock.ts'
import type { ModelToolCall } from '../../ports/model.ts'
import type { RateLimiter, RateVerdict } from '../../ports/rate-limiter.ts'
import { concealed, concealedText } from '../concealed.ts'
import type { Capability, SecurityContext } from '../contexts/security-contexts.ts'
import { isAllowed } from '../files/file-policy.ts'
import { requireFolder } from '../files/open.ts'
import { PathRefused, shownPath } from '../files/path.ts'
import type { JudgedPath } from '../files/resolve.ts'
import type { Incidents } from '../incidents/incidents.ts'
import type { ExecutionGuard, GovernedCall } from '../judging/execution-guard.ts'
import type { Waiting } from '../judging/human.ts'
import type { Mask } from '../masking/mask.ts'
import { draft, type EventDraft } from '../record/events.ts'
import type { TrajectoryStep } from '../record/execution.ts'
import type { RecordedCall, TurnEntry } from '../record/turns.ts'
import type { CallFiles } from './arguments.ts'
import {
  type CallFacts,
  type CallFailure,
  createAuthorize,
  govern,
  Refused,
  reportTraversal,
  violating,
  violationOf,
} from './authorize.ts'
import { boundResult } from './bounds.ts'
import type { Catalogue } from './catalogue.ts'
import { dispatchOf } from './commands.ts'
import { explain } from './files.ts'
import { judgeByContext, type Violation } from './judge-by-context.ts'
import { asRecord, cut, eventKind, LONGEST_FAILURE, shortened, tailOf } from './telling.ts'
import { argumentsOf, type Tool, type ToolCaller, ToolFailed, ToolFatal } from './tool.ts'

const redaction = new RedactionPolicy()
const POLICY_ERROR_CODE = -32_000
const TOOL_ERROR_CODE = -32_603

/** What a caller's calls are made in: an execution, or a session of its own. */
export interface InvocationContext {
  readonly caller: ToolCaller
  /** `spec.tools`: nothing else can be called. Null: whatever the security context allows. */
  readonly toolNames: readonly string[] | null
  readonly securityContext: SecurityContext
  /** What the rate limits of the security context count by: the execution, or the session. */
  readonly limitKey: string
  /** Null for calls that belong to no workspace. */
  readonly files: CallFiles | null
  /** Where the sandbox sees the workspace. */
  readonly workspace: string
  readonly guard: ExecutionGuard
  readonly signal: AbortSignal
  readonly waiting: Waiting
  /** The limits of the caller's tier, by the tool's name; null: it has none. */
  readonly limit: ((tool: string) => Promise<RateVerdict>) | null
  /** Judges that the manifest sets over its tools; null: it sets none. */
  readonly judge: ToolJudge | null
  /** Record events, and with them how far the conversation is. */
  record(events: readonly EventDraft[], entry?: TurnEntry): Promise<void>
  /** A refusal, by name of the tool, for the iteration. */
  violated(toolName: string): void
}

/** Looks at a call before it is made. Whatever keeps it from judging refuses the call: it answers, and does not throw. */
export type ToolJudge = (call: {
  readonly tool: Tool
  readonly args: Readonly<Record<string, unknown>>
}) => Promise<{ readonly accepted: true } | { readonly accepted: false; readonly reason: string }>

/** What came of a call, for a caller that is no model. */
export type CallOutcome =
  | { readonly kind: 'returned'; readonly callId: string; readonly result: unknown }
  /** `told` names no path of this machine and no secret. */
  | { readonly kind: 'failed'; readonly callId: string; readonly failure: CallFailure; readonly told: string }

export type Invoked =
  /** The text is what the model is told. */
  | { readonly kind: 'answered'; readonly content: string; readonly step: TrajectoryStep }
  | {
      readonly kind: 'dispatched'
      readonly message: DispatchMessage
      readonly running: DispatchedCall
      readonly step: TrajectoryStep
    }
  /** The conversation ends with it. */
  | { readonly kind: 'fatal'; readonly error: ToolFatal; readonly step: TrajectoryStep }

/** A command that is out at the instance. */
export interface DispatchedCall extends RunningCall {
  readonly step: TrajectoryStep
}

interface RunningCall {
  readonly callId: string
  /** Its id in the conversation of a model; null for a client's call. */
  readonly call: string | null
  readonly toolName: string
  readonly startedAt: number
  readonly governed: GovernedCall
  readonly capability: Capability
  readonly touched: readonly EventDraft[]
}

export interface CommandResult {
  readonly exit_code: number
  readonly stdout: string
  readonly stderr: string
  readonly truncated: boolean
}

/**
 * Tool calls, of executions and of sessions, in one order: are the arguments the tool's, is the tool the agent's, may it ever
 * (security context), within its limits, do its judges agree, may it now (assigned contracts, a human where they say so), then it
 * runs. The first refusal ends the call, and every refusal is an event and an audit event.
 */
export interface Invocations {
  /**
   * A call of a model.
   * @param before how far the call was when an earlier server was interrupted. It goes on from there; one whose tool may have run
   *   is made again only when the tool is idempotent.
   * @throws ToolFatal, which ends its conversation.
   */
  begin(context: InvocationContext, call: ModelToolCall, index: number, before?: RecordedCall | null): Promise<Invoked>
  /**
   * A call of a client that waits for its result. A command is not run, but answered as what the client's own workload has to
   * run. @throws ToolFatal
   */
  invoke(
    context: InvocationContext,
    call: { readonly callId: string; readonly name: string; readonly arguments: unknown },
  ): Promise<CallOutcome>
  /** Record a call that is not made at all, and what the model is told instead. */
  refuse(
    context: InvocationContext,
    call: ModelToolCall,
    index: number,
    refusal: { readonly name: string; readonly reason: string },
  ): Promise<{ readonly content: string; readonly step: TrajectoryStep }>
  /** The result of a dispatched command, as the model is told it. */
  finish(
    context: InvocationContext,
    running: DispatchedCall,
    message: DispatchMessage,
    result: CommandResult,
  ): Promise<{ readonly content: string; readonly step: TrajectoryStep }>
}

const OUTCOME_UNKNOWN =
  'the server was interrupted while this call was running, so its outcome is unknown: it may have taken effect wholly, in part or not at all. Find out before you make it again.'

/** What a model is told of a call. */
interface Told {
  readonly content: string
  readonly step: TrajectoryStep
}

/** A call as it was asked for. */
interface Requested extends CallFacts {
  readonly call: string | null
  readonly step: TrajectoryStep
  /** What its tool did with files, which is told with what the call came to. */
  readonly touched: EventDraft[]
}

/** How an allowed call went: judged and returned, or to be run by the workload. */
type Ran =
  | ({ readonly kind: 'returned'; readonly judged: unknown } & Told)
  | { readonly kind: 'dispatched'; readonly message: DispatchMessage; readonly running: RunningCall }

export function createInvocations(deps: {
  catalogue: Pick<Catalogue, 'find'>
  clock: Clock
  limiter: RateLimiter
  /** Short name of a tenant, by which calls name it as well. */
  slugOf: (tenantId: string) => Promise<string>
  newId: () => string
  count: (verdict: 'allowed' | 'denied' | 'failed') => void
  /** What the execution was handed in secret, which no model is told. */
  maskOf: (executionId: string) => Mask
  /** Told of every refusal but those of the contracts, which are in the audit log. */
  report: Incidents['report']
}): Invocations {
  const { clock, newId, count, report } = deps
  const authorize = createAuthorize(deps)

  const concealedBy = (name: string) => deps.catalogue.find(name)?.conceals

  /** One call, from its request to what it returned. */
  async function run(context: InvocationContext, facts: Requested): Promise<Ran> {
    const { callId, name, call, touched } = facts
    const { tool, args, paths, governed, capability } = await authorize(context, facts)
    const running = { callId, call, toolName: name, startedAt: clock.now(), governed, capability, touched }
    const isUnderWay = call === null || tool.isIdempotent ? undefined : ({ kind: 'running', call } as const)
    const handler = tool.run
    if (handler === null) {
      await perform(context, governed, async () => {
        for (const path of paths.values()) await requireFolder(path).catch(explain(path))
      })
      const message = dispatchOf(newId(), args, capability, context.workspace)
      if (call !== null) await context.record([commandStarted(message)], isUnderWay)
      return { kind: 'dispatched', message, running }
    }
    const started = { invocation_id: callId, server_id: tool.server, tool_name: name }
    if (tool.server !== undefined || isUnderWay)
      await context.record(tool.server === undefined ? [] : [draft('tool_invocation_started', started)], isUnderWay)
    const { caller, files, signal, waiting } = context
    const mayRead = (components: readonly string[]) => isAllowed(files?.policy, 'read', components)
    const diskLimit = files?.diskLimit ?? 0
    const judgeAgain = async (changed: Readonly<Record<string, unknown>>): Promise<void> => {
      const verdict = judgeByContext(context.securityContext, tool, changed)
      if (!verdict.allowed) throw violating(`Denied: ${verdict.violation.details}`, verdict.violation)
      const again = await govern(
        context,
        { callId: newId(), toolName: name, callIndex: facts.index },
        { args: changed, paths },
      )
      await again.governed.cancel('Judged as a part of another call, which runs it.')
    }
    const returned = await perform(context, governed, () =>
      handler({
        invocationId: callId,
        judgeAgain,
        args,
        path: pathIn(paths),
        diskLimit,
        mayRead,
        caller,
        signal,
        tell: (events) => context.record(events),
        touched(type, { components }, more) {
          const fields = {
            volume_id: volumeAt(files, components),
            path: shownPath(components),
            ...(type === 'file_read' || type === 'file_written'
              ? { offset: 0, duration_ms: clock.now() - running.startedAt }
              : {}),
            ...more,
          }
          touched.push({ type, fields })
        },
        waiting,
      }),
    )
    const step = { ...facts.step, status: 'succeeded' as const }
    return { kind: 'returned', ...(await settle(context, { ...running, step }, returned)) }
  }

  /** A refusal or a failure, recorded; what it was, and what is told of it. */
  async function failed(
    context: InvocationContext,
    { callId, name, call, step, raw, touched }: Omit<Requested, 'index'>,
    error: unknown,
  ): Promise<Told & { readonly failure: CallFailure; readonly told: string }> {
    const known = knownFailure(error)
    // Not the tool's failure but this server's: the loop ends.
    if (known === null) throw error
    const { failure, told } = known
    const violation = offenceOf(failure)
    if (violation) context.violated(name)
    count(violation ? 'denied' : 'failed')
    const { agentId, executionId, tenantId, sealSessionId } = context.caller
    const ended = failedStep(step, told)
    const events = [
      ...touched,
      ...(violation
        ? [
            ...commandViolation(name, raw, callId, violation.kind),
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
    ]
    await context.record(events, call === null ? undefined : { kind: 'told', call, content: told, step: ended })
    if (failure.kind === 'violation')
      await report({
        category: sealSessionId === undefined ? 'policy_violation_blocked' : 'seal_policy_violation_blocked',
        tenantId,
        agentId,
        executionId,
        sessionId: sealSessionId ?? null,
        toolName: name,
        violation: failure.violation.kind,
        violationType: eventKind(failure.violation.kind),
        details: failure.violation.details,
      })
    return { failure, told, content: told, step: ended }
  }

  /**
   * Do `work` for an allowed call. The contracts hear of a failure as well, and what they leave of its message is what is told; a
   * file that is no longer the one that was judged is a refusal.
   */
  async function perform<T>(context: InvocationContext, governed: GovernedCall, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      const told = await Promise.resolve(governed.complete({ threw: error })).catch((judged: unknown) => judged)
      if (error instanceof ToolFatal || error instanceof Refused) throw error
      if (!(error instanceof PathRefused)) {
        if (!(told instanceof Error)) throw error
        throw new ToolFailed(
          told.message,
          error instanceof ToolFailed || error instanceof DomainError ? error.status : 500,
        )
      }
      await reportTraversal(context, error)
      throw violating(`Denied: ${error.message}`, violationOf(error))
    }
  }

  /** Let the post-contracts judge what the tool returned; what the caller may see of it. */
  async function settle(
    context: InvocationContext,
    running: DispatchedCall,
    returned: unknown,
  ): Promise<Told & { readonly judged: unknown }> {
    const { governed, capability } = running
    const judged = await governed.complete({ returned })
    const size = Buffer.byteLength(typeof judged === 'string' ? judged : (JSON.stringify(judged) ?? 'null'))
    if (capability.maxResponseSize !== undefined && size > capability.maxResponseSize)
      throw violating(
        `Tool execution error: the result of ${size} bytes is larger than ${capability.maxResponseSize}.`,
        {
          kind: 'OutputSizeLimitExceeded',
          details: `${size} bytes, allowed are ${capability.maxResponseSize}.`,
        },
      )
    count('allowed')
    return { judged, ...(await completed(context, running, judged)) }
  }

  /** Record what a call that ran came to, and what the model is told of it, as one. */
  async function completed(
    context: InvocationContext,
    { callId, call, toolName, startedAt, step, touched }: DispatchedCall,
    judged: unknown,
  ): Promise<Told> {
    const content = call === null ? '' : await bounded(context, callId, judged)
    const names = concealedBy(toolName)
    const told = concealedText(content, names)
    const ended = step.status === 'succeeded' ? succeeded(step, told) : failedStep(step, told)
    const event = draft('tool_invocation_completed', {
      invocation_id: callId,
      tool_name: toolName,
      result: shortened(concealed(judged, names)),
      duration_ms: clock.now() - startedAt,
    })
    await context.record([...touched, event], call === null ? undefined : { kind: 'told', call, content, step: ended })
    return { content, step: ended }
  }

  /** A command that was refused is told as one as well. */
  function commandViolation(name: string, raw: unknown, callId: string, kind: Violation['kind']): EventDraft[] {
    const tool = deps.catalogue.find(name)
    const [command] = tool ? argumentsOf(tool, 'command') : []
    if (!tool || command === undefined || raw === null) return []
    const [words] = argumentsOf(tool, 'words')
    const shown = asRecord(shortened(raw))
    const args = words === undefined ? [] : (shown[words] ?? [])
    const refused = { tool_call_id: callId, command: shown[command] ?? null, args }
    return [draft('command_policy_violation', { ...refused, violation_type: eventKind(kind) })]
  }

  /** Record that a call was asked for, unless an earlier server did. */
  async function request(
    context: InvocationContext,
    facts: CallFacts,
    call: string | null,
    isRecorded = false,
  ): Promise<Requested> {
    const { callId, name, raw } = facts
    const shown = shortened(concealed(raw, concealedBy(name)))
    if (!isRecorded)
      await context.record(
        [draft('tool_invocation_requested', { invocation_id: callId, tool_name: name, arguments: shown })],
        call === null ? undefined : { kind: 'called', call, invocationId: callId },
      )
    const step = { tool: name, argumentsJson: JSON.stringify(shown) ?? 'null', status: 'pending' } as const
    return { ...facts, call, touched: [], step }
  }

  /** What a call of no execution returns was handed to nobody. */
  const masked = ({ caller }: InvocationContext, result: unknown): unknown =>
    caller.executionId === null ? result : deps.maskOf(caller.executionId).value(result)

  const bounded = (context: InvocationContext, callId: string, result: unknown): Promise<string> =>
    boundResult(masked(context, result), { callId, files: context.files })

  return {
    async begin(context, call, index, before = null) {
      const isKnown = before !== null && before.invocationId !== null
      const asked = isKnown ? before.asked : null
      const facts = { callId: before?.invocationId ?? newId(), name: call.name, raw: call.arguments, index, asked }
      const requested = await request(context, facts, call.id, isKnown)
      try {
        if (before?.isRunning) {
          const { callId, name, raw } = facts
          await context.guard.lost({ callId, toolName: name, args: asRecord(raw), callIndex: index })
          throw new ToolFailed(OUTCOME_UNKNOWN)
        }
        const ran = await run(context, requested)
        if (ran.kind === 'returned') return { kind: 'answered', content: ran.content, step: ran.step }
        const dispatched = { ...requested.step, status: 'dispatched' as const }
        const { message, running } = ran
        return { kind: 'dispatched', message, running: { ...running, step: dispatched }, step: dispatched }
      } catch (error) {
        if (error instanceof ToolFatal) {
          const step = { ...failedStep(requested.step, error.message), status: 'fatal' as const }
          return { kind: 'fatal', error, step }
        }
        const { content, step } = await failed(context, requested, error)
        return { kind: 'answered', content, step }
      }
    },

    async invoke(context, { callId, name, arguments: raw }) {
      const requested = await request(context, { callId, name, raw, index: 0 }, null)
      try {
        const ran = await run(context, requested)
        if (ran.kind === 'returned') return { kind: 'returned', callId, result: ran.judged }
        const { message, running } = ran
        const dispatch = { status: 'dispatch_required', action: message.action, dispatch: message }
        const { judged } = await settle(context, { ...running, step: requested.step }, dispatch)
        return { kind: 'returned', callId, result: judged }
      } catch (error) {
        const { failure, told } = await failed(context, requested, error)
        return { kind: 'failed', callId, failure, told }
      }
    },

    async refuse(context, call, index, { name, reason }) {
      const facts = { callId: newId(), name: call.name, raw: call.arguments, index }
      const requested = await request(context, facts, call.id)
      await context.guard.refused(
        { callId: facts.callId, toolName: call.name, args: asRecord(call.arguments), callIndex: index },
        { source: 'runtime', name, reason },
      )
      const { content, step } = await failed(context, requested, new ToolFailed(reason))
      return { content, step }
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
      const { callId, call, toolName, step } = running
      const ended = { ...running, step: { ...step, status: result.exit_code === 0 ? 'succeeded' : 'failed' } as const }
      try {
        const { content, step } = await settle(context, ended, returned)
        return { content, step }
      } catch (error) {
        // A command that ended with another code than 0 is judged a failure, and its output is what the model needs.
        if (error instanceof EdictumToolError && error.result !== undefined) {
          count('failed')
          return completed(context, { ...running, step: { ...step, status: 'failed' } }, error.result)
        }
        const told = await failed(context, { callId, call, step, name: toolName, raw: null, touched: [] }, error)
        return { content: told.content, step: told.step }
      }
    },
  }
}

/** The volume that a path lies in; null: in none. The innermost, where one lies in another. */
const volumeAt = (files: CallFiles | null, components: readonly string[]): string | null =>
  (files?.mounts ?? [])
    .filter((mount) => mount.components.every((one, index) => components[index] === one))
    .sort((a, b) => b.components.length - a.components.length)[0]?.volumeId ?? null

const commandStarted = (message: DispatchMessage): EventDraft =>
  draft('command_execution_started', {
    dispatch_id: message.dispatch_id,
    command: message.command,
    args: shortened(message.args),
    cwd: message.cwd,
    timeout_secs: message.timeout_secs,
  })

/** What a call may end in, and what is told of it; null for what is no failure of the call. */
function knownFailure(error: unknown): { readonly failure: CallFailure; readonly told: string } | null {
  if (error instanceof Refused) return { failure: error.failure, told: error.told }
  const told = (message: string) => cut(`Tool execution error: ${message}`, LONGEST_FAILURE)
  if (error instanceof ToolFailed)
    return { failure: { kind: 'failed', status: error.status }, told: told(error.message) }
  // It ran, and what it returned was judged a failure.
  if (error instanceof EdictumToolError) return { failure: { kind: 'failed', status: null }, told: told(error.message) }
  // The rules that a tool shares with the HTTP routes refuse in the same words.
  if (error instanceof DomainError && error.status < 500)
    return { failure: { kind: 'failed', status: error.status }, told: told(error.message) }
  if (error instanceof PathRefused) return { failure: { kind: 'failed', status: null }, told: told(error.message) }
  return null
}

/** What a failure offends against, for the events and the iteration. */
function offenceOf(failure: CallFailure) {
  if (failure.kind === 'violation') return failure.violation
  return failure.kind === 'denied' ? ({ kind: 'ToolNotAllowed', details: failure.details } as const) : null
}

const succeeded = (step: TrajectoryStep, content: string): TrajectoryStep => ({
  ...step,
  status: 'succeeded',
  resultJson: JSON.stringify(shortened(objectIn(content))),
})

/** What a tool returns as an object is told as its JSON; that is an object here again. Anything else is a text. */
function objectIn(content: string): unknown {
  const value = jsonIn(content)
  return typeof value === 'object' && value !== null ? value : content
}

const failedStep = (step: TrajectoryStep, content: string): TrajectoryStep => ({
  ...step,
  status: 'failed',
  error: String(shortened(redaction.redactResult(content))),
})

const pathIn =
  (paths: ReadonlyMap<string, JudgedPath>) =>
  (name: string): JudgedPath => {
    const path = paths.get(name)
    if (!path) throw new Error(`The call has no path '${name}'.`)
    return path
  }
