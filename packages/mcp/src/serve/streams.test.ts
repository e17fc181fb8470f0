import { describe, expect, it } from 'vitest'
import { manualClock } from '../testing/between.ts'
import { createStreams, type Sink } from './streams.ts'

function sink(): Sink & { readonly said: string[]; isEnded: boolean } {
  const one = {
    said: [] as string[],
    isEnded: false,
    write: (event: string) => void one.said.push(/data: (.*)/.exec(event)?.[1] ?? ''),
    end() {
      one.isEnded = true
    },
  }
  return one
}

function streams(kept?: { bytes: number; finishedMs: number }) {
  const clock = manualClock()
  let count = 0
  return { clock, streams: createStreams(clock, () => `s${count++}`, kept) }
}

describe('streams that outlive their connections', () => {
  it('what came while nobody listened comes first, once', () => {
    const stream = streams().streams.open(false)
    stream.send('a')
    const first = sink()
    expect(stream.attach(first)).toBe(true)
    stream.send('b')
    stream.detach(first)
    stream.send('c')
    const second = sink()
    stream.attach(second)
    expect([first.said, second.said]).toEqual([['a', 'b'], ['c']])
  })

  it('behind an event that a client names comes all that followed, and then what is new, until the end', () => {
    const { streams: all } = streams()
    const stream = all.open(true)
    stream.attach(sink())
    for (const text of ['a', 'b', 'c']) stream.send(text)
    const found = all.find(`${stream.id}_1`)
    expect(found?.stream).toBe(stream)
    const again = sink()
    expect(stream.attach(again, found?.after)).toBe(false)
    stream.finish()
    expect(stream.attach(again, found?.after)).toBe(true)
    expect([again.said, again.isEnded]).toEqual([['b', 'c'], true])
  })

  it('a stream that has ended is kept for its time, and then is none', () => {
    const { clock, streams: all } = streams({ bytes: 1000, finishedMs: 1000 })
    const stream = all.open(false)
    stream.send('a')
    stream.finish()
    clock.advance(999)
    expect(all.find(`${stream.id}_1`)?.stream).toBe(stream)
    clock.advance(1)
    expect(all.find(`${stream.id}_1`)).toBeNull()
  })

  it('beyond what is kept the oldest goes: streams that ended first; what is gone is not passed over in silence', () => {
    const { streams: all } = streams({ bytes: 700, finishedMs: 1000 })
    const old = all.open(false)
    old.send('12345')
    old.finish()
    const stream = all.open(false)
    for (const text of ['aaaa', 'bbbb', 'cccc']) stream.send(text)
    expect(all.find(`${old.id}_1`)).toBeNull()
    expect(stream.attach(sink(), 0)).toBe(false)
    const late = sink()
    expect(stream.attach(late, 1)).toBe(true)
    expect(late.said).toEqual(['bbbb', 'cccc'])
  })

  it.each(['', 's0', 's0_', 's0_x', 's9_1', '_1', 's0_99'])('%j is no event to go on from', (id) => {
    const { streams: all } = streams()
    all.open(false).send('a')
    const found = all.find(id)
    expect(found === null || !found.stream.attach(sink(), found.after)).toBe(true)
  })
})
