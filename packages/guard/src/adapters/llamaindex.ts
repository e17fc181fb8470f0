/** `@lictor/guard/llamaindex`: the tools of LlamaIndex.TS under contract. */
import type { Guard } from '../guard.ts'
import { Adapter, type AdapterOptions } from './adapter.ts'
import { type Framework, requireFramework } from './framework-version.ts'

export type { AdapterOptions } from './adapter.ts'

export const FRAMEWORK: Framework = { name: 'llamaindex', range: '0.12.x' }

interface LlamaTool {
  readonly metadata: { readonly name: string }
  readonly call?: (input: unknown) => unknown
}

/** Takes the tools of one conversation under contract. */
export class LlamaIndexAdapter extends Adapter {
  constructor(guard: Guard, options: AdapterOptions = {}) {
    super(guard, 'llamaindex', options)
    requireFramework(FRAMEWORK)
  }

  /**
   * The same tools, each with its `call` behind the guard: `agent({ tools: govern(guard).tools([ … ]) })`. A refused call answers
   * the model with the reason. The framework hands tools no call id and no signal: give the adapter the signal.
   */
  tools<Tools extends readonly object[]>(tools: Tools): Tools {
    this.requireDistinct(tools.map((tool) => (tool as LlamaTool).metadata.name))
    return tools.map((tool) => this.#tool(tool as LlamaTool)) as unknown as Tools
  }

  #tool(tool: LlamaTool): LlamaTool {
    const { metadata, call } = tool
    if (typeof call !== 'function') {
      this.registerWithoutFunction(metadata.name, 'call')
      return tool
    }
    this.register(metadata.name, call)
    const governed = (input: unknown) =>
      this.call({
        toolName: metadata.name,
        input,
        refused: (text) => text,
        execute: (judged) => call.call(tool, judged),
      })
    // The tool stays what it is, of its class, for everybody else who holds it.
    return Object.create(tool, {
      metadata: { value: metadata, enumerable: true },
      call: { value: this.mark(governed), enumerable: true },
    }) as LlamaTool
  }
}

/** @throws EdictumConfigError when another version of `llamaindex` is installed */
export function govern(guard: Guard, options: AdapterOptions = {}): LlamaIndexAdapter {
  return new LlamaIndexAdapter(guard, options)
}
