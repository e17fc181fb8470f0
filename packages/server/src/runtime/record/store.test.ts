import { afterEach, beforeEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { scopeOfRecord, systemScope } from '../../identity/scope.ts'
import { findContext } from '../contexts/security-contexts.ts'
import type { Execution, Iteration } from './execution.ts'
import { createExecutionStore, type ExecutionStore } from './store.ts'

const own = scopeOfRecord({ tenantId: 't1' })
const foreign = scopeOfRecord({ tenantId: 't2' })
const context = findContext('aegis-system-agent-runtime')
if (!context) throw new Error('The context is missing.')

const execution: Execution = {
  id: 'e1',
  tenantId: 't1',
  agentId: 'a1',
  agentName: 'worker',
  agentVersion: '1.0.0',
  manifest: {
    apiVersion: '100monkeys.ai/v1',
    kind: 'Agent',
    metadata: { name: 'worker', version: '1.0.0' },
    spec: { runtime: { language: 'python', version: '3.11' } },
  },
  env: 'staging',
  status: 'pending',
  input: { text: 'ä "\\ \u2028', list: [1, null] },
  intent: null,
  prompt: 'Do it.',
  securityContext: context,
  startedBy: 'user:someone',
  owner: 'server-1',
  heartbeatAt: 1_700_000_000_000_001,
  totalIterations: 0,
  output: null,
  error: null,
  waitingFor: 'place',
  startedAt: 1_700_000_000_000_001,
  endedAt: null,
  updatedAt: 1_700_000_000_000_001,
  generation: 0,
  adoptions: 0,
  spentMs: 0,
  parentId: null,
  ancestors: [],
  childKey: null,
  swarmId: null,
}
const iteration: Iteration = {
  executionId: 'e1',
  number: 1,
  tokenHash: 'ab'.repeat(32),
  status: 'running',
  action: 'Do it.',
  instanceId: 'i1',
  exitCode: null,
  output: null,
  error: null,
  validation: null,
  trajectory: [],
  policyViolations: [],
  stderr: null,
  history: null,
  spentBeforeMs: 3,
  startedAt: 1_700_000_000_000_002,
  endedAt: null,
}

onEachDatabase('the record of executions', (start) => {
  let t: TestServer
  let store: ExecutionStore
  beforeEach(async () => {
    t = await start()
    store = createExecutionStore(t.server.database)
    await store.insert(execution, t.server.database.db)
    await store.insertIteration(iteration, t.server.database.db)
  })
  afterEach(() => t.close())

  it('an execution is read as it was written, within its tenant alone', async () => {
    expect(await store.find(own, 'e1')).toEqual(execution)
    expect(await store.find(foreign, 'e1')).toBeNull()
    for (const input of [null, '', 'text', 0, false, []]) {
      const other = { ...execution, id: JSON.stringify(input), input }
      await store.insert(other, t.server.database.db)
      expect(await store.find(own, other.id)).toEqual(other)
    }
  })

  it('lists and the history of an agent see one tenant, newest first, without what was given and made', async () => {
    await store.insert({ ...execution, id: 'e2', status: 'completed', endedAt: 5 }, t.server.database.db)
    await store.insert({ ...execution, id: 'e3', tenantId: 't2' }, t.server.database.db)
    const all = { agentId: null, status: null, limit: 10, offset: 0 }
    const { manifest, input, intent, prompt, securityContext, startedBy, owner, heartbeatAt, output, ...rest } =
      execution
    const { generation, adoptions, spentMs, ancestors, childKey, swarmId, ...summary } = rest
    expect(await store.list(own, all)).toEqual([{ ...summary, id: 'e2', status: 'completed', endedAt: 5 }, summary])
    expect((await store.list(own, { ...all, status: 'pending' })).map(({ id }) => id)).toEqual(['e1'])
    expect((await store.list(foreign, all)).map(({ id }) => id)).toEqual(['e3'])
    expect(await store.oldestOfNewest(own, 'a1', 1)).toBe('e2')
    // All there are: their history has no beginning to look for.
    expect(await store.oldestOfNewest(own, 'a1', 9)).toBeNull()
    expect(await store.oldestOfNewest(scopeOfRecord({ tenantId: 't3' }), 'a1', 9)).toBeNull()
  })

  it('a change leaves alone what it does not name; one that ends the execution is the last', async () => {
    const { db } = t.server.database
    expect(await store.update('e1', { status: 'running', totalIterations: 1, updatedAt: 7 }, db)).toBe(true)
    const running = { ...execution, status: 'running', totalIterations: 1, updatedAt: 7 } as const
    expect(await store.find(own, 'e1')).toEqual(running)
    const end = { status: 'failed', error: 'why', endedAt: 8, updatedAt: 8 } as const
    expect(await store.update('e1', end, db)).toBe(true)
    expect(await store.find(own, 'e1')).toEqual({ ...running, ...end, waitingFor: null })
    expect(await store.update('e1', { status: 'completed', updatedAt: 9 }, db)).toBe(false)
    expect(await store.find(own, 'e1')).toEqual({ ...running, ...end, waitingFor: null })
  })

  it('an iteration is read as it was written and changed, and null takes back what was there', async () => {
    expect(await store.listIterations('e1')).toEqual([iteration])
    const change = {
      status: 'refining',
      exitCode: 3,
      output: 'out',
      error: { message: 'because' },
      validation: [{ validator: 'exit_code', score: 0.85, confidence: 1, reasoning: 'so' }],
      stderr: 'err',
      history: { iteration: 1, error: 'because' },
      trajectory: [
        { tool: 'cmd.run', argumentsJson: '{}', status: 'pending' },
        { tool: 'fs.read', argumentsJson: '{"path":"a"}', status: 'succeeded', resultJson: '"x"' },
        { tool: 'fs.read', argumentsJson: 'null', status: 'failed', error: 'no' },
      ],
      policyViolations: ['fs.write', 'fs.write'],
      endedAt: 9,
    } as const
    await store.updateIteration('e1', 1, change)
    expect(await store.findIterationByToken(iteration.tokenHash)).toEqual({ ...iteration, ...change })
    await store.updateIteration('e1', 1, { history: null, error: null, validation: null })
    const cleared = { ...iteration, ...change, history: null, error: null, validation: null }
    expect(await store.listIterations('e1')).toEqual([cleared])
    expect(await store.findIterationByToken('none')).toBeNull()
  })

  it('columns hold JSON in the words that earlier servers wrote and read', async () => {
    const { db } = t.server.database
    const trajectory = '[{"tool":"fs.read","arguments_json":"{}","status":"succeeded","result_json":"\\"x\\""}]'
    await db.updateTable('execution_iterations').set({ trajectory }).execute()
    const [read] = await store.listIterations('e1')
    expect(read?.trajectory).toEqual([{ tool: 'fs.read', argumentsJson: '{}', status: 'succeeded', resultJson: '"x"' }])
    await store.updateIteration('e1', 1, { trajectory: read?.trajectory ?? [] })
    const row = await db.selectFrom('execution_iterations').select('trajectory').executeTakeFirstOrThrow()
    expect(JSON.parse(row.trajectory)).toEqual(JSON.parse(trajectory))
  })

  it('what is silent, or ours, is an orphan until it has ended', async () => {
    const ids = async (owner: string, before: number) =>
      (await store.listOrphans(systemScope, owner, before)).map(({ id }) => id)
    expect(await ids('server-1', 0)).toEqual(['e1'])
    expect(await ids('server-2', 0)).toEqual([])
    expect(await ids('server-2', execution.heartbeatAt + 1)).toEqual(['e1'])
    await store.touch('server-1', execution.heartbeatAt + 1)
    expect(await ids('server-2', execution.heartbeatAt + 1)).toEqual([])
    await store.update('e1', { status: 'cancelled', endedAt: 5 }, t.server.database.db)
    expect(await ids('server-1', 0)).toEqual([])
  })

  it('of all who take an orphan over exactly one does, and who had it changes nothing any more', async () => {
    const { db } = t.server.database
    const [orphan] = await store.listOrphans(systemScope, 'server-1', 0)
    if (!orphan) throw new Error('There is no orphan.')
    const servers = ['server-2', 'server-3', 'server-4']
    const won = await Promise.all(servers.map((server) => store.adopt(orphan, server, 9)))
    expect(won.filter(Boolean)).toHaveLength(1)
    expect(await store.find(own, 'e1')).toMatchObject({
      owner: servers[won.indexOf(true)],
      generation: 1,
      heartbeatAt: 9,
    })
    expect(await store.update('e1', { status: 'completed' }, db, 0)).toBe(false)
    expect(await store.update('e1', { status: 'completed' }, db, 1)).toBe(true)
  })

  it('an owner that was heard of meanwhile keeps its execution', async () => {
    const [orphan] = await store.listOrphans(systemScope, 'server-2', execution.heartbeatAt + 1)
    if (!orphan) throw new Error('There is no orphan.')
    await store.touch('server-1', execution.heartbeatAt + 1)
    expect(await store.adopt(orphan, 'server-2', 9)).toBe(false)
  })

  it('an attempt is changed by its present instance alone, and closed when the execution ends', async () => {
    await store.updateIteration('e1', 1, { tokenHash: 'cd'.repeat(32) })
    await store.updateOwnIteration('e1', 1, iteration.tokenHash, { status: 'success' })
    expect(await store.listIterations('e1')).toMatchObject([{ status: 'running' }])
    await store.endIterations('e1', 7, t.server.database.db)
    expect(await store.listIterations('e1')).toMatchObject([{ status: 'failed', endedAt: 7 }])
  })
})
