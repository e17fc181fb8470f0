/** The nine things that an adapter owes, proven on a framework by running its own agent with a model that follows a script. */
import { mkdirSync, writeFileSync } from 'node:fs'
import {
  type ApprovalBackend,
  type ApprovalDecision,
  type ApprovalRequest,
  Edictum,
  type EdictumOptions,
  MemoryBackend,
  silentLogger,
} from '@lictor/guard'
import { EdictumServerClient, ServerBackend } from '@lictor/guard/server'
import { afterAll, describe, expect, test } from 'vitest'
import { type Cell, cells, type Result } from './cells.ts'
import { folder, suites, versionOf } from './installed.ts'

/** A call that the model asks for. */
export interface Call {
  readonly id: string
  readonly tool: string
  readonly args: { readonly path: string }
}

/** What a tool is made of, before the framework's own way of making one. All take `{ path: string }`. */
export type Tools = Readonly<Record<string, (args: { readonly path: string }) => unknown>>

export interface Given {
  readonly guard: Edictum
  readonly tools: Tools
  /** What the model asks for, answer by answer; then it ends. */
  readonly answers: readonly (readonly Call[])[]
  readonly signal?: AbortSignal
}

export interface Seen {
  /** What the model was told of each call, in the order in which it asked. */
  readonly told: readonly string[]
  /** Everything else that the framework showed: results, events, traces, streams. */
  readonly shown: string
}

export interface Stage {
  /** The framework as the table names it. */
  readonly name: string
  /** The package whose version the table shows. */
  readonly framework: string
  /** Runs an agent to its end. */
  readonly run: (given: Given) => Promise<Seen>
  /** What the model is told of a failing tool, where the framework does not tell the message. */
  readonly failure?: string
  /** Why the framework itself runs no second call with an id that it knows. */
  readonly ownIds?: string
  /** Cells that the framework does not have, and why. */
  readonly without?: Partial<Record<Cell, string>>
}

const CONTRACTS = `
apiVersion: edictum/v1
kind: ContractBundle
metadata: { name: proofs }
defaults: { mode: enforce }
tools:
  read_file: { side_effect: read }
  read_record: { side_effect: read }
contracts:
  - id: no-env
    type: pre
    tool: read_file
    when: { args.path: { contains: ".env" } }
    then: { effect: deny, message: "{args.path} is off limits." }
  - id: ask
    type: pre
    tool: delete_file
    when: { args.path: { exists: true } }
    then: { effect: approve, message: "May I delete {args.path}?" }
  - id: ssn
    type: post
    tool: read_*
    when: { output.text: { matches: '\\d{3}-\\d{2}-\\d{4}' } }
    then: { effect: redact, message: "A number was removed." }
`
const results = `${folder}node_modules/.cache/lictor/`
const SECRET = '123-45-6789'

/** Asks nobody: a test decides. */
class HeldApprovals implements ApprovalBackend {
  readonly asked: { readonly toolName: string; readonly toolArgs: unknown }[] = []
  readonly #decisions: ((decision: ApprovalDecision) => void)[] = []
  readonly #waiting = Promise.withResolvers<void>()

  async requestApproval(toolName: string, toolArgs: Readonly<Record<string, unknown>>): Promise<ApprovalRequest> {
    this.asked.push({ toolName, toolArgs })
    const createdAt = new Date(0).toISOString()
    const approvalId = `ap-${this.asked.length}`
    const kept = { timeout: 300, timeoutEffect: 'deny' as const, principal: null, metadata: {}, createdAt, message: '' }
    return { approvalId, toolName, toolArgs, ...kept }
  }

