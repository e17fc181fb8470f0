/** How a character of a word stood in the command line: that decides what a shell does with it. */
const BARE = 'b'
const DOUBLE = 'd'
/** In single quotes, or behind a backslash: nothing is done with it. */
const LITERAL = 'l'

/** A word with its quoting undone. */
export interface ShellWord {
  readonly text: string
  /** One letter for each of the text: `b` bare, `d` in double quotes, `l` literal. */
  readonly quoting: string
  /** Stands behind `<` or `>`: it names a file. */
  readonly isRedirection: boolean
}

/**
 * Splits a command line as Python's `shlex.split` does: blanks separate, single quotes are
 * literal, in double quotes a backslash escapes only `"` and `\`, elsewhere it escapes the next character; no comments.
 * On an open quote or a trailing backslash the text is split at blanks and quote characters are stripped from both ends.
 * A leading redirect is removed from every word; empty words are dropped.
 */
export function shellWords(text: string): readonly string[] {
  return (split(text) ?? brokenWords(text))
    .map((word) => word.text.replace(LEADING_REDIRECT, ''))
    .filter((word) => word !== '')
}

/** The words of a text whose quoting is broken. No shell would run it, but some tool might. */
function brokenWords(text: string): ShellWord[] {
  return text.split(/\s+/).map((word) => {
    const bare = unquoted(word)
    return { text: bare, quoting: BARE.repeat(bare.length), isRedirection: false }
  })
}

export const LEADING_REDIRECT = /^(?:\d*>>|\d*>|<<|<)/

/** A command line taken apart once, for its first word and for all that it reaches for. */
export interface ShellLine {
  /** The first word as `shellWords` gives it; null when there is none. */
  readonly first: string | null
  /** The words as a shell sees them: redirections are cut off from the words they touch. */
  readonly words: readonly ShellWord[]
}

export function readLine(text: string): ShellLine {
  const words = split(text) ?? brokenWords(text)
  const parts: ShellWord[] = []
  let first: string | null = null
  let follows = false
  for (const word of words) {
    first ??= word.text.replace(LEADING_REDIRECT, '') || null
    follows = cutRedirections(word, follows, parts)
  }
  return { first, words: parts }
}

/** Adds the parts of a word. Returns whether it ends in a redirection, so that the next word is its file. */
function cutRedirections(word: ShellWord, follows: boolean, parts: ShellWord[]): boolean {
  const { text, quoting } = word
  if (!/[<>]/.test(text)) {
    parts.push(follows ? { ...word, isRedirection: true } : word)
    return false
  }
  let start = 0
  let isRedirection = follows
  for (let i = 0; i < text.length; i++) {
    if (quoting[i] !== BARE || (text[i] !== '<' && text[i] !== '>')) continue
    const before = text.slice(start, i)
    // Digits before a redirection are the number of a descriptor.
    if (before !== '' && !/^\d+$/.test(before)) {
      parts.push({ text: before, quoting: quoting.slice(start, i), isRedirection })
    }
    while (i + 1 < text.length && quoting[i + 1] === BARE && /[<>|&]/.test(text[i + 1] as string)) i++
    start = i + 1
    isRedirection = true
  }
  if (start < text.length) {
    parts.push({ text: text.slice(start), quoting: quoting.slice(start), isRedirection })
    return false
  }
  return isRedirection
}

/** The next character that means something: outside quotes, and in double ones. */
const MEANS_BARE = /['"\\ \t\r\n]/g
const MEANS_DOUBLE = /["\\]/g

function split(text: string): ShellWord[] | null {
  const words: ShellWord[] = []
  let word = ''
  let quoting = ''
  let started = false
  let isDouble = false
  const take = (part: string, how: string) => {
    word += part
    quoting += part.length === 1 ? how : how.repeat(part.length)
    started = true
  }
  for (let i = 0; i < text.length; i++) {
    const meaning = isDouble ? MEANS_DOUBLE : MEANS_BARE
    meaning.lastIndex = i
    const at = meaning.exec(text)?.index ?? text.length
    if (at > i) take(text.slice(i, at), isDouble ? DOUBLE : BARE)
    if (at === text.length) break
    i = at
    const char = text[at]
    if (char === '\\') {
      const next = text[++i]
      if (next === undefined) return null
      take(isDouble && next !== '"' && next !== '\\' ? `\\${next}` : next, LITERAL)
    } else if (char === '"') {
      isDouble = !isDouble
      started = true
    } else if (char === "'") {
      const close = text.indexOf("'", at + 1)
      if (close === -1) return null
      take(text.slice(at + 1, close), LITERAL)
      i = close
    } else {
      if (started) words.push({ text: word, quoting, isRedirection: false })
      word = ''
      quoting = ''
      started = false
    }
  }
  if (isDouble) return null
  if (started) words.push({ text: word, quoting, isRedirection: false })
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
