/** `@lictor/guard/anthropic`: the tools of the Anthropic SDK's tool runner under contract. */
import { EdictumToolError } from '../errors.ts'
import type { Guard } from '../guard.ts'
import { Adapter, type AdapterOptions } from './adapter.ts'
import { type Framework, requireFramework } from './framework-version.ts'

export type { AdapterOptions } from './adapter.ts'

export const FRAMEWORK: Framework = { name: '@anthropic-ai/sdk', range: '^1.14' }

interface RunnableTool {
  readonly name: string
  readonly run: (input: unknown, context?: RunContext) => unknown
}

interface RunContext {
  readonly toolUse?: { readonly id?: string }
  readonly signal?: AbortSignal | null
}

/** Tools whose calls Anthropic makes itself. */
const SERVER_TOOL = /^(?:web_search|web_fetch|code_execution|tool_search|mcp_toolset)/

/** Takes the tools of one conversation under contract. */
export class AnthropicAdapter extends Adapter {
  constructor(guard: Guard, options: AdapterOptions = {}) {
    super(guard, 'anthropic', options)
    requireFramework(FRAMEWORK)
  }

  /**
   * The same tools, each with its `run` behind the guard: `client.beta.messages.toolRunner({ tools: govern(guard).tools([ … ]) })`.
   * A refused call is an error result that tells the model why. Tools that Anthropic runs are listed by `guard.ungoverned()`.
   */
  tools<Tools extends readonly object[]>(tools: Tools): Tools {
    this.requireDistinct(tools.map(nameOf))
    return tools.map((tool) => this.#tool(tool)) as unknown as Tools
  }

  #tool(tool: object): object {
    const name = nameOf(tool)
    if (!isRunnable(tool)) {
      if (SERVER_TOOL.test((tool as { readonly type?: string }).type ?? '')) {
        this.registerElsewhere(name, 'the provider runs it')
      } else this.registerWithoutFunction(name, 'run')
      return tool
    }
    const { run } = tool
    this.register(name, run)
    const governed: RunnableTool['run'] = async (input, context) => {
      try {
        return await this.call({
          toolName: name,
          input,
          toolUseId: context?.toolUse?.id,
          signal: context?.signal,
          execute: (judged) => run.call(tool, judged, context),
        })
      } catch (error) {
        throw withContent(error)
      }
    }
    return { ...tool, run: this.mark(governed) }
  }
}

/** The SDK's `ToolError` tells the model its `content`; what a contract took out of its message must not come back by it. */
function withContent(error: unknown): unknown {
  if (error instanceof Error && error.cause instanceof EdictumToolError && !('content' in error)) {
    Object.defineProperty(error, 'content', { value: error.message })
  }
  return error
}

const isRunnable = (tool: object): tool is RunnableTool => typeof (tool as Partial<RunnableTool>).run === 'function'

const nameOf = (tool: object): string => {
  const { name, mcp_server_name, type } = tool as Readonly<Record<string, unknown>>
  return String(name ?? mcp_server_name ?? type)
}

/** @throws EdictumConfigError when another version of `@anthropic-ai/sdk` is installed */
export function govern(guard: Guard, options: AdapterOptions = {}): AnthropicAdapter {
  return new AnthropicAdapter(guard, options)
}
