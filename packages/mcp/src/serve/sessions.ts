import type { McpClock } from '../clock.ts'
import type { Session } from './session.ts'
import { createStreams, type EventStream, type Streams } from './streams.ts'

/** Who calls, as whoever let the caller in knows it. */
export interface Caller {
  /** Tells callers apart; never shown to other callers. */
  readonly id: string
}

/** A session and what belongs to it beside. */
export interface Held<C extends Caller> {
  readonly id: string
  readonly caller: C
  readonly session: Session
  readonly streams: Streams
  /** What belongs to no request. */
  readonly standing: EventStream
  /** The version that was agreed upon. */
  readonly version: string
}

export interface SessionLimits {
  readonly most: number
  readonly mostPerCaller: number
  /** Milliseconds after which a session ends that nobody uses and nobody listens to. */
  readonly idleMs: number
}

export interface Sessions<C extends Caller> {
  /** @returns null where there are too many already */
  begin(caller: C, client: Readonly<Record<string, unknown>>, version: string): Held<C> | null
  /** A session of this very caller; null for any other, which nobody can tell from one that never was. */
  find(id: string, caller: C): Held<C> | null
  /** The one that this caller's requests without sessions share; null where there are too many already. */
  shared(caller: C, client: Readonly<Record<string, unknown>>, version: string): Held<C> | null
  /** It is in use. */
  touch(held: Held<C>): void
  end(held: Held<C>, reason: string): Promise<void>
  toolsAccepted(upstream: string): void
  close(reason: string): Promise<void>
}

export interface SessionSeed<C extends Caller> {
  readonly id: string
  readonly caller: C
  readonly client: Readonly<Record<string, unknown>>
  readonly isShared: boolean
  readonly standing: (text: string) => void
}

export function createSessions<C extends Caller>(deps: {
  readonly make: (seed: SessionSeed<C>) => Session
  readonly clock: McpClock
  /** An id that nobody can guess. */
  readonly newId: () => string
  readonly limits: SessionLimits
  readonly log: (event: string, fields: Readonly<Record<string, unknown>>) => void
}): Sessions<C> {
  const { clock, limits, newId, log } = deps
  const sessions = new Map<string, Held<C>>()
  const byCaller = new Map<string, Held<C>>()
  const timers = new Map<string, () => void>()
  const ending = new Set<Promise<void>>()

  function begin(caller: C, client: SessionSeed<C>['client'], version: string, isShared: boolean): Held<C> | null {
    const own = [...sessions.values()].filter((held) => held.caller.id === caller.id)
    if (sessions.size >= limits.most || own.length >= limits.mostPerCaller) {
      log('session_refused', { caller: caller.id, sessions: sessions.size, of_caller: own.length })
      return null
    }
    const id = newId()
    let streamCount = 0
    const streams = createStreams(clock, () => String(streamCount++))
    const standing = streams.open(false)
    const session = deps.make({
      id,
      caller,
      client,
      isShared,
      standing: (text) => (isShared ? undefined : standing.send(text)),
    })
    const held = { id, caller, session, streams, standing, version }
    sessions.set(id, held)
    log('session_began', { session: mark(id), caller: caller.id, version })
    touch(held)
    return held
  }

  function touch(held: Held<C>): void {
    timers.get(held.id)?.()
    timers.set(
      held.id,
      clock.after(limits.idleMs, () => {
        // Who listens or waits is there, however little is said.
        if (held.session.underWay() > 0 || held.standing.isAttached()) return touch(held)
        void end(held, 'The session was not used.')
      }),
    )
  }

  function end(held: Held<C>, reason: string): Promise<void> {
    if (!sessions.delete(held.id)) return Promise.resolve()
    if (byCaller.get(held.caller.id) === held) byCaller.delete(held.caller.id)
    timers.get(held.id)?.()
    timers.delete(held.id)
    log('session_ended', { session: mark(held.id), caller: held.caller.id, reason })
    const ended = held.session.end(reason).finally(() => {
      held.streams.close()
      ending.delete(ended)
    })
    ending.add(ended)
    return ended
  }

  return {
    begin: (caller, client, version) => begin(caller, client, version, false),
    find(id, caller) {
      const held = sessions.get(id)
      return held?.caller.id === caller.id && byCaller.get(caller.id) !== held ? held : null
    },
    shared(caller, client, version) {
      const known = byCaller.get(caller.id)
      if (known !== undefined) return known
      const held = begin(caller, client, version, true)
      if (held !== null) byCaller.set(caller.id, held)
      return held
    },
    touch,
    end,
    toolsAccepted(upstream) {
      for (const { session } of sessions.values()) session.toolsAccepted(upstream)
    },
    async close(reason) {
      for (const held of [...sessions.values()]) void end(held, reason)
      await Promise.all(ending)
    },
  }
}

/** Enough of an id to find it in the log again, and too little to use it. */
export const mark = (id: string): string => id.slice(0, 8)
