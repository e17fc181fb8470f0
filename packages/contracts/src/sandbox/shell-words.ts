/**
 * Splits a command line as Python's `shlex.split` does (contract-language §10.4): blanks separate, single quotes are
 * literal, in double quotes a backslash escapes only `"` and `\`, elsewhere it escapes the next character; no comments.
 * On an open quote or a trailing backslash the text is split at blanks and quote characters are stripped from both ends.
 * A leading redirect is removed from every word; empty words are dropped.
 */
export function shellWords(text: string): readonly string[] {
  const words = split(text) ?? text.split(/\s+/).map(unquoted)
  return words.map((word) => word.replace(LEADING_REDIRECT, '')).filter((word) => word !== '')
}

export const LEADING_REDIRECT = /^(?:\d*>>|\d*>|<<|<)/

const BLANKS = ' \t\r\n'

function split(text: string): string[] | null {
  const words: string[] = []
  let word = ''
  let started = false
  let quote = ''
  for (let i = 0; i < text.length; i++) {
    const char = text[i] as string
    if (quote === "'") {
      if (char === "'") quote = ''
      else word += char
    } else if (char === '\\') {
      const next = text[++i]
      if (next === undefined) return null
      if (quote === '"' && next !== '"' && next !== '\\') word += '\\'
      word += next
      started = true
    } else if (quote === '"') {
      if (char === '"') quote = ''
      else word += char
    } else if (char === "'" || char === '"') {
      quote = char
      started = true
    } else if (BLANKS.includes(char)) {
      if (started) words.push(word)
      word = ''
      started = false
    } else {
      word += char
      started = true
    }
  }
  if (quote !== '') return null
  if (started) words.push(word)
  return words
}

function unquoted(word: string): string {
  let start = 0
  let end = word.length
  while (start < end && isQuote(word[start])) start++
  while (end > start && isQuote(word[end - 1])) end--
  return word.slice(start, end)
}

function isQuote(char: string | undefined): boolean {
  return char === '"' || char === "'"
}
