import { type CommandLine, programName, readCommand } from './command.ts'
import { type ExpandedWord, UNKNOWN } from './expansion.ts'
import { wordsOf } from './keys.ts'
import { address, ELSEWHERE, IN_VARIABLE, machine, type NamedHost, namedBy, OPERANDS } from './operand-hosts.ts'
import { type HostForm, type Program, programNamed, RUNNERS, wrapperNamed } from './programs.ts'

/** How deep commands may lie in the options of commands before nothing is looked for any more. */
const MAX_NESTED = 5

/**
 * The machines that a command reaches for.
 *
 * What counts is where a word stands. Programs that talk to machines stand in one table (`programs.ts`), with the operands and
 * options that name one. Of every other program only these do: the value of an option or of a variable whose name says host,
 * url, proxy and the like, an operand `user@host.tld:path`, and (read elsewhere) whatever contains `://`. Other operands are
 * files, versions or prose, whatever they look like.
 *
 * A host that a variable, a file or another command's output would tell comes back as `unknown`.
 */
export function hostsOfCommand(line: CommandLine, home?: string, depth = 0): readonly NamedHost[] {
  const found: NamedHost[] = []
  const words: string[] = []
  for (const word of line.words) {
    if (word.isRedirection) found.push(...socketOf(word))
    else words.push(word.text)
  }
  found.push(...hostsOfWords(words))
  return found.flatMap((named) => {
    if (named.form !== 'command') return [named]
    const inner = depth < MAX_NESTED ? readCommand(named.text, home) : null
    return inner === null ? [] : hostsOfCommand(inner, home, depth + 1)
  })
}

/** `/dev/tcp/HOST/PORT`, which bash opens as a connection, and no file of that name. */
function socketOf({ text }: ExpandedWord): readonly NamedHost[] {
  const host = /^\/dev\/(?:tcp|udp)\/([^/]*)/.exec(text)?.[1]
  if (host !== undefined) return [machine(host)]
  const known = text.slice(0, Math.max(0, text.indexOf(UNKNOWN)))
  return known.length > 1 && ['/dev/tcp/', '/dev/udp/'].some((socket) => socket.startsWith(known)) ? [IN_VARIABLE] : []
}

function hostsOfWords(words: readonly string[]): readonly NamedHost[] {
  const found: NamedHost[] = []
  const { at, isFed } = programAt(words, found)
  const word = words[at]
  if (word === undefined) return found
  if (word.includes(UNKNOWN)) return [...found, IN_VARIABLE]
  if (/\s/.test(word)) return [...found, { text: words.slice(at).join(' '), form: 'command' }]
  const name = plainName(word)
  const rest = words.slice(at + 1)
  const program = programNamed(name)
  if (program === undefined) return [...found, ...hostsOfUnlisted(name, rest)]
  const { operands, flags, reached } = sorted(rest, program)
  // What feeds a program gives it further operands.
  const read = OPERANDS[program.operands](isFed ? [...operands, FED] : operands, flags)
  return [...found, ...reached, ...read.map((named) => (named.text === FED ? ELSEWHERE : named))]
}

/** Stands for the operands that `xargs` adds. */
const FED = '\0fed'

function plainName(word: string): string {
  return programName(word)
    .toLowerCase()
    .replace(/\.exe$/, '')
}

