import { compileGlob } from '../match/glob.ts'
import { type CommandLine, commandTextAt, programName } from './command.ts'
import { type ExpandedWord, UNKNOWN } from './expansion.ts'
import { meaningOf } from './keys.ts'
import { wordLooksLikePath } from './paths.ts'

const names = (text: string): ReadonlySet<string> => new Set(text.split(' '))

/** Programs whose operands are files, so that a variable among them stands for one. */
const FILE_PROGRAMS = names(
  'cat ls cp mv rm ln cd head tail less more tac nl od xxd hexdump strings touch mkdir rmdir chmod chown chgrp stat file du df find tee tar zip unzip gzip gunzip bzip2 xz dd install rsync scp shred truncate split wc sort uniq diff cmp comm source . vi vim nano emacs open readlink realpath basename dirname tree md5sum sha1sum sha256sum base64 python python3 node ruby perl bash sh zsh',
)

/** Programs whose first operand is a text that is searched for or carried out, not a file. */
const TEXT_FIRST = names('grep egrep fgrep rg ag sed gsed awk gawk mawk jq yq')

/** Options that may give such a program its text, long ones abbreviated too, so that every operand may be a file. */
const TEXT_OPTION = /^(?:-[a-zA-Z]*[ef]|--[efr])/

/** `-m`: a message of these. */
const WITH_MESSAGE = names('git hg svn gh glab jj')

/** The words of a command that are paths, or would be one once the shell has put in a variable. */
export function pathsOfCommand({ words }: CommandLine): readonly string[] {
  const paths: string[] = []
  const program = programName(words[0]?.text ?? '')
  const textAt = TEXT_FIRST.has(program) ? firstText(words) : commandTextAt(words)
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as ExpandedWord
    if (i !== textAt && !isContentOf(words[i - 1], program, word)) addPaths(word, program, paths)
  }
  return paths
}

function firstText(words: readonly ExpandedWord[]): number {
  if (words.some(({ text }) => TEXT_OPTION.test(text))) return -1
  return words.findIndex(({ text, isRedirection }, i) => i > 0 && !text.startsWith('-') && !isRedirection)
}

/** Whether the option before a word says that the word is content: `--message "/health is up"`. */
function isContentOf(option: ExpandedWord | undefined, program: string, word: ExpandedWord): boolean {
  if (option === undefined || word.isRedirection || !option.text.startsWith('-')) return false
  if (option.text === '-m') return WITH_MESSAGE.has(program)
  return option.text.startsWith('--') && !option.text.includes('=') && meaningOf(option.text).isContent
}

function addPaths(word: ExpandedWord, program: string, paths: string[]): void {
  const { text, isRedirection } = word
  const climbing = withClimbingGlobs(word)
  if (climbing !== null) paths.push(text, climbing)
  if (isRedirection) {
    if (wordLooksLikePath(text) || text.includes(UNKNOWN)) paths.push(text)
    return
  }
  const equals = text.indexOf('=')
  if (text.startsWith('-')) {
    if (equals !== -1) addValue(text.slice(0, equals), text.slice(equals + 1), paths)
    else addAttached(text, paths)
    return
  }
  if (wordLooksLikePath(text) || isUnknownFile(text, program)) paths.push(text)
  if (text.startsWith('@')) addValue('file', text.slice(1), paths)
  else if (/^[A-Za-z_][\w.-]*=/.test(text)) addValue(text.slice(0, equals), text.slice(equals + 1), paths)
}

/** Some shells let a glob such as `.*` match `..`. Null when no part of the word is such a glob. */
function withClimbingGlobs({ text, quoting }: ExpandedWord): string | null {
  if (!/(?:^|\/)\.[^/]*[*?[]/.test(text)) return null
  let start = 0
  let climbs = false
  const parts = text.split('/').map((part) => {
    const end = start + part.length
    const isGlob = /[*?[]/.test(part) && /^b*$/.test(quoting.slice(start, end)) && compileGlob(part)('..')
    start = end + 1
    if (isGlob) climbs = true
    return isGlob ? '..' : part
  })
  return climbs ? parts.join('/') : null
}

/** `--key=value`, `key=value`, `key=@file`. */
function addValue(key: string, value: string, paths: string[]): void {
  const { isContent, isPath } = meaningOf(key)
  const text = value.startsWith('@') ? value.slice(1) : value
  if (wordLooksLikePath(text) ? !isContent : text.includes(UNKNOWN) && (isPath || text.includes('/'))) paths.push(text)
}

/** `-I/usr/include`: a path that touches its option. */
function addAttached(text: string, paths: string[]): void {
  const attached = /^-[a-zA-Z]{1,2}(?=\/|\.\.?\/|~)/.exec(text)
  if (attached !== null) paths.push(text.slice(attached[0].length))
}

function isUnknownFile(text: string, program: string): boolean {
  return text.includes(UNKNOWN) && (text.includes('/') || FILE_PROGRAMS.has(program))
}
