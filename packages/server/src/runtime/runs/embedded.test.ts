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
import type { RunState } from '../interpreter/run.ts'
import { createEmbeddedEngine } from './embedded.ts'
import type { Engine, Outcome } from './engine.ts'
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

onEachDatabase('servers that share runs', (start) => {
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
    const engine = createEmbeddedEngine({
      writers: database.writers,
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

  it('the same server that starts again takes its own runs up at once', async () => {
    await open()
    const before = engineOf('one', createInProcessBus(), ['B'])
    await before.engine.start({ ...run, ...given })
    await reaches('B')
    await before.engine.stop()
    const again = engineOf('one')
    await again.engine.sweep()
    await until(async () => again.worked.length === 3)
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

  it('a server that was taken for gone comes back with a result: it counts, and whoever owns the run now goes on', async () => {
    await open()
    const bus = createInProcessBus()
    const [one, two] = [engineOf('one', bus, ['C']), engineOf('two', bus, ['C'])]
    await one.engine.start({ ...run, ...given })
    await until(async () => one.worked.includes('C'))
    await clock.advance(91_000)
    await two.engine.sweep()
    await until(async () => two.worked.includes('C'))
    one.finish('C')
    await until(async () => two.worked.includes('D'))
    expect([one.worked, two.worked]).toEqual([
      ['A', 'B', 'C'],
      ['C', 'D'],
    ])
    expect(two.stopped).toContain('C')
  })
})
