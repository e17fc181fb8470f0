import { MAX_MESSAGE, MAX_PLACEHOLDER } from '../bounds.ts'
import type { ExpressionScope } from '../expressions/compile.ts'
import { environmentText } from '../expressions/environment.ts'
import type { Evaluation } from '../expressions/evaluation.ts'
import { looksLikeSecret, REDACTED, redactText } from '../redact/patterns.ts'
import { cutText } from './cut.ts'
import { placeholdersOf } from './placeholders.ts'
import { valueText } from './text.ts'

/** Makes the text of a fired contract's message. Never throws. */
export type MessageMaker = (evaluation: Evaluation) => string

/** A message that stands as it is, cut to its final length. */
export function fixedMessage(message: string): MessageMaker {
  const text = cutText(message, MAX_MESSAGE)
  return () => text
}

/**
 * Compiles a message with `{selector}` placeholders. A placeholder whose value is missing stays as it is written; a value
 * that begins like a secret becomes `[REDACTED]`, one that holds secrets loses them; a long one is cut to `MAX_PLACEHOLDER`.
 */
export function compileMessage(message: string, scope: ExpressionScope): MessageMaker {
  const parts: (string | { readonly written: string; readonly read: ReadText })[] = []
  let end = 0
  for (const { written, selector, at } of placeholdersOf(message)) {
    parts.push(message.slice(end, at), { written, read: readText(selector, scope) })
    end = at + written.length
  }
  if (parts.length === 0) return fixedMessage(message)
  parts.push(message.slice(end))
  return (evaluation) => {
    let text = ''
    for (const part of parts) {
      text += typeof part === 'string' ? part : placeholder(evaluation, part.read, part.written)
    }
    return cutText(text, MAX_MESSAGE)
  }
}

/** What a placeholder stands for, as text; undefined where it is missing. May throw. */
type ReadText = (evaluation: Evaluation) => string | undefined

/** Environment variables are text, which still tells a whole float from an integer. */
function readText(selector: string, scope: ExpressionScope): ReadText {
  if (selector.startsWith('env.')) {
    const name = selector.slice('env.'.length)
    return ({ context: { env } }) => (env && Object.hasOwn(env, name) ? environmentText(env[name]) : undefined)
  }
  const slot = scope.slot(selector)
  return (evaluation) => {
    const value = evaluation.read(slot)
    return value === undefined ? undefined : valueText(value)
  }
}

function placeholder(evaluation: Evaluation, read: ReadText, written: string): string {
  try {
    const text = read(evaluation)
    if (text === undefined) return written
    return looksLikeSecret(text) ? REDACTED : cutText(redactText(text), MAX_PLACEHOLDER)
  } catch {
    return written
  }
}
