/** Whether a text matches. Made once per pattern by `compileGlob`. */
export type Matcher = (text: string) => boolean

export type GlobShape =
  | { readonly kind: 'any' }
  | { readonly kind: 'exact'; readonly text: string }
  | { readonly kind: 'prefix'; readonly prefix: string }
  | { readonly kind: 'general' }

/** What a pattern is, so that an index can hold plain names and prefixes apart from patterns that must be tried. */
export function globShape(pattern: string): GlobShape {
  if (pattern === '*') return { kind: 'any' }
  if (!/[*?[]/.test(pattern)) return { kind: 'exact', text: pattern }
  const star = pattern.indexOf('*')
  if (star === pattern.length - 1 && !/[?[]/.test(pattern)) return { kind: 'prefix', prefix: pattern.slice(0, -1) }
  return { kind: 'general' }
}

/**
 * A matcher in the dialect of Python's `fnmatch` on POSIX: whole text, case-sensitive, `*` any run
 * (newlines and `/` too), `?` one character, `[seq]` and `[!seq]` classes, an unclosed `[` literal. Time is bounded by
 * pattern length times text length.
 */
export function compileGlob(pattern: string): Matcher {
  const shape = globShape(pattern)
  switch (shape.kind) {
    case 'any':
      return () => true
    case 'exact':
      return (text) => text === shape.text
    case 'prefix':
      return (text) => text.startsWith(shape.prefix)
    case 'general': {
      const parts = parse(Array.from(pattern))
      return (text) => matchParts(parts, Array.from(text))
    }
  }
}

/** `compileGlob(pattern)(text)`, for a single question. */
export function globMatches(pattern: string, text: string): boolean {
  return compileGlob(pattern)(text)
}

const STAR = Symbol('*')
type Part = typeof STAR | ((char: string) => boolean)

function parse(pattern: readonly string[]): Part[] {
  const parts: Part[] = []
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i] as string
    if (char === '*') {
      if (parts.at(-1) !== STAR) parts.push(STAR)
    } else if (char === '?') {
      parts.push(() => true)
    } else if (char === '[') {
      const close = closingBracket(pattern, i)
      if (close === -1) {
        parts.push((c) => c === '[')
      } else {
        parts.push(parseClass(pattern.slice(i + 1, close)))
        i = close
      }
    } else {
      parts.push((c) => c === char)
    }
  }
  return parts
}

/** A `]` directly after `[` or `[!` belongs to the class. */
function closingBracket(pattern: readonly string[], open: number): number {
  let j = open + 1
  if (pattern[j] === '!') j++
  if (pattern[j] === ']') j++
  return pattern.indexOf(']', j)
}

function parseClass(members: readonly string[]): (char: string) => boolean {
  const negated = members[0] === '!'
  const set = negated ? members.slice(1) : members
  const singles = new Set<string>()
  const ranges: (readonly [number, number])[] = []
  for (let i = 0; i < set.length; i++) {
    const low = set[i] as string
    const high = set[i + 2]
    if (set[i + 1] === '-' && high !== undefined) {
      // A reversed range is empty, as in Python.
      ranges.push([codePoint(low), codePoint(high)])
      i += 2
    } else {
      singles.add(low)
    }
  }
  return (char) => {
    const code = codePoint(char)
    return (singles.has(char) || ranges.some(([low, high]) => low <= code && code <= high)) !== negated
  }
}

function codePoint(char: string): number {
  return char.codePointAt(0) ?? 0
}

/** Greedy match with one point to return to: the last star. */
function matchParts(parts: readonly Part[], text: readonly string[]): boolean {
  let p = 0
  let t = 0
  let star = -1
  let resume = 0
  while (t < text.length) {
    const part = parts[p]
    if (part === STAR) {
      star = p++
      resume = t
    } else if (part?.(text[t] as string)) {
      p++
      t++
    } else if (star !== -1) {
      p = star + 1
      t = ++resume
    } else {
      return false
    }
  }
  while (parts[p] === STAR) p++
  return p === parts.length
}
