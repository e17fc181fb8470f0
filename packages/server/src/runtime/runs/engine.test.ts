import { WorkflowManifest } from '@lictor/aegis'
import pino from 'pino'
import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { type ManualClock, manualClock } from '../../../test/manual-clock.ts'
import { until } from '../../../test/runtime.ts'
import { createInProcessBus } from '../../adapters/bus/in-process.ts'
import { createJournal } from '../../changes/journal/journal.ts'
import { createJournalStore } from '../../changes/journal/store.ts'
import { scopeOfRecord } from '../../identity/scope.ts'
import { interpret } from '../interpreter/interpreter.ts'
import type { RunState } from '../interpreter/run.ts'
import { loadTemplates } from '../templates/renderer.ts'
import { createEngine, type Engine, type Outcome } from './engine.ts'
import type { Pending } from './run-record.ts'
import { createRunStore, type RunStore } from './store.ts'
import { logEntryOf, type RunTold } from './told.ts'

const definition = WorkflowManifest.parse(`apiVersion: 100monkeys.ai/v1
kind: Workflow
metadata: { name: five }
spec:
  initial_state: A
  states:
    A: { kind: System, command: a, transitions: [{ target: B }] }
    B: { kind: System, command: b, transitions: [{ target: C }] }
    C: { kind: System, command: 'c {{B.output.stdout}}', transitions: [{ condition: on_failure, target: F }, { target: D }] }
    D: { kind: Human, prompt: ok?, default_response: later, transitions: [{ target: E }] }
    E: { kind: System, command: e, transitions: [] }
    F: { kind: System, command: f, transitions: [] }
`).toJSON()

const done = (stdout: string): Outcome => ({
  type: 'state_completed',
  result: { kind: 'System', exitCode: 0, stdout, stderr: '', durationMs: 1 },
})

