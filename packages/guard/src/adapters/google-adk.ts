/** `@lictor/guard/google-adk`: the tools of Google's Agent Development Kit under contract. */
import type { Guard } from '../guard.ts'
import { Adapter, type AdapterOptions } from './adapter.ts'
import { type Framework, requireFramework } from './framework-version.ts'

export type { AdapterOptions } from './adapter.ts'

export const FRAMEWORK: Framework = { name: '@google/adk', range: '^2' }

interface BaseTool {
  readonly name: string
  readonly runAsync: (request: ToolRequest) => Promise<unknown>
}

interface ToolRequest {
  readonly args: Record<string, unknown>
  readonly toolContext?: { readonly functionCallId?: string; readonly abortSignal?: AbortSignal }
}

/** Takes the tools of one conversation under contract. */
export class GoogleAdkAdapter extends Adapter {
  constructor(guard: Guard, options: AdapterOptions = {}) {
    super(guard, 'google-adk', options)
    requireFramework(FRAMEWORK)
  }

  /**
   * The same tools, each with its `runAsync` behind the guard: `new LlmAgent({ tools: govern(guard).tools([ … ]) })`. Innermost,
   * so that plugins and callbacks see what the contracts let through. A refused call answers `{ error }`. Tools that Google
   * runs (search, code execution) are listed by `guard.ungoverned()`.
   */
  tools<Tools extends readonly object[]>(tools: Tools): Tools {
    this.requireDistinct(tools.map((tool) => (tool as BaseTool).name))
    return tools.map((tool) => this.#tool(tool as BaseTool)) as unknown as Tools
  }

  #tool(tool: BaseTool): BaseTool {
    const { name, runAsync } = tool
    if (typeof runAsync !== 'function') {
      this.registerWithoutFunction(name ?? 'toolset', 'runAsync')
      return tool
    }
    if (BUILT_IN.has(name)) {
      this.registerElsewhere(name, 'the provider runs it')
      return tool
    }
    this.register(name, runAsync)
    const governed: BaseTool['runAsync'] = (request) =>
      this.call({
        toolName: name,
        input: request.args,
        toolUseId: request.toolContext?.functionCallId,
        signal: request.toolContext?.abortSignal,
        refused: (error) => ({ error }),
        execute: (judged) => runAsync.call(tool, { ...request, args: judged as Record<string, unknown> }),
      })
    // The tool stays what it is, of its class, for everybody else who holds it.
    return Object.create(tool, { runAsync: { value: this.mark(governed) } }) as BaseTool
  }
}

/** What the kit offers of Google's own: the model service runs it. */
const BUILT_IN: ReadonlySet<string> = new Set(['google_search', 'url_context', 'code_execution', 'vertex_ai_search'])

/** @throws EdictumConfigError when another version of `@google/adk` is installed */
export function govern(guard: Guard, options: AdapterOptions = {}): GoogleAdkAdapter {
  return new GoogleAdkAdapter(guard, options)
}
