import {
  createEnvelope,
  createLimits,
  createPrincipal,
  type DecideContext,
  type Envelope,
  type LimitsInput,
  type Mode,
  type OperationLimits,
  type Principal,
  type PrincipalInput,
  RedactionPolicy,
  ToolRegistry,
} from '@lictor/contracts'
import type { ApprovalBackend } from './approvals.ts'
import { AuditEvent } from './audit/event.ts'
import { type AuditSink, CollectingAuditSink, CompositeSink } from './audit/sinks.ts'
import { type Clock, createSerialId, isoTime, type NewId, randomId, systemClock } from './clock.ts'
import { configError } from './errors.ts'
import { type BatchCall, type EvaluateOptions, type EvaluationResult, evaluateBatch, evaluateCall } from './evaluate.ts'
import type { GateEvent, SessionGates, WorkflowStatus } from './gates.ts'
import { type CallDependencies, GovernedCall, type Governing } from './governed-call.ts'
import { loadState } from './load.ts'
import { consoleLogger, errorText, type Logger } from './logger.ts'
import { isPromise, type MaybePromise } from './maybe-promise.ts'
import type { EdictumOptions, PrincipalResolver, RunOptions, SessionOptions, YamlOptions } from './options.ts'
import type { ToolOutcome } from './outcome.ts'
import { GovernancePipeline } from './pipeline.ts'
import { realPath } from './real-path.ts'
import { type CoveredTool, type RegisteredTool, RegisteredTools, type ToolCoverage } from './registered-tools.ts'
import { Session } from './session.ts'
import { compileState, type GuardState, stateOf } from './state.ts'
import { MemoryBackend, type StorageBackend } from './storage.ts'
import { defaultSuccessCheck } from './success.ts'
import type { GovernanceTelemetry } from './telemetry.ts'

/** What a tool may want to know of the call it runs for. */
export interface ToolContext {
  /** Aborts when the caller takes the call back; undefined where the caller gave none. */
  readonly signal?: AbortSignal
}

/** A tool of the caller: receives the frozen copy of the arguments that was judged. */
export type Tool<Args, Result> = (args: Args, context: ToolContext) => Result | Promise<Result>

/**
 * Stands around the tool calls of an agent: a call runs only when the contracts in force allow it, and every call leaves
 * its audit events. `Edictum` is this guard and the ways to make one.
 */
export class Guard {
  readonly environment: string
  readonly backend: StorageBackend
  readonly redaction: RedactionPolicy
  readonly auditSink: AuditSink
  /** The guard's own ring of the latest events; always there. */
  readonly localSink: CollectingAuditSink
  readonly toolRegistry: ToolRegistry
  readonly telemetry: GovernanceTelemetry | null
  readonly approvalBackend: ApprovalBackend | null
  readonly logger: Logger
  /** What this guard was made with, for guards made from several. */
  readonly options: EdictumOptions
  readonly #mode: Mode | undefined
  readonly #clock: Clock
  readonly #newId: NewId
  readonly #dependencies: CallDependencies
  readonly #context: DecideContext
  readonly #principalResolver: PrincipalResolver | null
  readonly #newSessionId: NewId
  #session: Session | null = null
  #tools: RegisteredTools | null = null
  readonly #closers: { readonly before: () => unknown; readonly after: () => unknown }[] = []
  #principal: Principal | null
  #state: GuardState
  #gates: SessionGates | null
  #closing: Promise<void> | null = null

