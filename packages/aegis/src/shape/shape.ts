/** Reading untrusted values into typed ones: every problem is collected with the path where it was found. */

/** Where a value stands inside its document: object keys and array indexes from the root. */
export type Path = readonly (string | number)[]

/** One problem of a document. `path` is written the way a person would, e.g. `spec.tools[0]`; empty for the root. */
export interface Issue {
  readonly path: string
  readonly message: string
  readonly severity: 'error' | 'warning'
  /** 1-based line of the value in the text it was read from, when there was a text. */
  readonly line?: number
  /** 1-based column. */
  readonly column?: number
}

/** What a shape needs of the document around the value it reads. */
export interface Reading {
  report(path: Path, message: string, severity?: Issue['severity']): void
  /** The characters a scalar was written with, so that `3.10` stays `3.10`; `undefined` when there was no text. */
  written(path: Path): string | undefined
}

/** Reads `value`, reports what is wrong with it, and returns the typed value, or `undefined` when it has none. */
export type Shape<T> = (value: unknown, path: Path, reading: Reading) => T | undefined

/** What a shape is made of, for who lists the fields of a document. */
type Structure = { readonly [name: string]: Shape<unknown> }
const structures = new WeakMap<Shape<never>, Structure>()

/** `shape`, made of what `of` says: names of fields, `[]` for the entries of a list, `[type]` for one form of an object. */
function made<T>(of: Structure, shape: Shape<T>): Shape<T> {
  structures.set(shape as Shape<never>, of)
  return shape
}

/** A shape that reads otherwise what has the fields of `other`. */
export const like = <T>(other: Shape<unknown>, shape: Shape<T>): Shape<T> => oneOf([other], shape)

/** A shape that reads what has the fields of any of `others`. */
export const oneOf = <T>(others: readonly Shape<unknown>[], shape: Shape<T>): Shape<T> =>
  made(Object.assign({}, ...others.map((other) => structures.get(other as Shape<never>))) as Structure, shape)

/** The fields of a shape, outer ones before those in them: `runtime`, `runtime.image`, `volumes`, `volumes[].name`, `context[url].url`. */
export function fieldsOf(shape: Shape<unknown>): string[] {
  return Object.entries(structures.get(shape as Shape<never>) ?? {}).flatMap(([name, part]) => [
    ...(name.startsWith('[') ? [] : [name]),
    ...fieldsOf(part).map((inner) => (inner.startsWith('[') || name === '' ? `${name}${inner}` : `${name}.${inner}`)),
  ])
}

const plainKey = /^[A-Za-z_$][\w$-]*$/

