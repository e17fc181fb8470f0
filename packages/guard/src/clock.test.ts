import { expect, test } from 'vitest'
import { createSerialId, randomId, withDeadline } from './clock.ts'
import { ManualClock } from './testing/manual-clock.ts'

test('what takes longer than its deadline is told by the signal, with the error of the deadline', async () => {
  const manual = new ManualClock()
  const late = new Error('late')
  const result = withDeadline(
    manual,
    5_000,
    () => late,
    (signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  )
  const caught = result.catch((error: unknown) => error)
  await manual.advance(5_000)
  expect(await caught).toBe(late)
  expect(manual.pendingTimers).toBe(0)
})

test('serial ids are UUIDs, and none comes twice, also where one series follows another', () => {
  const both = [createSerialId(randomId), createSerialId(randomId)]
  const ids = Array.from({ length: 150_000 }, (_, index) => both[index % 2]?.() ?? '')
  expect(new Set(ids).size).toBe(150_000)
  for (const id of [ids[0], ids[131_072], ids.at(-1)]) {
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  }
})
