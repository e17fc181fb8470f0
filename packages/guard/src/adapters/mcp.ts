/** `@lictor/guard/mcp`: calls of MCP tools under contract, at the client that makes them or at the server that serves them. */
import type { Guard } from '../guard.ts'
import { Adapter, type AdapterOptions } from './adapter.ts'
import { type Framework, requireOneOf } from './framework-version.ts'

export type { AdapterOptions } from './adapter.ts'

export const FRAMEWORKS: readonly Framework[] = [
  { name: '@modelcontextprotocol/sdk', range: '^1.32' },
  { name: '@modelcontextprotocol/client', range: '^2.4' },
  { name: '@modelcontextprotocol/server', range: '^2.4' },
]

interface CallParams {
  readonly name: string
  readonly arguments?: Readonly<Record<string, unknown>>
}

/** What both SDKs have; the first one takes a schema of the result between the two. */
interface McpClient {
  callTool(params: never, ...rest: never[]): Promise<unknown>
}

/** What a handler is told of its request: by the first SDK at the top, by the second in `mcpReq`. */
interface Extra {
  readonly signal?: AbortSignal
  readonly requestId?: string | number
  readonly mcpReq?: { readonly id?: string | number; readonly signal?: AbortSignal }
}

/** Takes the calls of one client, or the tools of one server, under contract. */
export class McpAdapter extends Adapter {
  readonly #seen = new Set<string>()

  constructor(guard: Guard, options: AdapterOptions = {}) {
    super(guard, 'mcp', options)
    requireOneOf(FRAMEWORKS)
  }

  /**
   * The same client, with every tool call behind the guard: `callTool`, and `request` of `tools/call`. A refused call is an
   * error result that says why; the server never hears of it.
   */
  client<Client extends McpClient>(client: Client): Client {
    this.requireNew('The client', client)
    const callTool = (params: CallParams, ...rest: unknown[]) =>
      this.#made(params, rest, (judged) => (client.callTool as (...all: unknown[]) => unknown)(judged, ...rest))
    const { request } = client as { readonly request?: (...all: unknown[]) => unknown }
    const asked = (message: { readonly method?: string; readonly params?: CallParams }, ...rest: unknown[]) => {
      const send = (sent: unknown) => request?.call(client, sent, ...rest)
      if (message.method !== 'tools/call' || message.params === undefined) return send(message)
      return this.#made(message.params, rest, (params) => send({ ...message, params }))
    }
    const instead = new Map<PropertyKey, unknown>([
      ['callTool', callTool],
      ['request', asked],
    ])
    const governed = new Proxy(client, {
      get: (target, key) => {
        const known = instead.get(key)
        if (known !== undefined) return known
        const value: unknown = Reflect.get(target, key, target)
        if (typeof value !== 'function') return value
        // Methods reach into private fields of the client, which a proxy has none of.
        const bound: unknown = value.bind(target)
        return bound
      },
      set: (target, key, value) => Reflect.set(target, key, value, target),
    })
    return this.mark(governed)
  }

  /**
   * The same handler behind the guard: `server.registerTool('read_file', config, govern(guard).handler('read_file', read))`.
   * A refused call is an error result that says why.
   */
  handler<Handler extends (...parameters: never[]) => unknown>(toolName: string, handler: Handler): Handler {
    this.register(toolName, handler)
    const governed = async (...parameters: unknown[]) => {
      // A tool without an input schema is called with the second parameter alone.
      const takesArguments = parameters.length > 1
      const extra = parameters.at(-1) as Extra | undefined
      const id = extra?.requestId ?? extra?.mcpReq?.id
      const result = await this.call({
        toolName,
        input: takesArguments ? parameters[0] : undefined,
        toolUseId: id === undefined ? null : String(id),
        signal: extra?.signal ?? extra?.mcpReq?.signal,
        refused: errorResult,
        execute: (judged) =>
          (handler as unknown as (...all: unknown[]) => unknown)(
            ...(takesArguments ? [judged, ...parameters.slice(1)] : parameters),
          ),
      })
      return asResult(result)
    }
    return this.mark(governed) as unknown as Handler
  }

  async #made(params: CallParams, rest: readonly unknown[], send: (params: CallParams) => unknown): Promise<unknown> {
    if (!this.#seen.has(params.name)) {
      this.#seen.add(params.name)
      this.guard.register({ toolName: params.name, adapter: 'mcp', elsewhere: null })
    }
    const options = rest.findLast((one) => typeof one === 'object' && one !== null && 'signal' in one)
    const result = await this.call({
      toolName: params.name,
      input: params.arguments,
      signal: (options as { readonly signal?: AbortSignal } | undefined)?.signal,
      refused: errorResult,
      execute: (judged) =>
        send(judged === undefined ? params : { ...params, arguments: judged as CallParams['arguments'] & {} }),
    })
    return asResult(result)
  }
}

const errorResult = (text: string) => ({ isError: true, content: [{ type: 'text', text }] })

/** What a contract replaced as a whole is a text; protocol and output schemas want a result, and take one of text as an error. */
const asResult = (result: unknown): unknown => (typeof result === 'string' ? errorResult(result) : result)

/** @throws EdictumConfigError when none of the installed MCP packages is of a proven version */
export function govern(guard: Guard, options: AdapterOptions = {}): McpAdapter {
  return new McpAdapter(guard, options)
}
