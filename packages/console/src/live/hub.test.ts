import { expect, test } from 'vitest'
import { type Connect, createHub, type FromHub } from './hub.ts'

function world() {
  const said: FromHub[] = []
  const waiting: (() => void)[] = []
  const opened: { handlers: Parameters<Connect>[0]; closed: boolean; checks: number }[] = []
  const hub = createHub(
    (handlers) => {
      const one = { handlers, closed: false, checks: 0 }
      opened.push(one)
      handlers.onStatus('connecting')
      return {
        check: () => {
          one.checks++
        },
        close: () => {
          one.closed = true
        },
      }
    },
    (message) => said.push(message),
    (run) => waiting.push(run),
  )
  /** The time between two announcements passes. */
  const pass = () => {
    for (const run of waiting.splice(0)) run()
  }
  const tab = (from: string) => (kind: 'join' | 'leave' | 'check') => hub.hear({ kind, from })
  return { hub, said, opened, tab, pass }
}

test('thirty tabs share one stream, and each learns how it stands', () => {
  const { said, opened, tab } = world()
  for (let n = 0; n < 30; n++) tab(`t${n}`)('join')
  expect(opened).toHaveLength(1)
  expect(said.filter(({ kind }) => kind === 'status')).toHaveLength(30)
})

test('the stream ends with the last tab and begins anew with the next', () => {
  const { opened, tab } = world()
  tab('a')('join')
  tab('b')('join')
  tab('a')('leave')
  expect(opened[0]?.closed).toBe(false)
  tab('b')('leave')
  expect(opened[0]?.closed).toBe(true)
  tab('c')('join')
  expect(opened).toHaveLength(2)
})

test('an ended session is told to all, and who signs in again has a new stream', () => {
  const { said, opened, tab } = world()
  tab('a')('join')
  tab('b')('join')
  opened[0]?.handlers.onSignedOut()
  expect(said.at(-1)).toEqual({ kind: 'signed out' })
  tab('a')('join')
  expect(opened).toHaveLength(2)
})

test('events and changes of the status reach all', () => {
  const { said, opened, tab } = world()
  tab('a')('join')
  opened[0]?.handlers.onStatus('live')
  opened[0]?.handlers.onEvent({ type: 'event_created' })
  tab('a')('check')
  expect(said.slice(1)).toEqual([
    { kind: 'status', status: 'live' },
    { kind: 'event', event: { type: 'event_created' } },
  ])
  expect(opened[0]?.checks).toBe(1)
})

test('of many announcements of new events the first is passed on at once, and those after it as one', () => {
  const { said, opened, tab, pass } = world()
  tab('a')('join')
  const heard = () => said.filter(({ kind }) => kind === 'event').length
  for (let n = 0; n < 100; n++) opened[0]?.handlers.onEvent({ type: 'event_created' })
  expect(heard()).toBe(1)
  pass()
  expect(heard()).toBe(2)
  pass()
  expect(heard()).toBe(2)
  opened[0]?.handlers.onEvent({ type: 'event_created' })
  expect(heard()).toBe(3)
})

test('a call that waits, and each decision, is passed on by itself, whatever else is announced', () => {
  const { said, opened, tab } = world()
  tab('a')('join')
  opened[0]?.handlers.onEvent({ type: 'event_created' })
  for (let n = 0; n < 3; n++) opened[0]?.handlers.onEvent({ type: 'approval_created' })
  expect(said.flatMap((message) => (message.kind === 'event' ? message.event.type : []))).toEqual([
    'event_created',
    'approval_created',
    'approval_created',
    'approval_created',
  ])
})
