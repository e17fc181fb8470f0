import { configError } from '../errors.ts'
import type { SideEffect, ToolArguments } from '../types.ts'

/** What is known of a tool: what a call to it may do, whether a second call does more, and what its arguments are. */
export interface ToolClass {
  readonly sideEffect: SideEffect
  readonly idempotent: boolean
  /** Null where nothing is said: then names and values of the arguments tell. */
  readonly arguments?: ToolArguments | null
}

/** A tool's record as people write it, in YAML (`side_effect`) or in code (`sideEffect`). */
export interface ToolSettings {
  readonly side_effect?: string
  readonly sideEffect?: string
  readonly idempotent?: boolean
  readonly arguments?: ToolArguments | null
}

const UNKNOWN: ToolClass = Object.freeze({ sideEffect: 'irreversible', idempotent: false })
const SIDE_EFFECTS: ReadonlySet<string> = new Set(['pure', 'read', 'write', 'irreversible'])

const RUNS_COMMAND: ToolArguments = Object.freeze({
  commandLine: Object.freeze({ command: 'command', arguments: 'args' }),
})

/**
 * Tools of the product's own runtime, under both of their names. Whoever judges a call to them without the runtime (the
 * command line, the console, a dry run) must judge it as the runtime does.
 */
const OWN_TOOLS: ReadonlyMap<string, ToolArguments> = new Map([
  ['cmd.run', RUNS_COMMAND],
  ['run_command', RUNS_COMMAND],
])

/** What the arguments of a tool are, without a registry. */
export function ownToolArguments(name: string): ToolArguments | null {
  return OWN_TOOLS.get(name) ?? null
}

/** Records of tools by exact name. A later registration replaces an earlier one whole. */
export class ToolRegistry {
  readonly #tools = new Map<string, ToolClass>()

  constructor(tools: Iterable<readonly [string, ToolSettings]> = []) {
    for (const [name, settings] of tools) this.configure(name, settings)
  }

  /** Throws `EdictumConfigError` for an unknown side effect. */
  register(
    name: string,
    sideEffect: SideEffect = 'write',
    idempotent = false,
    described: ToolArguments | null = null,
  ): this {
    if (!SIDE_EFFECTS.has(sideEffect)) {
      throw configError(
        'tool_side_effect',
        `Tool '${name}': unknown side_effect '${String(sideEffect)}'; use pure, read, write or irreversible`,
      )
    }
    this.#tools.set(name, Object.freeze({ sideEffect, idempotent, ...(described && { arguments: described }) }))
    return this
  }

  /** As `register`, from a settings object; without a side effect the tool counts as irreversible. */
  configure(name: string, settings: ToolSettings): this {
    const sideEffect = settings.side_effect ?? settings.sideEffect ?? 'irreversible'
    return this.register(name, sideEffect as SideEffect, settings.idempotent ?? false, settings.arguments ?? null)
  }

  /** The tool's class; an unregistered tool is irreversible and not idempotent. */
  classify(name: string): ToolClass {
    return this.#tools.get(name) ?? UNKNOWN
  }

  /** What the tool's arguments are. Null where nothing is said. */
  argumentsOf(name: string): ToolArguments | null {
    return this.#tools.get(name)?.arguments ?? ownToolArguments(name)
  }

  entries(): IterableIterator<[string, ToolClass]> {
    return this.#tools.entries()
  }

  /** A registry of its own with the same tools. */
  clone(): ToolRegistry {
    return new ToolRegistry(this.#tools)
  }
}
