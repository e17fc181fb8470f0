import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { putGates, uploadGates } from '../../../test/gates.ts'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { allEvents, call, governAgent, readStream, types, until, world } from '../../../test/runtime.ts'

const train = `
apiVersion: edictum/v1
kind: Workflow
metadata: { name: train }
stages:
  - id: draft
    tools: [write_file, read_file]
    exit: [{ condition: file_read("/workspace/a.txt"), message: Read the draft first }]
  - id: sign
    approval: { message: The release manager must agree }
  - id: ship
    tools: [run_command]
    checks: [{ command_matches: "^touch 'the release'$", message: Only the release may be made }]
`
/** A contract that no call of these tests meets: who has gates has a bundle. */
const lax = `
  - { id: no-env, type: pre, tool: read_file, when: { args.path: { contains: .env } }, then: { effect: deny, message: No. } }
`
const draft = call('write_file', { path: 'a.txt', content: 'x' })
const read = call('read_file', { path: 'a.txt' })
const ship = call('run_command', { command: 'touch', args: ['the release'] })
const done = { text: 'Done.' }

onEachDatabase('gates before an execution', (start) => {
  let t: TestServer
  afterEach(() => t.close())
  const open = world(async (environment) => {
    t = await start({ environment: { ...environment, LICTOR_SANDBOX: 'process' } })
    return t
  })
  /** An agent that plays these turns, its bundle, and these gates before it. */
  async function gated(turns: readonly object[], yaml = train) {
    const w = await open(turns, { tools: ['read_file', 'write_file', 'run_command'] })
    await governAgent(t, lax)
    const version = await uploadGates(t, yaml)
    expect((await putGates(t, 'rules', { name: 'train', version })).statusCode).toBe(200)
    return w
  }
  /** What the audit log has of the session, the oldest first: verdict, tool, and the stage that it was in after it. */
  async function audited(session: string) {
    const rows = await t.server.database.db.selectFrom('events').selectAll().orderBy('seq').execute()
    return rows
      .map((row) => ({ row, payload: JSON.parse(row.payload ?? '{}') }))
      .filter(({ payload }) => payload.execution_id === session)
      .map(({ row, payload }) => [row.verdict, row.tool_name, payload.workflow?.active_stage])
  }
  const stageOf = async (session: string) => {
    const answer = await t.request({
      method: 'GET',
      url: `/api/v1/sessions/${encodeURIComponent(`s:${session}:workflow:train:state`)}`,
      headers: await t.agent(),
    })
    expect(answer.statusCode).toBe(200)
    return JSON.parse(answer.json().value)
  }

  it('hold its calls to their order: a call of a later stage is refused with the reason, and does not run', async () => {
    const w = await gated([ship, draft, ship, read, done])
    const { id, events } = await w.run()
    expect(w.told(events)[1]).toContain('Read the draft first')
    expect(w.told(events)[3]).toContain('Read the draft first')
    expect(readdirSync(w.workspace(id))).toEqual(['a.txt'])
    expect(await audited(id)).toEqual([
      ['call_denied', 'run_command', 'draft'],
      ['call_allowed', 'write_file', 'draft'],
      ['call_executed', 'write_file', 'draft'],
      ['call_denied', 'run_command', 'draft'],
      ['call_allowed', 'read_file', 'draft'],
      ['call_executed', 'read_file', 'draft'],
    ])
    expect(await stageOf(id)).toMatchObject({
      active_stage: 'draft',
      completed_stages: [],
      evidence: { reads: ['/workspace/a.txt'] },
    })
  })

  it('ask a person for the end of a stage in the one inbox, once, and then judge the commands of the next', async () => {
    const other = call('run_command', { command: 'touch', args: ['other'] })
    const w = await gated([draft, read, ship, other, ship, done])
    const id = await w.start()
    const asked: unknown[] = []
    const events = await w.decide(id, ({ prompt, tool_name }) => {
      asked.push([tool_name, prompt, existsSync(join(w.workspace(id), 'the release'))])
      return true
    })
    expect(asked).toEqual([['run_command', 'The release manager must agree', false]])
    expect(w.told(events)[4]).toContain('Only the release may be made')
    expect(readdirSync(w.workspace(id)).sort()).toEqual(['a.txt', 'the release'])
    expect((await audited(id)).slice(4)).toEqual([
      ['workflow_stage_advanced', 'run_command', 'sign'],
      ['call_approval_requested', 'run_command', 'sign'],
      ['call_approval_granted', 'run_command', 'sign'],
      ['workflow_stage_advanced', 'run_command', 'ship'],
      ['call_allowed', 'run_command', 'ship'],
      ['call_executed', 'run_command', 'ship'],
      ['call_denied', 'run_command', 'ship'],
      ['call_allowed', 'run_command', 'ship'],
      ['call_executed', 'run_command', 'ship'],
    ])
    expect(await stageOf(id)).toMatchObject({
      active_stage: 'ship',
      completed_stages: ['draft', 'sign'],
      evidence: { stage_calls: { ship: ["touch 'the release'", "touch 'the release'"] } },
    })
  })

  it('a person who denies leaves it in its stage, and the call does not run', async () => {
    const w = await gated([draft, read, ship, done])
    const id = await w.start()
    const events = await w.decide(id, () => false)
    expect(w.told(events)[3]).toContain('Not today.')
    expect(readdirSync(w.workspace(id))).toEqual(['a.txt'])
    expect(await stageOf(id)).toMatchObject({ active_stage: 'sign', completed_stages: ['draft'], approvals: {} })
  })

  it('stand where they stood after a restart in the middle of a question, which is asked once', async () => {
    const w = await gated([draft, read, ship, ship, done])
    const id = await w.start()
    const stream = `/v1/executions/${id}/stream`
    await readStream(w.address, stream, w.headers, (event) => event.type === 'approval_requested')
    const before = await stageOf(id)
    expect(before).toMatchObject({ active_stage: 'sign', completed_stages: ['draft'] })
    const inbox = async () =>
      (await t.request({ method: 'GET', url: '/v1/human-approvals', headers: w.headers })).json().pending_requests
    const [question] = await inbox()
    await t.restart()
    const address = await t.listen()
    await readStream(address, stream, w.headers, (event) => event.type === 'execution_resumed')
    await until(async () => (await w.get(id)).waiting_for === 'person')
    expect((await stageOf(id)).completed_stages).toEqual(before.completed_stages)
    expect((await inbox()).map((one: { id: string }) => one.id)).toEqual([question.id])
    await t.request({ method: 'POST', url: `/v1/human-approvals/${question.id}/approve`, headers: w.headers })
    const events = await allEvents(address, w.headers, id)
    expect(types(events).filter((type) => type === 'approval_requested')).toHaveLength(1)
    expect(types(events).at(-1)).toBe('execution_completed')
    expect(readdirSync(w.workspace(id)).sort()).toEqual(['a.txt', 'the release'])
    expect(await stageOf(id)).toMatchObject({
      active_stage: 'ship',
      completed_stages: ['draft', 'sign'],
      evidence: { stage_calls: { ship: ["touch 'the release'", "touch 'the release'"] } },
    })
  })

  it('of each execution are its own; another version, or none, holds from the next call on', async () => {
    const w = await gated([ship, draft, done])
    const first = await w.run()
    expect(w.told(first.events)[1]).toContain('Read the draft first')
    const stricter = train.replace('tools: [write_file, read_file]', 'tools: [read_file]')
    const version = await uploadGates(t, stricter.replace('the draft first', 'it all'))
    await putGates(t, 'rules', { name: 'train', version })
    const second = await w.run()
    expect(w.told(second.events).slice(1, 3)).toEqual([
      expect.stringContaining('Read it all'),
      expect.stringContaining('Read it all'),
    ])
    await putGates(t, 'rules', null)
    const third = await w.run()
    expect(readdirSync(w.workspace(third.id)).sort()).toEqual(['a.txt', 'the release'])
    expect((await audited(third.id)).every(([, , stage]) => stage === undefined)).toBe(true)
  })

  it('a stage that the version in force no longer has refuses every call', async () => {
    const w = await gated([draft, { ...draft, delay_ms: 5_000 }, done])
    const id = await w.start()
    await readStream(
      w.address,
      `/v1/executions/${id}/stream`,
      w.headers,
      (event) => event.type === 'tool_invocation_completed',
    )
    const version = await uploadGates(t, train.replace('id: draft', 'id: outline'))
    await putGates(t, 'rules', { name: 'train', version })
    await until(async () => {
      await t.clock.advance(100)
      return (await w.get(id)).status !== 'running'
    })
    const rows = await t.server.database.db.selectFrom('events').selectAll().orderBy('seq').execute()
    expect(rows.at(-1)).toMatchObject({ verdict: 'call_denied', decision_name: 'workflow_error' })
  })
})
