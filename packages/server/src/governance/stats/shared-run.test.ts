import { expect, it } from 'vitest'
import { createSharedRun } from './shared-run.ts'

/** A question whose answers end when the test says so. */
function held() {
  const ends: ((error?: Error) => void)[] = []
  let begun = 0
  const ask = createSharedRun(
    (_name: string) => {
      const turn = ++begun
      return new Promise<number>((resolve, reject) => ends.push((error) => (error ? reject(error) : resolve(turn))))
    },
    (name) => name,
  )
  return { ask, end: (error?: Error) => ends.shift()?.(error), begun: () => begun }
}
const turn = () => new Promise((resolve) => setImmediate(resolve))

it('who comes while one is worked out shares the next, which begins after all of them asked', async () => {
  const { ask, end, begun } = held()
  const first = ask('a')
  const others = [ask('a'), ask('a'), ask('a')]
  expect(begun()).toBe(1)
  end()
  expect(await first).toBe(1)
  await turn()
  const late = ask('a')
  expect(begun()).toBe(2)
  end()
  expect(await Promise.all(others)).toEqual([2, 2, 2])
  await turn()
  end()
  expect(await late).toBe(3)
  const afterwards = ask('a')
  end()
  expect(await afterwards).toBe(4)
})

it('another question does not wait', async () => {
  const { ask, end, begun } = held()
  const answers = [ask('a'), ask('b')]
  expect(begun()).toBe(2)
  end()
  end()
  expect(await Promise.all(answers)).toEqual([1, 2])
})

it('one that fails fails those who asked for it, and the next is worked out', async () => {
  const { ask, end } = held()
  const first = ask('a')
  const second = ask('a')
  end(new Error('away'))
  await expect(first).rejects.toThrow('away')
  await turn()
  end()
  expect(await second).toBe(2)
})