/** Where the program stands, behind assignments and programs that run a program. Hosts in assignments are added to `found`. */
function programAt(words: readonly string[], found: NamedHost[]): { readonly at: number; readonly isFed: boolean } {
  let at = 0
  let isFed = false
  while (at < words.length) {
    const word = words[at] as string
    const assignment = /^([A-Za-z_]\w*)=(.*)$/s.exec(word)
    if (assignment !== null) {
      found.push(...assigned(assignment[1] as string, assignment[2] as string))
      at++
      continue
    }
    const name = plainName(word)
    const next = words[at + 1]
    if (next !== undefined && (RUNNERS.get(name) === next || (next === '-m' && /^python[\d.]*$/.test(name)))) {
      at += 2
      continue
    }
    const wrapper = wrapperNamed(name)
    if (wrapper === undefined) break
    at++
    let isPlaced = false
    while (words[at]?.startsWith('-')) {
      const option = words[at] as string
      if (name === 'env') found.push(...splitByEnv(option, words[at + 1]))
      if (/^-I|^--replace/.test(option)) isPlaced = true
      at += option.length === 2 && wrapper.valued.includes(option[1] as string) ? 2 : 1
    }
    if (name === 'xargs') isFed = !isPlaced
    at += wrapper.own
  }
  return { at, isFed }
}

/** `env -S "curl a.test"` runs what it splits. */
function splitByEnv(option: string, next: string | undefined): readonly NamedHost[] {
  const attached = /^(?:-[a-zA-Z]*S|--split-string=?)(.*)$/s.exec(option)?.[1]
  const text = attached || next
  return attached === undefined || text === undefined ? [] : [{ text, form: 'command' }]
}

const NAMES_COMMAND = /(?:_COMMAND|_CMD|^GIT_SSH|^RSYNC_RSH)$/

/** `https_proxy=a.test`, `PGHOST=a.test`, `GIT_SSH_COMMAND="ssh -J a.test"`. */
function assigned(name: string, value: string): readonly NamedHost[] {
  if (value === '') return []
  if (NAMES_COMMAND.test(name)) return [{ text: value, form: 'command' }]
  if (/^no_?proxy$/i.test(name)) return []
  if (/_proxy$/i.test(name)) return [address(value)]
  const namesHost = hostWord(name) !== null || /host(?:addr)?$/i.test(name)
  return namesHost && looksLikeHost(value) && !isListening(value) ? [address(value)] : []
}

/** What of a listed program's words is an operand or a flag, and what its options reach for. */
function sorted(words: readonly string[], program: Program) {
  const operands: string[] = []
  const flags = new Set<string>()
  const reached: NamedHost[] = []
  let onlyOperands = false
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as string
    if (onlyOperands || !word.startsWith('-') || word === '-') {
      operands.push(word)
      continue
    }
    if (word === '--') {
      onlyOperands = true
      continue
    }
    const next = words[i + 1]
    const option = optionOf(word, program, flags)
    if (option.name.includes(UNKNOWN)) reached.push(IN_VARIABLE)
    if (option.form === null) {
      if (program.operands !== 'listener' && !option.takesNext) reached.push(...namedByOption(word, next))
    } else {
      const value = option.value ?? next
      if (value !== undefined) reached.push(...namedBy(option.form, value))
    }
    // A value that looks like an option that reaches is read as that too.
    if (option.takesNext && !(next?.startsWith('-') && optionOf(next, program, new Set()).form !== null)) i++
  }
  return { operands, flags, reached }
}

interface Option {
  readonly name: string
  readonly value: string | null
  /** What its value names; null when it names no machine. */
  readonly form: HostForm | null
  readonly takesNext: boolean
}

function optionOf(word: string, program: Program, flags: Set<string>): Option {
  return word.startsWith('--') || program.hasWordOptions
    ? wordOption(word, program, flags)
    : bundledOption(word, program, flags)
}

function wordOption(word: string, program: Program, flags: Set<string>): Option {
  const { takes, reaches, hasWordOptions } = program
  const equals = word.indexOf('=')
  const written = equals === -1 ? word : word.slice(0, equals)
  const value = equals === -1 ? null : word.slice(equals + 1)
  const name = hasWordOptions && !reaches.has(written) && !takes.has(written) ? written.toLowerCase() : written
  const form = reaches.get(name) ?? (takes.has(name) || hasWordOptions ? null : formOfShortened(name, reaches))
  flags.add(name)
  return { name, value, form, takesNext: value === null && (form !== null || takes.has(name)) }
}

