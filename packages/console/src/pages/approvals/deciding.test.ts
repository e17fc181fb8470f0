import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type Act,
  type Deciding,
  HOLD,
  LEAST_TO_HOLD,
  NOTHING,
  type Sent,
  type Surroundings,
  step,
} from './deciding.ts'

const MINUTE = 60_000
const waiting = (...ids: string[]): ReadonlyMap<string, number> => new Map(ids.map((id) => [id, 5 * MINUTE]))
const world = (change: Partial<Surroundings> = {}): Surroundings => ({
  now: 0,
  expiries: waiting('a', 'b'),
  away: false,
  holds: true,
  ...change,
})

/** Runs acts one after another; each may have surroundings of its own. */
function run(acts: readonly (Act | [Act, Partial<Surroundings>])[], from: Deciding = NOTHING) {
  let state = from
  const sent: Sent[] = []
  for (const entry of acts) {
    const [act, change] = Array.isArray(entry) ? entry : [entry, {}]
    const next = step(state, act, world(change))
    state = next.state
    sent.push(...next.send)
  }
  return { state, sent }
}
const choose = (id: string): Act => ({ type: 'choose', id })
const press = (id: string): Act => ({ type: 'approve', id, by: 'key' })
const click = (id: string): Act => ({ type: 'approve', id, by: 'button' })

describe('arming', () => {
  test('nothing is selected or armed until the person chooses', () => {
    expect(run([{ type: 'look' }, press('a')])).toMatchObject({ state: { selected: null, armed: null }, sent: [] })
  })

  test('choosing a call arms it, and only it', () => {
    expect(run([choose('a')]).state.armed).toBe('a')
    expect(run([choose('a'), press('b')]).state.decisions.size).toBe(0)
  })

  test('a second press of the same key decides nothing, however soon or late it comes', () => {
    for (const later of [60, 400, HOLD + 1]) {
      const { state } = run([choose('a'), press('a'), [press('a'), { now: later }], [press('b'), { now: later }]])
      expect(state.armed).toBeNull()
      expect([...state.decisions.keys()]).toEqual(['a'])
    }
  })

  test('after a decision the selection stays where it was, unarmed', () => {
    expect(run([choose('a'), press('a')]).state).toMatchObject({ selected: 'a', armed: null })
  })

  test('a call that leaves the list is disarmed but stays open', () => {
    const { state } = run([choose('a'), [{ type: 'look' }, { expiries: waiting('b') }]])
    expect(state).toMatchObject({ selected: 'a', armed: null })
  })

  test('a call whose time is over, or that was decided, cannot be armed', () => {
    expect(run([[choose('a'), { now: 6 * MINUTE }]]).state.armed).toBeNull()
    expect(run([choose('a'), press('a'), choose('a')]).state.armed).toBeNull()
    expect(run([[choose('x'), {}]]).state.armed).toBeNull()
  })

  test('while the server is away nothing can be decided, and nothing is armed when it is back', () => {
    const { state, sent } = run([
      choose('a'),
      [{ type: 'look' }, { away: true }],
      [press('a'), { away: true }],
      [click('a'), { away: true }],
      { type: 'look' },
      press('a'),
    ])
    expect(sent).toEqual([])
    expect(state).toMatchObject({ armed: null, selected: 'a' })
    expect(state.decisions.size).toBe(0)
  })
})

describe('holding an approval', () => {
  test('it is sent when the time to undo is over, once', () => {
    const held = run([choose('a'), press('a'), [{ type: 'tick' }, { now: HOLD - 1 }]])
    expect(held.sent).toEqual([])
    const { sent } = run(
      [
        [{ type: 'tick' }, { now: HOLD }],
        [{ type: 'tick' }, { now: HOLD + 1 }],
      ],
      held.state,
    )
    expect(sent).toEqual([{ id: 'a', approved: true, reason: null, lasting: false }])
  })

  test('undone it is never sent, and its call can be decided again', () => {
    const { state, sent } = run([
      choose('a'),
      press('a'),
      { type: 'undo', id: 'a' },
      [{ type: 'tick' }, { now: HOLD }],
      [{ type: 'hide' }, { now: HOLD }],
    ])
    expect(sent).toEqual([])
    expect(state.armed).toBe('a')
  })

  test('with little time left, or when the person wants no hold, it is sent at once', () => {
    const soon = new Map([['a', LEAST_TO_HOLD]])
    expect(
      run([
        [choose('a'), { expiries: soon }],
        [press('a'), { expiries: soon }],
      ]).sent,
    ).toHaveLength(1)
    expect(run([choose('a'), [press('a'), { holds: false }]]).sent).toHaveLength(1)
  })

  test('a page that is hidden or closed sends what is held, to last beyond it', () => {
    const { sent } = run([choose('a'), press('a'), choose('b'), press('b'), { type: 'hide' }, { type: 'hide' }])
    expect(sent.map(({ id, lasting }) => [id, lasting])).toEqual([
      ['a', true],
      ['b', true],
    ])
  })

  test('a held call that somebody else decides meanwhile is lost, not sent', () => {
    const { state, sent } = run([
      choose('a'),
      press('a'),
      [{ type: 'look' }, { expiries: waiting('b') }],
      [{ type: 'tick' }, { now: HOLD, expiries: waiting('b') }],
    ])
    expect(state.decisions.get('a')).toEqual({ kind: 'lost' })
    expect(sent).toEqual([])
  })

  test('what could not be sent says so, and is sent again only when asked', () => {
    const answer: Act = { type: 'answered', id: 'a', answer: { kind: 'failed', why: 'The server does not answer.' } }
    const { state, sent } = run([choose('a'), [press('a'), { holds: false }], answer, { type: 'tick' }])
    expect(sent).toHaveLength(1)
    expect(state.decisions.get('a')).toMatchObject({ kind: 'failed', why: 'The server does not answer.' })
    expect(run([{ type: 'retry', id: 'a' }], state).sent).toHaveLength(1)
  })

  test('who was too late is told that the race was lost', () => {
    const late: Act = { type: 'answered', id: 'a', answer: { kind: 'late' } }
    expect(run([choose('a'), [press('a'), { holds: false }], late]).state.decisions.get('a')).toEqual({ kind: 'lost' })
  })
})

