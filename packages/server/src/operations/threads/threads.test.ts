import { Worker } from 'node:worker_threads'
import { afterEach, describe, expect, it } from 'vitest'
import { manualClock } from '../../../test/manual-clock.ts'
import { createThreads, NoThreadFree, ThreadFailed, type Threads, ThreadTimeout } from './threads.ts'

/** Answers what it is sent, and how many tasks it has had; `spin` never ends, `throw` breaks off. */
const program = `
  const { parentPort } = require('node:worker_threads')
  let tasks = 0
  parentPort.on('message', (task) => {
    tasks++
    if (task === 'spin') for (;;) {}
    if (task === 'throw') throw new Error('broken')
    parentPort.postMessage([task, tasks])
  })
`

describe('threads', () => {
  const clock = manualClock()
  let pool: Threads<string, [string, number]>
  let started: Worker[] = []
  afterEach(async () => {
    await pool.close()
    started = []
  })

  function open(most = 2) {
    const start = () => {
      const worker = new Worker(program, { eval: true })
      started.push(worker)
      return worker
    }
    pool = createThreads({ start, most, idleMs: 30_000, clock })
  }
  const run = (task: string) => pool.run(task, { waitMs: 1_000, runMs: 5_000 })
  /** Once the first thread runs; it is started in a later turn than the task is handed in. */
  const running = async () => {
    await new Promise((resolve) => setImmediate(resolve))
    await new Promise((resolve) => started[0]?.once('online', resolve))
  }

  it('a thread that answered is used again', async () => {
    open()
    expect(await run('a')).toEqual(['a', 1])
    expect(await run('b')).toEqual(['b', 2])
    expect(started).toHaveLength(1)
  })

  it('an unused thread is let go', async () => {
    open()
    await run('a')
    const ended = new Promise((resolve) => started[0]?.once('exit', resolve))
    await clock.advance(30_000)
    await ended
    expect(await run('b')).toEqual(['b', 1])
  })

  it('a task that runs too long is broken off, and its place is free when it has really ended', async () => {
    open(1)
    const spinning = run('spin')
    const outcome = expect(spinning).rejects.toBeInstanceOf(ThreadTimeout)
    await running()
    const ended = new Promise((resolve) => started[0]?.once('exit', resolve))
    await clock.advance(5_000)
    await outcome
    const next = run('a')
    await ended
    expect(await next).toEqual(['a', 1])
  })

  it('more tasks than threads wait their turn, and give up after their time', async () => {
    open(1)
    const spinning = run('spin')
    const outcome = expect(spinning).rejects.toBeInstanceOf(ThreadTimeout)
    const waiting = expect(run('late')).rejects.toBeInstanceOf(NoThreadFree)
    await running()
    await clock.advance(1_000)
    await waiting
    await clock.advance(4_000)
    await outcome
    expect(await Promise.all(['a', 'b', 'c'].map(run))).toEqual([
      ['a', 1],
      ['b', 2],
      ['c', 3],
    ])
  })

  it('a task that breaks its thread fails alone', async () => {
    open()
    const failed = expect(run('throw')).rejects.toBeInstanceOf(ThreadFailed)
    expect(await run('a')).toEqual(['a', 1])
    await failed
    expect((await run('b'))[0]).toBe('b')
  })
})
