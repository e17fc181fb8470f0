/** `@lictor/guard/openai-agents`: the function tools of the OpenAI Agents SDK under contract. */
import type { Guard } from '../guard.ts'
import { Adapter, type DurableOptions, questionOf } from './adapter.ts'
import { type Framework, requireFramework } from './framework-version.ts'
import { INVALID_ARGUMENTS, parsedArguments } from './tool-functions.ts'

export type { AdapterOptions, DurableOptions, PendingQuestion } from './adapter.ts'

export const FRAMEWORK: Framework = { name: '@openai/agents', range: '0.20.x' }

/** What the adapter needs of a tool; `tool()` of `@openai/agents` makes such. */
export interface AgentTool {
  readonly type: string
  readonly name?: string
}

interface FunctionTool extends AgentTool {
  readonly name: string
  readonly invoke: (context: unknown, input: string, details?: CallDetails) => Promise<unknown>
  readonly needsApproval?: (context: unknown, input: unknown, callId?: string) => Promise<boolean>
}

interface CallDetails {
  readonly toolCall?: { readonly callId?: string }
  readonly signal?: AbortSignal
}

/** What the SDK answers for a tool that threw, when the tool has no error function of its own. */
const TOOL_FAILED = 'An error occurred while running the tool.'

/** Takes the tools of one conversation under contract. */
export class OpenAiAgentsAdapter extends Adapter {
  readonly #options: DurableOptions

  constructor(guard: Guard, options: DurableOptions = {}) {
    super(guard, 'openai-agents', options)
    requireFramework(FRAMEWORK)
    this.#options = options
    if (options.durable) this.requireSession('durable')
  }

  /**
   * The same tools, each function tool with its `invoke` behind the guard: `new Agent({ tools: govern(guard).tools([ … ]) })`. A
   * refused call answers the model with the reason. Hosted tools run at the provider and are listed by `guard.ungoverned()`. With
   * `durable`, a call that a person is asked about is one of the result's `interruptions`; approve it in the state and run that to
   * go on.
   * @throws EdictumConfigError for a tool of another kind that the option `ungoverned` does not name
   */
  tools<Tools extends readonly AgentTool[]>(tools: Tools): Tools {
    this.requireDistinct(tools.map(({ name, type }) => name ?? type))
    return tools.map((tool) => this.#tool(tool)) as unknown as Tools
  }

  #tool(tool: AgentTool): AgentTool {
    if (!isFunctionTool(tool)) {
      const name = tool.name ?? tool.type
      if (tool.type === 'hosted_tool') this.registerElsewhere(name, 'the provider runs it')
      else this.registerWithoutFunction(name, 'invoke')
      return tool
    }
    const { invoke, name, needsApproval } = tool
    const { durable, onQuestion } = this.#options
    this.register(name, invoke)
    const governed: FunctionTool['invoke'] = (context, input, details) => {
      const args = parsedArguments(input)
      if (args === undefined) return Promise.resolve(INVALID_ARGUMENTS)
      return this.call({
        toolName: name,
        input: args,
        toolUseId: details?.toolCall?.callId,
        signal: details?.signal,
        pending: durable ? (question) => this.untilDecided(question, details?.signal) : undefined,
        refused: (text) => text,
        execute: (judged) => invoke.call(tool, context, JSON.stringify(judged), details),
        failed: (output) => (typeof output === 'string' && output.startsWith(TOOL_FAILED) ? output : null),
      })
    }
    const asks: FunctionTool['needsApproval'] = async (context, input, callId) => {
      const question = await this.asksAhead({ toolName: name, input, toolUseId: callId })
      if (question !== null) onQuestion?.(questionOf(question))
      return question !== null || ((await needsApproval?.call(tool, context, input, callId)) ?? false)
    }
    return { ...tool, invoke: this.mark(governed), ...(durable ? { needsApproval: asks } : {}) } as FunctionTool
  }
}

function isFunctionTool(tool: AgentTool): tool is FunctionTool {
  return tool.type === 'function' && typeof (tool as Partial<FunctionTool>).invoke === 'function'
}

/** @throws EdictumConfigError when another version of `@openai/agents` is installed */
export function govern(guard: Guard, options: DurableOptions = {}): OpenAiAgentsAdapter {
  return new OpenAiAgentsAdapter(guard, options)
}
