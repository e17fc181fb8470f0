/**
 * Which call is open, which one the keys decide, and what became of each decision. Pure: acts and the time come in, the
 * next state and what to send come out.
 *
 * Two rules keep anybody from deciding what they did not read. A call is armed only by an act of the person on that call,
 * and only the armed one listens to keys. And nothing but the person changes the selection: after a decision, after the
 * list moved, after a call was decided by somebody else, nothing is armed.
 */

/** Milliseconds an approval can be taken back before it is sent. */
export const HOLD = 3_000
/** With less time than this left an approval is sent at once: holding it could let it run out. */
export const LEAST_TO_HOLD = 10_000

export type Decision =
  | { readonly kind: 'held'; readonly until: number }
  | { readonly kind: 'sending'; readonly approved: boolean; readonly reason: string | null }
  | { readonly kind: 'done'; readonly approved: boolean }
  /** Not sent, or not taken: the call still waits. */
  | { readonly kind: 'failed'; readonly approved: boolean; readonly reason: string | null; readonly why: string }
  /** Somebody else, or the time-out, was first. */
  | { readonly kind: 'lost' }

export interface Deciding {
  readonly selected: string | null
  /** The call that keys decide; null or the selected one. */
  readonly armed: string | null
  /** The call whose reason for denying is being written. */
  readonly form: string | null
  /** What was written so far, by call. */
  readonly reasons: ReadonlyMap<string, string>
  readonly decisions: ReadonlyMap<string, Decision>
}

export const NOTHING: Deciding = {
  selected: null,
  armed: null,
  form: null,
  reasons: new Map(),
  decisions: new Map(),
}

export type Act =
  /** The person moved to a call, or opened it. */
  | { readonly type: 'choose'; readonly id: string }
  /** Back to the list. */
  | { readonly type: 'leave' }
  /** The list is new, or the server went away or came back. */
  | { readonly type: 'look' }
  | { readonly type: 'approve'; readonly id: string; readonly by: 'key' | 'button' }
  | { readonly type: 'undo'; readonly id: string }
  | { readonly type: 'retry'; readonly id: string }
  | { readonly type: 'open form'; readonly id: string; readonly by: 'key' | 'button' }
  | { readonly type: 'write'; readonly reason: string }
  | { readonly type: 'close form' }
  | { readonly type: 'deny' }
  | { readonly type: 'tick' }
  /** The page is hidden, closed or left: what is held is sent now. */
  | { readonly type: 'hide' }
  | { readonly type: 'answered'; readonly id: string; readonly answer: Answer }

export type Answer =
  | { readonly kind: 'taken' }
  | { readonly kind: 'late' }
  | { readonly kind: 'failed'; readonly why: string }

/** What is known of the world when an act happens. */
export interface Surroundings {
  /** Milliseconds on the server's clock. */
  readonly now: number
  /** Calls that wait, and when each runs out. */
  readonly expiries: ReadonlyMap<string, number>
  /** The server does not answer: nothing can be decided. */
  readonly away: boolean
  /** The person wants approvals held for a moment. */
  readonly holds: boolean
}

export interface Sent {
  readonly id: string
  readonly approved: boolean
  readonly reason: string | null
  /** The page may end before the answer comes. */
  readonly lasting: boolean
}

export interface Step {
  readonly state: Deciding
  readonly send: readonly Sent[]
}

/** Whether letters do anything: not while a reason is being written, even when its call is over. */
export const lettersAct = (state: Deciding): boolean => state.form === null || state.form !== state.selected

export function step(state: Deciding, act: Act, world: Surroundings): Step {
  switch (act.type) {
    case 'choose':
      return still({ ...state, selected: act.id, armed: canDecide(state, act.id, world) ? act.id : null })
    case 'leave':
      return still({ ...state, selected: null, armed: null })
    case 'look':
      return still(look(state, world))
    case 'approve':
      return approve(state, act.id, act.by, world)
    case 'undo':
      return still(undo(state, act.id, world))
    case 'retry':
      return retry(state, act.id, world)
    case 'open form':
      return still(openForm(state, act.id, act.by, world))
    case 'write':
      if (state.form === null) return still(state)
      return still({ ...state, reasons: new Map(state.reasons).set(state.form, act.reason) })
    case 'close form':
      return still({ ...state, form: null, armed: null })
    case 'deny':
      return deny(state, world)
    case 'tick':
      return release(state, (until) => until <= world.now, false)
    case 'hide':
      return release(state, () => true, true)
    case 'answered':
      return still(answered(state, act.id, act.answer))
  }
}

