import { configError } from '../errors.ts'
import type { SideEffect } from '../types.ts'

/** How a tool is classified: what a call to it may do, and whether a second call does more. */
export interface ToolClass {
  readonly sideEffect: SideEffect
  readonly idempotent: boolean
}

/** A classification as people write it, in YAML (`side_effect`) or in code (`sideEffect`). */
export interface ToolSettings {
  readonly side_effect?: string
  readonly sideEffect?: string
  readonly idempotent?: boolean
}

const UNKNOWN: ToolClass = Object.freeze({ sideEffect: 'irreversible', idempotent: false })
const SIDE_EFFECTS: ReadonlySet<string> = new Set(['pure', 'read', 'write', 'irreversible'])

/** Tool classifications by exact name (contract-language §20). A later registration replaces an earlier one whole. */
export class ToolRegistry {
  readonly #tools = new Map<string, ToolClass>()

  constructor(tools: Iterable<readonly [string, ToolSettings]> = []) {
    for (const [name, settings] of tools) this.configure(name, settings)
  }

  /** Throws `EdictumConfigError` for an unknown side effect. */
  register(name: string, sideEffect: SideEffect = 'write', idempotent = false): this {
    if (!SIDE_EFFECTS.has(sideEffect)) {
      throw configError(
        'tool_side_effect',
        `Tool '${name}': unknown side_effect '${String(sideEffect)}'; use pure, read, write or irreversible`,
      )
    }
    this.#tools.set(name, Object.freeze({ sideEffect, idempotent }))
    return this
  }

  /** As `register`, from a settings object; without a side effect the tool counts as irreversible. */
  configure(name: string, settings: ToolSettings): this {
    const sideEffect = settings.side_effect ?? settings.sideEffect ?? 'irreversible'
    return this.register(name, sideEffect as SideEffect, settings.idempotent ?? false)
  }

  /** The tool's class; an unregistered tool is irreversible and not idempotent. */
  classify(name: string): ToolClass {
    return this.#tools.get(name) ?? UNKNOWN
  }

  entries(): IterableIterator<[string, ToolClass]> {
    return this.#tools.entries()
  }

  /** A registry of its own with the same tools. */
  clone(): ToolRegistry {
    return new ToolRegistry(this.#tools)
  }
}
