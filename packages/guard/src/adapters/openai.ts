/** `@lictor/guard/openai`: the calls of a function-calling loop under contract, for every API that speaks as OpenAI's do. */
import type { Guard } from '../guard.ts'
import { errorText } from '../logger.ts'
import { Adapter, type AdapterOptions } from './adapter.ts'
import { type Framework, requireFramework } from './framework-version.ts'
import {
  INVALID_ARGUMENTS,
  parsedArguments,
  type ToolFunction,
  type ToolFunctions,
  unknownTool,
} from './tool-functions.ts'

export type { AdapterOptions } from './adapter.ts'
export type { ToolFunction, ToolFunctions } from './tool-functions.ts'

export const FRAMEWORK: Framework = { name: 'openai', range: '^7' }

/** A call in an answer of `chat.completions`. */
export interface ChatToolCall {
  readonly id: string
  readonly type: string
  readonly function?: { readonly name: string; readonly arguments: string }
}

/** A call in an answer of `responses`. */
export interface ResponseToolCall {
  readonly type: 'function_call'
  readonly call_id: string
  readonly name: string
  readonly arguments: string
}

export interface ChatToolAnswer {
  readonly role: 'tool'
  readonly tool_call_id: string
  readonly content: string
}

export interface ResponseToolAnswer {
  readonly type: 'function_call_output'
  readonly call_id: string
  readonly output: string
}

/** Makes the calls of one conversation, under contract. */
export class OpenAiAdapter extends Adapter {
  readonly #functions: ReadonlyMap<string, ToolFunction>

  constructor(guard: Guard, functions: ToolFunctions, options: AdapterOptions = {}) {
    super(guard, 'openai', options)
    requireFramework(FRAMEWORK)
    this.#functions = new Map(Object.entries(functions))
    for (const [name, execute] of this.#functions) this.register(name, execute)
  }

  /**
   * Makes all calls of one answer at the same time. @returns the messages that answer them, in their order, refusals and
   * failures among them: a call never goes unanswered. @throws only the reason of a signal that takes the calls back
   */
  chat(calls: readonly ChatToolCall[] | undefined, options: CallOptions = {}): Promise<ChatToolAnswer[]> {
    const answer = async (call: ChatToolCall): Promise<ChatToolAnswer> => {
      const { name = call.type, arguments: input = '' } = call.function ?? {}
      const content = await this.#answer(name, input, call.id, options)
      return { role: 'tool', tool_call_id: call.id, content }
    }
    return Promise.all((calls ?? []).map(answer))
  }

  /** The same for the output items of the Responses API; items that are no function calls are left out. */
  responses(
    items: readonly (ResponseToolCall | { readonly type: string })[],
    options: CallOptions = {},
  ): Promise<ResponseToolAnswer[]> {
    const calls = items.filter((item): item is ResponseToolCall => item.type === 'function_call')
    return Promise.all(
      calls.map(async ({ call_id, name, arguments: input }): Promise<ResponseToolAnswer> => {
        const output = await this.#answer(name, input, call_id, options)
        return { type: 'function_call_output', call_id, output }
      }),
    )
  }

  async #answer(toolName: string, text: string, toolUseId: string, { signal }: CallOptions): Promise<string> {
    const execute = this.#functions.get(toolName)
    if (execute === undefined) return unknownTool(toolName)
    const input = parsedArguments(text)
    if (input === undefined) return INVALID_ARGUMENTS
    const context = signal ? { signal } : {}
    try {
      const output = await this.call({
        toolName,
        input,
        toolUseId,
        signal,
        refused: (said) => said,
        execute: (judged) => execute(judged as never, context),
      })
      return typeof output === 'string' ? output : (JSON.stringify(output) ?? '')
    } catch (error) {
      if (this.isTakenBack(signal)) throw error
      return `Error: ${errorText(error)}`
    }
  }
}

export interface CallOptions {
  /** Takes the calls back. */
  readonly signal?: AbortSignal
}

/**
 * @param functions what each tool does, by its name
 * @throws EdictumConfigError when another version of `openai` is installed
 */
export function govern(guard: Guard, functions: ToolFunctions, options: AdapterOptions = {}): OpenAiAdapter {
  return new OpenAiAdapter(guard, functions, options)
}
