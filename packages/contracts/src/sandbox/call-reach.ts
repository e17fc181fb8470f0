import { FILE_TOOLS } from '../envelope/create.ts'
import { kindOfObject, textOfBytes } from '../envelope/values.ts'
import { kindOf } from '../expressions/outcome.ts'
import { isFalsy } from '../plain/falsy.ts'
import type { Envelope, ToolArguments } from '../types.ts'
import { type CommandLine, commandOfWords, readCommand, withNested } from './command.ts'
import { withHome } from './expansion.ts'
import {
  addressesInText,
  addressesInWord,
  addressesOfHost,
  addressesUnderName,
  isWholeAddress,
  type Reach,
} from './hosts.ts'
import { countsThings, type KeyMeaning, MEANS_NOTHING, meaningOf, NAMED_IN_PATH } from './keys.ts'
import { hostsOfCommand } from './network.ts'
import { pathsOfCommand } from './operands.ts'
import { looksLikePath, type NamedPath } from './paths.ts'

/** One text of the arguments, and what its name and the tool's record say of it. */
interface Leaf {
  readonly text: string
  readonly isPath: boolean
  readonly isCompanion: boolean
  readonly isUrl: boolean
  readonly isContent: boolean
  /** Declared as content by the tool's record: no address either. */
  readonly isDeclaredContent: boolean
}

/**
 * Everything a call may reach for: paths, commands, addresses. Read once for all sandbox contracts that judge the call, each
 * part when the first of them asks.
 */
export class CallReach {
  readonly #envelope: Envelope
  readonly #home: string | undefined
  readonly #leaves: Leaf[] = []
  readonly #commands: CommandLine[] = []
  /** Commands given as lists of words; contracts about paths and commands refuse them. */
  readonly #wordLists: CommandLine[] = []
  #base: string | null = null
  #hasPathKey = false
  #unreadable: string | null = null
  /** Why a contract about paths cannot judge the call, or null. */
  #unreadablePath: string | null = null
  /** How many paths were found under names of paths. */
  #namedPaths = 0
  #paths: readonly NamedPath[] | undefined
  #addresses: readonly Reach[] | undefined

  /** Throws when the call holds what no sandbox could judge. */
  constructor(envelope: Envelope, home: string | undefined) {
    this.#envelope = envelope
    this.#home = home
    if (envelope.passedThrough !== null) throw new TypeError('an argument is only passed through to the tool')
    this.#collect()
  }

  /** Commands in the order of their arguments. */
  get commands(): readonly CommandLine[] {
    return this.#commands
  }

  /** Why a contract about paths or commands cannot judge the call, or null. */
  get unreadable(): string | null {
    return this.#unreadable
  }

  /** The paths of the call, each once. Throws when a value that must be a path is no text. */
  get paths(): readonly NamedPath[] {
    this.#paths ??= this.#findPaths()
    return this.#paths
  }

  get addresses(): readonly Reach[] {
    this.#addresses ??= this.#findAddresses()
    return this.#addresses
  }

