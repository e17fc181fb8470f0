import type { Readable } from 'node:stream'

/** Bytes of a blob, both ends included. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/** A blob whose bytes are on their way. `content` must be read or destroyed. */
export interface OpenBlob {
  /** Bytes of the whole blob, whatever part of it `content` is. */
  readonly size: number
  readonly content: Readable
}

export interface ListedBlob {
  readonly key: string
  readonly size: number
}

export interface PutTerms {
  /** Bytes the blob may have at most; held while it comes. */
  readonly limit?: number
  /**
   * Told of a piece of `source` that the store needs no longer, so that its memory can serve again. A store that cannot say so never
   * calls it, and what is left of a blob that was cut off may not be told.
   */
  readonly release?: (piece: Uint8Array) => void
}

/**
 * Bytes under keys, for what is too large for the database: files of volumes. What is there is whole: a blob appears under its key
 * when all of it is kept, and what was cut off half-way is nothing, whatever ended it.
 *
 * A key is three names joined by `/`, such as `volumes/<volume>/<file>`; always three, so that no key is a folder of another, which
 * file systems and some S3 servers refuse. A name has 1 to 200 bytes of UTF-8, no `/`, `\`, `%` or control character, and does not
 * begin with a dot. Every method throws `BlobKeyRefused` for another key, and `Unavailable` when the store does not answer.
 */
export interface Blobs {
  readonly name: 'folder' | 's3'
  /** Whether the store can be used as it is configured. @throws StartupError saying what to correct */
  check(): Promise<void>
  /**
   * Keep what `source` gives under `key`, in the place of what was there.
   * @throws BlobTooLarge, the source's own error; what was there before stays then
   */
  put(key: string, source: AsyncIterable<Uint8Array>, terms?: PutTerms): Promise<{ readonly size: number }>
  /** The blob or a part of it; null where there is none. @throws RangeError when it does not have these bytes. */
  get(key: string, range?: ByteRange): Promise<OpenBlob | null>
  head(key: string): Promise<{ readonly size: number } | null>
  /** Nothing happens where there is none. */
  delete(key: string): Promise<void>
  /** Every blob whose key begins with `prefix`, in the order of the bytes of their keys. */
  list(prefix: string): AsyncIterable<ListedBlob>
  /**
   * Remove what uploads that were cut off before this instant (milliseconds) left behind; how many there were.
   * @param key those of this key alone
   */
  reap(before: number, key?: string): Promise<number>
}

/** More came than may be kept. */
export class BlobTooLarge extends Error {
  override readonly name = 'BlobTooLarge'
  readonly limit: number
  constructor(limit: number) {
    super(`More than ${limit} bytes came.`)
    this.limit = limit
  }
}

export class BlobKeyRefused extends Error {
  override readonly name = 'BlobKeyRefused'
}

const LONGEST_NAME_BYTES = 200
const refused = /^\.|[\u0000-\u001f\u007f\\%]/

/** The three names of a key. @throws BlobKeyRefused */
export function namesOf(key: string): readonly [string, string, string] {
  const names = key.split('/')
  const isFine = (name: string) =>
    name !== '' && name.isWellFormed() && Buffer.byteLength(name) <= LONGEST_NAME_BYTES && !refused.test(name)
  const [kind, owner, name] = names
  if (names.length !== 3 || !names.every(isFine) || kind === undefined || owner === undefined || name === undefined)
    throw new BlobKeyRefused(
      `'${key.slice(0, 100)}' is no key of a blob: three names of 1 to 200 bytes, joined by '/'.`,
    )
  return [kind, owner, name]
}

/** In the order in which every store lists: by the bytes of UTF-8, which is not JavaScript's own order. */
export const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

/** What comes, until it is more than may be kept. @throws BlobTooLarge */
export async function* within(source: AsyncIterable<Uint8Array>, limit: number): AsyncGenerator<Uint8Array> {
  let size = 0
  for await (const chunk of source) {
    size += chunk.length
    if (size > limit) throw new BlobTooLarge(limit)
    yield chunk
  }
}

/** @throws RangeError */
export function requireRange({ start, end }: ByteRange, size: number): void {
  if (start < 0 || end < start || end >= size)
    throw new RangeError(`A blob of ${size} bytes has no bytes ${start} to ${end}.`)
}

/**
 * Give back the memory of a piece that nobody looks at any more: at once, and not when the heap is next collected. The collector sees
 * small objects only and lets large memory behind them grow; and told of that memory, it walks the whole heap every few dozen MiB.
 * A piece that shares its memory with others is left alone.
 */
export function giveBack({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && byteLength > 0 && byteLength === buffer.byteLength) buffer.transfer(0)
}
