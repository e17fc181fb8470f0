import type { ExpressionScope } from '../expressions/compile.ts'
import type { Evaluation } from '../expressions/evaluation.ts'
import { looksLikeSecret, REDACTED } from '../redact/patterns.ts'
import { cutText, MAX_MESSAGE } from './cut.ts'
import { valueText } from './text.ts'

/** Makes the text of a fired contract's message. Never throws. */
export type MessageMaker = (evaluation: Evaluation) => string

const MAX_PLACEHOLDER = 200

/** A message that stands as it is, cut to its final length. */
export function fixedMessage(message: string): MessageMaker {
  const text = cutText(message, MAX_MESSAGE)
  return () => text
}

/**
 * Compiles a message with `{selector}` placeholders (contract-language §7.1). A placeholder whose value is missing stays as
 * it is written; a value that looks like a secret becomes `[REDACTED]`; a long one is cut to 200 characters.
 */
export function compileMessage(message: string, scope: ExpressionScope): MessageMaker {
  const parts: (string | { readonly slot: number; readonly written: string })[] = []
  let end = 0
  for (const match of message.matchAll(/\{([^}]+)\}/g)) {
    const [written, selector] = match
    parts.push(message.slice(end, match.index), { slot: scope.slot(selector as string), written })
    end = match.index + written.length
  }
  if (parts.length === 0) return fixedMessage(message)
  parts.push(message.slice(end))
  return (evaluation) => {
    let text = ''
    for (const part of parts) {
      text += typeof part === 'string' ? part : placeholder(evaluation, part.slot, part.written)
    }
    return cutText(text, MAX_MESSAGE)
  }
}

function placeholder(evaluation: Evaluation, slot: number, written: string): string {
  try {
    const value = evaluation.read(slot)
    if (value === undefined) return written
    const text = valueText(value)
    return looksLikeSecret(text) ? REDACTED : cutText(text, MAX_PLACEHOLDER)
  } catch {
    return written
  }
}
