/** `@lictor/guard/fetch-tools`: a registry of plain functions under contract, for an agent loop of one's own. */
import { configError } from '../errors.ts'
import type { Guard } from '../guard.ts'
import { errorText } from '../logger.ts'
import { Adapter, type AdapterOptions } from './adapter.ts'
import { type ToolFunction, unknownTool } from './tool-functions.ts'

export type { AdapterOptions } from './adapter.ts'
export type { ToolFunction } from './tool-functions.ts'

/** A tool as its model is shown it. */
export interface RegistryTool {
  readonly name: string
  readonly description: string
  /** JSON Schema of the arguments. */
  readonly parameters?: Readonly<Record<string, unknown>>
}

export interface ExecuteOptions {
  readonly toolUseId?: string
  readonly signal?: AbortSignal
}

/** The tools of one conversation: registered once, executed under contract. */
export class GovernedToolRegistry extends Adapter {
  readonly #tools: Map<string, { readonly tool: RegistryTool; readonly execute: ToolFunction }>
  readonly #settings: AdapterOptions

  constructor(guard: Guard, options: AdapterOptions = {}, from?: GovernedToolRegistry) {
    super(guard, 'fetch-tools', options)
    this.#settings = options
    this.#tools = from === undefined ? new Map() : from.#tools
  }

  /** @throws EdictumConfigError for a name that is taken */
  add(tool: RegistryTool, execute: ToolFunction): this {
    if (this.#tools.has(tool.name)) throw configError(`A tool named '${tool.name}' is registered already.`)
    this.register(tool.name, execute)
    this.#tools.set(tool.name, { tool, execute })
    return this
  }

  /** Every tool, in the order in which they came. */
  get tools(): readonly RegistryTool[] {
    return [...this.#tools.values()].map(({ tool }) => tool)
  }

  /**
   * Runs a tool by its name. @returns what it returned as the contracts let it through, or a text that says why there is
   * nothing else: `DENIED: …` for a refused call, `Error: …` for a tool that failed or is not there.
   * @throws only the reason of a signal that takes the call back
   */
  async execute(
    name: string,
    args: Readonly<Record<string, unknown>> = {},
    options: ExecuteOptions = {},
  ): Promise<unknown> {
    const found = this.#tools.get(name)
    if (found === undefined) return unknownTool(name)
    const { signal, toolUseId } = options
    const context = signal ? { signal } : {}
    try {
      return await this.call({
        toolName: name,
        input: args,
        toolUseId,
        signal,
        refused: (text) => text,
        execute: (judged) => found.execute(judged as never, context),
      })
    } catch (error) {
      if (this.isTakenBack(signal)) throw error
      return `Error: ${errorText(error)}`
    }
  }

  /** The same tools for an agent that this one starts: a session of its own, the same principal. */
  forSubagent(sessionId?: string): GovernedToolRegistry {
    const { sessionId: _, ...settings } = this.#settings
    const principal = this.principal
    const options = {
      ...settings,
      ...(sessionId ? { sessionId } : {}),
      ...(principal === undefined ? {} : { principal }),
    }
    return new GovernedToolRegistry(this.guard, options, this)
  }
}

/** An empty registry: `govern(guard).add({ name, description }, fn)`. */
export function govern(guard: Guard, options: AdapterOptions = {}): GovernedToolRegistry {
  return new GovernedToolRegistry(guard, options)
}
