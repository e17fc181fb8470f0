import { withoutBlanks } from '../plain/blanks.ts'
import { type ExpandedWord, expandWord } from './expansion.ts'
import { LEADING_REDIRECT, readLine, type ShellWord } from './shell-words.ts'

/** What joins, substitutes or feeds commands, quoted or not: such a text is more than one command. */
const SEPARATOR = /[;|&\n\r`]|\$\(|\$\{|\$'|<\(|>\(|<</

/** Stands for a command that no allow-list can name. */
export const COMPOUND = Symbol('compound')

/** A command line as a sandbox sees it. */
export interface CommandLine {
  /** First word; null when there is none; `COMPOUND` when the text is not one plain command. */
  readonly command: string | null | typeof COMPOUND
  /** The words a program is given, expanded as a shell would; the program itself is the first. */
  readonly words: readonly ExpandedWord[]
}

/** How deep a shell may be told to run a shell before its text is no longer looked into. */
const MAX_NESTED = 5

/** Words that the braces of one command may make. */
const MAX_MADE = 4096

/** Reads a command line. Null for a blank one. Throws when its braces make more words than could be judged. */
export function readCommand(source: string, home: string | undefined): CommandLine | null {
  const text = withoutBlanks(source)
  if (text === '') return null
  const { first, words } = readLine(text)
  const isCompound = SEPARATOR.test(text) || LEADING_REDIRECT.test(text)
  return { command: isCompound ? COMPOUND : first, words: expandedWords(words.map(withoutParentheses), home) }
}

function expandedWords(words: readonly ShellWord[], home: string | undefined): readonly ExpandedWord[] {
  let made = 0
  return words.flatMap((word) => {
    const alternatives = word.text === '' ? [] : expandWord(word, home)
    made += Math.max(0, alternatives.length - 1)
    if (made > MAX_MADE) throw new RangeError('the braces of the command make too many words')
    return alternatives
  })
}

/** Parentheses around commands, `(cat x)`, belong to no word. */
function withoutParentheses(word: ShellWord): ShellWord {
  const { text, quoting } = word
  let start = 0
  let end = text.length
  while (start < end && text[start] === '(' && quoting[start] === 'b') start++
  while (end > start && text[end - 1] === ')' && quoting[end - 1] === 'b') end--
  if (start === 0 && end === text.length) return word
  return { ...word, text: text.slice(start, end), quoting: quoting.slice(start, end) }
}

/** A command that is given as a list of words, which no shell expands. */
export function commandOfWords(words: readonly string[]): CommandLine {
  return {
    command: words[0] ?? null,
    words: words.map((text) => ({ text, quoting: 'l'.repeat(text.length), isRedirection: false })),
  }
}

/** Shells, and programs that hand the text behind `-c` to one. */
const SHELLS: ReadonlySet<string> = new Set('sh bash dash zsh ksh ash fish su runuser script flock'.split(' '))

/** The commands in a command: what a shell is told to run by `-c`, and what `eval` and `trap` are given. */
export function withNested(line: CommandLine, home: string | undefined): readonly CommandLine[] {
  const lines = [line]
  for (let i = 0; i < lines.length && lines.length <= MAX_NESTED; i++) {
    const { words } = lines[i] as CommandLine
    const at = words.findIndex(({ text }) => text === 'eval' || text === 'trap')
    const told = at === -1 ? words[commandTextAt(words)]?.text : textsFrom(words, at + 1)
    const nested = told ? readCommand(told, home) : null
    if (nested !== null) lines.push(nested)
  }
  return lines
}

/** Where among the words of a command stands the text that a shell is told to run by `-c`; -1 when there is none. */
export function commandTextAt(words: readonly ExpandedWord[]): number {
  const shell = words.findIndex(({ text }) => SHELLS.has(programName(text)))
  if (shell === -1) return -1
  const option = words.findIndex(({ text }, i) => i > shell && /^-[a-z]+$/.test(text) && text.includes('c'))
  return option === -1 || option + 1 >= words.length ? -1 : option + 1
}

function textsFrom(words: readonly ExpandedWord[], start: number): string {
  return words
    .slice(start)
    .map(({ text }) => text)
    .join(' ')
}

/** The name of a program without its folder. */
export function programName(word: string): string {
  return word.slice(word.lastIndexOf('/') + 1)
}
