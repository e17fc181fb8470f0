/** `@lictor/guard/claude-agent`: every tool call of the Claude Agent SDK under contract, built-in tools included. */
import { isDeepStrictEqual } from 'node:util'
import { EdictumToolError } from '../errors.ts'
import type { GovernedCall } from '../governed-call.ts'
import type { Guard } from '../guard.ts'
import { errorText } from '../logger.ts'
import { Adapter, type AdapterOptions } from './adapter.ts'
import { type Framework, requireFramework } from './framework-version.ts'

export const FRAMEWORK: Framework = { name: '@anthropic-ai/claude-agent-sdk', range: '0.3.x' }

export interface ClaudeAgentOptions extends AdapterOptions {
  /** Seconds that a hook may take, and so a person to decide; default a day. What takes longer is not allowed. */
  readonly timeout?: number
  /** Contracts see `read_file` instead of `mcp__files__read_file`; default false. */
  readonly stripMcpPrefix?: boolean
}

interface HookInput {
  readonly hook_event_name: string
  readonly tool_name?: string
  readonly tool_input?: unknown
  readonly tool_use_id?: string
  readonly tool_response?: unknown
  readonly error?: string
}

interface HookOutput {
  readonly hookSpecificOutput?: Readonly<Record<string, unknown>>
}

/** What the SDK takes as a hook; of its events the adapter looks at those of tools. */
export type ClaudeHook = (
  input: { readonly hook_event_name: string },
  toolUseId: string | undefined,
  options: { readonly signal: AbortSignal },
) => Promise<never>

export interface ClaudeMatcher {
  hooks: ClaudeHook[]
  timeout: number
  onFailure: 'block'
}

export interface ClaudeHooks {
  PreToolUse: ClaudeMatcher[]
  PostToolUse: ClaudeMatcher[]
  PostToolUseFailure: ClaudeMatcher[]
  PermissionDenied: ClaudeMatcher[]
}

interface Pending {
  readonly call: GovernedCall
  readonly input: unknown
}

/** A run that was broken off leaves its calls behind; beyond these the oldest is taken back. */
const MAX_PENDING = 10_000
const A_DAY = 86_400

/** Takes the tool calls of one conversation under contract. */
export class ClaudeAgentAdapter extends Adapter {
  readonly #pending = new Map<string, Pending>()
  readonly #timeout: number
  readonly #stripsPrefix: boolean

  constructor(guard: Guard, options: ClaudeAgentOptions = {}) {
    super(guard, 'claude-agent', options)
    requireFramework(FRAMEWORK)
    this.#timeout = options.timeout ?? A_DAY
    this.#stripsPrefix = options.stripMcpPrefix ?? false
  }

