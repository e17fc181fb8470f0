/** `@lictor/guard/ai`: the tools of the Vercel AI SDK under contract. */
import type { EdictumPending } from '../errors.ts'
import type { GovernedCall } from '../governed-call.ts'
import type { Guard } from '../guard.ts'
import type { ToolOutcome } from '../outcome.ts'
import { Adapter, type AdapterCall, type DurableOptions, questionOf } from './adapter.ts'
import { type Framework, requireFramework } from './framework-version.ts'

export type { AdapterOptions, DurableOptions, PendingQuestion } from './adapter.ts'

export const FRAMEWORK: Framework = { name: 'ai', range: '^7' }

/** What the adapter needs of a tool; `tool()` and `dynamicTool()` of `ai` make such. */
export interface AiTool {
  readonly type?: string | undefined
  readonly execute?: ((input: never, options: never) => unknown) | undefined
  readonly needsApproval?: boolean | ((input: never, options: never) => unknown) | undefined
}

type Execute = (input: unknown, options: CallOptions) => unknown

interface CallOptions {
  readonly toolCallId?: string
  readonly abortSignal?: AbortSignal
}

/** Takes the tools of one conversation under contract. */
export class AiAdapter extends Adapter {
  readonly #options: DurableOptions

  constructor(guard: Guard, options: DurableOptions = {}) {
    super(guard, 'ai', options)
    requireFramework(FRAMEWORK)
    this.#options = options
    if (options.durable) this.requireSession('durable')
  }

  /**
   * The same tools, each with its `execute` behind the guard: `generateText({ tools: govern(guard).tools({ … }) })`. A refused
   * call is an error of the tool, which the model is told. Tools that the provider runs are left as they are and listed by
   * `guard.ungoverned()`. With `durable`, a call that a person is asked about is a `tool-approval-request` of the answer; add a
   * `tool-approval-response` to the messages and call again to go on.
   * @throws EdictumConfigError for a tool without `execute` that the option `ungoverned` does not name
   */
  tools<Tools extends Readonly<Record<string, AiTool>>>(tools: Tools): Tools {
    const entries = Object.entries(tools).map(([name, tool]) => [name, this.#tool(name, tool)] as const)
    return Object.fromEntries(entries) as unknown as Tools
  }

  #tool(toolName: string, tool: AiTool): AiTool {
    const execute = tool.execute as Execute | undefined
    if (typeof execute !== 'function') {
      const { type, isProviderExecuted } = tool as { readonly type?: string; readonly isProviderExecuted?: boolean }
      if (type === 'provider' ? isProviderExecuted !== false : type === 'provider-defined') {
        this.registerElsewhere(toolName, 'the provider runs it')
      } else this.registerWithoutFunction(toolName, 'execute')
      return tool
    }
    this.register(toolName, execute)
    const run = (input: unknown, options: CallOptions = {}) => ({
      toolName,
      input,
      toolUseId: options.toolCallId,
      signal: options.abortSignal,
      execute: (judged: unknown) => execute.call(tool, judged, options),
      keep: 'last' as const,
      pending: this.#options.durable
        ? (question: EdictumPending) => this.untilDecided(question, options.abortSignal)
        : undefined,
    })
    const once = (input: unknown, options?: CallOptions) => this.call(run(input, options))
    const piecewise = (input: unknown, options?: CallOptions) => this.#pieces(run(input, options))
    // The SDK shows what a generator yields before its end, and tells generators by what `execute` returns at once.
    const wrapped = execute.constructor.name === 'AsyncGeneratorFunction' ? piecewise : once
    const { needsApproval } = tool
    const asks = async (input: unknown, options: CallOptions = {}) => {
      const question = await this.asksAhead(run(input, options))
      if (question !== null) this.#options.onQuestion?.(questionOf(question))
      const own =
        typeof needsApproval === 'function' ? needsApproval.call(tool, input as never, options as never) : needsApproval
      return question !== null || Boolean(await own)
    }
    return { ...tool, execute: this.mark(wrapped), ...(this.#options.durable ? { needsApproval: asks } : {}) }
  }

  /** Shows preliminary results as they come where no contract judges what the tool returns, else only the judged last one. */
  async *#pieces(asked: AdapterCall): AsyncGenerator<unknown, void, undefined> {
    const call = this.withSignal(asked)
    let begun: GovernedCall
    try {
      begun = await this.authorized(call)
    } catch (error) {
      this.refuse(call, error)
      return
    }
    const isShown = !begun.judgesOutput
    let outcome: ToolOutcome | null = null
    try {
      let last: unknown
      for await (const piece of call.execute(begun.envelope.args) as AsyncIterable<unknown>) {
        last = piece
        if (isShown) yield piece
      }
      outcome = { returned: last }
    } catch (thrown) {
      outcome = { threw: thrown }
    } finally {
      // Whoever read it went away.
      if (outcome === null) await this.abandoned(begun)
    }
    const result = await this.completed(begun, outcome)
    if (!isShown) yield result
  }
}

/** @throws EdictumConfigError when another version of `ai` is installed */
export function govern(guard: Guard, options: DurableOptions = {}): AiAdapter {
  return new AiAdapter(guard, options)
}
