/** How much of a text a pattern sees at once, in UTF-16 units. */
export interface WindowSizes {
  readonly window: number
  /** At the end of a window: a match that begins here is left to the next one, which sees what follows it. */
  readonly overlap: number
  /** Before a window: what look-behinds and anchors see. */
  readonly context: number
}

export const USUAL: WindowSizes = { window: 20_000, overlap: 10_000, context: 500 }

/**
 * As `text.replace(pattern, replacement)`, with work that does not grow faster than the text: the pattern may be anybody's, so
 * it is run over windows that overlap. A match of up to `overlap` units is found wherever it stands; one that reaches the end
 * of its window is looked at again in one that goes further. Look-behinds see `context` units; at the end of a window that is
 * not the end of the text, `$` may match.
 *
 * @param pattern with the flag `g`
 */
export function replaceInWindows(text: string, pattern: RegExp, replacement: string, sizes = USUAL): string {
  if (text.length <= sizes.window) return text.replace(pattern, replacement)
  let result = ''
  let copied = 0
  let from = 0
  let size = sizes.window
  for (;;) {
    const begin = Math.max(0, from - sizes.context)
    const end = Math.min(text.length, from + size)
    const isLast = end === text.length
    const seen = text.slice(begin, end)
    let next = isLast ? end : end - sizes.overlap
    let nextSize = sizes.window
    pattern.lastIndex = from - begin
    for (let match = pattern.exec(seen); match !== null; match = pattern.exec(seen)) {
      const at = begin + match.index
      const after = at + match[0].length
      if (!isLast && at >= end - sizes.overlap) break
      if (!isLast && after === end) {
        // It may go on behind the window.
        if (at === from) nextSize = size * 2
        next = at
        break
      }
      result += text.slice(copied, at) + substituted(match, seen, replacement)
      copied = after
      next = Math.max(next, after)
      if (match[0] === '') pattern.lastIndex++
    }
    if (isLast) break
    from = next
    size = nextSize
  }
  pattern.lastIndex = 0
  return result + text.slice(copied)
}

/** What stands in the place of a match: the replacement with `$1`, `$<name>` and the like filled in by the language itself. */
function substituted(match: RegExpExecArray, seen: string, replacement: string): string {
  if (!replacement.includes('$')) return replacement
  const replace = RegExp.prototype[Symbol.replace] as (this: unknown, text: string, replacement: string) => string
  const whole = replace.call({ exec: () => match, flags: '' }, seen, replacement)
  return whole.slice(match.index, whole.length - (seen.length - match.index - match[0].length))
}
