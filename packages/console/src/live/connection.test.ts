import { expect, test } from 'vitest'
import { connectLive, type LiveDependencies, pause, type Source } from './connection.ts'

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

function world(...statuses: number[]) {
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
    probe: async () => statuses.shift() ?? 200,
    random: () => 1,
    later: (run, milliseconds) => {
      const timer = { run, milliseconds, cancelled: false }
      timers.push(timer)
      return () => {
        timer.cancelled = true
      }
    },
    onStatus: (status) => log.push(status),
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
  expect(log).toEqual(['connecting', 'live', 'event {"type":"event_created","accepted":3}'])
})

test('a stream that broke is opened anew as soon as the server answers', async () => {
  const { deps, sources, timers, log } = world(0, 503, 200)
  connectLive(deps)
  sources[0]!.emit('open')
  sources[0]!.emit('error')
  await settled()
  expect(sources[0]!.closed).toBe(true)
  timers.at(-1)!.run()
  await settled()
  expect(sources).toHaveLength(1)
  timers.at(-1)!.run()
  await settled()
  expect(sources).toHaveLength(2)
  sources[1]!.emit('open')
  expect(log).toEqual(['connecting', 'live', 'away', 'live'])
})

test('a server that answers probes but refuses streams is not stormed', async () => {
  const { deps, sources, timers } = world()
  connectLive(deps)
  sources[0]!.emit('error')
  await settled()
  sources[1]!.emit('error')
  await settled()
  expect(sources).toHaveLength(2)
  expect(timers).toHaveLength(1)
})

test('however long the server is away, the next look is never more than two seconds off', () => {
  expect([0, 1, 2, 6, 600].map((failures) => pause(failures, () => 1))).toEqual([500, 1_000, 2_000, 2_000, 2_000])
  expect(pause(9, () => 0)).toBe(1_000)
})

test('a stream lost to an ended session leads to the login and is not tried again', async () => {
  const { deps, sources, timers, log } = world(401)
  connectLive(deps)
  sources[0]!.emit('error')
  await settled()
  expect(log).toEqual(['connecting', 'away', 'signed out'])
  expect(timers).toEqual([])
})

test('a stream that seems open is found dead by a check', async () => {
  const { deps, sources, log } = world(0)
  const connection = connectLive(deps)
  sources[0]!.emit('open')
  connection.check()
  await settled()
  expect(sources[0]!.closed).toBe(true)
  expect(log).toEqual(['connecting', 'live', 'away'])
})

test('the network coming back is tried at once, and the waiting attempt is dropped', async () => {
  const { deps, sources, timers } = world(0, 200)
  const connection = connectLive(deps)
  sources[0]!.emit('error')
  await settled()
  connection.check()
  await settled()
  expect(sources).toHaveLength(2)
  expect(timers[0]!.cancelled).toBe(true)
})

test('after closing nothing is opened and nothing is reported', async () => {
  const { deps, sources, timers, log } = world(401)
  const connection = connectLive(deps)
  sources[0]!.emit('error')
  connection.close()
  await settled()
  connection.check()
  await settled()
  expect(sources).toHaveLength(1)
  expect(timers).toEqual([])
  expect(log).not.toContain('signed out')
})
