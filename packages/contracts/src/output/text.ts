import { isProxy } from '../envelope/proxy.ts'
import { kindOfObject, nameOfKind, textOfBytes } from '../envelope/values.ts'
import { responseText } from '../expressions/response.ts'

/** A response that holds what nobody can look at: a function, a stream, an object that may say something else each time. */
export class Unjudgeable extends TypeError {
  override readonly name = 'Unjudgeable'
}

const MAX_DEPTH = 500

/**
 * What a tool returned, as the text that post contracts judge: all that the caller can get from it. Bytes are UTF-8 text,
 * maps are objects, sets are lists; objects of classes without methods and errors are read by their own properties. Null
 * for no response.
 *
 * @throws {Unjudgeable} for a response whose whole content cannot be seen
 */
export function judgedText(response: unknown): string | null {
  if (typeof response === 'string') return response
  if (response === null || response === undefined) return null
  if (typeof response !== 'object') return scalarText(response)
  const plain = plainOutput(response, 0, new Set())
  return typeof plain === 'string' ? plain : responseText(plain)
}

function scalarText(value: unknown): string {
  if (typeof value === 'function' || typeof value === 'symbol') throw unjudgeable(value)
  return String(value)
}

function unjudgeable(value: unknown): Unjudgeable {
  return new Unjudgeable(`the output holds ${nameOfKind(value)}, which cannot be judged; return plain data`)
}

/** The response as plain data: the same object where it is plain already. Cycles become a bracketed word. */
export function plainOutput(value: unknown, depth: number, open: Set<object>): unknown {
  if (typeof value === 'function' || typeof value === 'symbol') throw unjudgeable(value)
  if (typeof value !== 'object' || value === null) return value
  if (open.has(value)) return '[circular]'
  if (depth > MAX_DEPTH) throw new Unjudgeable(`the output is nested deeper than ${MAX_DEPTH} levels`)
  if (isProxy(value)) throw unjudgeable(value)
  open.add(value)
  try {
    return plainObject(value, depth + 1, open)
  } finally {
    open.delete(value)
  }
}

function plainObject(value: object, depth: number, open: Set<object>): unknown {
  switch (kindOfObject(value)) {
    case 'array':
      return plainList(value as readonly unknown[], depth, open)
    case 'record':
      return plainRecord(value, Reflect.ownKeys(value), depth, open)
    case 'map':
      return Object.fromEntries(
        [...(value as Map<unknown, unknown>)].map(([key, member]) => [
          typeof key === 'object' ? (judgedText(key) ?? '') : scalarText(key),
          plainOutput(member, depth, open),
        ]),
      )
    case 'set':
      return plainList([...(value as Set<unknown>)], depth, open)
    case 'bytes':
      return textOfBytes(value as ArrayBufferView | ArrayBuffer)
    case 'date':
      return value
    case 'url':
      return (value as URL).href
    case 'foreign':
      if (!isDataOnly(value)) throw unjudgeable(value)
      return plainRecord(value, Reflect.ownKeys(value), depth, open)
  }
}

function plainList(value: readonly unknown[], depth: number, open: Set<object>): readonly unknown[] {
  const items = value.map((item) => plainOutput(item, depth, open))
  const keys = Reflect.ownKeys(value)
  // Beside its items and `length` a list may carry more, as what a pattern matched carries the whole text.
  if (keys.length > value.length + 1) {
    const beside = keys.filter((key) => typeof key === 'symbol' || (key !== 'length' && !/^\d+$/.test(key)))
    if (beside.length > 0) return [...items, plainRecord(value, beside, depth, open)]
  }
  return items.some((item, i) => item !== value[i]) ? items : value
}

/** Every own property, also those that JSON leaves out: whoever gets the object can read them. */
function plainRecord(value: object, names: readonly PropertyKey[], depth: number, open: Set<object>): unknown {
  let isSame = kindOfObject(value) === 'record'
  const entries = names.map((name) => {
    const property = Object.getOwnPropertyDescriptor(value, name)
    if (property !== undefined && !('value' in property))
      throw new Unjudgeable(`the output's '${String(name)}' is a getter`)
    const member = plainOutput(property?.value, depth, open)
    if (member !== property?.value || typeof name === 'symbol' || !property?.enumerable) isSame = false
    return [String(name), member] as const
  })
  return isSame ? value : Object.fromEntries(entries)
}

/**
 * Whether all that an object of a class can tell is in its own properties: its class has no methods and nothing else to
 * inherit but its name. Errors count as such.
 */
function isDataOnly(value: object): boolean {
  for (let at: object | null = Object.getPrototypeOf(value); at !== null && at !== Object.prototype; ) {
    if (at === Error.prototype) return true
    for (const name of Reflect.ownKeys(at)) {
      const property = Object.getOwnPropertyDescriptor(at, name)
      const isPlain = name === 'constructor' || (name === 'name' && typeof property?.value === 'string')
      if (!isPlain) return false
    }
    at = Object.getPrototypeOf(at)
  }
  return !(Symbol.iterator in value || Symbol.asyncIterator in value)
}