  /**
   * For `query({ options: { hooks: govern(guard).hooks() } })`. A refused call is denied with the reason; an allowed one is left
   * to your own permission rules. What a contract redacts is replaced in the form of the tool's answer.
   */
  hooks(): ClaudeHooks {
    const matcher = (hook: (input: HookInput, signal: AbortSignal) => Promise<HookOutput>): ClaudeMatcher[] => {
      const called = (input: HookInput, _id: unknown, { signal }: { readonly signal: AbortSignal }) =>
        hook(input, signal)
      return [{ hooks: [called as unknown as ClaudeHook], timeout: this.#timeout, onFailure: 'block' }]
    }
    return {
      PreToolUse: matcher((input, signal) => this.#before(input, signal)),
      PostToolUse: matcher((input) => this.#after(input)),
      PostToolUseFailure: matcher((input) => this.#failed(input)),
      PermissionDenied: matcher((input) => this.#denied(input)),
    }
  }

  /** Takes back every call whose end the SDK will not tell, because the run is over. */
  async dispose(): Promise<void> {
    const left = [...this.#pending.values()]
    this.#pending.clear()
    for (const { call } of left) await call.cancel('The run ended before the tool did.')
  }

  /** Never throws: the SDK lets a call run whose hook failed, where it is too old to know `onFailure`. */
  async #before(
    { tool_name = '', tool_input, tool_use_id = '' }: HookInput,
    hookSignal: AbortSignal,
  ): Promise<HookOutput> {
    const toolName = this.#nameOf(tool_name)
    const { signal } = this.withSignal({ signal: hookSignal })
    try {
      if (typeof tool_input !== 'object' || tool_input === null || Array.isArray(tool_input)) {
        return denial('DENIED: The arguments are no object, so the call did not run.')
      }
      const known = this.#pending.get(tool_use_id)
      if (known !== undefined) {
        // Permissions are looked at again for a call that is judged already; the same id for another call is none.
        return isDeepStrictEqual(known.input, tool_input)
          ? {}
          : denial('DENIED: Another call with this id is under way, so this one did not run.')
      }
      this.guard.register({ toolName, adapter: 'claude-agent', elsewhere: null })
      const call = await this.authorized({ toolName, input: tool_input, toolUseId: tool_use_id, signal })
      await this.#keep(tool_use_id, { call, input: structuredClone(tool_input) })
      return {}
    } catch (error) {
      if (this.isTakenBack(hookSignal)) return denial('DENIED: The call was taken back.')
      return denial(this.denialText(toolName, error))
    }
  }

  async #after({ tool_use_id = '', tool_input, tool_response }: HookInput): Promise<HookOutput> {
    const found = this.#take(tool_use_id)
    if (found === undefined) return {}
    const { call, input } = found
    if (!isDeepStrictEqual(input, tool_input)) {
      this.guard.logger.error(
        `${call.envelope.toolName} ran with other arguments than were judged: another hook changed them.`,
      )
    }
    try {
      const result = await this.completed(call, { returned: tool_response })
      return result === tool_response ? {} : replacement(tool_response, result)
    } catch (error) {
      // The SDK shows the original where this hook throws.
      return replacement(tool_response, errorText(error))
    }
  }

  async #failed({ tool_use_id = '', error = '' }: HookInput): Promise<HookOutput> {
    const found = this.#take(tool_use_id)
    if (found === undefined) return {}
    try {
      await this.completed(found.call, { threw: new Error(error) })
    } catch (failure) {
      const isOfTool = failure instanceof Error && failure.cause instanceof EdictumToolError
      if (!isOfTool) this.guard.logger.error(errorText(failure))
    }
    return {}
  }

  async #denied({ tool_use_id = '' }: HookInput): Promise<HookOutput> {
    await this.#take(tool_use_id)?.call.cancel('A permission rule denied the call.')
    return {}
  }

  #nameOf(name: string): string {
    return this.#stripsPrefix ? name.replace(/^mcp__.+?__/, '') : name
  }

  async #keep(id: string, pending: Pending): Promise<void> {
    if (this.#pending.size >= MAX_PENDING) {
      const [oldest] = this.#pending.keys()
      if (oldest !== undefined) await this.#take(oldest)?.call.cancel('The end of the call was never told.')
    }
    this.#pending.set(id, pending)
  }

  #take(id: string): Pending | undefined {
    const found = this.#pending.get(id)
    this.#pending.delete(id)
    return found
  }
}

const denial = (permissionDecisionReason: string): HookOutput => ({
  hookSpecificOutput: { hookEventName: 'PreToolUse', permissionDecision: 'deny', permissionDecisionReason },
})

const replacement = (response: unknown, result: unknown): HookOutput => {
  const updatedToolOutput = typeof result === 'string' ? inForm(response, result) : result
  return { hookSpecificOutput: { hookEventName: 'PostToolUse', updatedToolOutput } }
}

/** The SDK shows the original where a replacement has another form: the text takes the place of the first one, the others go. */
function inForm(response: unknown, text: string): unknown {
  let left: string | null = text
  const within = (value: unknown, key: string): unknown => {
    if (typeof value === 'string') {
      // Names of kinds tell the form itself.
      if (key === 'type' || key === 'mimeType') return value
      const replaced = left ?? ''
      left = null
      return replaced
    }
    if (Array.isArray(value)) return value.map((item) => within(item, key))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, within(item, name)]))
  }
  const made = within(response, '')
  return left === null ? made : text
}

/** @throws EdictumConfigError when another version of `@anthropic-ai/claude-agent-sdk` is installed */
export function govern(guard: Guard, options: ClaudeAgentOptions = {}): ClaudeAgentAdapter {
  return new ClaudeAgentAdapter(guard, options)
}