  constructor(options: EdictumOptions = {}) {
    const { mode } = options
    if (mode !== undefined && mode !== 'enforce' && mode !== 'observe') {
      throw configError(`mode is ${JSON.stringify(mode)}; it must be 'enforce' or 'observe'.`)
    }
    this.options = options
    this.#mode = mode
    this.environment = options.environment ?? 'production'
    this.#clock = options.clock ?? systemClock
    this.#newId = options.newId ?? createSerialId(randomId)
    this.logger = options.logger ?? consoleLogger
    this.backend = options.backend ?? new MemoryBackend()
    this.redaction = options.redaction ?? new RedactionPolicy()
    this.approvalBackend = options.approvalBackend ?? null
    this.telemetry = options.telemetry ?? null
    this.localSink = new CollectingAuditSink(options.localEvents)
    const sinks = options.auditSink
    this.auditSink =
      sinks === undefined ? this.localSink : new CompositeSink([this.localSink, ...('emit' in sinks ? [sinks] : sinks)])
    this.toolRegistry = new ToolRegistry(Object.entries(options.tools ?? {}))
    this.#newSessionId = options.newId ?? randomId
    this.#principal = options.principal ? createPrincipal(options.principal) : null
    this.#principalResolver = options.principalResolver ?? null
    const resolvePath = options.resolvePath === undefined ? realPath : options.resolvePath
    const env = options.environmentVariables === undefined ? process.env : options.environmentVariables
    this.#context = { ...(resolvePath ? { resolvePath } : {}), ...(env ? { env } : {}) }
    this.#dependencies = {
      pipeline: new GovernancePipeline({ hooks: options.hooks ?? [], logger: this.logger, context: this.#context }),
      governing: () => this.#governing(),
      auditSink: this.auditSink,
      redaction: this.redaction,
      approvalBackend: this.approvalBackend,
      onDeny: options.onDeny ?? null,
      onAllow: options.onAllow ?? null,
      successCheck: options.successCheck ?? defaultSuccessCheck,
      telemetry: this.telemetry,
      logger: this.logger,
      clock: this.#clock,
    }
    this.#gates = options.gates ?? null
    this.#state = options.policy
      ? stateOf(options.policy, options.policyVersion ?? (options.policy.version || null))
      : compileState(
          {
            document: null,
            contracts: options.contracts ?? [],
            limits: options.limits,
            operators: options.customOperators ?? {},
            selectors: options.customSelectors ?? {},
            resolvePath,
          },
          options.policyVersion ?? null,
        )
    this.#registerTools(this.#state)
  }

  /** The session of every call that names none; made once per guard, so that limits add up over calls. */
  get sessionId(): string {
    return this.#ownSession.sessionId
  }

  /** Made when it is first asked for: a random id loads Node's cryptography, which a guard that only evaluates never needs. */
  get #ownSession(): Session {
    this.#session ??= new Session(this.#newSessionId(), this.backend, true)
    return this.#session
  }

  /** `enforce` or `observe`: as given, else as the bundle in force says. */
  get mode(): Mode {
    return this.#mode ?? this.#state.defaultMode
  }

  get limits(): OperationLimits {
    return this.#state.limits
  }

  /** Other limits from the next call on. Session contracts of the bundle still lower them. */
  set limits(limits: LimitsInput) {
    const { source, policyVersion } = this.#state
    if (source === null)
      throw configError('The limits of a policy compiled elsewhere are its own; compile it with others.')
    this.#state = compileState({ ...source, limits: createLimits(limits) }, policyVersion)
  }

  /** Lower-case hex SHA-256 of the bundle in force, or null without one. */
  get policyVersion(): string | null {
    return this.#state.policyVersion
  }

  set policyVersion(policyVersion: string | null) {
    this.#state = Object.freeze({ ...this.#state, policyVersion })
  }

  /** The compiled state in force; replaced, never changed. */
  get state(): GuardState {
    return this.#state
  }

  /** Replaces what governs the calls to come, by one assignment. Calls under way end under what they began with. */
  adopt(state: GuardState): void {
    this.#registerTools(state)
    this.#state = state
  }

  /**
   * Replaces the gates of the calls to come; null for none. A call that waits for a human is judged again by those that hold when
   * it goes on.
   */
  adoptGates(gates: SessionGates | null): void {
    this.#gates = gates
  }

  /** On whose behalf later calls are made. */
  setPrincipal(principal: PrincipalInput | null): void {
    this.#principal = principal ? createPrincipal(principal) : null
  }

