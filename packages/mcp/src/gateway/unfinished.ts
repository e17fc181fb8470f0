import type { McpClock } from '../clock.ts'
import type { JudgedCall } from './judge.ts'

/** A call that was carried out in part: the server asked for input, or made a task of it. */
export interface UnfinishedCall {
  readonly judged: JudgedCall
  readonly tool: string
  readonly outputSchema: unknown
  /** Where progress of it is told; JSON text. */
  readonly token: string | null
}

/** Calls that are judged and counted once, and go on in a later request. */
export interface Unfinished {
  keep(key: string, call: UnfinishedCall): void
  /** Each is gone on with once. */
  take(key: string): UnfinishedCall | undefined
  /** Whether there is one; of a task, also after it was taken. */
  has(key: string): boolean
  /** Calls under way that bring progress at this token. */
  byToken(token: string): UnfinishedCall | undefined
  end(reason: string): Promise<void>
}

const MOST = 1000

/** @param keepMs how long a client may take to go on */
export function createUnfinished(clock: McpClock, keepMs: number): Unfinished {
  const calls = new Map<string, { call: UnfinishedCall; cancel: () => void }>()
  /** Keys that were there once: whoever asks for them again is no stranger. */
  const past = new Set<string>()

  function take(key: string): UnfinishedCall | undefined {
    const found = calls.get(key)
    found?.cancel()
    calls.delete(key)
    return found?.call
  }

  const giveUp = async ({ judged }: UnfinishedCall, reason: string) => {
    await judged.complete({ threw: new Error(reason) })
  }

  return {
    take,
    keep(key, call) {
      past.add(key)
      if (past.size > MOST) past.delete([...past][0] as string)
      const cancel = clock.after(keepMs, () => {
        const late = take(key)
        if (late) void giveUp(late, 'The call was begun, and the client did not go on with it.').catch(() => {})
      })
      calls.set(key, { call, cancel })
    },
    has: (key) => past.has(key),
    byToken: (token) => [...calls.values()].find(({ call }) => call.token === token)?.call,
    async end(reason) {
      const left = [...calls.keys()].flatMap((key) => take(key) ?? [])
      await Promise.all(left.map((call) => giveUp(call, reason).catch(() => {})))
    },
  }
}
