import { type Act, type Answer, type Deciding, NOTHING, type Sent, type Surroundings, step } from './deciding.ts'

export interface DeciderDependencies {
  /** Milliseconds on the server's clock. */
  readonly now: () => number
  /** Runs something after so many milliseconds; the answer cancels it. */
  readonly later: (run: () => void, milliseconds: number) => () => void
  readonly send: (sent: Sent) => Promise<Answer>
}

/** What the page knows beside the time. */
export type Known = Omit<Surroundings, 'now'>

export interface Decider {
  readonly state: () => Deciding
  readonly act: (act: Act) => void
  /** The list, the connection or the person's wish changed. */
  readonly know: (known: Known) => void
  readonly subscribe: (listener: () => void) => () => void
}

/** Runs the rules of `deciding.ts` over time: sends what they say, and wakes when something held falls due. */
export function createDecider({ now, later, send }: DeciderDependencies): Decider {
  let state = NOTHING
  let known: Known = { expiries: new Map(), away: false, holds: true }
  let cancel = () => {}
  const listeners = new Set<() => void>()

  const act = (one: Act) => {
    const next = step(state, one, { ...known, now: now() })
    const isChanged = next.state !== state
    state = next.state
    for (const sent of next.send) void send(sent).then((answer) => act({ type: 'answered', id: sent.id, answer }))
    // A tick that came too early, because the clock was corrected meanwhile, must be followed by another.
    if (isChanged || one.type === 'tick') wakeForHeld()
    if (!isChanged) return
    for (const notify of listeners) notify()
  }
  const wakeForHeld = () => {
    cancel()
    const due = [...state.decisions.values()].flatMap((decision) => (decision.kind === 'held' ? [decision.until] : []))
    if (due.length > 0) cancel = later(() => act({ type: 'tick' }), Math.max(0, Math.min(...due) - now()))
  }

  return {
    state: () => state,
    act,
    know(next) {
      known = next
      act({ type: 'look' })
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}
