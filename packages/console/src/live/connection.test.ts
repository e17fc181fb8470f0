import { expect, test } from 'vitest'
import { backoff, connectLive, type LiveDependencies, type Source } from './connection.ts'

class FakeSource implements Source {
  closed = false
  readonly #listeners = new Map<string, (event: { data?: unknown }) => void>()
  addEventListener(type: string, listener: (event: { data?: unknown }) => void) {
    this.#listeners.set(type, listener)
  }
  emit(type: string, data?: unknown) {
    this.#listeners.get(type)?.({ data })
  }
  close() {
    this.closed = true
  }
}

function world(probeStatus = 200) {
  const sources: FakeSource[] = []
  const timers: { run: () => void; milliseconds: number; cancelled: boolean }[] = []
  const log: string[] = []
  const deps: LiveDependencies = {
    types: ['event_created', 'approval_created'],
    open: () => {
      const source = new FakeSource()
      sources.push(source)
      return source
    },
    probe: async () => probeStatus,
    random: () => 1,
    later: (run, milliseconds) => {
      const timer = { run, milliseconds, cancelled: false }
      timers.push(timer)
      return () => {
        timer.cancelled = true
      }
    },
    onStatus: (status) => log.push(status),
    onOpen: (resumed) => log.push(resumed ? 'resumed' : 'opened'),
    onEvent: (event) => log.push(`event ${JSON.stringify(event)}`),
    onSignedOut: () => log.push('signed out'),
  }
  return { deps, sources, timers, log }
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

test('events of the stream arrive with their type; what is no JSON is passed over', () => {
  const { deps, sources, log } = world()
  connectLive(deps)
  sources[0]!.emit('open')
  sources[0]!.emit('event_created', '{"type":"event_created","accepted":3}')
  sources[0]!.emit('event_created', 'not json')
  sources[0]!.emit('unknown_type', '{}')
  expect(log).toEqual(['connecting', 'live', 'opened', 'event {"type":"event_created","accepted":3}'])
})

test('a broken stream is opened anew after a growing wait, and says that events may have been missed', async () => {
  const { deps, sources, timers, log } = world()
  connectLive(deps)
  sources[0]!.emit('open')
  sources[0]!.emit('error')
  await settled()
  expect(sources[0]!.closed).toBe(true)
  expect(timers.map((t) => t.milliseconds)).toEqual([1_000])
  timers[0]!.run()
  sources[1]!.emit('error')
  await settled()
  expect(timers.map((t) => t.milliseconds)).toEqual([1_000, 2_000])
  timers[1]!.run()
  sources[2]!.emit('open')
  expect(log).toEqual(['connecting', 'live', 'opened', 'away', 'away', 'live', 'resumed'])
})

test('a stream lost to an ended session leads to the login and is not tried again', async () => {
  const { deps, sources, timers, log } = world(401)
  connectLive(deps)
  sources[0]!.emit('error')
  await settled()
  expect(log).toEqual(['connecting', 'away', 'signed out'])
  expect(timers).toEqual([])
})

test('the network coming back is tried at once, and the waiting attempt is dropped', async () => {
  const { deps, sources, timers } = world(0)
  const connection = connectLive(deps)
  sources[0]!.emit('error')
  await settled()
  connection.retry()
  expect(sources).toHaveLength(2)
  expect(timers[0]!.cancelled).toBe(true)
})

test('after closing nothing is opened and nothing is reported', async () => {
  const { deps, sources, timers, log } = world(401)
  const connection = connectLive(deps)
  sources[0]!.emit('error')
  connection.close()
  await settled()
  connection.retry()
  expect(sources).toHaveLength(1)
  expect(timers).toEqual([])
  expect(log).not.toContain('signed out')
})

test('the wait doubles from one second to one minute, half of it by chance', () => {
  expect([0, 1, 2, 5, 6, 60].map((failures) => backoff(failures, () => 1))).toEqual([
    1_000, 2_000, 4_000, 32_000, 60_000, 60_000,
  ])
  expect(backoff(0, () => 0)).toBe(500)
})
