/** `@lictor/guard/google-genai`: the functions that Gemini calls by itself, under contract. */

import { configError } from '../errors.ts'
import type { Guard } from '../guard.ts'
import { errorText } from '../logger.ts'
import { Adapter, type AdapterOptions } from './adapter.ts'
import { type Framework, requireFramework } from './framework-version.ts'
import { type ToolFunctions, unknownTool } from './tool-functions.ts'

export type { AdapterOptions } from './adapter.ts'
export type { ToolFunction, ToolFunctions } from './tool-functions.ts'

export const FRAMEWORK: Framework = { name: '@google/genai', range: '^3.3' }

interface Declaration {
  readonly name?: string
}

interface FunctionCall {
  readonly id?: string
  readonly name?: string
  readonly args?: Record<string, unknown>
}

interface ResponsePart {
  readonly functionResponse: { readonly id?: string; readonly name: string; readonly response: Record<string, unknown> }
}

/** What the SDK takes in `config.tools`. */
export interface GovernedTool<One extends Declaration> {
  readonly tool: () => Promise<{ functionDeclarations: One[] }>
  readonly callTool: (calls: FunctionCall[]) => Promise<ResponsePart[]>
}

/** Makes the calls of one conversation, under contract. */
export class GoogleGenAiAdapter extends Adapter {
  constructor(guard: Guard, options: AdapterOptions = {}) {
    super(guard, 'google-genai', options)
    requireFramework(FRAMEWORK)
  }

  /**
   * One tool for all functions: `config: { tools: [govern(guard).tool(declarations, functions)] }`. One, because the SDK hands
   * every call to each such tool. A refused call answers `{ error }`. The SDK hands its tools no signal: give the adapter one.
   * @throws EdictumConfigError for a declaration without a function
   */
  tool<One extends Declaration>(declarations: readonly One[], functions: ToolFunctions): GovernedTool<One> {
    const names = declarations.map(({ name = '' }) => name)
    this.requireDistinct(names)
    const without = Object.keys(functions).find((name) => !names.includes(name))
    if (without !== undefined)
      throw configError(`The function '${without}' has no declaration, so no model would call it.`)
    for (const name of names) {
      const execute = functions[name]
      if (execute === undefined) this.registerWithoutFunction(name, 'function')
      else this.register(name, execute)
    }
    const known = new Map(Object.entries(functions))
    const answer = async ({ id, name = '', args }: FunctionCall): Promise<ResponsePart> => {
      const execute = known.get(name)
      const response = execute ? await this.#answer(name, args, id, execute) : { error: unknownTool(name) }
      return { functionResponse: { ...(id === undefined ? {} : { id }), name, response } }
    }
    return {
      tool: async () => ({ functionDeclarations: [...declarations] }),
      callTool: (calls) => Promise.all(calls.map(answer)),
    }
  }

  async #answer(toolName: string, input: unknown, toolUseId: string | undefined, execute: ToolFunctions[string]) {
    let refusal: string | null = null
    try {
      const output = await this.call({
        toolName,
        input,
        toolUseId,
        refused: (text) => {
          refusal = text
        },
        execute: (judged) => execute(judged as never, {}),
      })
      return refusal === null ? { output } : { error: refusal }
    } catch (error) {
      if (this.isTakenBack()) throw error
      // What is thrown here ends the whole conversation.
      return { error: errorText(error) }
    }
  }
}

/** @throws EdictumConfigError when another version of `@google/genai` is installed */
export function govern(guard: Guard, options: AdapterOptions = {}): GoogleGenAiAdapter {
  return new GoogleGenAiAdapter(guard, options)
}
