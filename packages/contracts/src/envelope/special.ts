/** Copies of dates, maps, sets, bytes and addresses: the objects beside plain ones whose whole content can be seen. */

const TypedArrayPrototype = Object.getPrototypeOf(Uint8Array.prototype) as Uint8Array

/** Own memory, same kind: a `Buffer` stays one. Bytes cannot be frozen in JavaScript. */
export function copyBytes(value: ArrayBufferView | ArrayBuffer): ArrayBufferView | ArrayBuffer {
  if (value instanceof ArrayBuffer) return value.slice(0)
  if (value instanceof DataView) {
    return new DataView(value.buffer.slice(value.byteOffset, value.byteOffset + value.byteLength))
  }
  return TypedArrayPrototype.slice.call(value as Uint8Array)
}

/** A date that cannot be set: what was judged must be what the tool reads. */
export function copyDate(value: Date): Date {
  return refusing(new Date(Date.prototype.getTime.call(value)), DATE_SETTERS)
}

export function sealMap(map: Map<unknown, unknown>): Map<unknown, unknown> {
  return refusing(map, ['set', 'delete', 'clear'])
}

export function sealSet(set: Set<unknown>): Set<unknown> {
  return refusing(set, ['add', 'delete', 'clear'])
}

/** The address as it reads now, whatever the class of the original does. */
export function copyUrl(value: URL): URL {
  const { href } = Object.getOwnPropertyDescriptors(URL.prototype)
  const text = (href.get as () => string).call(value)
  const copy = new URL(text)
  for (const name of URL_PARTS) {
    Object.defineProperty(copy, name, { value: copy[name], enumerable: false })
  }
  const { searchParams } = copy
  refusing(searchParams, ['append', 'delete', 'set', 'sort'])
  Object.defineProperty(copy, 'searchParams', { value: searchParams, enumerable: false })
  return Object.freeze(copy)
}

const URL_PARTS = [
  'href',
  'protocol',
  'username',
  'password',
  'host',
  'hostname',
  'port',
  'pathname',
  'search',
  'hash',
] as const

const DATE_SETTERS = Object.getOwnPropertyNames(Date.prototype).filter((name) => name.startsWith('set'))

function refusing<Value extends object>(value: Value, methods: readonly string[]): Value {
  for (const name of methods) Object.defineProperty(value, name, { value: refuse, enumerable: false })
  return Object.freeze(value)
}

function refuse(): never {
  throw new TypeError('The arguments of a call that was judged cannot be changed; copy what you want to change')
}
