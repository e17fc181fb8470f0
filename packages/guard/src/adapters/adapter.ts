import { createPrincipal, type Principal, type PrincipalInput } from '@lictor/contracts'
import { randomId } from '../clock.ts'
import { configError, EdictumConfigError, EdictumDenied, EdictumPending, EdictumToolError } from '../errors.ts'
import type { GovernedCall } from '../governed-call.ts'
import type { Guard } from '../guard.ts'
import { errorText } from '../logger.ts'
import { isPromise } from '../maybe-promise.ts'
import type { PrincipalResolver, RunOptions } from '../options.ts'
import type { ToolOutcome } from '../outcome.ts'
import { collectedOutput, type Keep } from './collected-output.ts'
import { asThrown } from './tool-failure.ts'

export interface AdapterOptions {
  /** Counters and limits add up within a session. Default: one of its own for each adapter, which is one conversation. */
  readonly sessionId?: string
  /** On whose behalf the calls are made; left out, as the guard says. */
  readonly principal?: PrincipalInput | null
  /** Decides per call on whose behalf it is made; wins over `principal`. */
  readonly principalResolver?: PrincipalResolver
  /** Takes every call back when it aborts, beside the signals of the framework. For frameworks that hand tools no signal. */
  readonly signal?: AbortSignal
  /** Default: the guard's. */
  readonly environment?: string
  /**
   * What a failing tool throws at its framework: `original` (default) an error of the tool's own class and name with the
   * guard's `EdictumToolError` as its cause, `edictum` the `EdictumToolError` with the tool's own error as its cause.
   */
  readonly toolErrors?: 'original' | 'edictum'
  /** Tools that are known to run elsewhere, in the user's browser for instance: listed by `guard.ungoverned()`, not refused. */
  readonly ungoverned?: readonly string[]
}

/** For frameworks that end a run while a person is asked, and go on with it later. */
export interface DurableOptions extends AdapterOptions {
  /**
   * Ends the run while a person is asked, by the framework's own approvals, so that the process may end too; gone on with, also in
   * another process, the call goes by what was decided on the server, whatever the framework was told. Needs the conversation's
   * own `sessionId`, and a server. Default: calls wait inside of their tools.
   */
  readonly durable?: boolean
  /** Told of every question whose run may end. */
  readonly onQuestion?: (question: PendingQuestion) => void
}

/** A question to a person that its run does not wait for. */
export interface PendingQuestion {
  readonly approval_id: string
  readonly tool: string
  readonly args: Readonly<Record<string, unknown>>
  readonly question: string
}

/** One call as a framework makes it. */
export interface AdapterCall {
  readonly toolName: string
  readonly input: unknown
  /** The framework's own function of the tool, called with what was judged. */
  readonly execute: (input: unknown) => unknown
  /** The model's id of the call; need not be unique. */
  readonly toolUseId?: string | null | undefined
  readonly signal?: AbortSignal | null | undefined
  /** What a refused call answers; left out, it throws the denial. */
  readonly refused?: (text: string) => unknown
  /** Whether the tool threw what its framework uses to stop and go on later: no failure, and passed on as it is. */
  readonly isControlFlow?: (thrown: unknown) => boolean
  /** Stops the run while a person is asked, by throwing what its framework goes on from; makes questions durable. */
  readonly pending?: ((pending: EdictumPending) => unknown) | undefined
  /** The text of an output by which the framework says that the tool threw; null for every other output. */
  readonly failed?: (output: unknown) => string | null
  readonly keep?: Keep
}

type CallAsMade = Pick<AdapterCall, 'toolName' | 'input' | 'toolUseId' | 'signal' | 'pending'>

/** What adapters have made. */
const governed = new WeakSet<object>()

/**
 * What all adapters have in common: a session, on whose behalf calls are made, and the one way of a call through the guard.
 * An adapter knows where its framework keeps the function of a tool, and how the framework wants to hear of a refusal.
 */
export class Adapter {
  readonly guard: Guard
  readonly sessionId: string
  readonly #name: string
  readonly #options: AdapterOptions
  #principal: Principal | null | undefined

  constructor(guard: Guard, name: string, options: AdapterOptions = {}) {
    this.guard = guard
    this.#name = name
    this.#options = options
    this.sessionId = options.sessionId ?? randomId()
    if (options.principal !== undefined) this.setPrincipal(options.principal)
  }

  /** On whose behalf later calls are made; null is nobody. */
  setPrincipal(principal: PrincipalInput | null): void {
    this.#principal = principal === null ? null : createPrincipal(principal)
  }

  /** On whose behalf calls are made by this adapter's own word; undefined leaves it to the guard. */
  protected get principal(): Principal | null | undefined {
    return this.#principal
  }

