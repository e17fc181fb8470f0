/** What Python's `str.strip` takes for blank: the four separators and U+0085 too, but not the byte order mark. */
const BLANK = /[^\S\ufeff]|[\u001c-\u001f\u0085]/

/**
 * A text without the blanks at its ends, as the published Python package strips commands. Walked from both ends: a pattern that
 * is tied to the end takes time by the square of the longest run of blanks within.
 */
export function withoutBlanks(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && BLANK.test(text[start] as string)) start++
  while (end > start && BLANK.test(text[end - 1] as string)) end--
  return text.slice(start, end)
}
