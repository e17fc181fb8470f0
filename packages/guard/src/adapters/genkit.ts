/** `@lictor/guard/genkit`: the tool calls of Genkit under contract. */
import type { Guard } from '../guard.ts'
import { errorText } from '../logger.ts'
import { Adapter, type AdapterOptions } from './adapter.ts'
import { type Framework, requireFramework } from './framework-version.ts'

export type { AdapterOptions } from './adapter.ts'

export const FRAMEWORK: Framework = { name: 'genkit', range: '^1.42' }

interface RequestPart {
  readonly toolRequest: { readonly name: string; readonly ref?: string | undefined; readonly input?: unknown }
}

interface ResponsePart {
  readonly toolResponse: {
    readonly name: string
    readonly ref?: string | undefined
    readonly output?: unknown
    readonly content?: unknown
  }
}

/** What a middleware of `generate` does. */
export interface GovernedMiddleware {
  readonly tool: <Request extends RequestPart, Context, Answer>(
    request: Request,
    context: Context,
    next: (request: Request, context: Context) => Promise<Answer>,
  ) => Promise<Answer>
}

/** Takes the tool calls of one conversation under contract. */
export class GenkitAdapter extends Adapter {
  constructor(guard: Guard, options: AdapterOptions = {}) {
    super(guard, 'genkit', options)
    requireFramework(FRAMEWORK)
  }

  /**
   * What a middleware does with each tool call, for `use`, first in the list:
   * `generateMiddleware({ name: 'lictor' }, () => govern(guard, { signal }).middleware())()`. A refused call answers with the
   * reason, a failing one with its message: what is thrown there would end the generation. Genkit hands tools no signal: give
   * the adapter one.
   */
  middleware(): GovernedMiddleware {
    return {
      tool: (request, context, next) =>
        this.#answer(request, (judged) => next(judged as typeof request, context)) as Promise<never>,
    }
  }

  async #answer(request: RequestPart, next: (request: RequestPart) => unknown): Promise<ResponsePart> {
    const { name, ref, input } = request.toolRequest
    this.guard.register({ toolName: name, adapter: 'genkit', elsewhere: null })
    const answered = (output: unknown): ResponsePart => ({
      toolResponse: { name, ...(ref === undefined ? {} : { ref }), output },
    })
    let whole: ResponsePart | undefined
    try {
      const output = await this.call({
        toolName: name,
        input,
        toolUseId: ref,
        isControlFlow,
        refused: (text) => text,
        execute: async (judged) => {
          whole = (await next({ ...request, toolRequest: { ...request.toolRequest, input: judged } })) as
            | ResponsePart
            | undefined
          // A tool of several parts answers by `content`: it is judged together with the output.
          return whole?.toolResponse.content === undefined ? whole?.toolResponse.output : { ...whole.toolResponse }
        },
      })
      if (whole?.toolResponse.content === undefined) return { ...whole, ...answered(output) }
      return typeof output === 'object' && output !== null && 'content' in output
        ? ({ ...whole, toolResponse: output } as ResponsePart)
        : answered(output)
    } catch (error) {
      if (isControlFlow(error) || this.isTakenBack()) throw error
      return answered(`Error: ${errorText(error)}`)
    }
  }
}

/** What Genkit throws to ask the user something, and to go on later. */
const isControlFlow = (thrown: unknown): boolean => thrown instanceof Error && thrown.name === 'ToolInterruptError'

/** @throws EdictumConfigError when another version of `genkit` is installed */
export function govern(guard: Guard, options: AdapterOptions = {}): GenkitAdapter {
  return new GenkitAdapter(guard, options)
}
