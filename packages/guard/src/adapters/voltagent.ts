/** `@lictor/guard/voltagent`: the tools of VoltAgent under contract. */
import { EdictumToolError } from '../errors.ts'
import type { Guard } from '../guard.ts'
import { Adapter, type AdapterOptions } from './adapter.ts'
import { type Framework, requireFramework } from './framework-version.ts'

export type { AdapterOptions } from './adapter.ts'

export const FRAMEWORK: Framework = { name: '@voltagent/core', range: '^2.10' }

interface VoltTool {
  readonly name: string
  readonly execute?: (input: unknown, options?: CallOptions) => unknown
}

interface CallOptions {
  readonly toolContext?: { readonly callId?: string; readonly abortSignal?: AbortSignal }
  readonly abortController?: AbortController
}

/** Takes the tools of one conversation under contract. */
export class VoltAgentAdapter extends Adapter {
  constructor(guard: Guard, options: AdapterOptions = {}) {
    super(guard, 'voltagent', options)
    requireFramework(FRAMEWORK)
  }

  /**
   * The same tools, each with its `execute` behind the guard: `new Agent({ tools: govern(guard).tools([ … ]) })`. A refused call
   * answers the model with the reason: an error would reach it with its stack and the paths of your files.
   */
  tools<Tools extends readonly object[]>(tools: Tools): Tools {
    this.requireDistinct(tools.map((tool) => (tool as VoltTool).name))
    return tools.map((tool) => this.#tool(tool as VoltTool)) as unknown as Tools
  }

  #tool(tool: VoltTool): VoltTool {
    const { name, execute } = tool
    if (typeof execute !== 'function') {
      this.registerWithoutFunction(name, 'execute')
      return tool
    }
    this.register(name, execute)
    const governed = async (input: unknown, options?: CallOptions) => {
      try {
        return await this.call({
          toolName: name,
          input,
          toolUseId: options?.toolContext?.callId,
          signal: options?.toolContext?.abortSignal ?? options?.abortController?.signal,
          refused: (text) => text,
          execute: (judged) => execute.call(tool, judged, options),
        })
      } catch (error) {
        // The framework tells the model of a cause too, with its stack.
        if (error instanceof Error && error.cause instanceof EdictumToolError) delete error.cause
        throw error
      }
    }
    const copy = Object.create(Object.getPrototypeOf(tool) as object, Object.getOwnPropertyDescriptors(tool)) as object
    return Object.assign(copy, { execute: this.mark(governed) }) as VoltTool
  }
}

/** @throws EdictumConfigError when another version of `@voltagent/core` is installed */
export function govern(guard: Guard, options: AdapterOptions = {}): VoltAgentAdapter {
  return new VoltAgentAdapter(guard, options)
}
