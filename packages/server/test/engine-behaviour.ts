import { WorkflowManifest } from '@lictor/aegis'
import { afterEach, expect, it } from 'vitest'
import { scopeOfRecord } from '../src/identity/scope.ts'
import { interpret } from '../src/runtime/interpreter/interpreter.ts'
import type { RunState } from '../src/runtime/interpreter/run.ts'
import type { Engine, NewRun, Outcome, Worker } from '../src/runtime/runs/engine.ts'
import type { RunRecord } from '../src/runtime/runs/run-record.ts'
import { createRunStore } from '../src/runtime/runs/store.ts'
import { loadTemplates } from '../src/runtime/templates/renderer.ts'
import type { Database } from '../src/storage/database.ts'
import { until } from './runtime.ts'

/** A server that works for runs, as the suite sees it. */
export interface EngineServer {
  readonly engine: Engine
  /** The server is gone, and says nothing of it; whoever is there then takes its runs over. */
  die(): Promise<void>
}

/** One installation: a database, and whatever else the engines of its servers share. */
export interface Installation {
  readonly database: Database
  /** Another server of it. `release` hears of what a run does not wait for any more. */
  server(owner: string, deps: { worker: Worker; release: (run: RunRecord) => Promise<void> }): Promise<EngineServer>
  /** Milliseconds since 1970, as its engines see them. */
  now(): number
  /** Time goes by. */
  advance(milliseconds: number): Promise<void>
  close(): Promise<void>
}

const kinds = {
  Agent: { kind: 'Agent', agent: 'writer', input: 'go' },
  System: { kind: 'System', command: 'true' },
  Human: { kind: 'Human', prompt: 'Well?' },
  ParallelAgents: {
    kind: 'ParallelAgents',
    agents: [{ agent: 'writer', input: 'go' }],
    consensus: { strategy: 'majority' },
  },
  ContainerRun: { kind: 'ContainerRun', name: 'one', image: 'busybox', command: ['true'] },
  ParallelContainerRun: {
    kind: 'ParallelContainerRun',
    steps: [{ name: 'one', image: 'busybox', command: ['true'] }],
    completion: 'all_succeed',
  },
  Subworkflow: { kind: 'Subworkflow', workflow_id: 'inner', mode: 'blocking', result_key: 'made' },
} as const

const definitionOf = (states: object, { spec = {}, metadata = {} }: { spec?: object; metadata?: object } = {}) =>
  WorkflowManifest.from(
    { initial_state: Object.keys(states)[0], states, ...spec },
    { metadata: { name: 'flow', ...metadata } },
  ).toJSON()

const to = (...targets: readonly (string | object)[]) => ({
  transitions: targets.map((target) => (typeof target === 'string' ? { target } : target)),
})
const system = (...targets: readonly (string | object)[]) => ({ ...kinds.System, ...to(...targets) })
const inner = definitionOf({ ASK: { ...kinds.Human, ...to('LAST') }, LAST: system() })

const five = definitionOf(
  {
    A: system('B'),
    B: system('C'),
    C: { kind: 'System', command: 'c {{B.output.stdout}}', ...to({ condition: 'on_failure', target: 'F' }, 'D') },
    D: { ...kinds.Human, ...to('E') },
    E: system(),
    F: system(),
  },
  { metadata: { output_template: { said: '{{D.response}}', made: '{{C.output.stdout}}' } } },
)

const done = (stdout: string): Outcome => ({
  type: 'state_completed',
  result: { kind: 'System', exitCode: 0, stdout, stderr: '', durationMs: 1 },
})

