/** Whether Python takes a value of an argument for false, as it does with what is empty: such a path or command is none. */
export function isFalsy(value: unknown): boolean {
  if (typeof value === 'number') return value === 0
  if (typeof value !== 'object' || value === null) return !value
  if (Array.isArray(value)) return value.length === 0
  if (value instanceof Map || value instanceof Set) return value.size === 0
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return value.byteLength === 0
  return Object.getPrototypeOf(value) === Object.prototype && Object.keys(value).length === 0
}