const still = (state: Deciding): Step => ({ state, send: [] })

function canDecide(state: Deciding, id: string, world: Surroundings): boolean {
  const decision = state.decisions.get(id)
  const isUnderWay = decision !== undefined && decision.kind !== 'failed'
  return !world.away && !isUnderWay && (world.expiries.get(id) ?? 0) > world.now
}

const withDecision = (state: Deciding, id: string, decision: Decision): Deciding => ({
  ...state,
  armed: null,
  decisions: new Map(state.decisions).set(id, decision),
})

function look(state: Deciding, world: Surroundings): Deciding {
  // What is held was not sent yet: that its call no longer waits means that somebody else, or its time, ended it.
  const gone = [...state.decisions].flatMap(([id, decision]) =>
    decision.kind === 'held' && !world.away && !world.expiries.has(id) ? [id] : [],
  )
  const mustDisarm = state.armed !== null && !canDecide(state, state.armed, world)
  if (gone.length === 0 && !mustDisarm) return state
  const decisions = new Map(state.decisions)
  for (const id of gone) decisions.set(id, { kind: 'lost' })
  return { ...state, armed: mustDisarm ? null : state.armed, decisions }
}

function approve(state: Deciding, id: string, by: 'key' | 'button', world: Surroundings): Step {
  const mayAct = by === 'key' ? state.armed === id && lettersAct(state) : state.selected === id
  if (!mayAct || !canDecide(state, id, world)) return still(state)
  const left = (world.expiries.get(id) ?? 0) - world.now
  if (world.holds && left > LEAST_TO_HOLD)
    return still(withDecision(state, id, { kind: 'held', until: world.now + HOLD }))
  return sendNow(state, { id, approved: true, reason: null, lasting: false })
}

function sendNow(state: Deciding, sent: Sent): Step {
  const { id, approved, reason } = sent
  return { state: withDecision(state, id, { kind: 'sending', approved, reason }), send: [sent] }
}

function undo(state: Deciding, id: string, world: Surroundings): Deciding {
  if (state.decisions.get(id)?.kind !== 'held') return state
  const decisions = new Map(state.decisions)
  decisions.delete(id)
  const next = { ...state, decisions }
  return { ...next, armed: state.selected === id && canDecide(next, id, world) ? id : state.armed }
}

function retry(state: Deciding, id: string, world: Surroundings): Step {
  const decision = state.decisions.get(id)
  if (decision?.kind !== 'failed' || !canDecide(state, id, world)) return still(state)
  return sendNow(state, { id, approved: decision.approved, reason: decision.reason, lasting: false })
}

function openForm(state: Deciding, id: string, by: 'key' | 'button', world: Surroundings): Deciding {
  const mayAct = by === 'key' ? state.armed === id && lettersAct(state) : state.selected === id
  return mayAct && canDecide(state, id, world) ? { ...state, form: id } : state
}

function deny(state: Deciding, world: Surroundings): Step {
  const { form } = state
  if (form === null || state.selected !== form || !canDecide(state, form, world)) return still(state)
  const reason = state.reasons.get(form)?.trim() || null
  return sendNow(state, { id: form, approved: false, reason, lasting: false })
}

function release(state: Deciding, isDue: (until: number) => boolean, lasting: boolean): Step {
  const due = [...state.decisions].flatMap(([id, decision]) =>
    decision.kind === 'held' && isDue(decision.until) ? [id] : [],
  )
  if (due.length === 0) return still(state)
  const decisions = new Map(state.decisions)
  for (const id of due) decisions.set(id, { kind: 'sending', approved: true, reason: null })
  return {
    state: { ...state, decisions },
    send: due.map((id) => ({ id, approved: true, reason: null, lasting })),
  }
}

function answered(state: Deciding, id: string, answer: Answer): Deciding {
  const decision = state.decisions.get(id)
  if (decision?.kind !== 'sending') return state
  const decisions = new Map(state.decisions)
  switch (answer.kind) {
    case 'taken':
      decisions.set(id, { kind: 'done', approved: decision.approved })
      return { ...state, decisions, form: state.form === id ? null : state.form }
    case 'late':
      decisions.set(id, { kind: 'lost' })
      return { ...state, decisions }
    case 'failed':
      decisions.set(id, { ...decision, kind: 'failed', why: answer.why })
      return { ...state, decisions }
  }
}
