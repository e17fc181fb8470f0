/**
 * Sets of code points, and what Python's `re` calls a digit, a word character, white space and a case variant. A set is
 * explicit ranges plus named classes: the Unicode classes are never spelled out, the
 * platform's own tables answer for them.
 */

export type ClassName = 'd' | 'D' | 'w' | 'W' | 's' | 'S'

export interface CharClass {
  readonly name: ClassName
  readonly ascii: boolean
}

export interface CharSet {
  readonly negated: boolean
  /** Pairs of inclusive bounds, in no particular order: lo, hi, lo, hi, … */
  readonly ranges: readonly number[]
  readonly classes: readonly CharClass[]
}

export const MAX_CODE_POINT = 0x10_ffff

const UNICODE_SOURCE: Record<ClassName, string> = {
  d: '\\p{Nd}',
  D: '[^\\p{Nd}]',
  w: '[\\p{L}\\p{N}_]',
  W: '[^\\p{L}\\p{N}_]',
  s: '[\\t-\\r\\u{1c}-\\u{20}\\u{85}\\u{a0}\\u{1680}\\u{2000}-\\u{200a}\\u{2028}\\u{2029}\\u{202f}\\u{205f}\\u{3000}]',
  S: '[^\\t-\\r\\u{1c}-\\u{20}\\u{85}\\u{a0}\\u{1680}\\u{2000}-\\u{200a}\\u{2028}\\u{2029}\\u{202f}\\u{205f}\\u{3000}]',
}

const ASCII_SOURCE: Record<ClassName, string> = {
  d: '[0-9]',
  D: '[^0-9]',
  w: '[0-9A-Z_a-z]',
  W: '[^0-9A-Z_a-z]',
  s: '[\\t-\\r ]',
  S: '[^\\t-\\r ]',
}

/** The class as it stands in a JavaScript pattern with the `v` flag, inside or outside of brackets. */
export function classSource(of: CharClass): string {
  return of.ascii ? ASCII_SOURCE[of.name] : UNICODE_SOURCE[of.name]
}

const WORD_BEYOND_ASCII = /^[\p{L}\p{N}]$/u
const DIGIT_BEYOND_ASCII = /^\p{Nd}$/u

function isDigit(c: number, ascii: boolean): boolean {
  if (c < 128) return c >= 48 && c <= 57
  return !ascii && DIGIT_BEYOND_ASCII.test(String.fromCodePoint(c))
}

export function isWord(c: number, ascii: boolean): boolean {
  if (c < 128) return (c >= 97 && c <= 122) || (c >= 65 && c <= 90) || (c >= 48 && c <= 57) || c === 95
  return !ascii && WORD_BEYOND_ASCII.test(String.fromCodePoint(c))
}

function isSpace(c: number, ascii: boolean): boolean {
  if (c === 32 || (c >= 9 && c <= 13)) return true
  if (ascii) return false
  if (c >= 0x1c && c <= 0x1f) return true
  if (c < 0x85) return false
  return (
    c === 0x85 ||
    c === 0xa0 ||
    c === 0x1680 ||
    (c >= 0x2000 && c <= 0x200a) ||
    c === 0x2028 ||
    c === 0x2029 ||
    c === 0x202f ||
    c === 0x205f ||
    c === 0x3000
  )
}

function inClass(c: number, of: CharClass): boolean {
  switch (of.name) {
    case 'd':
      return isDigit(c, of.ascii)
    case 'D':
      return !isDigit(c, of.ascii)
    case 'w':
      return isWord(c, of.ascii)
    case 'W':
      return !isWord(c, of.ascii)
    case 's':
      return isSpace(c, of.ascii)
    case 'S':
      return !isSpace(c, of.ascii)
  }
}

/** Whether the code point is in the set. */
export function setHas(set: CharSet, c: number): boolean {
  const { ranges, classes } = set
  for (let i = 0; i < ranges.length; i += 2) {
    if (c >= (ranges[i] as number) && c <= (ranges[i + 1] as number)) return !set.negated
  }
  for (const of of classes) if (inClass(c, of)) return !set.negated
  return set.negated
}

/** Whether no code point can be in both sets. May answer false for sets that are disjoint beyond ASCII; never wrongly true. */
export function areDisjoint(a: CharSet, b: CharSet): boolean {
  for (let c = 0; c < 128; c++) if (setHas(a, c) && setHas(b, c)) return false
  const [inA, inB] = [rangesBeyondAscii(a), rangesBeyondAscii(b)]
  if (inA === 'none' || inB === 'none') return true
  if (inA === 'unknown' || inB === 'unknown') return false
  for (let i = 0; i < inA.length; i += 2) {
    for (let j = 0; j < inB.length; j += 2) {
      if ((inA[i] as number) <= (inB[j + 1] as number) && (inB[j] as number) <= (inA[i + 1] as number)) return false
    }
  }
  return true
}

