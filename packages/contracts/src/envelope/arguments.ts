import { configError, type EdictumConfigError } from '../errors.ts'
import type { ToolArguments } from '../types.ts'
import { EMPTY_RECORD } from './copy.ts'
import { isProxy } from './proxy.ts'
import { copyBytes, copyDate, copyUrl, sealMap, sealSet } from './special.ts'
import { kindOfObject, nameOfKind } from './values.ts'

/** Deeper than any tool's arguments; keeps copying and freezing clear of the end of the stack. */
const MAX_DEPTH = 1000

export interface CopiedArguments {
  readonly args: Readonly<Record<string, unknown>>
  /** What was handed on as it is; null when nothing was. */
  readonly passedThrough: ReadonlySet<unknown> | null
}

/**
 * The frozen copy of a call's arguments: what is judged, shown to people, run and recorded.
 *
 * Text, numbers, booleans, null, big integers, plain objects, arrays, dates, maps, sets, bytes and `URL`s are copied.
 * Anything else might tell the tool something else than it tells a contract, so it passes only where the tool's record
 * declares that argument pass-through, and is then handed on as it is.
 *
 * Throws `EdictumConfigError` (code `argument_type`) that names the argument otherwise.
 */
export function copyArguments(args: unknown, tool: string, described: ToolArguments | null): CopiedArguments {
  if (args === undefined || args === null) return NO_ARGUMENTS
  const copier = new Copier(tool, described?.passThrough ?? NOTHING)
  const copy = copier.root(args)
  return copier.passedThrough === null && copy === EMPTY_RECORD
    ? NO_ARGUMENTS
    : { args: copy, passedThrough: copier.passedThrough }
}

const NO_ARGUMENTS: CopiedArguments = Object.freeze({ args: EMPTY_RECORD, passedThrough: null })
const NOTHING: readonly string[] = Object.freeze([])

/** Where a value stands; made into text only when something is wrong with it or a record asks for it. */
interface Place {
  readonly parent: Place | null
  readonly key: string | number
}

/** The getter of a property, or undefined. Asking this way makes no object for each property, as its descriptor would. */
const getterOf = (Object.prototype as unknown as { __lookupGetter__(key: string): unknown }).__lookupGetter__

function isSimple(value: unknown): boolean {
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'boolean':
    case 'undefined':
    case 'bigint':
      return true
    default:
      return value === null
  }
}

class Copier {
  readonly #tool: string
  readonly #declared: readonly string[]
  /** What was copied already, so that a cycle ends in the copy. Most arguments are flat: the map is made when it is needed. */
  #first: object | null = null
  #firstCopy: unknown = undefined
  #copies: Map<object, unknown> | null = null
  passedThrough: Set<unknown> | null = null

  constructor(tool: string, declared: readonly string[]) {
    this.#tool = tool
    this.#declared = declared
  }

  root(args: unknown): Readonly<Record<string, unknown>> {
    if (typeof args !== 'object' || args === null || isProxy(args) || kindOfObject(args) !== 'record') {
      throw configError(
        'argument_type',
        `The arguments of tool '${this.#tool}' are ${nameOfRoot(args)}; they must be a plain object`,
      )
    }
    return this.#record(args as Record<string, unknown>, null, 0)
  }