  /**
   * Runs a tool under contract: decides, asks, executes, judges the result, records.
   * @param args handed to the tool as a frozen copy, the one that was judged
   * @returns the tool's result, or what a post contract made of it; a stream is judged as it is read
   * @throws EdictumDenied when the call is refused, EdictumToolError when the tool fails, the signal's reason when the call
   * was taken back before its tool ran; anything thrown by storage, sinks or the approval backend before the tool means that
   * it did not run
   */
  async run<Args extends object, Result>(
    toolName: string,
    args: Args,
    tool: Tool<Args, Result>,
    options: RunOptions = NO_OPTIONS,
  ): Promise<Result> {
    const begun = this.begin(toolName, args as Readonly<Record<string, unknown>>, options)
    const call = isPromise(begun) ? await begun : begun
    const authorized = call.authorize()
    if (authorized !== undefined) await authorized
    let outcome: ToolOutcome
    try {
      const result = tool(call.envelope.args as Args, options.signal ? { signal: options.signal } : NO_CONTEXT)
      outcome = { returned: isPromise(result) ? await result : result }
    } catch (error) {
      outcome = { threw: error }
    }
    const settled = call.complete(outcome)
    return (isPromise(settled) ? await settled : settled) as Result
  }

  /** `run` for a tool that is called often: `const read = guard.wrap('read_file', readFile)`. */
  wrap<Args extends object, Result>(
    toolName: string,
    tool: Tool<Args, Result>,
    options: RunOptions = NO_OPTIONS,
  ): (args: Args) => Promise<Result> {
    return (args) => this.run(toolName, args, tool, options)
  }