/** What every engine does. Each test opens an installation of its own. */
export function behaviour(open: () => Promise<Installation>): void {
  let installation: Installation | null = null
  afterEach(async () => {
    await installation?.close()
    installation = null
  })

  async function world() {
    const here = await open()
    installation = here
    const store = createRunStore(here.database)
    const worked: { owner: string; id: string; state: string }[] = []
    const stopped: string[] = []
    const released: string[] = []
    let count = 0

    /** `held` are states whose work does not end by itself; of others it says what they came to. */
    async function server(owner: string, held: readonly string[] = []) {
      const finishes = new Map<string, (outcome: Outcome) => void>()
      const worker: Worker = async (run, { state, entry, work }, { signal }) => {
        worked.push({ owner, id: run.id, state })
        signal.addEventListener('abort', () => void stopped.push(state), { once: true })
        if (work.kind === 'Human') return null
        if (work.kind === 'Subworkflow' && !held.includes(state)) return beginInner(run, entry)
        if (!held.includes(state))
          return done(work.kind === 'System' && work.command !== 'true' ? work.command : `${state}!`)
        return new Promise<Outcome>((resolve) => {
          finishes.set(state, resolve)
          signal.addEventListener('abort', () => resolve(done('late')), { once: true })
        })
      }
      const beginInner = async (run: RunRecord, entry: number): Promise<Outcome> => {
        const childId = `${run.id}-${entry}`
        const child = runOf(inner, { id: childId, parent: { id: run.id, entry }, depth: run.depth + 1 })
        const known = await store.find(scopeOfRecord(run), childId)
        if (known === null) await made.engine.start(child)
        return { type: 'child_started', childId, childWorkflowId: child.workflowId }
      }
      const made = await here.server(owner, { worker, release: async ({ id }) => void released.push(id) })
      return { ...made, finish: (state: string) => finishes.get(state)?.(done(`${state}!`)) }
    }
    const runOf = (definition: NewRun['definition'], more: Partial<NewRun> = {}): NewRun => ({
      id: `run-${++count}-${process.pid}-${Math.round(performance.now() * 1000)}`,
      tenantId: 'acme',
      workflowId: 'w',
      workflowName: 'flow',
      definition,
      startedBy: 'ada',
      input: {},
      intent: null,
      overrides: {},
      volumes: { workspace: null, shared: {} },
      ...more,
    })
    const get = async (run: Pick<NewRun, 'id' | 'tenantId'>) =>
      (await store.find(scopeOfRecord(run), run.id)) as RunRecord
    return {
      here,
      store,
      server,
      runOf,
      get,
      worked,
      stopped,
      released,
      statesOf: ({ id }: Pick<NewRun, 'id'>) => worked.flatMap((one) => (one.id === id ? [one.state] : [])),
      reaches: (run: NewRun, state: string) =>
        until(async () => {
          const { state: now } = await get(run)
          return now.current === state && now.status === 'running'
        }),
      works: (run: NewRun, state: string) =>
        until(async () => worked.some((one) => one.id === run.id && one.state === state)),
      ends: (run: Pick<NewRun, 'id' | 'tenantId'>) =>
        until(async () => (await get(run))?.state.status !== 'running' && (await get(run)) !== null),
      answer: (engine: Engine, run: Pick<NewRun, 'id' | 'tenantId'>, response = 'yes') =>
        engine.tell(run, { type: 'signalled', at: here.now(), response, feedback: '', name: null, payload: null }),
      async told({ id }: Pick<NewRun, 'id'>) {
        const rows = await here.database.db
          .selectFrom('journal_entries')
          .select(['type', 'sequence'])
          .where('subject_id', '=', id)
          .orderBy('sequence')
          .execute()
        expect(rows.map(({ sequence }) => sequence)).toEqual(rows.map((_, index) => index + 1))
        return rows.map(({ type }) => type)
      },
    }
  }

  it('a run goes from its start to its end: each state is worked for once, and told in its order', async () => {
    const w = await world()
    const { engine } = await w.server('one')
    const run = w.runOf(five)
    const begun = await engine.start(run)
    expect(begun).toMatchObject({ id: run.id, state: { status: 'running' } })
    await w.works(run, 'D')
    await w.answer(engine, run)
    await w.ends(run)
    expect(w.statesOf(run)).toEqual(['A', 'B', 'C', 'D', 'E'])
    expect((await w.get(run)).state).toMatchObject({
      status: 'completed',
      reason: null,
      finalOutput: { said: 'yes', made: 'c B!' },
      blackboard: { D: { response: 'yes' }, execution: { id: run.id } },
    })
    const passed = ['workflow_state_exited', 'workflow_state_entered']
    expect(await w.told(run)).toEqual([
      ...['workflow_execution_started', 'workflow_state_entered'],
      ...[...passed, ...passed, ...passed, ...passed],
      ...['workflow_state_exited', 'workflow_execution_completed'],
    ])
    await until(async () => w.released.includes(run.id))
  })

  it('the log of a run alone gives its state again', async () => {
    const w = await world()
    const { engine } = await w.server('one')
    const run = w.runOf(five)
    await engine.start(run)
    await w.works(run, 'D')
    await w.answer(engine, run)
    await w.ends(run)
    const templates = await loadTemplates()
    let state: RunState | null = null
    for (const { event } of await w.store.listLog(run.id))
      state = interpret(run.definition, state, event, templates).state
    expect(state).toEqual((await w.get(run)).state)
  })

  it('what is asked for in one transaction and refused in it begins nothing', async () => {
    const w = await world()
    const { engine } = await w.server('one')
    const [no, yes] = [w.runOf(five), w.runOf(five)]
    expect(await engine.start(no, async () => false)).toBeNull()
    await engine.start(yes, async (_within, make) => {
      await make()
      return true
    })
    await w.works(yes, 'D')
    expect([await w.get(no), w.statesOf(no)]).toEqual([null, []])
  })

  it('a state that takes too long ends once, and the run goes on where its transitions lead', async () => {
    const w = await world()
    const { engine, finish } = await w.server('one', ['A'])
    const run = w.runOf(
      definitionOf({
        A: { ...kinds.System, timeout: '1h', ...to({ condition: 'on_failure', target: 'B' }) },
        B: system(),
      }),
    )
    await engine.start(run)
    await w.works(run, 'A')
    await w.here.advance(3_590_000)
    expect((await w.get(run)).state.current).toBe('A')
    await w.here.advance(11_000)
    await w.ends(run)
    finish('A')
    const { state } = await w.get(run)
    expect(state).toMatchObject({ status: 'completed', blackboard: { A: { status: 'failed', timed_out: true } } })
    expect(w.statesOf(run)).toEqual(['A', 'B'])
    await until(async () => w.stopped.includes('A'))
    expect((await w.store.listLog(run.id)).map(({ event }) => event.type)).toEqual([
      ...['started', 'state_timed_out', 'state_completed'],
    ])
  })

  it('an answer that comes before it is asked for is kept, and taken once', async () => {
    const w = await world()
    const { engine, finish } = await w.server('one', ['A'])
    const run = w.runOf(
      definitionOf({
        A: system('ASK'),
        ASK: { ...kinds.Human, ...to('AGAIN') },
        AGAIN: { ...kinds.Human, ...to('LAST') },
        LAST: system(),
      }),
    )
    await engine.start(run)
    await w.works(run, 'A')
    expect(await w.answer(engine, run, 'early')).toMatchObject({ refused: null })
    finish('A')
    await w.works(run, 'AGAIN')
    expect((await w.get(run)).state.blackboard.ASK).toMatchObject({ response: 'early' })
    await w.answer(engine, run, 'late')
    await w.ends(run)
    expect((await w.get(run)).state.blackboard.AGAIN).toMatchObject({ response: 'late' })
    expect(await w.answer(engine, run)).toMatchObject({ run: { state: { status: 'completed' } } })
    expect(await engine.tell({ id: 'nobody', tenantId: 'acme' }, { type: 'cancelled', at: 0, reason: null })).toBeNull()
    expect(await engine.tell({ ...run, tenantId: 'other' }, { type: 'cancelled', at: 0, reason: null })).toBeNull()
  })

  it('two who decide at once: one counts, and the run goes on once', async () => {
    const w = await world()
    const { engine } = await w.server('one')
    const run = w.runOf(five)
    await engine.start(run)
    await w.works(run, 'D')
    const { entry } = (await w.get(run)).state
    const at = w.here.now()
    const decided = (isApproved: boolean) =>
      engine.tell(run, { type: 'human_decided', at, entry, isApproved, feedback: '', by: null })
    await Promise.all([
      decided(true),
      decided(false),
      decided(true),
      engine.tell(run, { type: 'state_timed_out', at, entry }),
    ])
    await w.ends(run)
    expect(
      (await w.store.listLog(run.id)).filter(({ event }) => 'entry' in event && event.entry === entry),
    ).toHaveLength(1)
    expect(w.statesOf(run).filter((state) => state === 'E').length).toBeLessThanOrEqual(1)
  })

  it.each(Object.entries(kinds))(
    'cancelled in a state of kind %s: its work is stopped, nothing comes after it',
    async (_kind, state) => {
      const w = await world()
      const { engine, finish } = await w.server('one', ['A'])
      const run = w.runOf(definitionOf({ A: { ...state, ...to('B') }, B: system() }))
      await engine.start(run)
      await w.works(run, 'A')
      await engine.tell(run, { type: 'cancelled', at: w.here.now(), reason: 'enough' })
      const { state: cancelled } = await w.get(run)
      expect(cancelled).toMatchObject({ status: 'cancelled', reason: 'enough' })
      if (state.kind !== 'Human') await until(async () => w.stopped.includes('A'))
      await until(async () => w.released.includes(run.id))
      finish('A')
      await engine.tell(run, { type: 'cancelled', at: w.here.now(), reason: 'again' })
      expect((await w.get(run)).state).toEqual(cancelled)
      expect(w.statesOf(run)).toEqual(['A'])
      expect((await w.told(run)).at(-1)).toBe('workflow_execution_cancelled')
    },
  )

  it('a run that another began: its end is told to that one, whose output it is', async () => {
    const w = await world()
    const { engine } = await w.server('one')
    const run = w.runOf(definitionOf({ SUB: { ...kinds.Subworkflow, ...to('LAST') }, LAST: system() }))
    await engine.start(run)
    const child = { id: `${run.id}-1`, tenantId: run.tenantId }
    await until(async () => (await w.get(child))?.state.current === 'ASK')
    await w.answer(engine, child)
    await w.ends(run)
    expect((await w.get(child)).state.status).toBe('completed')
    expect((await w.get(run)).state).toMatchObject({
      status: 'completed',
      blackboard: { made: { exit_code: 0 } },
    })
    expect(w.statesOf(run)).toEqual(['SUB', 'LAST'])
    expect(await w.told(run)).toEqual([
      ...['workflow_execution_started', 'workflow_state_entered', 'subworkflow_triggered', 'subworkflow_completed'],
      ...['workflow_state_exited', 'workflow_state_entered', 'workflow_state_exited', 'workflow_execution_completed'],
    ])
  })

  it('a run fails with its reason: a limit that it meets, a transition that there is not', async () => {
    const w = await world()
    const { engine } = await w.server('one')
    const circle = w.runOf(definitionOf({ A: { ...system('B'), max_state_visits: 3 }, B: system('A') }))
    await engine.start(circle)
    await w.ends(circle)
    expect((await w.get(circle)).state).toMatchObject({
      status: 'failed',
      reason: expect.stringContaining('max_state_visits is 3'),
    })
    expect(w.statesOf(circle)).toEqual(['A', 'B', 'A', 'B', 'A', 'B'])
    expect((await w.told(circle)).at(-1)).toBe('workflow_execution_failed')
  })

  it.each(['A', 'C', 'D'])(
    'its server is gone in state %s: another goes on there, what was done is not done again',
    async (held) => {
      const w = await world()
      const one = await w.server('one', [held])
      const run = w.runOf(five)
      await one.engine.start(run)
      await w.works(run, held)
      await one.die()
      const two = await w.server('two')
      await until(async () => {
        await two.engine.sweep()
        return (await w.get(run)).state.current === 'D'
      })
      await w.answer(two.engine, run)
      await w.ends(run)
      one.finish(held)
      expect((await w.get(run)).state.status).toBe('completed')
      for (const state of ['A', 'B', 'C', 'E'])
        expect([state, w.statesOf(run).filter((one) => one === state).length]).toEqual([state, state === held ? 2 : 1])
      expect((await w.store.listLog(run.id)).map(({ event }) => event.type)).toEqual([
        ...['started', 'state_completed', 'state_completed', 'state_completed', 'signalled', 'state_completed'],
      ])
    },
  )

  it('many runs at once end each with what is theirs', async () => {
    const w = await world()
    const { engine } = await w.server('one')
    const runs = Array.from({ length: 24 }, (_, index) =>
      w.runOf(
        definitionOf(
          { A: { kind: 'System', command: 'say {{input.number}}', ...to('B') }, B: system('C'), C: system() },
          { metadata: { output_template: '{{A.output.stdout}}' } },
        ),
        { input: { number: index } },
      ),
    )
    await Promise.all(runs.map((run) => engine.start(run)))
    for (const [index, run] of runs.entries()) {
      await w.ends(run)
      expect((await w.get(run)).state).toMatchObject({ status: 'completed', finalOutput: `say ${index}` })
      expect(w.statesOf(run)).toEqual(['A', 'B', 'C'])
    }
  })
}
