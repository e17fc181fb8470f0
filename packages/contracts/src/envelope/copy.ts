/** Deeper than any tool's arguments; keeps copying and freezing clear of the end of the stack. */
const MAX_DEPTH = 1000

/**
 * Deep, frozen copy of metadata and claims, in which applications put what they like. It never throws: a part that cannot be read (a getter that throws, a
 * revoked proxy) or lies deeper than 1,000 levels becomes a property that throws when read, so that a condition that looks
 * at it fails closed. Cycles are kept. Own enumerable string keys only; prototypes are not copied. Arguments are held to more:
 * `copyArguments`.
 */
export function frozenCopy(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  return copyObject(value, new Seen(), 0)
}

/** As `frozenCopy`, for a value that must be a mapping; anything else becomes `{}`. Throws when the root is unreadable. */
export function frozenRecord(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return EMPTY_RECORD
  const copy = copyObject(value, new Seen(), 0)
  return typeof copy === 'object' && copy !== null ? (copy as Record<string, unknown>) : EMPTY_RECORD
}

export const EMPTY_RECORD: Readonly<Record<string, unknown>> = Object.freeze({})

/** What was copied already, so that a cycle ends in the copy. Most arguments are flat: the map is made when it is needed. */
class Seen {
  #source: object | null = null
  #copy: unknown = undefined
  #others: Map<object, unknown> | null = null

  get(source: object): unknown {
    return source === this.#source ? this.#copy : this.#others?.get(source)
  }

  set(source: object, copy: unknown): void {
    if (this.#source === null) {
      this.#source = source
      this.#copy = copy
    } else {
      this.#others ??= new Map()
      this.#others.set(source, copy)
    }
  }
}

function copyObject(source: object, seen: Seen, depth: number): unknown {
  const known = seen.get(source)
  if (known !== undefined) return known
  if (depth > MAX_DEPTH) throw new RangeError('nested too deeply')
  if (Array.isArray(source)) return copyArray(source, seen, depth)
  if (isSpecial(source)) {
    const clone = structuredClone(source)
    seen.set(source, clone)
    return clone
  }
  const copy: Record<string, unknown> = {}
  seen.set(source, copy)
  for (const key of Object.keys(source)) assign(copy, key, source as Record<string, unknown>, seen, depth)
  return Object.freeze(copy)
}

function copyArray(source: readonly unknown[], seen: Seen, depth: number): unknown {
  const copy: unknown[] = []
  seen.set(source, copy)
  const length = source.length
  for (let i = 0; i < length; i++) {
    assign(copy as unknown as Record<string, unknown>, i as unknown as string, source as never, seen, depth)
  }
  return Object.freeze(copy)
}

function assign(
  target: Record<string, unknown>,
  key: string,
  source: Readonly<Record<string, unknown>>,
  seen: Seen,
  depth: number,
): void {
  let value: unknown
  try {
    value = source[key]
    if (typeof value === 'object' && value !== null) value = copyObject(value, seen, depth + 1)
  } catch (error) {
    const reason = error instanceof RangeError ? 'nested too deeply' : 'could not be read'
    Object.defineProperty(target, key, {
      enumerable: true,
      get() {
        throw new TypeError(`The value '${key}' ${reason}`)
      },
    })
    return
  }
  // An own `__proto__` key (JSON.parse makes them) must stay a key and not become the prototype.
  if (key === '__proto__') Object.defineProperty(target, key, { value, enumerable: true })
  else target[key] = value
}

function isSpecial(value: object): boolean {
  return (
    value instanceof Date ||
    value instanceof RegExp ||
    value instanceof Map ||
    value instanceof Set ||
    value instanceof ArrayBuffer ||
    ArrayBuffer.isView(value)
  )
}