  /** A call whose tool is executed elsewhere: `authorize` it before, `complete` it after. */
  begin(
    toolName: string,
    args: Readonly<Record<string, unknown>>,
    options: RunOptions = NO_OPTIONS,
  ): MaybePromise<GovernedCall> {
    const session = options.sessionId ? new Session(options.sessionId, this.backend) : this.#ownSession
    if (options.principal === undefined && this.#principalResolver !== null) {
      const resolved = this.#principalResolver(toolName, args)
      if (isPromise(resolved)) {
        return resolved.then((principal) => this.#begin(toolName, args, session, principal ?? null, options))
      }
      return this.#begin(toolName, args, session, resolved ?? null, options)
    }
    const principal = options.principal === undefined ? this.#principal : options.principal
    return this.#begin(toolName, args, session, principal, options)
  }

  #begin(
    toolName: string,
    args: Readonly<Record<string, unknown>>,
    session: Session,
    principal: PrincipalInput | null,
    options: RunOptions,
  ): GovernedCall {
    const known = {
      callId: options.callId || this.#newId(),
      runId: session.sessionId,
      callIndex: options.callIndex ?? 0,
      parentCallId: options.parentCallId ?? null,
      environment: options.environment || this.environment,
      timestamp: isoTime(this.#clock.now()),
      caller: options.caller ?? '',
      toolUseId: options.toolUseId ?? null,
      principal,
      registry: this.toolRegistry,
    }
    const { metadata } = options
    const envelope: Envelope = createEnvelope(toolName, args, metadata === undefined ? known : { ...known, metadata })
    return new GovernedCall(envelope, session, this.#governing(), this.#dependencies, options.signal, options.durable)
  }

  #governing(): Governing {
    return { state: this.#state, mode: this.mode, gates: this.#gates }
  }

  /**
   * What the contracts say of a call, without running, counting or recording anything. All matching
   * contracts are reported; those on the output only when `output` is given.
   */
  async evaluate(
    toolName: string,
    args: Readonly<Record<string, unknown>> = {},
    options: EvaluateOptions = {},
  ): Promise<EvaluationResult> {
    return evaluateCall(this.#evaluation(), toolName, args, options)
  }

  /** `evaluate` for several calls, each on its own, in their order. */
  async evaluateBatch(calls: readonly BatchCall[]): Promise<readonly EvaluationResult[]> {
    return evaluateBatch(this.#evaluation(), calls)
  }

  #evaluation() {
    const { environment, toolRegistry } = this
    return { policy: this.#state.policy, environment, registry: toolRegistry, context: this.#context }
  }

  /**
   * Replaces the contracts by those of a bundle, all or nothing: on any error the old ones stay.
   * Classifications of tools are added. Contracts given to the constructor are dropped, custom operators kept.
   * @throws EdictumConfigError for a bundle that cannot be loaded
   */
  reload(content: string | Uint8Array, options: Pick<YamlOptions, 'customOperators' | 'customSelectors'> = {}): void {
    const source = this.#state.source
    this.adopt(
      loadState(content, {
        limits: undefined,
        operators: options.customOperators ?? source?.operators ?? this.options.customOperators ?? {},
        selectors: options.customSelectors ?? source?.selectors ?? this.options.customSelectors ?? {},
        resolvePath: this.#context.resolvePath ?? null,
      }),
    )
  }

  /** Takes a tool into the list of those that `coverage` speaks of. Adapters do so for every tool that they are given. */
  register(tool: RegisteredTool): void {
    this.#tools ??= new RegisteredTools()
    this.#tools.add(tool)
  }

  /** What the contracts in force at this moment say about the tools that adapters were given. */
  coverage(): ToolCoverage {
    this.#tools ??= new RegisteredTools()
    return this.#tools.coverage(this.#state.policy, this.mode === 'observe')
  }

  /** The tools of `coverage` that nothing governs: they run elsewhere, or no contract looks at them. */
  ungoverned(): readonly CoveredTool[] {
    return this.coverage().tools.filter(({ status }) => status === 'ungoverned')
  }

  /** Where a session stands at the gates. @throws EdictumConfigError for a guard without gates */
  workflowStatus(options: SessionOptions = {}): Promise<WorkflowStatus> {
    return this.#requireGates().status(this.#sessionOf(options))
  }

  /**
   * Takes a session back to a stage: what it and later ones have gathered is forgotten, their approvals too. For operators.
   * @throws EdictumConfigError for a guard without gates, and for a stage that the workflow does not have
   */
  async resetWorkflow(stageId: string, options: SessionOptions = {}): Promise<WorkflowStatus> {
    const session = this.#sessionOf(options)
    return this.#tellMoved(session, await this.#requireGates().reset(session, stageId))
  }

  /** Moves a session to a stage; approvals and evidence stay. For operators. @throws as `resetWorkflow` */
  async setWorkflowStage(stageId: string, options: SessionOptions = {}): Promise<WorkflowStatus> {
    const session = this.#sessionOf(options)
    return this.#tellMoved(session, await this.#requireGates().setStage(session, stageId))
  }

  #requireGates(): SessionGates {
    if (this.#gates === null) throw configError("The guard has no gates; give it some by the option 'gates'.")
    return this.#gates
  }

  #sessionOf({ sessionId }: SessionOptions): Session {
    return sessionId === undefined ? this.#ownSession : new Session(sessionId, this.backend)
  }

  async #tellMoved(session: Session, { action, status }: GateEvent): Promise<WorkflowStatus> {
    const event = new AuditEvent({
      timestamp: isoTime(this.#clock.now()),
      callId: this.#newId(),
      runId: session.sessionId,
      toolName: status.name,
      environment: this.environment,
      action,
      decisionSource: 'workflow',
      decisionName: status.active_stage,
      mode: this.mode,
      policyVersion: this.policyVersion,
      workflow: status,
    })
    await this.auditSink.emit(event)
    return status
  }

  /** Runs `before` when the guard closes, ahead of its sinks, and `after` behind them. */
  onClose(before: () => unknown, after: () => unknown): void {
    this.#closers.push({ before, after })
  }

  /** Ends the connection, delivers what is buffered, lets go of timers. Safe to call twice; never throws. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    for (const { before } of this.#closers) await this.#closeStep(before)
    if (this.auditSink.close) await this.#closeStep(() => this.auditSink.close?.())
    for (const { after } of this.#closers) await this.#closeStep(after)
  }

  async #closeStep(step: () => unknown): Promise<void> {
    try {
      await step()
    } catch (error) {
      this.logger.error(`closing: ${errorText(error)}`)
    }
  }

  /** The bundle's classifications, except where the guard was given its own. */
  #registerTools(state: GuardState): void {
    for (const [name, { sideEffect, idempotent }] of state.policy.tools) {
      if (!Object.hasOwn(this.options.tools ?? {}, name)) this.toolRegistry.register(name, sideEffect, idempotent)
    }
  }
}

const NO_OPTIONS: RunOptions = Object.freeze({})
const NO_CONTEXT: ToolContext = Object.freeze({})
