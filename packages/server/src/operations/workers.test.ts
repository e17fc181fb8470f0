import { describe, expect, it } from 'vitest'
import { manualClock } from '../../test/manual-clock.ts'
import { createWorkers } from './workers.ts'

/** Recurring work: a turn that fails is tried again, and says so. */
describe('workers', () => {
  const logged: unknown[] = []
  const open = () => {
    const clock = manualClock()
    return {
      clock,
      work: createWorkers({ clock, logger: { error: (line: unknown) => void logged.push(line) } as never }),
    }
  }
  const settled = () => new Promise((resolve) => setImmediate(resolve))

  it('take a turn each period, the first after one period', async () => {
    const { clock, work } = open()
    let turns = 0
    work.every('count', 10_000, async () => void turns++)
    await clock.advance(9_999)
    expect(turns).toBe(0)
    await clock.advance(1)
    expect(turns).toBe(1)
    for (let period = 0; period < 3; period++) await clock.advance(10_000)
    expect(turns).toBe(4)
  })

  it('one that fails is logged, shown as crashed, tried again soon, and running again after a good turn', async () => {
    const { clock, work } = open()
    let turns = 0
    work.every('flaky', 60_000, async () => {
      if (++turns < 3) throw new Error('the database is away')
    })
    work.every('steady', 60_000, async () => {})
    expect(work.status()).toEqual({ flaky: 'running', steady: 'running' })
    await clock.advance(60_000)
    await settled()
    expect(work.status()).toEqual({ flaky: 'crashed', steady: 'running' })
    expect(logged.at(-1)).toMatchObject({ worker: 'flaky', err: new Error('the database is away') })
    await clock.advance(5_000)
    await settled()
    expect([turns, work.status().flaky]).toEqual([2, 'crashed'])
    await clock.advance(5_000)
    await settled()
    expect([turns, work.status().flaky]).toEqual([3, 'running'])
    await clock.advance(59_999)
    expect(turns).toBe(3)
  })

  it('turns of one worker never overlap', async () => {
    const { clock, work } = open()
    let running = 0
    let most = 0
    let release = () => {}
    work.every('slow', 1_000, async () => {
      most = Math.max(most, ++running)
      await new Promise<void>((resolve) => {
        release = resolve
      })
      running--
    })
    const both = [work.runNow('slow'), work.runNow('slow')]
    await clock.advance(5_000)
    release()
    await Promise.all(both)
    expect(most).toBe(1)
  })

  it('stopping waits for the turn that runs, and there is none after it', async () => {
    const { clock, work } = open()
    let turns = 0
    let release = () => {}
    work.every('slow', 1_000, async () => {
      await new Promise<void>((resolve) => {
        release = resolve
      })
      turns++
    })
    const turn = work.runNow('slow')
    const stopped = work.stop().then(() => turns)
    release()
    await turn
    expect(await stopped).toBe(1)
    await clock.advance(60_000)
    expect([turns, work.status()]).toEqual([1, { slow: 'stopped' }])
  })
})
