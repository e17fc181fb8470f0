import { describe, expect, it } from 'vitest'
import { manualClock, settled } from '../testing/between.ts'
import type { Session } from './session.ts'
import { createSessions } from './sessions.ts'

function held(over: { most?: number; mostPerCaller?: number } = {}) {
  const clock = manualClock()
  const ended: string[] = []
  let busy = 0
  let count = 0
  const sessions = createSessions({
    clock,
    newId: () => `id-${count++}`,
    limits: { most: 10, mostPerCaller: 10, idleMs: 1000, ...over },
    log: () => {},
    make: ({ id }) =>
      ({
        ready: Promise.resolve(),
        underWay: () => busy,
        end: async (reason: string) => void ended.push(`${id}: ${reason}`),
      }) as unknown as Session,
  })
  return {
    clock,
    sessions,
    ended,
    busy: (requests: number) => {
      busy = requests
    },
  }
}
const ada = { id: 'ada' }
const bob = { id: 'bob' }

describe('sessions', () => {
  it('one that nobody uses ends; one that is used, waits for an answer or is listened to does not', async () => {
    const { clock, sessions, ended, busy } = held()
    const one = sessions.begin(ada, {}, 'v')
    if (one === null) throw new Error('no session')
    clock.advance(999)
    sessions.touch(one)
    clock.advance(999)
    busy(1)
    clock.advance(1)
    busy(0)
    const sink = { write: () => {}, end: () => {} }
    one.standing.attach(sink)
    clock.advance(1000)
    expect(sessions.find('id-0', ada)).toBe(one)
    one.standing.detach(sink)
    clock.advance(1000)
    await settled()
    expect([sessions.find('id-0', ada), ended]).toEqual([null, ['id-0: The session was not used.']])
  })

  it('there are as many as are allowed, in all and for each caller, and an end makes room', async () => {
    const { sessions } = held({ most: 3, mostPerCaller: 2 })
    const first = sessions.begin(ada, {}, 'v')
    expect(sessions.shared(ada, {}, 'v')).not.toBeNull()
    expect(sessions.begin(ada, {}, 'v')).toBeNull()
    expect(sessions.begin(bob, {}, 'v')).not.toBeNull()
    expect(sessions.shared(bob, {}, 'v')).toBeNull()
    if (first !== null) await sessions.end(first, 'over')
    expect(sessions.begin(ada, {}, 'v')).not.toBeNull()
  })

  it('what requests without sessions share is found by no id, and is of one caller alone', () => {
    const { sessions } = held()
    const shared = sessions.shared(ada, {}, 'v')
    expect(sessions.shared(ada, {}, 'v')).toBe(shared)
    expect(sessions.shared(bob, {}, 'v')).not.toBe(shared)
    expect(sessions.find(shared?.id ?? '', ada)).toBeNull()
  })
})
