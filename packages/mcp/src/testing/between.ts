import type { McpClock } from '../clock.ts'
import { createGateway, type Gateway, type GatewayOptions } from '../gateway/gateway.ts'
import { type CallOutcome, type CallToJudge, type Judge, type JudgedCall, Refused } from '../gateway/judge.ts'
import type { HeldTool, Pin } from '../gateway/pins.ts'

/** A clock that stands still until a test moves it. */
export interface ManualClock extends McpClock {
  advance(milliseconds: number): void
}

export function manualClock(): ManualClock {
  let now = 0
  const timers = new Set<{ at: number; task: () => void }>()
  return {
    now: () => now,
    after(milliseconds, task) {
      const timer = { at: now + milliseconds, task }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    advance(milliseconds) {
      const end = now + milliseconds
      for (;;) {
        const [next] = [...timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)
        if (next === undefined) break
        timers.delete(next)
        now = next.at
        next.task()
      }
      now = end
    },
  }
}

/** What became of a call at the judge. */
export interface Kept {
  readonly call: CallToJudge
  outcome: CallOutcome | null
  cancelled: string | null
}

/** A judge by rules of a test: the rest is allowed, and `secret-…` is taken out of everything. */
export interface TestJudge extends Judge {
  readonly calls: Kept[]
  denied: (call: CallToJudge) => boolean
  /** Resolves where a person is asked: true runs. */
  ask: (call: CallToJudge) => Promise<boolean> | null
  failsToRecord: boolean
}

export const hide = (text: string) => text.replaceAll(/secret-\d+/g, '[REDACTED]')
export const hideDeep = (value: unknown): unknown => JSON.parse(hide(JSON.stringify(value ?? null)))

export function testJudge(): TestJudge {
  const judge: TestJudge = {
    calls: [],
    denied: () => false,
    ask: () => null,
    failsToRecord: false,
    redact: hide,
    begin(call): JudgedCall {
      const kept: Kept = { call, outcome: null, cancelled: null }
      judge.calls.push(kept)
      return {
        authorize() {
          if (judge.denied(call)) throw new Refused('Refused: not this.')
          const answer = judge.ask(call)
          if (answer === null) return
          const aborted = new Promise<never>((_resolve, reject) => {
            call.signal.addEventListener('abort', () => reject(call.signal.reason as Error), { once: true })
          })
          return Promise.race([answer, aborted]).then((isAllowed) => {
            if (!isAllowed) throw new Refused('Refused: a person said no.')
          })
        },
        complete(outcome) {
          kept.outcome = outcome
          if (judge.failsToRecord) throw new Error('the disk is full')
          if ('threw' in outcome) {
            const text = hide(outcome.threw.message)
            return text === outcome.threw.message ? { kind: 'unchanged' } : { kind: 'replaced', value: text }
          }
          const before = JSON.stringify(outcome.returned)
          if (before === undefined || hide(before) === before) return { kind: 'unchanged' }
          return { kind: 'replaced', value: JSON.parse(hide(before)) }
        },
        async cancel(reason) {
          kept.cancelled = reason
        },
        redact: hide,
      }
    },
  }
  return judge
}

export interface Between {
  readonly gateway: Gateway
  readonly judge: TestJudge
  readonly clock: ManualClock
  /** Texts that the client and the server were given. */
  readonly client: string[]
  readonly server: string[]
  readonly notes: string[]
  readonly pins: { tools: Record<string, Pin>; held: Record<string, HeldTool> }
  /** The latest text to the client, or to the server, read. */
  said(to: 'client' | 'server'): Record<string, unknown>
  /** Sends from the client, lets everything that needs no time happen. */
  ask(message: object | string): Promise<void>
  /** The server answers the latest request that it was given, or says something else. */
  answer(result: object | string): Promise<void>
  tell(message: object | string): Promise<void>
  /** From nothing to tools that are listed, in the era with sessions. */
  begin(tools?: readonly object[]): Promise<void>
}

const line = (message: object | string) =>
  typeof message === 'string' ? message : JSON.stringify({ jsonrpc: '2.0', ...message })

export async function settled(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise<void>((resolve) => setImmediate(resolve))
}

export function between(over: Partial<GatewayOptions> = {}): Between {
  const client: string[] = []
  const server: string[] = []
  const notes: string[] = []
  const pins: Between['pins'] = { tools: {}, held: {} }
  const judge = testJudge()
  const clock = manualClock()
  const gateway = createGateway({
    judge,
    clock,
    pins: {
      read: () => pins,
      keep({ fresh, held }) {
        Object.assign(pins.tools, fresh)
        Object.assign(pins.held, held)
      },
    },
    patience: { answerMs: 50_000, progressMs: 15_000, keepMs: 600_000 },
    toClient: (text) => client.push(text),
    toServer: (text) => server.push(text),
    note: (text) => notes.push(text),
    server: 'test',
    roots: 'forward',
    largestToClient: 9_000_000,
    largestToServer: 9_000_000,
    ...over,
  })
  const it: Between = {
    gateway,
    judge,
    clock,
    client,
    server,
    notes,
    pins,
    said: (to) => JSON.parse((to === 'client' ? client : server).at(-1) ?? 'null') as Record<string, unknown>,
    async ask(message) {
      gateway.fromClient(line(message))
      await settled()
    },
    async answer(result) {
      const { id } = it.said('server')
      gateway.fromServer(typeof result === 'string' ? result.replace('$id', String(id)) : line({ id, ...result }))
      await settled()
    },
    async tell(message) {
      gateway.fromServer(line(message))
      await settled()
    },
    async begin(tools = [TOOL]) {
      await it.ask({ id: 0, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {} } })
      await it.answer({ result: { protocolVersion: '2025-11-25', capabilities: { tools: {} } } })
      await it.ask({ method: 'notifications/initialized' })
      await it.ask({ id: 'list', method: 'tools/list' })
      await it.answer({ result: { tools } })
      // The gateway's own list, made at the first call.
      await it.ask({ id: 'first', method: 'tools/call', params: { name: 'no such tool' } })
      await it.answer({ result: { tools } })
      client.length = 0
      server.length = 0
    },
  }
  return it
}

export const TOOL = { name: 'echo', inputSchema: { type: 'object', properties: { text: { type: 'string' } } } }
