import { applyEdits, type FormattingOptions, modify, type ParseError, parse, printParseErrorCode } from 'jsonc-parser'
import { CliError } from '../../errors.ts'
import { readIfThere, replaceFile } from './file.ts'

type Json = Readonly<Record<string, unknown>>
export type JsonPath = readonly (string | number)[]

/** A settings file of the user's, in JSON with or without comments. Edited in place: what is not ours stays as it is written. */
export interface SettingsFile {
  readonly path: string
  /** Null where there is no file. */
  readonly text: string | null
  readonly value: Json
}

/** @throws CliError naming file, line and column of what is malformed: such a file is never written to. */
export function readSettingsFile(path: string): SettingsFile {
  const text = readIfThere(path)
  if (text === null || text.trim() === '') return { path, text, value: {} }
  const errors: ParseError[] = []
  const value: unknown = parse(text.replace(/^\uFEFF/, ' '), errors, {
    allowTrailingComma: true,
    disallowComments: false,
  })
  const [first] = errors
  if (first !== undefined) {
    const { line, column } = placeOf(text, first.offset)
    throw new CliError(
      'malformed_settings',
      `${path}, line ${line}, column ${column}: ${spoken(printParseErrorCode(first.error))}. Nothing was changed.`,
      {
        hint: 'Mend the file first: what is written to a file that cannot be read may be lost, and the assistant reads none of it.',
      },
    )
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new CliError('malformed_settings', `${path} holds no JSON object. Nothing was changed.`)
  return { path, text, value: value as Json }
}

export interface Edit {
  readonly path: JsonPath
  /** Undefined takes the value away. */
  readonly value: unknown
  /** Put in at this place of a list, and not over what stands there. */
  readonly isInsertion?: boolean
}

/** Writes edits in, each over what the one before made. Nothing is written when there are none. */
export function writeSettingsFile(file: SettingsFile, edits: readonly Edit[]): void {
  if (edits.length === 0) return
  let text = file.text === null || file.text.trim() === '' ? '{}\n' : file.text
  const formattingOptions = formatOf(text)
  for (const { path, value, isInsertion } of edits) {
    text = applyEdits(
      text,
      modify(text, [...path], value, { formattingOptions, isArrayInsertion: isInsertion ?? false }),
    )
  }
  if (!text.endsWith('\n')) text += '\n'
  replaceFile(file.path, text, 0o600)
}

/** @throws CliError where a part of the file is not what the assistant takes: its author meant something else. */
export function partOf<T>(
  file: SettingsFile,
  path: JsonPath,
  is: (value: unknown) => value is T,
  what: string,
): T | undefined {
  let value: unknown = file.value
  for (const key of path)
    value = typeof value === 'object' && value !== null ? (value as Record<string | number, unknown>)[key] : undefined
  if (value === undefined || is(value)) return value
  throw new CliError('malformed_settings', `${file.path}: '${path.join('.')}' is no ${what}. Nothing was changed.`)
}

export const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value)
export const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function formatOf(text: string): FormattingOptions {
  const indent = /\n([ \t]+)\S/.exec(text)?.[1] ?? '  '
  return { insertSpaces: !indent.startsWith('\t'), tabSize: indent.length, eol: text.includes('\r\n') ? '\r\n' : '\n' }
}

function placeOf(text: string, offset: number): { readonly line: number; readonly column: number } {
  const before = text.slice(0, offset).split('\n')
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 }
}

const spoken = (code: string): string => code.replaceAll(/(?!^)([A-Z])/g, ' $1').toLowerCase()
