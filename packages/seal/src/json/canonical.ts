import { fromValue, type Json, JsonNumber, type JsonObject } from './value.ts'

/** How members are ordered: by code points, or by UTF-16 code units, as clients in JavaScript do. */
export type MemberOrder = 'code-points' | 'utf-16'

const surrogate = /[\ud800-\udfff]/

/**
 * The text that is signed: members ordered at every depth, no white space, numbers as they are spelled, strings raw but for
 * `"`, `\` and what is below U+0020; lone surrogates as `\uXXXX`.
 */
export function canonicalText(json: Json, order: MemberOrder = 'code-points'): string {
  if (json instanceof JsonNumber) return json.text
  if (Array.isArray(json)) return `[${json.map((item: Json) => canonicalText(item, order)).join(',')}]`
  if (!(json instanceof Map)) return JSON.stringify(json)
  const members = json as JsonObject
  let text = '{'
  for (const name of sorted([...members.keys()], order)) {
    if (text.length > 1) text += ','
    text += `${JSON.stringify(name)}:${canonicalText(members.get(name) ?? null, order)}`
  }
  return `${text}}`
}

/** Whether the two orders could differ anywhere in the value: only where a name has a character above U+FFFF. */
export function hasAstralName(json: Json): boolean {
  if (Array.isArray(json)) return json.some(hasAstralName)
  if (!(json instanceof Map)) return false
  return [...(json as JsonObject)].some(([name, member]) => surrogate.test(name) || hasAstralName(member))
}

function sorted(names: string[], order: MemberOrder): string[] {
  if (order === 'utf-16' || !names.some((name) => surrogate.test(name))) return names.sort()
  return names.sort(compareCodePoints)
}

export function compareCodePoints(one: string, other: string): number {
  const length = Math.min(one.length, other.length)
  let index = 0
  while (index < length && one.charCodeAt(index) === other.charCodeAt(index)) index++
  if (index === length) return one.length - other.length
  // The second halves of two pairs differ: the characters begin one unit before.
  if (index > 0 && /[\ud800-\udbff]/.test(one.charAt(index - 1))) index--
  return (one.codePointAt(index) ?? 0) - (other.codePointAt(index) ?? 0)
}

/**
 * JSON whose members are sorted by code points at every depth, without white space: the same text for the same value.
 * Follows `JSON.stringify`, but writes `bigint` as a whole number.
 * @param value anything that has a form in JSON
 * @returns the text; `null` for `undefined` and functions
 * @throws TypeError for NaN, an infinity, or a value that contains itself
 */
export function stableStringify(value: unknown): string {
  const json = fromValue(value)
  return json === undefined ? 'null' : canonicalText(json)
}