  /** Whether a call was taken back: its error is the signal's, and no failure of the tool. */
  protected isTakenBack(signal?: AbortSignal | null): boolean {
    return (signal?.aborted || this.#options.signal?.aborted) ?? false
  }

  /** @throws EdictumConfigError for what an adapter has made: two guards in one call would count and ask twice */
  protected requireNew(what: string, made: object): void {
    if (governed.has(made)) throw configError(`${what} is governed already; give the adapter what it was before.`)
  }

  /** @throws EdictumConfigError for durable questions without a session by which their calls are known again */
  protected requireSession(option: string): void {
    if (this.#options.sessionId === undefined)
      throw configError(
        `With '${option}' the adapter needs the conversation's own 'sessionId': by it, a call is known again.`,
      )
  }

  /** Takes a tool into the guard's list, and holds its function to be wrapped once. */
  protected register(toolName: string, execute: object): void {
    this.requireNew(`The tool '${toolName}'`, execute)
    this.guard.register({ toolName, adapter: this.#name, elsewhere: null })
  }

  /** Marks the function that stands for a tool from now on. */
  protected mark<Wrapped extends object>(wrapped: Wrapped): Wrapped {
    governed.add(wrapped)
    return wrapped
  }

  /** A tool whose calls are made where no guard stands. */
  protected registerElsewhere(toolName: string, elsewhere: string): void {
    this.guard.register({ toolName, adapter: this.#name, elsewhere })
  }

  /** A tool without a function: refused, unless it was said to run elsewhere. */
  protected registerWithoutFunction(toolName: string, field: string): void {
    if (!this.#options.ungoverned?.includes(toolName)) {
      throw configError(
        `The tool '${toolName}' has no '${field}', so no call of it can be held. If it runs elsewhere on purpose, name it in the option 'ungoverned'.`,
      )
    }
    this.registerElsewhere(toolName, 'it has no function here')
  }

  /** @throws EdictumConfigError when two tools have one name: contracts could not tell them apart. */
  protected requireDistinct(names: readonly string[]): void {
    const twice = names.find((name, index) => names.indexOf(name) !== index)
    if (twice !== undefined) throw configError(`Two tools are named '${twice}'; contracts could not tell them apart.`)
  }

  /** Takes a call through the guard: judged, asked for, run once with what was judged, its result judged and recorded. */
  protected async call(asked: AdapterCall): Promise<unknown> {
    const call = this.withSignal(asked)
    let begun: GovernedCall
    try {
      begun = await this.#authorizedInTime(call)
    } catch (error) {
      if (call.isControlFlow?.(error)) throw error
      return this.refuse(call, error)
    }
    let outcome: ToolOutcome
    try {
      const returned = call.execute(inputOf(call.input, begun.envelope.args))
      const output = isPromise(returned) ? await returned : returned
      const collected = collectedOutput(output, call.keep ?? 'all')
      outcome = { returned: isPromise(collected) ? await collected : collected }
      const failure = call.failed?.(outcome.returned) ?? null
      if (failure !== null) return await this.failedWith(begun, failure)
    } catch (thrown) {
      if (call.isControlFlow?.(thrown)) {
        await begun.cancel('The framework stopped the call, to go on later.')
        throw thrown
      }
      outcome = { threw: thrown }
    }
    return this.completed(begun, outcome)
  }

  /**
   * Whether a person has to be asked about a call that was not made yet. What goes wrong here is left to the call itself, which is
   * refused for it.
   */
  protected async asksAhead(call: CallAsMade): Promise<EdictumPending | null> {
    try {
      return await (await this.#begun({ ...call, pending: throwIt })).askAhead()
    } catch (error) {
      this.guard.logger.warn(`${call.toolName} could not be asked about ahead: ${errorText(error)}`)
      return null
    }
  }

  /** For a run that was gone on with too early, and cannot be ended again: the call waits in its tool after all. */
  protected async untilDecided({ approvalId }: EdictumPending, signal?: AbortSignal | null): Promise<void> {
    await this.guard.approvalBackend?.waitForDecision(approvalId, null, signal ? { signal } : {})
  }

  /** A call about which a person is asked stops its run, and is made anew when the run goes on. */
  async #authorizedInTime(call: AdapterCall): Promise<GovernedCall> {
    for (;;) {
      try {
        return await this.authorized(call)
      } catch (error) {
        if (!(error instanceof EdictumPending) || !call.pending) throw error
        await call.pending(error)
      }
    }
  }

  /** The call with the signal of the framework, that of the adapter, or one that follows both. */
  protected withSignal<Call extends Pick<AdapterCall, 'signal'>>(call: Call): Call {
    const own = this.#options.signal
    if (own === undefined) return call
    return { ...call, signal: call.signal ? AbortSignal.any([own, call.signal]) : own }
  }

  /** A tool whose framework told its failure by a text: recorded as a failure, answered with the text as it was judged. */
  private async failedWith(call: GovernedCall, text: string): Promise<unknown> {
    try {
      return await this.completed(call, { threw: new Error(text) })
    } catch (error) {
      if (error instanceof Error && (error instanceof EdictumToolError || error.cause instanceof EdictumToolError))
        return error.message
      throw error
    }
  }

  /** A call that may run. For adapters whose framework runs the tool itself. @throws whatever keeps it from running */
  protected async authorized(call: CallAsMade): Promise<GovernedCall> {
    const begun = await this.#begun(call)
    const authorized = begun.authorize()
    if (isPromise(authorized)) await authorized
    return begun
  }

  async #begun(call: CallAsMade): Promise<GovernedCall> {
    const { toolName, input, toolUseId, signal } = call
    const { sessionId } = this
    const { principalResolver, environment } = this.#options
    const args = argumentsOf(input)
    const resolved = principalResolver?.(toolName, args)
    const principal = principalResolver ? ((isPromise(resolved) ? await resolved : resolved) ?? null) : this.#principal
    const options: RunOptions = {
      sessionId,
      ...(principal === undefined ? {} : { principal }),
      ...(environment === undefined ? {} : { environment }),
      ...(toolUseId ? { toolUseId } : {}),
      ...(signal ? { signal } : {}),
      ...(call.pending ? { durable: true } : {}),
    }
    return this.guard.begin(toolName, args, options)
  }

  /** What the framework is told of a call that does not run. @throws the signal's reason where the call was taken back */
  protected refuse(call: Pick<AdapterCall, 'toolName' | 'signal' | 'refused'>, error: unknown): unknown {
    if (call.signal?.aborted && !(error instanceof EdictumDenied)) throw call.signal.reason
    const text = this.denialText(call.toolName, error)
    if (call.refused) return call.refused(text)
    const denial = new EdictumDenied(
      error instanceof EdictumDenied ? error.reason : text,
      error instanceof EdictumDenied ? error.decisionSource : null,
      error instanceof EdictumDenied ? error.decisionName : null,
    )
    denial.message = text
    denial.cause = error
    throw denial
  }

  /** What a model is told. What failed inside the guard is for whoever runs the agent, not for the model. */
  protected denialText(toolName: string, error: unknown): string {
    if (error instanceof EdictumDenied) return `DENIED: ${error.reason || 'The call was refused.'}`
    this.guard.logger.warn(`${toolName} did not run: ${errorText(error)}`)
    if (error instanceof EdictumConfigError) return `DENIED: ${error.message}`
    return 'DENIED: The call could not be checked, so it did not run.'
  }

  /** Records a call whose results were read no further: nobody is there to be told of it. */
  protected async abandoned(call: GovernedCall): Promise<void> {
    const threw = new Error('The results of the tool were read no further.')
    await this.completed(call, { threw }).catch(() => {})
  }

  /** Judges and records how the tool ended. @returns what the framework may see. @throws as the tool did */
  protected async completed(call: GovernedCall, outcome: ToolOutcome): Promise<unknown> {
    try {
      const settled = call.complete(outcome)
      return isPromise(settled) ? await settled : settled
    } catch (error) {
      const { toolName } = call.envelope
      if (!(error instanceof EdictumToolError)) {
        this.guard.logger.error(`${toolName} has run, and that could not be recorded: ${errorText(error)}`)
        throw new Error('The tool has run, but that could not be recorded; its result is withheld.', { cause: error })
      }
      // A result that says it failed is still a result, which the framework knows how to tell.
      if ('returned' in outcome && error.cause === undefined) return error.result
      if (this.#options.toolErrors === 'edictum') throw error
      throw asThrown(error, 'threw' in outcome ? outcome.threw : error.cause)
    }
  }
}

export const questionOf = ({ approvalId, toolName, toolArgs, question }: EdictumPending): PendingQuestion => ({
  approval_id: approvalId,
  tool: toolName,
  args: toolArgs,
  question,
})

const throwIt = (pending: EdictumPending): never => {
  throw pending
}

/** What contracts judge: the input where it is an object, else the input as the one argument `input`. */
export function argumentsOf(input: unknown): Readonly<Record<string, unknown>> {
  if (input === undefined || input === null) return {}
  if (typeof input === 'object' && !Array.isArray(input)) return input as Record<string, unknown>
  return { input }
}

/** The judged copy, in the form the input had. */
function inputOf(input: unknown, args: Readonly<Record<string, unknown>>): unknown {
  if (input === undefined || input === null) return input
  return typeof input === 'object' && !Array.isArray(input) ? args : args.input
}
