/** `@lictor/guard/mastra`: the tools of Mastra under contract. */
import type { Guard } from '../guard.ts'
import { Adapter, type AdapterOptions } from './adapter.ts'
import { type Framework, requireFramework } from './framework-version.ts'

export type { AdapterOptions } from './adapter.ts'

export const FRAMEWORK: Framework = { name: '@mastra/core', range: '^1.71' }

type Execute = (input: unknown, context?: ToolContext) => unknown

interface ToolContext {
  readonly agent?: { readonly toolCallId?: string }
  readonly abortSignal?: AbortSignal
}

/** Takes the tools of one conversation under contract. */
export class MastraAdapter extends Adapter {
  constructor(guard: Guard, options: AdapterOptions = {}) {
    super(guard, 'mastra', options)
    requireFramework(FRAMEWORK)
  }

  /**
   * The same tools, each with its `execute` behind the guard: `new Agent({ tools: govern(guard).tools({ … }) })`. Contracts see
   * the names of the record, as the model does. A refused call is an error of the tool, which the model is told.
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
    const governed: Execute = (input, context) =>
      this.call({
        toolName,
        input,
        toolUseId: context?.agent?.toolCallId,
        signal: context?.abortSignal,
        execute: (judged) => execute.call(tool, judged, context),
      })
    // The framework spreads tools, and asks for their class: the copy has both.
    const copy = Object.create(Object.getPrototypeOf(tool) as object, Object.getOwnPropertyDescriptors(tool)) as object
    return Object.assign(copy, { execute: this.mark(governed) })
  }
}

/** @throws EdictumConfigError when another version of `@mastra/core` is installed */
export function govern(guard: Guard, options: AdapterOptions = {}): MastraAdapter {
  return new MastraAdapter(guard, options)
}
