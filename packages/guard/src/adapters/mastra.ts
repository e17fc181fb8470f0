/** `@lictor/guard/mastra`: the tools of Mastra under contract. */
import type { EdictumPending } from '../errors.ts'
import type { Guard } from '../guard.ts'
import { Adapter, type DurableOptions, questionOf } from './adapter.ts'
import { type Framework, requireFramework } from './framework-version.ts'

export type { AdapterOptions, DurableOptions, PendingQuestion } from './adapter.ts'

export const FRAMEWORK: Framework = { name: '@mastra/core', range: '^1.71' }

type Execute = (input: unknown, context?: ToolContext) => unknown

interface ToolContext {
  readonly agent?: {
    readonly toolCallId?: string
    readonly suspend?: (payload: object) => Promise<unknown>
  }
  readonly abortSignal?: AbortSignal
}

/** The run is suspended, and the tool ends as the framework wants it to. */
class Suspended extends Error {
  readonly leave: () => unknown

  constructor(leave: () => unknown) {
    super('The run is suspended while a person is asked.')
    this.leave = leave
  }
}

/** Takes the tools of one conversation under contract. */
export class MastraAdapter extends Adapter {
  readonly #options: DurableOptions

  constructor(guard: Guard, options: DurableOptions = {}) {
    super(guard, 'mastra', options)
    requireFramework(FRAMEWORK)
    this.#options = options
    if (options.durable) this.requireSession('durable')
  }

  /**
   * The same tools, each with its `execute` behind the guard: `new Agent({ tools: govern(guard).tools({ … }) })`. Contracts see
   * the names of the record, as the model does. A refused call is an error of the tool, which the model is told. With `durable`, a
   * call that a person is asked about suspends the run; `agent.resumeGenerate({ … }, { runId, toolCallId })` goes on with it.
   */
  tools<Tools extends Readonly<Record<string, object>>>(tools: Tools): Tools {
    const entries = Object.entries(tools).map(([name, tool]) => [name, this.#tool(name, tool)] as const)
    return Object.fromEntries(entries) as unknown as Tools
  }

  #tool(toolName: string, tool: object): object {
    const { execute } = tool as { readonly execute?: Execute }
    if (typeof execute !== 'function') {
      if ((tool as { readonly type?: string }).type?.startsWith('provider')) {
        this.registerElsewhere(toolName, 'the provider runs it')
      } else this.registerWithoutFunction(toolName, 'execute')
      return tool
    }
    this.register(toolName, execute)
    const governed: Execute = async (input, context) => {
      const suspend = context?.agent?.suspend
      const pending = async (question: EdictumPending) => {
        // Outside of an agent there is no run that could be suspended.
        if (!suspend) return this.untilDecided(question, context?.abortSignal)
        this.#options.onQuestion?.(questionOf(question))
        throw new Suspended(
          await suspend(questionOf(question)).then(
            (answer) => () => answer,
            (thrown: unknown) => () => {
              throw thrown
            },
          ),
        )
      }
      return this.call({
        toolName,
        input,
        toolUseId: context?.agent?.toolCallId,
        signal: context?.abortSignal,
        execute: (judged) => execute.call(tool, judged, context),
        isControlFlow: (thrown) => thrown instanceof Suspended,
        pending: this.#options.durable ? pending : undefined,
      }).catch((error: unknown) => {
        if (error instanceof Suspended) return error.leave()
        throw error
      })
    }
    // The framework spreads tools, and asks for their class: the copy has both.
    const copy = Object.create(Object.getPrototypeOf(tool) as object, Object.getOwnPropertyDescriptors(tool)) as object
    return Object.assign(copy, { execute: this.mark(governed) })
  }
}

/** @throws EdictumConfigError when another version of `@mastra/core` is installed */
export function govern(guard: Guard, options: DurableOptions = {}): MastraAdapter {
  return new MastraAdapter(guard, options)
}
