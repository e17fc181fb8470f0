/** `@lictor/guard/strands`: the tools of the Strands Agents SDK under contract. */
import type { GovernedCall } from '../governed-call.ts'
import type { Guard } from '../guard.ts'
import type { ToolOutcome } from '../outcome.ts'
import { Adapter, type AdapterOptions } from './adapter.ts'
import { type Framework, requireFramework } from './framework-version.ts'

export type { AdapterOptions } from './adapter.ts'

export const FRAMEWORK: Framework = { name: '@strands-agents/sdk', range: '^1.19' }

interface StrandsTool {
  readonly name: string
  readonly stream: (context: ToolContext) => AsyncGenerator<unknown, ResultBlock, undefined>
}

interface ToolContext {
  readonly toolUse: { readonly name: string; readonly toolUseId: string; readonly input: unknown }
  readonly cancelSignal?: AbortSignal
}

interface ResultBlock {
  readonly status: 'success' | 'error'
  readonly content: readonly ContentBlock[]
  readonly error?: Error
}

interface ContentBlock {
  readonly type: string
  readonly text?: string
  readonly json?: unknown
}

/** Takes the tools of one conversation under contract. */
export class StrandsAdapter extends Adapter {
  constructor(guard: Guard, options: AdapterOptions = {}) {
    super(guard, 'strands', options)
    requireFramework(FRAMEWORK)
  }

  /**
   * The same tools, with what they do behind the guard: `new Agent({ tools: govern(guard).tools([ … ]) })`. A refused call is an
   * error result that tells the model why. Interrupts pass through. What a tool tells on its way is shown where no contract
   * judges what it returns.
   */
  tools<Tools extends readonly object[]>(tools: Tools): Tools {
    this.requireDistinct(tools.map((tool) => (tool as StrandsTool).name))
    return tools.map((tool) => this.#tool(tool as StrandsTool)) as unknown as Tools
  }

  #tool(tool: StrandsTool): StrandsTool {
    const { name, stream } = tool
    if (typeof stream !== 'function') {
      this.registerWithoutFunction(name, 'stream')
      return tool
    }
    this.register(name, stream)
    const governed = (context: ToolContext) => this.#stream(name, context, (judged) => stream.call(tool, judged))
    const invoke = () => {
      throw new TypeError(`The governed tool '${name}' is called by its agent; call the tool it was made from by hand.`)
    }
    // The tool stays what it is, of its class, for everybody else who holds it.
    const properties = {
      stream: { value: this.mark(governed) },
      ...('invoke' in tool ? { invoke: { value: invoke } } : {}),
    }
    return Object.create(tool, properties) as StrandsTool
  }

  async *#stream(
    toolName: string,
    context: ToolContext,
    stream: (context: ToolContext) => AsyncGenerator<unknown, ResultBlock, undefined>,
  ): AsyncGenerator<unknown, ResultBlock, undefined> {
    const { toolUse } = context
    const { input, toolUseId } = toolUse
    const call = this.withSignal({ toolName, input, toolUseId, signal: context.cancelSignal })
    let begun: GovernedCall
    try {
      begun = await this.authorized(call)
    } catch (error) {
      return this.refuse(call, error) as never
    }
    let outcome: ToolOutcome | null = null
    let block: ResultBlock | null = null
    let hasPaused = false
    const pieces = stream({ ...rest(context), toolUse: { ...toolUse, input: begun.envelope.args } })
    try {
      for (;;) {
        const { done, value } = await pieces.next()
        if (!done) {
          if (!begun.judgesOutput) yield value
          continue
        }
        block = value
        outcome =
          value.status === 'error' ? { threw: value.error ?? new Error(textOf(value)) } : { returned: plain(value) }
        break
      }
    } catch (thrown) {
      if (isControlFlow(thrown)) {
        hasPaused = true
        await begun.cancel('The framework stopped the call, to go on later.')
        throw thrown
      }
      outcome = { threw: thrown }
    } finally {
      if (outcome === null && !hasPaused) {
        // Whoever read it went away.
        await pieces.return?.(undefined as never)
        await this.abandoned(begun)
      }
    }
    const result = await this.completed(begun, outcome)
    return withResult(block as ResultBlock, result)
  }
}

/** The context has methods; what is copied keeps them. */
const rest = (context: ToolContext): ToolContext =>
  Object.create(Object.getPrototypeOf(context) as object, Object.getOwnPropertyDescriptors(context)) as ToolContext

const textOf = ({ content }: ResultBlock): string => content.map(({ text = '' }) => text).join('')

const partOf = ({ text, json }: ContentBlock): unknown => text ?? json ?? null

/** What a result says, without the classes it is made of: one text or one object by itself. */
const plain = ({ content }: ResultBlock): unknown => {
  const [first] = content
  return first !== undefined && content.length === 1 ? partOf(first) : content.map(partOf)
}

/** The result with what the contracts left of it, in blocks of the same classes. */
function withResult(block: ResultBlock, result: unknown): ResultBlock {
  const parts = block.content.length === 1 ? [result] : result
  const replaced = (at: ContentBlock, part: unknown): ContentBlock => {
    if (part === partOf(at)) return at
    if (at.text !== undefined) return clone(at, { text: typeof part === 'string' ? part : JSON.stringify(part) })
    return clone(at, { json: typeof part === 'object' && part !== null ? part : { result: part } })
  }
  const content =
    Array.isArray(parts) && parts.length === block.content.length
      ? block.content.map((at, index) => replaced(at, parts[index]))
      : block.content.slice(0, 1).map((at) => replaced(at, result))
  return clone(block, { content })
}

const clone = <Value extends object>(value: Value, fields: object): Value =>
  Object.assign(Object.create(Object.getPrototypeOf(value) as object), value, fields) as Value

/** What Strands throws to ask the user something, and to go on later. */
const isControlFlow = (thrown: unknown): boolean =>
  thrown instanceof Error && Array.isArray((thrown as { readonly interrupts?: unknown }).interrupts)

/** @throws EdictumConfigError when another version of `@strands-agents/sdk` is installed */
export function govern(guard: Guard, options: AdapterOptions = {}): StrandsAdapter {
  return new StrandsAdapter(guard, options)
}
