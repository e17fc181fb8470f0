import { expect, it } from 'vitest'
import { createCuttings } from './cuttings.ts'

const KIB = 1024

it('memory goes back when no piece of it is in use and the next has come', () => {
  const cuttings = createCuttings()
  const first = new Uint8Array(64 * KIB)
  const [begin, end] = [first.subarray(0, 40 * KIB), first.subarray(40 * KIB)]
  const boundary = new Uint8Array(8)
  const second = new Uint8Array(64 * KIB)
  cuttings.cut(begin)
  cuttings.release(begin)
  // The parser may cut more from it.
  expect(first.length).toBe(64 * KIB)
  cuttings.cut(end)
  cuttings.cut(boundary)
  expect(first.length).toBe(64 * KIB)
  cuttings.release(end)
  expect(first.length).toBe(0)
  cuttings.cut(second)
  cuttings.release(second)
  cuttings.release(boundary)
  expect([boundary.length, second.length]).toEqual([8, 64 * KIB])
  cuttings.cut(boundary)
  expect(second.length).toBe(0)
})

it('memory that serves others as well is left alone', () => {
  const cuttings = createCuttings()
  const pool = new Uint8Array(64 * KIB)
  for (const piece of [pool.subarray(0, 32 * KIB), new Uint8Array(64 * KIB)]) {
    cuttings.cut(piece)
    cuttings.release(piece)
  }
  expect(pool.length).toBe(64 * KIB)
})

it('a piece that was never handed on is left alone', () => {
  const piece = new Uint8Array(64 * KIB)
  createCuttings().release(piece)
  expect(piece.length).toBe(64 * KIB)
})