onEachDatabase('the embedded engine', (start) => {
  let t: TestServer
  let store: RunStore
  /** Not the server's: it would take the runs of this test over. */
  let clock: ManualClock
  const engines: Engine[] = []
  afterEach(async () => {
    await Promise.all(engines.splice(0).map((engine) => engine.stop()))
    await t.close()
  })

  /** One server's engine on the database of the test: `held` are states whose work does not end by itself. */
  function engineOf(owner: string, bus = createInProcessBus(), held: readonly string[] = []) {
    const worked: string[] = []
    const stopped: string[] = []
    const waiting = new Map<string, (outcome: Outcome) => void>()
    const { database } = t.server
    const journal = createJournal<RunTold>({
      database,
      bus,
      clock,
      store: createJournalStore(database),
      shownAs: logEntryOf,
      onPublishError: () => {},
    })
    const engine = createEngine({
      takesNew: () => true,
      count: () => {},
      store,
      journal,
      bus,
      clock,
      logger: pino({ level: 'silent' }),
      owner,
      release: async () => {},
      worker: async (_run, { state, work }: Pending, { signal }) => {
        worked.push(state)
        signal.addEventListener('abort', () => void stopped.push(state))
        if (work.kind === 'Human') return null
        if (!held.includes(state)) return done(`${state}!`)
        return new Promise((resolve) => {
          waiting.set(state, resolve)
          signal.addEventListener('abort', () => resolve(done('late')), { once: true })
        })
      },
    })
    engines.push(engine)
    return { engine, worked, stopped, finish: (state: string) => waiting.get(state)?.(done(`${state}!`)) }
  }
  async function open() {
    t = await start()
    clock = manualClock()
    store = createRunStore(t.server.database)
  }
  const run = { id: 'run-1', tenantId: 'acme', workflowId: 'w', workflowName: 'five', definition, startedBy: 'ada' }
  const given = { input: {}, intent: null, overrides: {}, volumes: { workspace: null, shared: {} } }
  const now = async () => (await store.find(scopeOfRecord(run), run.id))?.state as RunState
  const reaches = (state: string) => until(async () => (await now()).current === state)
  const approve = async (engine: Engine) =>
    engine.tell(run, { type: 'signalled', at: clock.now(), response: 'yes', feedback: '', name: null, payload: null })

  it('a run goes from its start to its end; its log alone gives the same state again', async () => {
    await open()
    const one = engineOf('one')
    await one.engine.start({ ...run, ...given })
    await reaches('D')
    await approve(one.engine)
    await until(async () => (await now()).status === 'completed')
    expect(one.worked).toEqual(['A', 'B', 'C', 'D', 'E'])
    expect((await now()).blackboard.D).toMatchObject({ response: 'yes' })
    const templates = await loadTemplates()
    let state: RunState | null = null
    for (const { event } of await store.listLog(run.id)) state = interpret(definition, state, event, templates).state
    expect(state).toEqual(await now())
    const told = await t.server.database.db
      .selectFrom('journal_entries')
      .select('type')
      .where('subject_id', '=', run.id)
      .orderBy('sequence')
      .execute()
    expect(told[0]).toEqual({ type: 'workflow_execution_started' })
    expect(told.at(-1)).toEqual({ type: 'workflow_execution_completed' })
  })

  it.each(['A', 'C', 'D'])(
    'a server that is gone in state %s: another goes on there, and what was done is not done again',
    async (held) => {
      await open()
      const one = engineOf('one', createInProcessBus(), [held])
      await one.engine.start({ ...run, ...given })
      await reaches(held)
      await until(async () => one.worked.includes(held))
      // Killed: it says nothing and hears nothing any more.
      const bus = createInProcessBus()
      const [two, three] = [engineOf('two', bus), engineOf('three', bus)]
      await two.engine.sweep()
      expect(two.worked).toEqual([])
      await clock.advance(91_000)
      await Promise.all([two.engine.sweep(), three.engine.sweep()])
      const taken = [...two.worked, ...three.worked]
      expect(taken.filter((state) => state === held)).toHaveLength(1)
      await reaches('D')
      await approve(two.engine)
      await until(async () => (await now()).status === 'completed')
      const all = [...one.worked, ...two.worked, ...three.worked]
      for (const state of ['A', 'B', 'C', 'D', 'E'])
        expect(all.filter((one) => one === state)).toHaveLength(state === held ? 2 : 1)
      // The dead one comes back with its result: it is about something that is over.
      const before = await now()
      one.finish(held)
      await new Promise((resolve) => setImmediate(resolve))
      expect(await now()).toEqual(before)
    },
  )

  it('the same server that starts again takes its own runs up at once', async () => {
    await open()
    const before = engineOf('one', createInProcessBus(), ['B'])
    await before.engine.start({ ...run, ...given })
    await reaches('B')
    await before.engine.stop()
    const again = engineOf('one')
    await again.engine.sweep()
    await reaches('D')
    expect(again.worked).toEqual(['B', 'C', 'D'])
  })

  it('what takes too long ends by a timer, also after another took it over, at the same instant', async () => {
    await open()
    const one = engineOf('one', createInProcessBus(), ['C'])
    await one.engine.start({ ...run, ...given })
    await reaches('C')
    await clock.advance(200_000)
    await one.engine.stop()
    const two = engineOf('two', createInProcessBus(), ['C', 'F'])
    await two.engine.sweep()
    await clock.advance(99_000)
    expect((await now()).current).toBe('C')
    await clock.advance(1_001)
    await reaches('F')
    expect((await now()).blackboard.C).toMatchObject({ status: 'failed', timed_out: true })
    await until(async () => two.stopped.includes('C'))
  })

  it('two events of one moment: one is taken in', async () => {
    await open()
    const one = engineOf('one')
    await one.engine.start({ ...run, ...given })
    await reaches('D')
    const { entry } = await now()
    const at = clock.now()
    const decided = (isApproved: boolean) =>
      one.engine.tell(run, { type: 'human_decided', at, entry, isApproved, feedback: '', by: null })
    await Promise.all([
      decided(true),
      decided(false),
      decided(true),
      one.engine.tell(run, { type: 'state_timed_out', at, entry }),
    ])
    await until(async () => (await now()).status === 'completed')
    expect((await store.listLog(run.id)).filter(({ event }) => 'entry' in event && event.entry === entry)).toHaveLength(
      1,
    )
    expect(one.worked.filter((state) => state === 'E')).toHaveLength(1)
  })

  it('an event that comes to another server wakes the one that owns the run', async () => {
    await open()
    const bus = createInProcessBus()
    const [one, two] = [engineOf('one', bus), engineOf('two', bus)]
    await one.engine.start({ ...run, ...given })
    await reaches('D')
    await approve(two.engine)
    await until(async () => (await now()).status === 'completed')
    expect([one.worked.includes('E'), two.worked]).toEqual([true, []])
  })

  it('cancelling stops the work of the state that is under way, and nothing comes after it', async () => {
    await open()
    const one = engineOf('one', createInProcessBus(), ['B'])
    await one.engine.start({ ...run, ...given })
    await reaches('B')
    await one.engine.tell(run, { type: 'cancelled', at: clock.now(), reason: 'enough' })
    expect(one.stopped).toContain('B')
    const cancelled = await now()
    expect(cancelled).toMatchObject({ status: 'cancelled', reason: 'enough' })
    const last = await t.server.database.db
      .selectFrom('journal_entries')
      .select('type')
      .where('subject_id', '=', run.id)
      .orderBy('sequence', 'desc')
      .executeTakeFirst()
    expect(last).toEqual({ type: 'workflow_execution_cancelled' })
    one.finish('B')
    await one.engine.tell(run, { type: 'cancelled', at: clock.now(), reason: 'again' })
    expect(await now()).toEqual(cancelled)
    expect(await one.engine.tell({ ...run, tenantId: 'other' }, { type: 'cancelled', at: 0, reason: null })).toBeNull()
  })
})