/** Long options may be cut short: `--prox` is `--proxy`. */
function formOfShortened(name: string, reaches: ReadonlyMap<string, HostForm>): HostForm | null {
  if (name.length < 4) return null
  for (const [option, form] of reaches) if (option.startsWith(name)) return form
  return null
}

/** `-sSLo out.html`: the first letter that takes a value ends the bundle. */
function bundledOption(word: string, { takes, attaches, reaches }: Program, flags: Set<string>): Option {
  for (let i = 1; i < word.length; i++) {
    const name = `-${word[i]}`
    if (attaches.has(name)) return { name, value: word.slice(i + 1), form: null, takesNext: false }
    const form = reaches.get(name) ?? null
    if (form === null && !takes.has(name)) {
      flags.add(name)
      continue
    }
    const rest = word.slice(i + 1)
    return { name, value: rest === '' ? null : rest, form, takesNext: rest === '' }
  }
  return { name: word, value: null, form: null, takesNext: false }
}

const FIND_RUNS = new Set(['-exec', '-execdir', '-ok', '-okdir', '-x', '-X', '--exec', '--exec-batch'])
const USER_AT_HOST = /^[\w.+-]+@(?:[\w-]+\.)+[a-z][\w-]*:\S/i

/** The fallback: what names a machine in the words of a program that the table does not know. */
function hostsOfUnlisted(name: string, words: readonly string[]): readonly NamedHost[] {
  const found: NamedHost[] = []
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as string
    if ((name === 'find' || name === 'fd') && FIND_RUNS.has(word))
      return [...found, ...hostsOfWords(words.slice(i + 1))]
    if (word.startsWith('-')) found.push(...namedByOption(word, words[i + 1]))
    else if (USER_AT_HOST.test(word)) found.push({ text: word, form: 'remote' })
    if (/^[gm]?awk$/.test(name)) found.push(...socketsOfAwk(word))
  }
  return found
}

/** `/inet/tcp/0/HOST/PORT` in a program of awk. */
function socketsOfAwk(text: string): readonly NamedHost[] {
  return [...text.matchAll(/\/inet[46]?\/(?:tcp|udp)\/([^"/]*)\/?([^"/]*)/g)].map(([, , host]) =>
    host ? machine(host) : IN_VARIABLE,
  )
}

const NAMES_HOST = new Set('url uri href host hostname endpoint urls uris hrefs hosts hostnames endpoints'.split(' '))
const MAY_NAME_HOST = new Set(
  'proxy origin server broker registry proxies origins servers brokers registries'.split(' '),
)

function hostWord(name: string): 'surely' | 'maybe' | null {
  const parts = wordsOf(name)
  const last = parts.at(-1) ?? ''
  if (parts[0] === 'no') return null
  return NAMES_HOST.has(last) ? 'surely' : MAY_NAME_HOST.has(last) ? 'maybe' : null
}

/** `--host a.test`, `--base-url=a.test`, `-url a.test`, whatever the program. */
function namedByOption(word: string, next: string | undefined): readonly NamedHost[] {
  const match = /^--?([A-Za-z][\w.-]{2,})(?:=(.*))?$/s.exec(word)
  if (match === null) return []
  const says = hostWord(match[1] as string)
  const value = match[2] ?? (next?.startsWith('-') ? undefined : next)
  if (says === null || value === undefined || isListening(value)) return []
  if (says === 'maybe' && !looksLikeHost(value)) return []
  return value.includes('/') ? [address(value)] : value.split(',').map(address)
}

function looksLikeHost(text: string): boolean {
  if (/\s|^[./?#~-]|^[a-z][a-z0-9+.-]*:[^/\d]/i.test(text)) return false
  return text.includes(UNKNOWN) || /^localhost\b|^\[|[\w\]][.:][\w]/i.test(text)
}

/** Every address of this machine: what a server that listens is told. */
function isListening(text: string): boolean {
  return /^(?:0\.0\.0\.0|\[::\]|::|\*)(?::\d+)?$/.test(text)
}