  #collect(): void {
    const { args, described, bashCommand } = this.#envelope
    const open = new Set<object>([args])
    for (const key of Object.keys(args)) this.#visit(args[key], key, key, meaningOf(key), false, described, open)
    if (bashCommand && args.command !== bashCommand) this.#command(bashCommand)
  }

  #visit(
    value: unknown,
    key: string,
    name: string,
    meaning: KeyMeaning,
    inContent: boolean,
    described: ToolArguments | null,
    open: Set<object>,
  ): void {
    if (value === undefined || value === null) return
    const isDeclaredContent = described?.content?.includes(name) ?? false
    const isCommand = (meaning.isCommand || (described?.commands?.includes(name) ?? false)) && !isDeclaredContent
    if (isCommand && this.#takeCommand(value, name, described, open)) return
    if (meaning.isPath) this.#hasPathKey = true
    const text = textOf(value)
    const isDeclaredPath = described?.paths?.includes(name) ?? false
    const isPath = meaning.isPath || isDeclaredPath
    if (text !== null) {
      if (text === '') return
      if (isPath) this.#namedPaths++
      if (BASES.has(name.toLowerCase().replaceAll(/[^a-z]/g, ''))) this.#base = text
      this.#leaves.push({
        text,
        isPath,
        isCompanion: meaning.isCompanion,
        isUrl: meaning.isUrl || (described?.urls?.includes(name) ?? false),
        isContent: inContent || meaning.isContent || isDeclaredContent,
        isDeclaredContent,
      })
      return
    }
    const namesPath = isPath && !inContent && !isDeclaredContent
    if (namesPath && cannotBePath(value, key, isDeclaredPath)) this.#refusePath(name, value)
    if (typeof value !== 'object' || open.has(value)) return
    open.add(value)
    const before = this.#namedPaths
    this.#descend(value, key, name, meaning, inContent || meaning.isContent, described, open)
    open.delete(value)
    if (namesPath && this.#namedPaths === before && mustHoldPath(value, name, described)) this.#refusePath(name, value)
  }

  #refusePath(name: string, value: unknown): void {
    this.#unreadablePath ??= `the path '${name}' is ${kindOf(value)}, not text`
  }

  #descend(
    value: object,
    key: string,
    name: string,
    meaning: KeyMeaning,
    inContent: boolean,
    described: ToolArguments | null,
    open: Set<object>,
  ): void {
    const inner = (member: unknown, memberKey: unknown) => {
      const text = String(memberKey)
      const means = meaning.isPath && NAMED_IN_PATH.has(text.toLowerCase()) ? meaning : meaningOf(text)
      this.#visit(member, text, `${name}.${text}`, means, inContent, described, open)
    }
    switch (kindOfObject(value)) {
      case 'array':
      case 'set':
        for (const item of value as Iterable<unknown>) {
          if (meaning.isPath && !inContent && (typeof item === 'number' || typeof item === 'bigint'))
            this.#refusePath(name, item)
          this.#visit(item, key, name, meaning, inContent, described, open)
        }
        return
      case 'map':
        for (const [memberKey, member] of value as Map<unknown, unknown>) inner(member, memberKey)
        return
      default:
        for (const memberKey of Object.keys(value)) inner((value as Record<string, unknown>)[memberKey], memberKey)
    }
  }

  /** Whether the value was a command. An object is none: its own members are looked at. */
  #takeCommand(value: unknown, name: string, described: ToolArguments | null, open: Set<object>): boolean {
    const text = textOf(value)
    if (text !== null) {
      this.#command(text)
      return true
    }
    if (isFalsy(value)) return true
    if (typeof value === 'object' && !Array.isArray(value) && name.includes('.')) return false
    this.#unreadable = 'the command is no text'
    if (!Array.isArray(value)) return typeof value !== 'object'
    if (value.every((word) => typeof word === 'string')) this.#wordLists.push(commandOfWords(value))
    for (const item of value) this.#visit(item, '', `${name}.`, MEANS_NOTHING, false, described, open)
    return true
  }

  #command(text: string): void {
    const line = readCommand(text, this.#home)
    if (line !== null) this.#commands.push(line)
  }

  /** With the commands that a shell among them is told to run. */
  #lines(lines: readonly CommandLine[]): readonly CommandLine[] {
    return lines.flatMap((line) => withNested(line, this.#home))
  }

  #findPaths(): readonly NamedPath[] {
    const paths = new Map<string, NamedPath>()
    const base = this.#base === null ? null : (withHome(this.#base, this.#home) ?? this.#base)
    const add = (text: string, isExpanded: boolean) => {
      const key = `${isExpanded ? 'c' : 'a'}${text}`
      if (!paths.has(key)) paths.set(key, { text, base: text === this.#base ? null : base, isExpanded })
    }
    if (FILE_TOOLS.has(this.#envelope.toolName)) requireReadableFile(this.#envelope.args)
    if (this.#unreadablePath !== null) throw new TypeError(this.#unreadablePath)
    for (const { text, isPath, isCompanion, isContent } of this.#leaves) {
      if (isPath || (isCompanion && this.#hasPathKey) || (!isContent && looksLikePath(text))) add(text, false)
    }
    for (const line of this.#lines(this.#commands)) for (const text of pathsOfCommand(line)) add(text, true)
    return [...paths.values()]
  }

  #findAddresses(): readonly Reach[] {
    const reaches: Reach[] = []
    for (const { text, isUrl, isDeclaredContent } of this.#leaves) {
      if (isUrl) reaches.push(...addressesUnderName(text))
      else if (!isDeclaredContent) reaches.push(...addressesInText(text))
    }
    for (const line of this.#lines([...this.#commands, ...this.#wordLists])) {
      const read = new Set<string>()
      for (const { text } of line.words) {
        const found = addressesInWord(text)
        reaches.push(...found)
        if (found.length > 0 && isWholeAddress(text)) read.add(text)
      }
      for (const host of hostsOfCommand(line, this.#home)) {
        if (!read.has(host.text)) reaches.push(...addressesOfHost(host))
      }
    }
    return reaches
  }
}

/** Names of the folder in which a call's relative paths begin. */
const BASES: ReadonlySet<string> = new Set(['cwd', 'workdir', 'workingdir', 'workingdirectory'])

/** The text of a value that a tool may read as one: bytes and addresses too. */
function textOf(value: unknown): string | null {
  if (typeof value === 'string') return value
  if (typeof value !== 'object' || value === null) return null
  switch (kindOfObject(value)) {
    case 'bytes':
      return textOfBytes(value as ArrayBufferView | ArrayBuffer)
    case 'url':
      return (value as URL).href
    default:
      return null
  }
}

/**
 * Whether a value under the name of a path could open a file and cannot be compared: a number, which is the descriptor of an
 * open one, or a date. A boolean is a flag and a number under `max_files` or `files` is a count, unless the tool's record says
 * that a path stands there.
 */
function cannotBePath(value: unknown, key: string, isDeclared: boolean): boolean {
  if (typeof value === 'object') return value !== null && kindOfObject(value) === 'date'
  if (typeof value === 'boolean') return isDeclared
  return isDeclared || (Boolean(value) && !countsThings(key))
}

/**
 * Whether an object under the name of a path must tell that path. Deeper ones are judged by their members alone, for there such
 * names are often those of something else, as in a schema.
 */
function mustHoldPath(value: object, name: string, described: ToolArguments | null): boolean {
  const kind = kindOfObject(value)
  if (kind !== 'record' && kind !== 'map') return false
  const isEmpty = kind === 'map' ? (value as Map<unknown, unknown>).size === 0 : Object.keys(value).length === 0
  if (isEmpty) return false
  return !name.includes('.') || (described?.paths?.includes(name) ?? false)
}

/** A file tool's path that is no text names a file that nobody can compare. */
function requireReadableFile(args: Readonly<Record<string, unknown>>): void {
  for (const key of ['file_path', 'filePath', 'path']) {
    const value = Object.hasOwn(args, key) ? args[key] : undefined
    if (isFalsy(value)) continue
    if (textOf(value) === null) throw new TypeError(`the path '${key}' is ${kindOf(value)}, not text`)
    return
  }
}
