import { expect, test } from 'vitest'
import { createDecider } from './decider.ts'
import { type Answer, HOLD, type Sent } from './deciding.ts'

function world() {
  let time = 0
  let timers: { run: () => void; at: number }[] = []
  const sent: Sent[] = []
  const answers: ((answer: Answer) => void)[] = []
  const decider = createDecider({
    now: () => time,
    later: (run, milliseconds) => {
      const timer = { run, at: time + milliseconds }
      timers.push(timer)
      return () => {
        timers = timers.filter((other) => other !== timer)
      }
    },
    send: (one) => {
      sent.push(one)
      return new Promise((resolve) => answers.push(resolve))
    },
  })
  decider.know({
    expiries: new Map([
      ['a', 300_000],
      ['b', 300_000],
    ]),
    away: false,
    holds: true,
  })
  const pass = (milliseconds: number) => {
    time += milliseconds
    for (const timer of timers.filter(({ at }) => at <= time)) {
      timers = timers.filter((other) => other !== timer)
      timer.run()
    }
  }
  return { decider, sent, answers, pass }
}
const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

test('each held approval is sent in its own time', async () => {
  const { decider, sent, pass } = world()
  decider.act({ type: 'choose', id: 'a' })
  decider.act({ type: 'approve', id: 'a', by: 'key' })
  pass(1_000)
  decider.act({ type: 'choose', id: 'b' })
  decider.act({ type: 'approve', id: 'b', by: 'key' })
  pass(HOLD - 1_000)
  expect(sent.map(({ id }) => id)).toEqual(['a'])
  pass(1_000)
  expect(sent.map(({ id }) => id)).toEqual(['a', 'b'])
})

test('the answer becomes the state, and listeners hear of it', async () => {
  const { decider, answers, pass } = world()
  let heard = 0
  decider.subscribe(() => heard++)
  decider.act({ type: 'choose', id: 'a' })
  decider.act({ type: 'approve', id: 'a', by: 'button' })
  pass(HOLD)
  const before = heard
  answers[0]?.({ kind: 'taken' })
  await settled()
  expect(heard).toBe(before + 1)
  expect(decider.state().decisions.get('a')).toEqual({ kind: 'done', approved: true })
})