/** `['spec', 'tools', 0]` as `spec.tools[0]`. */
export function formatPath(path: Path): string {
  let text = ''
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`
    else if (plainKey.test(step)) text += text === '' ? step : `.${step}`
    else text += `[${JSON.stringify(step)}]`
  }
  return text
}

/** The kind of a value in a sentence: `a number`, `a list`, `nothing`. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'an object'
  return `a ${typeof value}`
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function complain(expected: string, value: unknown, path: Path, reading: Reading): undefined {
  reading.report(path, `${formatPath(path) || 'the document'} must be ${expected}, not ${kindOf(value)}`)
  return undefined
}

/** A string, exactly. */
export const string: Shape<string> = (value, path, reading) =>
  typeof value === 'string' ? value : complain('a string', value, path, reading)

/** A string; a number or boolean is taken as the text it was written with (YAML `1.0` becomes `"1.0"`). */
export const text: Shape<string> = (value, path, reading) => {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return reading.written(path) ?? String(value)
  return complain('a string', value, path, reading)
}

export const boolean: Shape<boolean> = (value, path, reading) =>
  typeof value === 'boolean' ? value : complain('true or false', value, path, reading)

/** A finite number within the bounds, both inclusive. */
export function number(bounds: { readonly min?: number; readonly max?: number } = {}): Shape<number> {
  return (value, path, reading) => {
    if (typeof value !== 'number' || !Number.isFinite(value)) return complain('a number', value, path, reading)
    return withinBounds(value, bounds, path, reading)
  }
}

/** A whole number within the bounds, both inclusive. */
export function integer(bounds: { readonly min?: number; readonly max?: number } = {}): Shape<number> {
  return (value, path, reading) => {
    if (typeof value !== 'number') return complain('a whole number', value, path, reading)
    if (!Number.isSafeInteger(value)) {
      reading.report(path, `${formatPath(path)} must be a whole number, not ${value}`)
      return undefined
    }
    return withinBounds(value, bounds, path, reading)
  }
}

function withinBounds(
  value: number,
  { min, max }: { readonly min?: number; readonly max?: number },
  path: Path,
  reading: Reading,
): number | undefined {
  if ((min === undefined || value >= min) && (max === undefined || value <= max)) return value
  const range =
    min !== undefined && max !== undefined
      ? `between ${min} and ${max}`
      : min !== undefined
        ? `${min} or more`
        : `${max} or less`
  reading.report(path, `${formatPath(path)} must be ${range}, not ${value}`)
  return undefined
}

/** One of the listed words; `synonyms` maps other accepted spellings to them. */
export function word<const W extends string>(
  words: readonly W[],
  synonyms: Readonly<Record<string, W>> = {},
): Shape<W> {
  return (value, path, reading) => {
    if (typeof value !== 'string') return complain(`one of ${words.join(', ')}`, value, path, reading)
    const known = words.find((candidate) => candidate === value) ?? (Object.hasOwn(synonyms, value) && synonyms[value])
    if (known) return known
    reading.report(path, `${formatPath(path)} must be one of ${words.join(', ')}, not '${value}'`)
    return undefined
  }
}

/** A list; items the shape refuses are reported and left out. */
export function list<T>(item: Shape<T>): Shape<T[]> {
  return made({ '[]': item }, (value, path, reading) => {
    if (!Array.isArray(value)) return complain('a list', value, path, reading)
    const items: T[] = []
    value.forEach((entry, index) => {
      const read = item(entry, [...path, index], reading)
      if (read !== undefined) items.push(read)
    })
    return items
  })
}

/** An object used as a map from any key to values of one shape. */
export function mapOf<T>(item: Shape<T>): Shape<Record<string, T>> {
  return (value, path, reading) => {
    if (!isRecord(value)) return complain('an object', value, path, reading)
    const entries: [string, T][] = []
    for (const [key, entry] of Object.entries(value)) {
      const read = item(entry, [...path, key], reading)
      if (read !== undefined) entries.push([key, read])
    }
    return Object.fromEntries(entries)
  }
}

/** Any object, kept as it is. */
export const anyObject: Shape<Record<string, unknown>> = (value, path, reading) =>
  isRecord(value) ? value : complain('an object', value, path, reading)

/** Any value, kept as it is. */
export const anything: Shape<unknown> = (value) => value

/** One shape for each known field of `T`. */
export type Fields<T> = { readonly [K in keyof T]-?: Shape<Exclude<T[K], undefined>> }

/**
 * An object with known fields. `null` counts as absent. Unknown keys are kept and reported as warnings, so that a
 * document written for a newer version survives a round trip and a typing mistake is still seen; `refuse` makes them errors.
 */
export function record<T extends object>(
  fields: Fields<T>,
  options: {
    readonly required?: readonly (keyof T & string)[]
    readonly unknownKeys?: 'warn' | 'keep' | 'refuse'
  } = {},
): Shape<T> {
  const names = Object.keys(fields)
  const required = new Set<string>(options.required ?? [])
  return made(fields as Structure, (value, path, reading) => {
    if (!isRecord(value)) return complain('an object', value, path, reading)
    const entries: [string, unknown][] = []
    for (const name of names) {
      const given = Object.hasOwn(value, name) ? value[name] : undefined
      const at = [...path, name]
      if (given === undefined || given === null) {
        if (required.has(name)) reading.report(at, `${formatPath(at)} is required`)
        continue
      }
      const read = fields[name as keyof T](given, at, reading)
      if (read !== undefined) entries.push([name, read])
    }
    for (const [name, given] of Object.entries(value)) {
      if (Object.hasOwn(fields, name)) continue
      const isRefused = options.unknownKeys === 'refuse'
      if (!isRefused) entries.push([name, given])
      if (options.unknownKeys === 'keep') continue
      const near = closest(name, names)
      const hint = near === undefined ? '' : `; did you mean '${near}'?`
      const severity = isRefused ? 'error' : 'warning'
      reading.report([...path, name], `unknown key ${formatPath([...path, name])}${hint}`, severity)
    }
    return Object.fromEntries(entries) as T
  })
}

/** An object told apart by its `type` field. */
export function tagged<T extends { readonly type: string }>(
  shapes: {
    readonly [K in T['type']]: Shape<Extract<T, { readonly type: K }>>
  },
): Shape<T> {
  const tags = Object.keys(shapes) as T['type'][]
  const tag = word(tags)
  const forms = Object.fromEntries(tags.map((type) => [`[${type}]`, shapes[type] as Shape<unknown>]))
  return made(forms, (value, path, reading) => {
    if (!isRecord(value)) return complain('an object', value, path, reading)
    if (value.type === undefined || value.type === null) {
      reading.report([...path, 'type'], `${formatPath([...path, 'type'])} is required: one of ${tags.join(', ')}`)
      return undefined
    }
    const type = tag(value.type, [...path, 'type'], reading)
    return type === undefined ? undefined : shapes[type](value, path, reading)
  })
}

/** The known name at most two edits away from `name`, the nearest first. */
function closest(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined
  let bestDistance = 3
  for (const candidate of known) {
    const distance = editDistance(name, candidate)
    if (distance < bestDistance && distance < candidate.length) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

function editDistance(left: string, right: string): number {
  if (Math.abs(left.length - right.length) > 2) return 3
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (let row = 1; row <= left.length; row++) {
    const current = [row]
    for (let column = 1; column <= right.length; column++) {
      const replaced = (previous[column - 1] ?? 0) + (left[row - 1] === right[column - 1] ? 0 : 1)
      current.push(Math.min(replaced, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1))
    }
    previous = current
  }
  return previous[right.length] ?? 3
}
