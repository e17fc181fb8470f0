import { replaceFile } from '../files/open.ts'
import { shownPath } from '../files/path.ts'
import { resolvePath } from '../files/resolve.ts'
import { usageOf } from '../files/usage.ts'
import type { CallFiles } from './arguments.ts'

/** Bytes of one result that a model is told at most. */
export const LARGEST_RESULT_BYTES = 256 * 1024
/** Room for the words that say what was left out, and for what JSON adds to a text. */
const WORDS_BYTES = 1024
const FOLDER = '.results'

/**
 * What a model is told of a result: all of it, or its head and tail with the name of the file that holds the whole. A model whose
 * conversation is filled by one result fails at its next turn.
 * @param place where the whole is kept, if anywhere; `callId` names the file
 */
export async function boundResult(
  result: unknown,
  place: { readonly callId: string; readonly files: Pick<CallFiles, 'root' | 'diskLimit'> | null },
): Promise<string> {
  const whole = textOf(result)
  const size = Buffer.byteLength(whole)
  if (size <= LARGEST_RESULT_BYTES) return whole
  const name = await keep(result, place)
  const notice = `[LICTOR] The result has ${size} bytes; the middle is left out here. ${
    name === null ? 'The whole could not be kept in the workspace.' : `The whole is in ${name}.`
  }`
  return shorten(result, notice)
}

const textOf = (result: unknown): string => (typeof result === 'string' ? result : (JSON.stringify(result) ?? 'null'))

type Part = readonly [key: string, value: unknown]

/** The texts of an object are shortened each for itself, so that it stays the object that it was; anything else as one text. */
function shorten(result: unknown, notice: string): string {
  const entries: readonly Part[] = isObject(result) ? Object.entries(result) : []
  const long = entries.filter(([, value]) => typeof value === 'string' && Buffer.byteLength(value) > WORDS_BYTES)
  for (let share = LARGEST_RESULT_BYTES; long.length > 0 && share > WORDS_BYTES; share /= 2) {
    const shortened = entries.map(
      ([key, value]): Part =>
        long.some(([longKey]) => longKey === key) ? [key, headAndTail(String(value), share)] : [key, value],
    )
    const text = JSON.stringify({ ...Object.fromEntries(shortened), notice })
    if (Buffer.byteLength(text) <= LARGEST_RESULT_BYTES) return text
  }
  return headAndTail(textOf(result), LARGEST_RESULT_BYTES - WORDS_BYTES, notice)
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The beginning and the end of a text, half of `bytes` each, at whole characters. */
function headAndTail(text: string, bytes: number, between = '…'): string {
  const all = Buffer.from(text)
  if (all.length <= bytes) return text
  const half = Math.floor(bytes / 2)
  let end = half
  while (end > 0 && isInsideCharacter(all[end])) end--
  let start = all.length - half
  while (start < all.length && isInsideCharacter(all[start])) start++
  return `${all.subarray(0, end).toString('utf8')}\n${between}\n${all.subarray(start).toString('utf8')}`
}

const isInsideCharacter = (byte: number | undefined): boolean => ((byte ?? 0) & 0xc0) === 0x80

/** The name, as the agent sees it, of the file that holds the whole; null where it could not be kept. */
async function keep(result: unknown, { callId, files }: Parameters<typeof boundResult>[1]): Promise<string | null> {
  // What a tool read of a file is in that file already.
  if (isObject(result) && typeof result.path === 'string' && typeof result.content === 'string') return result.path
  if (files === null) return null
  const { root, diskLimit } = files
  const bytes = Buffer.from(isObject(result) ? readable(result) : textOf(result))
  try {
    if ((await usageOf(root)) + bytes.length > diskLimit) return null
    const path = await resolvePath(root, [FOLDER, `${callId}.txt`])
    await replaceFile(path, bytes)
    return shownPath(path.components)
  } catch {
    // The agent put something in the way, or the disk is full: the call itself went well.
    return null
  }
}

/** Texts as they are, so that a command finds its way in them. */
const readable = (result: Record<string, unknown>): string =>
  Object.entries(result)
    .map(([key, value]) =>
      typeof value === 'string' ? `--- ${key} ---\n${value}` : `${key}: ${JSON.stringify(value)}`,
    )
    .join('\n')
