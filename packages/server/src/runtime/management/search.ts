const words = (text: string): string[] => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []

/**
 * How much of a question a text answers: the share of the question's words that stand in it, a word that is only the beginning
 * of one counted half. 0 to 1.
 */
export function overlap(question: string, text: string): number {
  const asked = new Set(words(question))
  if (asked.size === 0) return 0
  const there = new Set(words(text))
  let found = 0
  for (const word of asked) {
    if (there.has(word)) found += 1
    else if (
      word.length > 2 &&
      [...there].some((one) => one.startsWith(word) || (one.length > 3 && word.startsWith(one)))
    )
      found += 0.5
  }
  return found / asked.size
}