  #value(value: unknown, parent: Place | null, key: string | number, depth: number): unknown {
    if (isSimple(value)) return value
    const place = { parent, key }
    return typeof value === 'object' && value !== null ? this.#object(value, place, depth) : this.#foreign(value, place)
  }

  #object(value: object, place: Place, depth: number): unknown {
    if (this.#declared.length > 0 && this.#isDeclared(place)) return this.#pass(value)
    if (isProxy(value)) return this.#foreign(value, place)
    const known = value === this.#first ? this.#firstCopy : this.#copies?.get(value)
    if (known !== undefined) return known
    if (depth >= MAX_DEPTH) throw this.#error(place, `lies deeper than ${MAX_DEPTH} levels; hand over less nested data`)
    switch (kindOfObject(value)) {
      case 'record':
        return this.#record(value as Record<string, unknown>, place, depth)
      case 'array':
        return this.#array(value as readonly unknown[], place, depth)
      case 'map':
        return this.#map(value as Map<unknown, unknown>, place, depth)
      case 'set':
        return this.#set(value as Set<unknown>, place, depth)
      case 'date':
        return this.#remember(value, copyDate(value as Date))
      case 'bytes':
        return this.#remember(value, copyBytes(value as ArrayBufferView | ArrayBuffer))
      case 'url':
        return this.#remember(value, copyUrl(value as URL))
      case 'foreign':
        return this.#foreign(value, place)
    }
  }

  #record(source: Record<string, unknown>, place: Place | null, depth: number): Readonly<Record<string, unknown>> {
    const keys = Object.keys(source)
    this.#requirePlain(source, keys, place)
    if (keys.length === 0 && place === null) return EMPTY_RECORD
    // Spreading is many times quicker than setting one property after the other, and keeps an own `__proto__` a property.
    const copy: Record<string, unknown> = { ...source }
    this.#remember(source, copy)
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as string
      const value = copy[key]
      if (isSimple(value)) continue
      const copied = this.#value(value, place, key, depth + 1)
      if (copied !== value) copy[key] = copied
    }
    return Object.freeze(copy)
  }

  #requirePlain(source: object, keys: readonly string[], place: Place | null): void {
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as string
      if (getterOf.call(source, key) === undefined) continue
      const named = { parent: place, key }
      throw this.#error(named, `is a getter; ${this.#advice(named, 'hand over its value')}`)
    }
    for (const symbol of Object.getOwnPropertySymbols(source)) {
      if (!Object.prototype.propertyIsEnumerable.call(source, symbol)) continue
      throw this.#error({ parent: place, key: String(symbol) }, 'has a symbol for a name')
    }
  }

  #array(source: readonly unknown[], place: Place, depth: number): unknown {
    const { length } = source
    const copy: unknown[] = []
    this.#remember(source, copy)
    for (let i = 0; i < length; i++) {
      const key = String(i)
      if (getterOf.call(source, key) !== undefined) this.#requirePlain(source, [key], place)
      const value = Object.hasOwn(source, key) ? source[i] : undefined
      copy.push(isSimple(value) ? value : this.#value(value, place, i, depth + 1))
    }
    return Object.freeze(copy)
  }

  #map(source: Map<unknown, unknown>, place: Place, depth: number): unknown {
    const copy = new Map<unknown, unknown>()
    this.#remember(source, copy)
    Map.prototype.forEach.call(source, (value, key) => {
      const name = typeof key === 'string' || typeof key === 'number' ? key : '(key)'
      copy.set(this.#value(key, place, '(key)', depth + 1), this.#value(value, place, name, depth + 1))
    })
    return sealMap(copy)
  }

  #set(source: Set<unknown>, place: Place, depth: number): unknown {
    const copy = new Set<unknown>()
    this.#remember(source, copy)
    let index = 0
    Set.prototype.forEach.call(source, (value) => copy.add(this.#value(value, place, index++, depth + 1)))
    return sealSet(copy)
  }

  #remember(source: object, copy: unknown): unknown {
    if (this.#first === null) {
      this.#first = source
      this.#firstCopy = copy
    } else {
      this.#copies ??= new Map()
      this.#copies.set(source, copy)
    }
    return copy
  }

  #foreign(value: unknown, place: Place): unknown {
    if (this.#declared.length > 0 && this.#isDeclared(place)) return this.#pass(value)
    const what = typeof value === 'object' && value !== null && isProxy(value) ? 'a Proxy' : nameOfKind(value)
    throw this.#error(place, `is ${what}, which no contract can judge; ${this.#advice(place, 'hand over plain data')}`)
  }

  #pass(value: unknown): unknown {
    this.passedThrough ??= new Set()
    this.passedThrough.add(value)
    return value
  }

  #isDeclared(place: Place): boolean {
    return this.#declared.includes(nameOf(place, false))
  }

  #advice(place: Place, instead: string): string {
    return `${instead}, or declare it in the tool's record: arguments: { passThrough: ['${nameOf(place, false)}'] }`
  }

  #error(place: Place, problem: string): EdictumConfigError {
    return configError('argument_type', `The argument '${nameOf(place, true)}' of tool '${this.#tool}' ${problem}`)
  }
}

/** `request.headers[2]`, or `request.headers` without positions, as records name arguments. */
function nameOf(place: Place, withPositions: boolean): string {
  const parts: string[] = []
  let shown = 0
  for (let at: Place | null = place; at !== null; at = at.parent) {
    if (typeof at.key !== 'number')
      parts.unshift(parts.length > 0 && !parts[0]?.startsWith('[') ? `${at.key}.` : at.key)
    else if (withPositions) parts.unshift(`[${at.key}]${parts.length > 0 && !parts[0]?.startsWith('[') ? '.' : ''}`)
    if (++shown > MAX_SHOWN) return `…${parts.join('')}`
  }
  return parts.join('')
}

/** Levels of a name in a message. */
const MAX_SHOWN = 20

function nameOfRoot(args: unknown): string {
  if (Array.isArray(args)) return 'a list'
  return typeof args === 'object' && args !== null && isProxy(args) ? 'a Proxy' : nameOfKind(args)
}
