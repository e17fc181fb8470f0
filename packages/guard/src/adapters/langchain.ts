/** `@lictor/guard/langchain`: the tools of LangChain and LangGraph under contract. */
import type { Guard } from '../guard.ts'
import { Adapter, type AdapterOptions, type PendingQuestion, questionOf } from './adapter.ts'
import { type Framework, requireFramework } from './framework-version.ts'

export type { AdapterOptions, PendingQuestion } from './adapter.ts'

export const FRAMEWORK: Framework = { name: '@langchain/core', range: '^1.3.4' }

interface CallConfig {
  readonly toolCall?: { readonly id?: string }
  readonly signal?: AbortSignal
}

/** What the adapter needs of a tool; `tool()` of `langchain` makes such, and every `StructuredTool` is one. */
interface StructuredTool {
  readonly name: string
  readonly responseFormat?: string
  readonly _call: (input: unknown, runManager?: unknown, config?: CallConfig) => unknown
}

/** A `ToolMessage` or another output that LangChain hands on as it is. */
interface DirectOutput {
  readonly lc_direct_tool_output: true
  readonly content?: unknown
}

export interface LangChainOptions extends AdapterOptions {
  /**
   * `interrupt` of `@langchain/langgraph`: a call about which a person is asked stops the graph, which needs a checkpointer, and
   * may end its process; gone on with by `new Command({ resume: … })`, it goes by what was decided. Give the conversation's own
   * `sessionId`. Left out, calls wait inside of their tools.
   */
  readonly interrupt?: (question: PendingQuestion) => unknown
}

/** Takes the tools of one conversation under contract. */
export class LangChainAdapter extends Adapter {
  readonly #interrupt: LangChainOptions['interrupt']

  constructor(guard: Guard, options: LangChainOptions = {}) {
    super(guard, 'langchain', options)
    requireFramework(FRAMEWORK)
    this.#interrupt = options.interrupt
    if (options.interrupt) this.requireSession('interrupt')
  }

  /**
   * The same tools, with what they do behind the guard, for `createAgent`, `ToolNode` and calls by hand:
   * `createAgent({ tools: govern(guard).tools([ … ]) })`. A refused call answers the model with the reason. Interrupts of
   * LangGraph pass through. Tools that the provider runs are listed by `guard.ungoverned()`.
   */
  tools<Tools extends readonly object[]>(tools: Tools): Tools {
    this.requireDistinct(tools.map(nameOf))
    return tools.map((tool) => this.#tool(tool)) as unknown as Tools
  }

  #tool(tool: object): object {
    const name = nameOf(tool)
    if (!isStructuredTool(tool)) {
      if ('type' in tool && !('invoke' in tool)) this.registerElsewhere(name, 'the provider runs it')
      else this.registerWithoutFunction(name, '_call')
      return tool
    }
    const { _call: inner } = tool
    this.register(name, inner)
    const refused = (text: string) => (tool.responseFormat === 'content_and_artifact' ? [text, null] : text)
    const governed: StructuredTool['_call'] = async (input, runManager, config) => {
      let message: DirectOutput | null = null
      const output = await this.call({
        toolName: name,
        input,
        toolUseId: config?.toolCall?.id,
        signal: config?.signal,
        refused,
        keep: 'returned',
        isControlFlow,
        pending: this.#interrupt && ((pending) => this.#interrupt?.(questionOf(pending))),
        execute: async (judged) => {
          const returned = await inner.call(tool, judged, runManager, config)
          if (!isDirectOutput(returned) || !('content' in returned)) return returned
          message = returned
          return returned.content
        },
      })
      return message === null ? output : withContent(message, output)
    }
    // The tool stays what it is, of its class, for everybody else who holds it.
    return Object.create(tool, { _call: { value: this.mark(governed) } }) as object
  }
}

const nameOf = (tool: object): string => {
  const { name, type } = tool as { readonly name?: unknown; readonly type?: unknown }
  return typeof name === 'string' ? name : String(type)
}

const isStructuredTool = (tool: object): tool is StructuredTool =>
  typeof (tool as Partial<StructuredTool>)._call === 'function'

const isDirectOutput = (output: unknown): output is DirectOutput =>
  typeof output === 'object' && output !== null && (output as Partial<DirectOutput>).lc_direct_tool_output === true

function withContent(message: DirectOutput, content: unknown): unknown {
  if (message.content === content) return message
  const copy = Object.assign(Object.create(Object.getPrototypeOf(message) as object), message) as Record<
    string,
    unknown
  >
  copy.content = content
  // What else it carries was not judged, and may hold what was taken out of its content.
  delete copy.artifact
  copy.lc_kwargs = { ...(copy.lc_kwargs as object), content, artifact: undefined }
  return copy
}

/** What LangGraph throws to stop a graph and go on later: interrupts and commands to a parent. */
const isControlFlow = (thrown: unknown): boolean =>
  typeof thrown === 'object' && thrown !== null && (thrown as { is_bubble_up?: unknown }).is_bubble_up === true

/** @throws EdictumConfigError when another version of `@langchain/core` is installed */
export function govern(guard: Guard, options: LangChainOptions = {}): LangChainAdapter {
  return new LangChainAdapter(guard, options)
}