describe('denying', () => {
  const form: Act = { type: 'open form', id: 'a', by: 'key' }
  const write: Act = { type: 'write', reason: 'a mistake' }

  test('it is sent at once, with its reason', () => {
    expect(run([choose('a'), form, write, { type: 'deny' }]).sent).toEqual([
      { id: 'a', approved: false, reason: 'a mistake', lasting: false },
    ])
  })

  test('a form in use stays when its call ends, keeps its text, and no letter acts until it is closed', () => {
    const gone = { expiries: waiting('b') }
    const { state, sent } = run([
      choose('a'),
      form,
      write,
      [{ type: 'look' }, gone],
      [press('a'), gone],
      [press('b'), gone],
      [{ type: 'deny' }, gone],
    ])
    expect(sent).toEqual([])
    expect(state).toMatchObject({ form: 'a', selected: 'a', armed: null })
    expect(state.reasons.get('a')).toBe('a mistake')
    expect(
      run(
        [
          [{ type: 'close form' }, gone],
          [press('b'), gone],
        ],
        state,
      ),
    ).toMatchObject({
      state: { form: null, armed: null },
      sent: [],
    })
  })

  test('approving by key is impossible while a reason is written', () => {
    expect(run([choose('a'), form, press('a')]).state.decisions.size).toBe(0)
  })

  test('a refusal that failed keeps the form and what was written', () => {
    const failed: Act = { type: 'answered', id: 'a', answer: { kind: 'failed', why: 'x' } }
    const { state } = run([choose('a'), form, write, { type: 'deny' }, failed])
    expect(state.form).toBe('a')
    expect(state.reasons.get('a')).toBe('a mistake')
    expect(run([{ type: 'deny' }], state).sent).toHaveLength(1)
  })
})

test('whatever happens in whatever order: keys decide only what was chosen last, and nothing is sent twice', () => {
  const id = fc.constantFrom('a', 'b', 'c')
  const by = fc.constantFrom('key' as const, 'button' as const)
  const act: fc.Arbitrary<Act> = fc.oneof(
    id.map((id) => ({ type: 'choose' as const, id })),
    fc.constantFrom<Act>(
      { type: 'leave' },
      { type: 'look' },
      { type: 'close form' },
      { type: 'deny' },
      { type: 'hide' },
    ),
    fc.constant<Act>({ type: 'tick' }),
    fc.record({ type: fc.constant('approve' as const), id, by }),
    fc.record({ type: fc.constant('open form' as const), id, by }),
    fc.record({ type: fc.constant('undo' as const), id }),
    fc.record({
      type: fc.constant('answered' as const),
      id,
      answer: fc.constantFrom({ kind: 'taken' as const }, { kind: 'late' as const }),
    }),
  )
  const surroundings = fc.record({
    expiries: fc.subarray(['a', 'b', 'c']).map((ids) => waiting(...ids)),
    away: fc.boolean(),
    holds: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(fc.tuple(act, surroundings, fc.nat(4_000)), { maxLength: 40 }), (steps) => {
      let state = NOTHING
      let now = 0
      let chosen: string | null = null
      const sent = new Set<string>()
      for (const [one, around, passed] of steps) {
        now += passed
        const before = state
        const next = step(state, one, { ...around, now })
        state = next.state
        if (one.type === 'choose') chosen = one.id
        if (one.type === 'leave') chosen = null
        expect(state.selected).toBe(chosen)
        if (state.armed !== null) expect(state.armed).toBe(chosen)
        if (one.type === 'approve' && one.by === 'key' && before.armed !== one.id) expect(state).toBe(before)
        for (const { id } of next.send) {
          expect(sent).not.toContain(id)
          sent.add(id)
        }
      }
    }),
  )
})
