import { expect, test } from 'vitest'
import { throttleByName } from './refresh.ts'

test('the first event refreshes at once, a burst after it once more', () => {
  const runs: string[][] = []
  let flush = () => {}
  const refresh = throttleByName(
    (names) => runs.push([...names].sort()),
    1_000,
    (run) => {
      flush = run
    },
  )
  refresh(['events'])
  refresh(['events', 'stats'])
  refresh(['approvals'])
  expect(runs).toEqual([['events']])
  flush()
  expect(runs).toEqual([['events'], ['approvals', 'events', 'stats']])
  flush()
  refresh(['keys'])
  expect(runs.at(-1)).toEqual(['keys'])
})
