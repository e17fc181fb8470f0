import type { Micros } from '../../storage/instants.ts'
import type { Owner } from '../volumes/volume.ts'

/** A script that is kept for later use: text, which this server never runs by itself. */
export interface Script {
  readonly id: string
  readonly tenantId: string
  readonly owner: Owner
  /** Unique for its owner. */
  readonly name: string
  readonly code: string
  readonly description: string
  readonly tags: readonly string[]
  /** From 1; one more with each update. */
  readonly version: number
  readonly createdBy: string
  readonly createdAt: Micros
  readonly updatedAt: Micros
}

/** A script without its code. */
export type ScriptSummary = Omit<Script, 'code'>

const LARGEST_CODE_BYTES = 256 * 1024
const LONGEST_NAME_BYTES = 128
const LONGEST_DESCRIPTION_BYTES = 2048
const MOST_TAGS = 16
const LONGEST_TAG_BYTES = 32

/** What is wrong with what a script is to be, in a sentence; null when nothing is. */
export function problemOf(script: Pick<Script, 'name' | 'code' | 'description' | 'tags'>): string | null {
  const { name, code, description, tags } = script
  if (name.trim() === '') return 'name must not be blank.'
  if (/[\p{Cc}\u2028\u2029]/u.test(name)) return 'name must be one line.'
  return (
    tooLong('name', name, LONGEST_NAME_BYTES) ??
    tooLong('code', code, LARGEST_CODE_BYTES) ??
    tooLong('description', description, LONGEST_DESCRIPTION_BYTES) ??
    (tags.length > MOST_TAGS ? `tags has ${tags.length} entries; at most ${MOST_TAGS} are kept.` : null) ??
    (tags.some((tag) => tag.trim() === '') ? 'a tag must not be blank.' : null) ??
    tags.map((tag) => tooLong('a tag', tag, LONGEST_TAG_BYTES)).find((problem) => problem !== null) ??
    null
  )
}

function tooLong(what: string, text: string, most: number): string | null {
  const bytes = Buffer.byteLength(text)
  return bytes > most ? `${what} has ${bytes} bytes; at most ${most} are kept.` : null
}
