/** How a value that is no text, number, boolean or null takes part in judging. */
export type ValueKind = 'array' | 'record' | 'date' | 'map' | 'set' | 'bytes' | 'url' | 'foreign'

const ObjectPrototype = Object.prototype

/**
 * What kind of value an object is. `foreign` is whatever could tell a tool something else than it tells a contract: class
 * instances, functions, streams, anything with a method that runs when it is read.
 */
export function kindOfObject(value: object): ValueKind {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === ObjectPrototype || prototype === null) return 'record'
  if (Array.isArray(value)) return 'array'
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return 'bytes'
  if (value instanceof Date) return 'date'
  if (value instanceof Map) return 'map'
  if (value instanceof Set) return 'set'
  if (value instanceof URL) return 'url'
  return isForeignRealmRecord(prototype as object) ? 'record' : 'foreign'
}

/** Plain objects of another realm (a `vm` context, a frame) have an `Object.prototype` of their own. */
function isForeignRealmRecord(prototype: object): boolean {
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf')
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** Bytes as UTF-8 text; what is no UTF-8 becomes replacement characters. */
export function textOfBytes(value: ArrayBufferView | ArrayBuffer): string {
  return decoder.decode(value instanceof ArrayBuffer ? value : bytesOf(value))
}

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
}

/** What to call a value in a message; never the value itself, which may be a secret. */
export function nameOfKind(value: unknown): string {
  if (typeof value === 'function') return 'a function'
  if (typeof value !== 'object' || value === null) return `a ${typeof value}`
  const name: unknown = Object.getPrototypeOf(value)?.constructor?.name
  return typeof name === 'string' && /^\w{1,60}$/.test(name) ? `an instance of ${name}` : 'an object of another kind'
}