function rangesBeyondAscii(set: CharSet): readonly number[] | 'none' | 'unknown' {
  if (set.negated) return 'unknown'
  for (const of of set.classes) if (!of.ascii || of.name === 'D' || of.name === 'W' || of.name === 'S') return 'unknown'
  const high: number[] = []
  for (let i = 0; i < set.ranges.length; i += 2) {
    const hi = set.ranges[i + 1] as number
    if (hi >= 128) high.push(Math.max(128, set.ranges[i] as number), hi)
  }
  return high.length === 0 ? 'none' : high
}

/** Characters that Python equates when it ignores case, beyond one's lower and upper form. */
const EXTRA_CASES: readonly (readonly number[])[] = [
  [0x69, 0x131],
  [0x73, 0x17f],
  [0xb5, 0x3bc],
  [0x345, 0x3b9, 0x1fbe],
  [0x390, 0x1fd3],
  [0x3b0, 0x1fe3],
  [0x3b2, 0x3d0],
  [0x3b5, 0x3f5],
  [0x3b8, 0x3d1],
  [0x3ba, 0x3f0],
  [0x3c0, 0x3d6],
  [0x3c1, 0x3f1],
  [0x3c2, 0x3c3],
  [0x3c6, 0x3d5],
  [0x432, 0x1c80],
  [0x434, 0x1c81],
  [0x43e, 0x1c82],
  [0x441, 0x1c83],
  [0x442, 0x1c84, 0x1c85],
  [0x44a, 0x1c86],
  [0x463, 0x1c87],
  [0xa64b, 0x1c88],
  [0x1e61, 0x1e9b],
  [0xfb05, 0xfb06],
]

/** The one-character lower form, as Python's matcher takes it. */
export function lowerOf(c: number): number {
  if (c < 128) return c >= 65 && c <= 90 ? c + 32 : c
  if (c === 0x130) return 0x69
  const text = String.fromCodePoint(c).toLowerCase()
  const lower = text.codePointAt(0) as number
  return text.length === String.fromCodePoint(lower).length ? lower : c
}

let variantsByLower: Map<number, number[]> | undefined

/** Every cased character by its lower form. Built on the first pattern that ignores case beyond ASCII. */
function caseTable(): Map<number, number[]> {
  if (variantsByLower !== undefined) return variantsByLower
  const table = new Map<number, number[]>()
  for (let c = 0; c < 0x1_e944; c++) {
    if (c === 0x3400) c = 0xa640
    if (c === 0xac00) c = 0xfb00
    if (c === 0x1_1900) c = 0x1_6e00
    if (c === 0x1_6f00) c = 0x1_e900
    const lower = lowerOf(c)
    if (lower === c) continue
    const known = table.get(lower)
    if (known === undefined) table.set(lower, [lower, c])
    else known.push(c)
  }
  for (const group of EXTRA_CASES) {
    const all = [...new Set(group.flatMap((c) => table.get(c) ?? [c]))]
    for (const c of group) table.set(c, all)
  }
  variantsByLower = table
  return table
}

/** All characters that match `c` when case is ignored, itself included. */
export function caseVariants(c: number, ascii: boolean): readonly number[] {
  if (c < 128 && (ascii || (c !== 0x69 && c !== 0x49 && c !== 0x73 && c !== 0x53 && c !== 0x6b && c !== 0x4b))) {
    if (c >= 97 && c <= 122) return [c, c - 32]
    if (c >= 65 && c <= 90) return [c, c + 32]
    return [c]
  }
  if (ascii) return [c]
  if (c < 128) {
    if (c === 0x69 || c === 0x49) return [0x69, 0x49, 0x130, 0x131]
    if (c === 0x73 || c === 0x53) return [0x73, 0x53, 0x17f]
    return [0x6b, 0x4b, 0x212a]
  }
  return caseTable().get(lowerOf(c)) ?? [c]
}

/** The ranges with every case variant of every character in them. */
export function foldRanges(ranges: readonly number[], ascii: boolean): number[] {
  const folded = ranges.length > MANY ? merged(ranges) : [...ranges]
  const count = folded.length
  for (let i = 0; i < count; i += 2) {
    const lo = folded[i] as number
    const hi = folded[i + 1] as number
    const add = (variant: number) => {
      if (variant < lo || variant > hi) folded.push(variant, variant)
    }
    if (ascii || hi < 128 || hi - lo < MANY) {
      for (let c = lo; c <= (ascii ? Math.min(hi, 127) : hi); c++) caseVariants(c, ascii).forEach(add)
      continue
    }
    for (let c = lo; c < 128; c++) caseVariants(c, ascii).forEach(add)
    for (const group of caseTable().values()) if (group.some((c) => c >= lo && c <= hi)) group.forEach(add)
  }
  return folded
}

const MANY = 64

/** The same set in as few ranges as can be. */
function merged(ranges: readonly number[]): number[] {
  const pairs: [number, number][] = []
  for (let i = 0; i < ranges.length; i += 2) pairs.push([ranges[i] as number, ranges[i + 1] as number])
  pairs.sort((a, b) => a[0] - b[0])
  const result: number[] = []
  for (const [lo, hi] of pairs) {
    const end = result.at(-1)
    if (end !== undefined && lo <= end + 1) result[result.length - 1] = Math.max(end, hi)
    else result.push(lo, hi)
  }
  return result
}
