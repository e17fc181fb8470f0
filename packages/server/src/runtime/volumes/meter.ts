import { createHash } from 'node:crypto'
import { pipeline, type Readable, Transform } from 'node:stream'
import type { Clock } from '../../ports/clock.ts'
import { SNIFFED_BYTES } from '../files/sniff.ts'

/** So many bytes may come before room for them is promised: a small file is promised its room when it is whole, exactly. */
const FIRST_STEP = 8 * 1024 ** 2
const LARGEST_STEP = 64 * 1024 ** 2
/** A slow upload says that it is alive. */
const SIGN_OF_LIFE_MS = 60_000
/** Bytes of a file that wait to be taken. */
const COUNTED_BYTES = 1024 ** 2

/** What is measured of a file while it comes. */
export interface Meter {
  /** Ask for room before anything comes. */
  reserve(bytes: number): Promise<void>
  measure(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array>
  finish(): { readonly sha256: string; readonly head: Buffer }
}

/** @param deps.hold promises room for so many bytes of the file in all; throws where there is none */
export function createMeter(deps: { clock: Clock; hold: (total: number) => Promise<void> }): Meter {
  const { clock, hold } = deps
  const hash = createHash('sha256')
  const heads: Uint8Array[] = []
  let headSize = 0
  let size = 0
  let held = 0
  let heldAt = clock.now()

  async function reserve(total: number): Promise<void> {
    await hold(total)
    held = total
    heldAt = clock.now()
  }

  return {
    reserve,
    async *measure(source) {
      let step = FIRST_STEP
      for await (const chunk of source) {
        hash.update(chunk)
        size += chunk.length
        if (headSize < SNIFFED_BYTES) {
          const part = Buffer.from(chunk.subarray(0, SNIFFED_BYTES - headSize))
          heads.push(part)
          headSize += part.length
        }
        if (size - held >= step) {
          await reserve(size)
          step = Math.min(step * 2, LARGEST_STEP)
        } else if (clock.now() - heldAt > SIGN_OF_LIFE_MS) await reserve(Math.max(held, size))
        yield chunk
      }
    },
    finish: () => ({ sha256: hash.digest('hex'), head: Buffer.concat(heads) }),
  }
}

/** The bytes of a file as they are. When all are out, or nobody takes more of them, `onOut` is told how many were taken. */
export function counted(content: Readable, onOut: (bytes: number) => void): Readable {
  let bytes = 0
  const counter = new Transform({
    highWaterMark: COUNTED_BYTES,
    transform(chunk: Uint8Array, _encoding, pass) {
      bytes += chunk.length
      pass(null, chunk)
    },
  })
  // Whatever ends either of them ends the other; who reads is told why.
  return pipeline(content, counter, () => onOut(bytes))
}
