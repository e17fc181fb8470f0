import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createPlaces } from './places.ts'

const never = new AbortController().signal
/** Let everything that is ready go on. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve))

/** Something that ends when the test says so. */
function work<T = void>() {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  return { wait: () => promise, resolve, reject }
}

/** How many can have a place at the moment. */
async function freeOf(places: ReturnType<typeof createPlaces>, most: number): Promise<number> {
  const over = new AbortController()
  const taken = Array.from({ length: most }, () => places.take(over.signal).catch(() => null))
  await settle()
  over.abort(new Error('counted'))
  const held = (await Promise.all(taken)).filter((one) => one !== null)
  for (const one of held) one.giveBack()
  return held.length
}

describe('places', () => {
  it('go round in the order of asking, and are given back once', async () => {
    const places = createPlaces(1)
    const first = await places.take(never)
    const order: number[] = []
    const waiting = [1, 2, 3].map(async (number) => {
      const place = await places.take(never)
      order.push(number)
      place.giveBack()
      place.giveBack()
    })
    first.giveBack()
    first.giveBack()
    await Promise.all(waiting)
    expect(order).toEqual([1, 2, 3])
    expect(await freeOf(places, 3)).toBe(1)
  })

  it('of one execution that waits for two things at once, one place is lent and one is taken again', async () => {
    const places = createPlaces(2)
    const mine = await places.take(never)
    const [one, two] = [work(), work()]
    const both = [mine.lend(one.wait), mine.lend(two.wait)]
    expect(await freeOf(places, 3)).toBe(2)
    one.resolve()
    await both[0]
    expect(await freeOf(places, 3)).toBe(1)
    two.resolve()
    await both[1]
    expect(await freeOf(places, 3)).toBe(1)
    mine.giveBack()
    expect(await freeOf(places, 3)).toBe(2)
  })

  it('two works that end at once wait for one place', async () => {
    const places = createPlaces(1)
    const mine = await places.take(never)
    const [one, two] = [work(), work()]
    const both = Promise.all([mine.lend(one.wait), mine.lend(two.wait)])
    const other = await places.take(never)
    one.resolve()
    two.resolve()
    await settle()
    other.giveBack()
    await both
    expect(await freeOf(places, 2)).toBe(0)
    mine.giveBack()
    expect(await freeOf(places, 2)).toBe(1)
  })

  it('a work that fails is told as it failed, with a place taken again', async () => {
    const places = createPlaces(1)
    const mine = await places.take(never)
    await expect(mine.lend(() => Promise.reject(new Error('no answer')))).rejects.toThrow('no answer')
    expect(await freeOf(places, 2)).toBe(0)
    mine.giveBack()
    expect(await freeOf(places, 2)).toBe(1)
  })

  it('an execution that ends while it waits for a place again keeps none', async () => {
    const places = createPlaces(1)
    const over = new AbortController()
    const mine = await places.take(over.signal)
    const other = mine.lend(async () => await places.take(never))
    await settle()
    over.abort(new Error('cancelled'))
    await expect(other).rejects.toThrow('cancelled')
    mine.giveBack()
    expect(await freeOf(places, 2)).toBe(0)
  })

  it('are never more than there are, and all there at the end, whatever happens in whichever order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3 }),
        fc.array(fc.record({ lends: fc.integer({ min: 0, max: 3 }), isFailing: fc.boolean(), isEnded: fc.boolean() }), {
          minLength: 1,
          maxLength: 6,
        }),
        fc.infiniteStream(fc.boolean()),
        async (size, executions, choices) => {
          const places = createPlaces(size)
          let working = 0
          let most = 0
          /** Pass some turns, so that the works interleave. */
          const pause = async () => {
            while (choices.next().value) await Promise.resolve()
          }
          await Promise.all(
            executions.map(async ({ lends, isFailing, isEnded }) => {
              const over = new AbortController()
              const place = await places.take(over.signal)
              most = Math.max(most, ++working)
              await pause()
              working--
              const lent = Array.from({ length: lends }, (_, number) =>
                place
                  .lend(async () => {
                    await pause()
                    if (isFailing && number === 0) throw new Error('failed')
                  })
                  .catch(() => {}),
              )
              if (isEnded) over.abort(new Error('ended'))
              await Promise.all(lent)
              if (!isEnded) most = Math.max(most, ++working)
              await pause()
              if (!isEnded) working--
              place.giveBack()
            }),
          )
          expect(most).toBeLessThanOrEqual(size)
          expect(await freeOf(places, size + 2)).toBe(size)
        },
      ),
    )
  })
})
