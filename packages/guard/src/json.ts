/**
 * JSON text of anything. What JSON cannot hold becomes text instead of an error: an audit event must not be lost, nor a
 * batch of them, because a tool was called with a bigint or an object that contains itself.
 */
export function toJsonText(value: unknown): string {
  try {
    return JSON.stringify(value)
  } catch {
    const ancestors: unknown[] = []
    return JSON.stringify(value, function (this: unknown, _key, item: unknown) {
      if (typeof item === 'bigint') return String(item)
      if (typeof item !== 'object' || item === null) return item
      while (ancestors.length > 0 && ancestors.at(-1) !== this) ancestors.pop()
      if (ancestors.includes(item)) return '[circular]'
      ancestors.push(item)
      return item
    })
  }
}
