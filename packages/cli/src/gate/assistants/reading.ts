import { isAbsolute, resolve } from 'node:path'
import { type Arguments, type ToolCall, UnreadableCall } from './assistant.ts'

/** How a tool of an assistant becomes one of the contract language. */
export interface Mapping {
  readonly tool: string
  /** Arguments by other names: theirs, ours. Theirs stays beside ours, for contracts that name that. */
  readonly rename?: Readonly<Record<string, string>>
  /** The argument that names the folder which the call works in. */
  readonly folder?: string
  /** A tool that takes many at once: the arguments of each. */
  readonly each?: (args: Arguments) => readonly Arguments[]
}

export type Mappings = Readonly<Record<string, Mapping>>

/** Arguments that are paths, by the tools that have them. What a path starts from is known here, and no more behind. */
const PATHS: Readonly<Record<string, readonly string[]>> = {
  Read: ['file_path'],
  Write: ['file_path'],
  Edit: ['file_path'],
  NotebookEdit: ['notebook_path'],
  Glob: ['path'],
  Grep: ['path'],
}

/** The calls that one call of an assistant's tool is, and the folder they work in. */
export function mapped(
  mappings: Mappings,
  tool: string,
  args: Arguments,
  folder: string | null,
): { readonly calls: readonly ToolCall[]; readonly folder: string | null } {
  const mapping = Object.hasOwn(mappings, tool) ? mappings[tool] : undefined
  const named = mapping?.tool ?? tool
  const own = mapping?.folder === undefined ? undefined : args[mapping.folder]
  const place = typeof own === 'string' && own !== '' ? within(folder, own) : folder
  const parts = mapping?.each?.(args) ?? [args]
  const calls = parts.map((part) => ({ tool: named, args: absolute(named, part, mapping?.rename ?? {}, place) }))
  return { calls, folder: place }
}

/** `process.cwd()` is where a hook is run; assistants that name no folder run it in the one they work in. */
export const within = (folder: string | null, path: string): string =>
  isAbsolute(path) ? path : resolve(folder ?? process.cwd(), path)

/** Ours beside theirs, and both as absolute paths where they are paths. */
function absolute(
  tool: string,
  args: Arguments,
  rename: Readonly<Record<string, string>>,
  folder: string | null,
): Arguments {
  const paths = Object.hasOwn(PATHS, tool) ? PATHS[tool] : undefined
  const result: Record<string, unknown> = { ...args }
  for (const [theirs, ours] of Object.entries(rename)) {
    if (!Object.hasOwn(args, theirs)) continue
    // Two different values under both names: nobody knows which one the program takes.
    if (Object.hasOwn(args, ours) && args[ours] !== args[theirs])
      throw new UnreadableCall(`The call has both '${theirs}' and '${ours}', and they differ`)
    const value = args[theirs]
    if (paths?.includes(ours)) result[theirs] = result[ours] = placed(value, folder)
    else result[ours] = value
  }
  for (const key of paths ?? []) if (Object.hasOwn(result, key)) result[key] = placed(result[key], folder)
  return result
}

const placed = (path: unknown, folder: string | null): unknown =>
  typeof path === 'string' && path !== '' ? within(folder, path) : path

/** A text of the question, null where it is missing. */
export function text(question: Arguments, key: string): string | null {
  const value = question[key]
  return typeof value === 'string' && value !== '' ? value : null
}

/** The name of the tool. @throws UnreadableCall */
export function toolName(question: Arguments, key: string): string {
  const name = question[key]
  if (typeof name !== 'string' || name === '') throw new UnreadableCall(`'${key}' names no tool`)
  if (/[\u0000-\u001f\u007f]/.test(name)) throw new UnreadableCall(`'${key}' contains control characters`)
  return name
}

/** The arguments of the tool; none where the key is missing. @throws UnreadableCall for anything but an object */
export function toolArguments(question: Arguments, key: string): Arguments {
  if (!Object.hasOwn(question, key)) return {}
  return objectOf(question[key], `'${key}'`)
}

export function objectOf(value: unknown, name: string): Arguments {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new UnreadableCall(`${name} is no object`)
  return value as Arguments
}

/** The gate is asked before a tool runs. Another event was put into the settings by mistake, and holds nothing. */
export function expectEvent(question: Arguments, key: string, event: string): void {
  const named = question[key]
  if (named !== undefined && named !== event)
    throw new UnreadableCall(`The gate is for the event ${event}, and was called for ${JSON.stringify(named)}`)
}

/** `{path}` for each member of a list, or the arguments as they are where there is none. */
export function eachOf(key: string, part: (one: unknown) => Arguments): (args: Arguments) => readonly Arguments[] {
  return (args) => {
    const many = args[key]
    const { [key]: _, ...rest } = args
    if (!Array.isArray(many)) return many === undefined ? [args] : [{ ...rest, ...part(many) }]
    return many.length === 0 ? [args] : many.map((one) => ({ ...rest, ...part(one) }))
  }
}

/** The addresses in a text. */
export const addressesIn = (value: unknown): readonly string[] =>
  typeof value === 'string' ? (value.match(/\bhttps?:\/\/[^\s"'`<>)\]}]+/gi) ?? []) : []
