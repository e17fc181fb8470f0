import { isRecord } from './json-text.ts'
import type { JudgedOutcome } from './judge.ts'
import { staysWithin } from './schema-fit.ts'

/** A refusal as every client takes it, whatever schema the tool has published: an error of text alone. */
export function errorResult(text: string): Record<string, unknown> {
  return { content: [{ type: 'text', text }], isError: true }
}

/** What takes the place of bytes in which something was found. */
const PLACEHOLDER = Buffer.from('[REDACTED]').toString('base64')

/**
 * What a client is given of a tool's result.
 * @param outputSchema what the tool has published of its structured content
 */
export function shownResult(result: unknown, judged: JudgedOutcome, outputSchema: unknown): unknown {
  if (judged.kind === 'unchanged') return result
  const value = objectIn(judged.value)
  if (value === null) return errorResult(textIn(judged.value))
  if (!isRecord(result) || !isSameShape(result, value)) return errorResult(contentText(value))
  const isFit =
    value.isError !== true || outputSchema === undefined || result.structuredContent === undefined
      ? staysWithin(outputSchema ?? true, result.structuredContent, value.structuredContent)
      : Object.is(result.structuredContent, value.structuredContent)
  if (!isFit) return errorResult(contentText(value))
  return { ...value, ...(Array.isArray(value.content) ? { content: blocks(result.content, value.content) } : {}) }
}

/** What a client is given of a resource, a prompt, a completion, an answer; null where nothing may be shown. */
export function shownAnswer(result: unknown, judged: JudgedOutcome): unknown {
  if (judged.kind === 'unchanged') return result
  const value = objectIn(judged.value)
  if (value === null || !isRecord(result) || !isSameShape(result, value)) return null
  if (!Array.isArray(value.contents)) return value
  return { ...value, contents: blocks(result.contents, value.contents) }
}

/** A text that a contract made of a whole object is that object again where it still is one. */
function objectIn(value: unknown): Record<string, unknown> | null {
  if (isRecord(value)) return value
  if (typeof value !== 'string' || !value.startsWith('{')) return null
  try {
    const read: unknown = JSON.parse(value)
    return isRecord(read) ? read : null
  } catch {
    return null
  }
}

const textIn = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

/** The same names and kinds all the way down: only texts may differ, and no name of a kind of content. */
function isSameShape(before: unknown, after: unknown, name = ''): boolean {
  if (Array.isArray(before) && Array.isArray(after))
    return before.length === after.length && before.every((item, index) => isSameShape(item, after[index]))
  if (isRecord(before) && isRecord(after)) {
    const names = Object.keys(before)
    return (
      names.length === Object.keys(after).length &&
      names.every((one) => Object.hasOwn(after, one) && isSameShape(before[one], after[one], one))
    )
  }
  if (typeof before === 'string' && typeof after === 'string') return before === after || !FIXED.includes(name)
  return Object.is(before, after)
}

/** Members whose texts clients read as words, not as texts. */
const FIXED = ['type', 'role', 'mimeType', 'resultType']

function blocks(before: unknown, after: readonly unknown[]): unknown[] {
  return after.map((block, index) => {
    const was = Array.isArray(before) ? before[index] : undefined
    if (!isRecord(block) || !isRecord(was)) return block
    // An image or a sound that is none any more is a text.
    if (block.data !== was.data) return { type: 'text', text: `[REDACTED] (${String(was.type)})` }
    if (isRecord(block.resource) && isRecord(was.resource) && block.resource.blob !== was.resource.blob)
      return { ...block, resource: { ...block.resource, blob: PLACEHOLDER } }
    return block.blob === was.blob ? block : { ...block, blob: PLACEHOLDER }
  })
}

function contentText(value: Record<string, unknown>): string {
  const texts = Array.isArray(value.content)
    ? value.content.flatMap((block) => (isRecord(block) && typeof block.text === 'string' ? [block.text] : []))
    : []
  return texts.length > 0 ? texts.join('\n') : JSON.stringify(value.structuredContent ?? value)
}
