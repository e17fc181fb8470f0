import type { ShellWord } from './shell-words.ts'

/** A word as a program is given it. */
export interface ExpandedWord {
  /** NUL stands where a variable stands whose value nobody here knows. */
  readonly text: string
  readonly isRedirection: boolean
  /** Which characters a shell would still match against file names: `b` bare, anything else not. */
  readonly quoting: string
}

/** Stands for a value that is not known. No path and no host can contain it. */
export const UNKNOWN = '\0'

/** A home nobody told us: a folder that is inside nothing but the root. */
const UNKNOWN_HOME = '/~'

/** More words than a person writes in one pair of braces. */
const MAX_ALTERNATIVES = 256

/**
 * What a shell makes of a word: braces, then `~`, then variables. Nothing is expanded in single quotes or behind a
 * backslash, and no braces in double quotes.
 *
 * Throws when braces make more words than could be judged.
 */
export function expandWord(word: ShellWord, home: string | undefined): readonly ExpandedWord[] {
  if (!/[{$~]/.test(word.text)) return [word]
  return bracesExpanded(word).map((alternative) => withValues(alternative, home))
}

function bracesExpanded(word: ShellWord): readonly ShellWord[] {
  const done: ShellWord[] = []
  const waiting: ShellWord[] = [word]
  while (waiting.length > 0) {
    const next = waiting.pop() as ShellWord
    const alternatives = firstBraces(next)
    if (alternatives === null) done.push(next)
    else waiting.push(...alternatives.reverse())
    if (done.length + waiting.length > MAX_ALTERNATIVES)
      throw new RangeError('the braces of the command make too many words')
  }
  return done
}

/** The word once for each alternative of its first braces; null when it has none that a shell would expand. */
function firstBraces({ text, quoting, isRedirection }: ShellWord): ShellWord[] | null {
  const cuts = firstCuts(text, quoting)
  if (cuts === null) return null
  const [open, close] = [cuts[0] as number, cuts.at(-1) as number]
  return cuts.slice(1).map((end, i) => {
    const start = (cuts[i] as number) + 1
    return {
      text: text.slice(0, open) + text.slice(start, end) + text.slice(close + 1),
      quoting: quoting.slice(0, open) + quoting.slice(start, end) + quoting.slice(close + 1),
      isRedirection,
    }
  })
}

/**
 * Where the first braces with a comma are cut: the open brace, its commas, the closing brace. Null when there are none. One pass: a
 * text of nothing but open braces takes no longer than any other.
 */
function firstCuts(text: string, quoting: string): readonly number[] | null {
  const opened: number[][] = []
  let first: readonly number[] | null = null
  for (let i = 0; i < text.length; i++) {
    if (quoting[i] !== 'b') continue
    if (text[i] === '{') opened.push([i])
    else if (text[i] === ',') opened.at(-1)?.push(i)
    else if (text[i] === '}') {
      const cuts = opened.pop()
      if (cuts === undefined || cuts.length === 1) continue
      if (first === null || (cuts[0] as number) < (first[0] as number)) first = [...cuts, i]
      // What is still open began before, but may never end.
      if (opened.length === 0) return first
    }
  }
  return first
}

const TILDE = /^~[a-zA-Z0-9_+-]*(?=\/|$)/
const VARIABLE = /\$(?:([A-Za-z_][A-Za-z0-9_]*)|[0-9@*#?$!-])/y

function withValues({ text, quoting, isRedirection }: ShellWord, home: string | undefined): ExpandedWord {
  let result = ''
  let marks = ''
  let at = 0
  const tilde = quoting[0] === 'b' ? TILDE.exec(text) : null
  if (tilde !== null) {
    result = tilde[0] === '~' ? (home ?? UNKNOWN_HOME) : UNKNOWN_HOME + tilde[0]
    marks = 'l'.repeat(result.length)
    at = tilde[0].length
  }
  while (at < text.length) {
    VARIABLE.lastIndex = at
    const variable = text[at] === '$' && quoting[at] !== 'l' ? VARIABLE.exec(text) : null
    if (variable === null) {
      result += text[at]
      marks += quoting[at]
      at++
      continue
    }
    const value = variable[1] === 'HOME' ? (home ?? UNKNOWN_HOME) : UNKNOWN
    result += value
    marks += 'l'.repeat(value.length)
    at += variable[0].length
  }
  return { text: result, quoting: marks, isRedirection }
}

/** `~`, `~/x`, `$HOME/x` of an argument that is no command: where a tool that expands it would look. Null without one. */
export function withHome(text: string, home: string | undefined): string | null {
  const user = TILDE.exec(text)
  if (user !== null)
    return (user[0] === '~' ? (home ?? UNKNOWN_HOME) : UNKNOWN_HOME + user[0]) + text.slice(user[0].length)
  return text.startsWith('$HOME/') ? (home ?? UNKNOWN_HOME) + text.slice('$HOME'.length) : null
}
