import { expect, test } from 'vitest'
import { type Outcome, retry } from './retry.ts'

function world(outcomes: readonly Outcome<string>[]) {
  const waited: number[] = []
  let made = 0
  const run = (attempts = 3) =>
    retry(
      {
        attempts,
        backOff: { firstMs: 500, longestMs: 8_000 },
        random: () => 0,
        sleep: async (ms) => void waited.push(ms),
      },
      async () => outcomes[made++]!,
    )
  return { run, waited, made: () => made }
}
const lost = new Error('lost')

test('attempts are made until one succeeds, with growing pauses', async () => {
  const { run, waited } = world([{ error: lost, again: true }, { error: lost, again: true }, { value: 'here' }])
  expect(await run()).toBe('here')
  expect(waited).toEqual([500, 1_000])
})

test('the last failure is thrown when the attempts are used up, and nothing is waited for after it', async () => {
  const { run, waited, made } = world(Array(5).fill({ error: lost, again: true }))
  await expect(run(2)).rejects.toBe(lost)
  expect(made()).toBe(2)
  expect(waited).toEqual([500])
})

test('what may not be repeated is not', async () => {
  const { run, waited, made } = world([{ error: lost, again: false, askedMs: 5 }])
  await expect(run()).rejects.toBe(lost)
  expect([made(), waited]).toEqual([1, []])
})

test('a server is waited for as long as it asks, up to a minute; beyond that its refusal is the answer', async () => {
  const patient = world([
    { error: lost, again: true, askedMs: 0 },
    { error: lost, again: true, askedMs: 60_000 },
    { value: 'here' },
  ])
  expect(await patient.run()).toBe('here')
  expect(patient.waited).toEqual([0, 60_000])
  const impatient = world([{ error: lost, again: true, askedMs: 60_001 }])
  await expect(impatient.run()).rejects.toBe(lost)
  expect(impatient.waited).toEqual([])
})

test('a caller who stops waiting ends the attempts', async () => {
  const gone = new Error('gone')
  let made = 0
  const rules = {
    attempts: 9,
    backOff: { firstMs: 1, longestMs: 1 },
    random: () => 0,
    sleep: () => Promise.reject(gone),
  }
  const attempts = retry(rules, async () => {
    made++
    return { error: lost, again: true }
  })
  await expect(attempts).rejects.toBe(gone)
  expect(made).toBe(1)
})