  waitForDecision(): Promise<ApprovalDecision> {
    const decided = new Promise<ApprovalDecision>((resolve) => this.#decisions.push(resolve))
    this.#waiting.resolve()
    return decided
  }

  /** Settles once somebody waits. */
  get waiting(): Promise<void> {
    return this.#waiting.promise
  }

  decide(approved: boolean): void {
    const timestamp = new Date(0).toISOString()
    const reason = approved ? null : 'Not on a Friday.'
    for (const decide of this.#decisions)
      decide({ approved, approver: 'ann', reason, status: approved ? 'approved' : 'denied', timestamp })
  }
}

export interface Scene {
  readonly guard: Edictum
  readonly approvals: HeldApprovals
  readonly tools: Tools
  /** Each run of a tool, with its arguments. */
  readonly ran: { readonly tool: string; readonly args: unknown }[]
  readonly actions: () => string[]
}

/** A guard with contracts of each kind, and tools that remember when they ran. */
export function scene(options: Pick<EdictumOptions, 'backend' | 'mode'> = {}): Scene {
  const approvals = new HeldApprovals()
  const guard = Edictum.fromYamlString(CONTRACTS, { approvalBackend: approvals, logger: silentLogger, ...options })
  const ran: { tool: string; args: unknown }[] = []
  const remembered = (tool: string, result: (path: string) => unknown) => [
    tool,
    (args: { readonly path: string }) => {
      ran.push({ tool, args: { ...args } })
      return result(args.path)
    },
  ]
  const tools: Tools = Object.fromEntries([
    remembered('read_file', (path) => {
      if (path === 'broken.txt') throw new RangeError(`disk full at ${SECRET}`)
      return path === 'people.csv' ? `ssn ${SECRET}` : `text of ${path}`
    }),
    remembered('read_record', (path) => ({ text: `ssn ${SECRET}`, path, n: 3 })),
    remembered('delete_file', (path) => `deleted ${path}`),
  ])
  const actions = () => guard.localSink.events.map(({ action }) => action)
  return { guard, approvals, tools, ran, actions }
}

const call = (id: string, tool: string, path: string): Call => ({ id, tool, args: { path } })

/** Proves each cell, and keeps what was proven for the table. */
export function prove({
  name,
  framework,
  run,
  failure = 'disk full at [REDACTED]',
  ownIds,
  without = {},
}: Stage): void {
  const tried = new Set<Cell>()
  const proven = new Set<Cell>()
  const cell = (title: Cell, sentence: string, body: () => Promise<void>) =>
    test.skipIf(without[title] !== undefined)(`${title}: ${sentence}`, async () => {
      tried.add(title)
      await body()
      proven.add(title)
    })

  describe(name, () => {
    cell('denied', 'the tool runs 0 times, and the model is told why', async () => {
      const { guard, tools, ran, actions } = scene()
      const { told } = await run({ guard, tools, answers: [[call('c1', 'read_file', '.env')]] })
      expect(ran).toEqual([])
      expect(told).toEqual([expect.stringContaining('DENIED: .env is off limits.')])
      expect(actions()).toEqual(['call_denied'])
      expect(guard.localSink.last().sessionAttemptCount).toBe(1)
    })

    cell('asked', 'the call waits, and runs once with the arguments that were approved', async () => {
      const { guard, tools, ran, approvals } = scene()
      const running = run({ guard, tools, answers: [[call('c1', 'delete_file', 'old.csv')]] })
      await Promise.race([approvals.waiting, running])
      expect(ran).toEqual([])
      approvals.decide(true)
      const { told } = await running
      expect(ran).toEqual([{ tool: 'delete_file', args: { path: 'old.csv' } }])
      expect(approvals.asked).toEqual([{ toolName: 'delete_file', toolArgs: { path: 'old.csv' } }])
      expect(told).toEqual([expect.stringContaining('deleted old.csv')])
    })

    cell('refused', 'a call that a person refuses does not run, and the model is told', async () => {
      const { guard, tools, ran, approvals, actions } = scene()
      const running = run({ guard, tools, answers: [[call('c1', 'delete_file', 'old.csv')]] })
      await Promise.race([approvals.waiting, running])
      approvals.decide(false)
      const { told } = await running
      expect(ran).toEqual([])
      expect(told).toEqual([expect.stringContaining('DENIED: Not on a Friday.')])
      expect(actions().at(-1)).toBe('call_approval_denied')
    })

    cell(
      'aborted',
      'a run that is aborted while a person thinks runs nothing, also when the answer is yes',
      async () => {
        const { guard, tools, ran, approvals, actions } = scene()
        const controller = new AbortController()
        const answers = [[call('c1', 'delete_file', 'old.csv')]]
        const running = run({ guard, tools, answers, signal: controller.signal }).then(
          () => null,
          (error: unknown) => error,
        )
        await Promise.race([approvals.waiting, running])
        controller.abort()
        await expect.poll(actions).toContain('call_cancelled')
        approvals.decide(true)
        await running
        expect(ran).toEqual([])
        expect(actions()).toEqual(['call_approval_requested', 'call_cancelled'])
      },
    )

    cell('redacted', 'model, events and results see the redacted text only; an object stays one', async () => {
      const { guard, tools, ran } = scene()
      const answers = [[call('c1', 'read_file', 'people.csv'), call('c2', 'read_record', 'ada')]]
      const { told, shown } = await run({ guard, tools, answers })
      expect(ran.length).toBe(2)
      expect(told[0]).toContain('ssn [REDACTED]')
      expect(told[1]?.replace(/\\"/g, '"')).toMatch(/\btext"?: ?"?ssn \[REDACTED\].*\bn"?: ?3/s)
      expect(shown).toContain('[REDACTED]')
      expect(`${told}${shown}`).not.toContain(SECRET)
    })

    cell('observed', 'a guard that observes lets the call run, and records what it would have done', async () => {
      const { guard, tools, ran, actions } = scene({ mode: 'observe' })
      const { told } = await run({ guard, tools, answers: [[call('c1', 'read_file', '.env')]] })
      expect(ran).toEqual([{ tool: 'read_file', args: { path: '.env' } }])
      expect(told).toEqual([expect.stringContaining('text of .env')])
      expect(actions()).toEqual(['call_would_deny', 'call_executed'])
    })

    cell('parallel', 'of two calls in one answer the denied one does not run, the other does', async () => {
      const { guard, tools, ran, actions } = scene()
      const answers = [[call('c1', 'read_file', '.env'), call('c2', 'read_file', 'data.csv')]]
      const { told } = await run({ guard, tools, answers })
      expect(ran).toEqual([{ tool: 'read_file', args: { path: 'data.csv' } }])
      expect(told[0]).toContain('DENIED: .env is off limits.')
      expect(told[1]).toContain('text of data.csv')
      expect(actions().sort()).toEqual(['call_allowed', 'call_denied', 'call_executed'])
    })

    cell('same id', 'a second call with the id of an allowed one is judged by itself', async () => {
      const { guard, tools, ran, actions } = scene()
      const answers = [[call('c1', 'read_file', 'data.csv')], [call('c1', 'read_file', '.env')]]
      if (ownIds !== undefined) {
        await run({ guard, tools, answers }).catch(() => null)
        expect(ran).toEqual([{ tool: 'read_file', args: { path: 'data.csv' } }])
        // The framework may ask first, and leave the answer out.
        expect(actions().filter((action) => action !== 'call_denied')).toEqual(['call_allowed', 'call_executed'])
        return
      }
      const { told } = await run({ guard, tools, answers })
      expect(ran).toEqual([{ tool: 'read_file', args: { path: 'data.csv' } }])
      expect(told.at(-1)).toContain('DENIED: .env is off limits.')
      expect(actions()).toEqual(['call_allowed', 'call_executed', 'call_denied'])
    })

    cell('server away', 'while the server with the counters is away, nothing runs', async () => {
      // Port 1 of this machine: nobody listens there.
      const client = new EdictumServerClient({
        baseUrl: 'http://127.0.0.1:1',
        apiKey: 'edk_production_proofproofproofproof',
        maxRetries: 1,
        logger: silentLogger,
      })
      const { guard, tools, ran } = scene({ backend: new ServerBackend(client) })
      const { told } = await run({ guard, tools, answers: [[call('c1', 'read_file', 'data.csv')]] })
      expect(ran).toEqual([])
      expect(told).toEqual([expect.stringContaining('DENIED: The call could not be checked, so it did not run.')])
      expect(`${told}`).not.toContain('127.0.0.1')
    })

    cell('failing', 'a failing tool fails as it would without a guard, its message redacted', async () => {
      const { guard, tools, ran, actions } = scene({ backend: new MemoryBackend() })
      const { told, shown } = await run({ guard, tools, answers: [[call('c1', 'read_file', 'broken.txt')]] })
      expect(ran.length).toBe(1)
      expect(told).toEqual([expect.stringContaining(failure)])
      expect(`${told}${shown}`).not.toContain(SECRET)
      expect(`${told}`).not.toContain('EdictumToolError')
      expect(actions()).toEqual(['call_allowed', 'call_failed'])
    })

    afterAll(() => {
      // A run of a few cells says nothing about the others.
      if (cells.every((one) => tried.has(one) || without[one] !== undefined))
        keep({ name, framework, proven: [...proven], without, ownIds: ownIds !== undefined })
    })
  })
}

function keep(proven: Omit<Result, 'version'>): void {
  const { name, framework } = proven
  const place = suites.find((suite) => suite.framework === framework)?.place ?? '.'
  const result: Result = { ...proven, version: versionOf({ framework, place }) }
  mkdirSync(results, { recursive: true })
  writeFileSync(`${results}${name.replaceAll('/', '-')}.json`, JSON.stringify(result))
}
