import type { Micros } from '../instants.ts'
import type { EventValues } from './event-table.ts'

/** Events in the binary form of PostgreSQL's `copy`, the cheapest for both ends where thousands of rows go at once. */

const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1')
const LARGEST_CHARACTER_BYTES = 3
/** The columns of a row and beside them its number and its arrival. */
const COLUMNS = 14
/** Of a row beside its texts: the count of its columns, and for each its length and at most 16 bytes. */
const ROW_BYTES = 2 + COLUMNS * (4 + 16)
const UUID_OID = 2950
const UUID_BYTES = 16
const TWO_TO_32 = 2 ** 32
const FIRST_BYTES = 1024 * 1024
/** Larger ones are left to the garbage collector. */
const LARGEST_KEPT_BYTES = 16 * 1024 * 1024
const MOST_KEPT = 4

/** Buffers that were used before: new ones of this size, many times a second, would cost more than what is written into them. */
const free: Buffer[] = []

/**
 * `rows` for `copy events (seq, …, created_at) from stdin (format binary)`, between them the columns as in `eventColumns`. Texts hold
 * no NUL. Give it back with `release` once it was sent.
 */
export function copyOf(rows: readonly EventValues[], firstSeq: number, arrivedAt: Micros): Buffer {
  let buffer = free.pop() ?? Buffer.allocUnsafeSlow(FIRST_BYTES)
  let offset = SIGNATURE.copy(buffer)
  let seq = firstSeq
  for (const row of rows) {
    let most = ROW_BYTES
    for (let column = 1; column < row.length; column++) {
      const value = row[column]
      if (typeof value === 'string') most += value.length * LARGEST_CHARACTER_BYTES
    }
    // Two bytes behind the last row end the copy.
    if (offset + most + 2 > buffer.length) buffer = enlarged(buffer, offset, most)
    offset = buffer.writeInt16BE(COLUMNS, offset)
    offset = writeInteger(buffer, offset, seq++)
    offset = writeUuid(buffer, offset, row[0])
    for (let column = 1; column < row.length; column++) {
      const value = row[column] as string | number | null
      if (typeof value === 'string') {
        const length = buffer.write(value, offset + 4, 'utf8')
        offset = buffer.writeInt32BE(length, offset) + length
      } else if (value === null) offset = buffer.writeInt32BE(-1, offset)
      else offset = writeInteger(buffer, offset, value)
    }
    offset = writeInteger(buffer, offset, arrivedAt)
  }
  return buffer.subarray(0, buffer.writeInt16BE(-1, offset))
}

function writeInteger(buffer: Buffer, offset: number, value: number): number {
  const end = buffer.writeInt32BE(Math.floor(value / TWO_TO_32), buffer.writeInt32BE(8, offset))
  return buffer.writeUInt32BE(value >>> 0, end)
}

/** Nobody reads it any more. */
export function release(copy: Buffer): void {
  if (copy.buffer.byteLength <= LARGEST_KEPT_BYTES && free.length < MOST_KEPT) free.push(Buffer.from(copy.buffer))
}

function enlarged(buffer: Buffer, used: number, needed: number): Buffer {
  const larger = Buffer.allocUnsafeSlow(Math.max(buffer.length * 2, used + needed + 2))
  buffer.copy(larger, 0, 0, used)
  return larger
}

/** An array parameter of type `uuid[]`. */
export function uuidArray(ids: readonly string[]): Buffer {
  const buffer = Buffer.allocUnsafe(20 + ids.length * (4 + UUID_BYTES))
  buffer.writeInt32BE(1, 0) // dimensions
  buffer.writeInt32BE(0, 4) // holds no nulls
  buffer.writeInt32BE(UUID_OID, 8)
  buffer.writeInt32BE(ids.length, 12)
  buffer.writeInt32BE(1, 16) // lower bound
  let offset = 20
  for (const id of ids) offset = writeUuid(buffer, offset, id)
  return buffer
}

const DASH = 45
const NINE = 57

/** @throws RangeError for anything but 32 hexadecimal digits and dashes. */
function writeUuid(buffer: Buffer, offset: number, id: string): number {
  const start = buffer.writeInt32BE(UUID_BYTES, offset)
  const end = start + UUID_BYTES
  let place = start
  let high = -1
  for (let index = 0; index < id.length; index++) {
    const code = id.charCodeAt(index)
    if (code === DASH) continue
    // Letters are told in either case: 'a' and 'A' differ in one bit.
    const digit = code <= NINE ? code - 48 : (code | 32) - 87
    if (digit < 0 || digit > 15 || place === end) throw new RangeError(`'${id}' is no UUID.`)
    if (high < 0) high = digit
    else {
      buffer[place++] = high * 16 + digit
      high = -1
    }
  }
  if (place !== end) throw new RangeError(`'${id}' is no UUID.`)
  return end
}
