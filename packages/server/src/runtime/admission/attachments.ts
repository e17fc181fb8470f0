import { DomainError } from '../../errors.ts'
import type { Caller } from '../../identity/caller.ts'
import { refuse } from './input.ts'

const MOST_ATTACHMENTS = 100

/** A file of a volume as it is kept. */
export interface AttachedFile {
  /** The volume's own, also where it was asked for by a reserved name. */
  readonly volumeId: string
  readonly path: string
  readonly name: string
  readonly mimeType: string
  /** Bytes. */
  readonly size: number
  readonly sha256: string
}

/** Finds a file that a caller may use. @throws DomainError when there is none */
export type FindAttached = (caller: Caller, volumeId: string, path: string) => Promise<AttachedFile>

/**
 * The files that a caller attaches, as an agent is told of them: what a reference says of its file is not believed but read again.
 * @throws InvalidInput naming the reference that leads to no file
 */
export async function attachmentsOf(
  caller: Caller,
  references: readonly unknown[] | null | undefined,
  find: FindAttached,
): Promise<object[]> {
  if (!references || references.length === 0) return []
  if (references.length > MOST_ATTACHMENTS)
    refuse(`There are ${references.length} attachments; an execution takes at most ${MOST_ATTACHMENTS}.`)
  const found: object[] = []
  for (const [index, reference] of references.entries()) {
    const at = `attachments[${index}]`
    const { volume_id, path, name } = isObject(reference) ? reference : refuse(`${at} must be an object.`)
    if (typeof volume_id !== 'string' || volume_id === '') refuse(`${at}.volume_id must be a text.`)
    if (typeof path !== 'string' || path === '') refuse(`${at}.path must be a text.`)
    const file = await find(caller, volume_id, path).catch((error: unknown) => {
      if (error instanceof DomainError && error.status < 500) refuse(`${at}: ${error.message}`)
      throw error
    })
    found.push({
      volume_id: file.volumeId,
      path: file.path,
      name: typeof name === 'string' && name !== '' ? name : file.name,
      mime_type: file.mimeType,
      size: file.size,
      sha256: file.sha256,
    })
  }
  return found
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
