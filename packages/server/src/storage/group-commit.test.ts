import { expect, it } from 'vitest'
import { Unavailable } from '../errors.ts'
import { createGroupCommit } from './group-commit.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))

it('what waits while a commit runs is committed together, and each hears of its own', async () => {
  const groups: number[][] = []
  let release = () => {}
  const waiting = createGroupCommit<number>(1, async (items) => {
    groups.push([...items])
    await new Promise<void>((resolve) => {
      release = resolve
    })
    return items.map((item) => item % 2 === 0)
  })
  const first = waiting.submit([1], 1)
  await turn()
  const others = [waiting.submit([2, 3], 1), waiting.submit([4], 1)]
  release()
  expect(await first).toEqual([false])
  await turn()
  release()
  expect(await Promise.all(others)).toEqual([[true, false], [true]])
  expect(groups).toEqual([[1], [2, 3, 4]])
  await waiting.idle()
})

it('a submission the database refuses does not cost the others theirs', async () => {
  const waiting = createGroupCommit<string>(1, async (items) => {
    if (items.includes('bad')) throw new Error('refused')
    return items.map(() => true)
  })
  const answers = await Promise.allSettled([['a'], ['bad', 'b'], ['c']].map((items) => waiting.submit(items, 1)))
  expect(answers.map((answer) => answer.status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
})

it('a group that loses to another transaction is tried again', async () => {
  let attempts = 0
  const waiting = createGroupCommit<string>(1, async (items) => {
    if (++attempts < 3) throw Object.assign(new Error('deadlock detected'), { code: '40P01' })
    return items.map(() => true)
  })
  expect(await waiting.submit(['a'], 1)).toEqual([true])
})

it('with the database away everybody is told at once, and the next submission is tried anew', async () => {
  let isAway = true
  let attempts = 0
  const waiting = createGroupCommit<string>(1, async (items) => {
    attempts++
    if (isAway) throw Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })
    return items.map(() => true)
  })
  const answers = await Promise.allSettled([waiting.submit(['a'], 1), waiting.submit(['b'], 1)])
  expect(answers.map((answer) => answer.status)).toEqual(['rejected', 'rejected'])
  expect(attempts).toBe(1)
  isAway = false
  expect(await waiting.submit(['c'], 1)).toEqual([true])
})

it('beyond its bound the queue refuses, and takes again once it has drained', async () => {
  const waiting = createGroupCommit<string>(1, async (items) => items.map(() => true))
  const large = 40 * 1024 * 1024
  const first = waiting.submit(['a'], large)
  await expect(waiting.submit(['b'], large)).rejects.toBeInstanceOf(Unavailable)
  await first
  expect(await waiting.submit(['b'], large)).toEqual([true])
})

it('as many commits run at once as there are lanes', async () => {
  let running = 0
  let release = () => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  const waiting = createGroupCommit<number>(2, async (items) => {
    running++
    await released
    return items.map(() => true)
  })
  const answers: Promise<boolean[]>[] = []
  for (let item = 0; item < 4; item++) {
    answers.push(waiting.submit([item], 1))
    await turn()
    await turn()
  }
  expect(running).toBe(2)
  release()
  expect((await Promise.all(answers)).flat()).toEqual([true, true, true, true])
  expect(running).toBe(3)
})
