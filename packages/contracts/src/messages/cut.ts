import { firstCodePoints } from '../expressions/evaluation.ts'

/** A text of at most `max` code points: a longer one loses its end to `...`. */
export function cutText(text: string, max: number): string {
  if (text.length <= max) return text
  const cut = firstCodePoints(text, max)
  return cut.length === text.length ? text : `${firstCodePoints(text, max - 3)}...`
}
