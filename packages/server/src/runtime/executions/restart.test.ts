import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import {
  allEvents,
  call,
  deployAgent,
  governAgent,
  readStream,
  type StreamedEvent,
  startExecution,
  types,
  until,
  world,
} from '../../../test/runtime.ts'

onEachDatabase('executions when their server is stopped and started', (start) => {
  let t: TestServer
  afterEach(() => t.close())
  const open = world(async (environment) => {
    t = await start({ environment: { ...environment, LICTOR_SANDBOX: 'process' } })
    return t
  })
  type World = Awaited<ReturnType<typeof open>>
  const seen = (w: World, id: string, stop: (event: StreamedEvent) => boolean) =>
    readStream(w.address, `/v1/executions/${id}/stream`, w.headers, stop)
  async function restart(): Promise<string> {
    await t.restart()
    return t.listen()
  }

  it('go on at the turn they were at; what was done is not done again', async () => {
    const w = await open([call('write_file', { path: 'a.txt', content: 'first' }), { text: 'Done.', delay_ms: 5_000 }])
    const id = await w.start()
    await seen(w, id, (event) => event.type === 'tool_invocation_completed')
    writeFileSync(join(w.workspace(id), 'a.txt'), 'changed since')
    const address = await restart()
    await readStream(address, `/v1/executions/${id}/stream`, w.headers, (event) => event.type === 'execution_resumed')
    await until(async () => {
      await t.clock.advance(100)
      return (await w.get(id)).status !== 'running'
    })
    expect(await w.get(id)).toMatchObject({ status: 'completed', output: 'Done.', total_iterations: 1 })
    expect(readFileSync(join(w.workspace(id), 'a.txt'), 'utf8')).toBe('changed since')
    const events = types(await allEvents(address, w.headers, id))
    const count = (type: string) => events.filter((one) => one === type).length
    expect([count('execution_started'), count('iteration_started'), count('tool_invocation_requested')]).toEqual([
      1, 1, 1,
    ])
    expect([count('execution_resumed'), count('execution_completed')]).toEqual([1, 1])
  })

  it('still wait for the person they waited for: one question, and the answer counts', async () => {
    const w = await open([call('write_file', { path: 'a.txt', content: 'x' }), { text: 'Done.' }])
    await governAgent(
      t,
      `
    - id: ask
      type: pre
      tool: write_file
      when: { args.path: { exists: true } }
      then: { effect: approve, message: "Write {args.path}?", timeout: 86400 }
  `,
    )
    const id = await w.start()
    await seen(w, id, (event) => event.type === 'approval_requested')
    const inbox = async () =>
      (await t.request({ method: 'GET', url: '/v1/human-approvals', headers: w.headers })).json().pending_requests
    const before = await inbox()
    expect(before).toHaveLength(1)
    // More often than an execution may be taken up without a turn: whoever waits for a person brings no server down.
    let address = w.address
    for (let restarts = 0; restarts < 5; restarts++) {
      address = await restart()
      await readStream(address, `/v1/executions/${id}/stream`, w.headers, (event) => event.type === 'execution_resumed')
      await until(async () => (await w.get(id)).waiting_for === 'person')
    }
    expect((await inbox()).map((one: { id: string }) => one.id)).toEqual(before.map((one: { id: string }) => one.id))
    await t.request({ method: 'POST', url: `/v1/human-approvals/${before[0].id}/approve`, headers: w.headers })
    const events = await allEvents(address, w.headers, id)
    expect(types(events).filter((type) => type === 'approval_requested')).toHaveLength(1)
    expect(types(events).at(-1)).toBe('execution_completed')
    expect(readdirSync(w.workspace(id))).toEqual(['a.txt'])
  })

  it('an answer that was given while no server ran is heard', async () => {
    const w = await open([call('write_file', { path: 'a.txt', content: 'x' }), { text: 'Done.' }])
    await governAgent(
      t,
      `
    - id: ask
      type: pre
      tool: write_file
      when: { args.path: { exists: true } }
      then: { effect: approve, message: "Write {args.path}?", timeout: 86400 }
  `,
    )
    const id = await w.start()
    await seen(w, id, (event) => event.type === 'approval_requested')
    await t.restart()
    // Not listening yet: nothing is taken up before it does.
    const inbox = await t.request({ method: 'GET', url: '/v1/human-approvals', headers: w.headers })
    const [asked] = inbox.json().pending_requests
    await t.request({
      method: 'POST',
      url: `/v1/human-approvals/${asked.id}/reject`,
      headers: w.headers,
      payload: { reason: 'Not today.' },
    })
    const events = await allEvents(await t.listen(), w.headers, id)
    expect(w.told(events).at(-1)).toContain('Not today.')
    expect(readdirSync(w.workspace(id))).toEqual([])
  })

  it('keep the manifest and the place in the outer loop that they had', async () => {
    const w = await open([{ when: { prompt: 'Iteration 1' }, text: 'good', delay_ms: 5_000 }, { text: 'bad' }], {
      tools: ['write_file'],
      execution: {
        mode: 'iterative',
        max_iterations: 3,
        validation: [{ type: 'regex', pattern: '^good$' }],
      },
    })
    const id = await w.start()
    await seen(w, id, (event) => event.type === 'iteration_started' && event.iteration_number === 2)
    const address = await restart()
    await until(async () => {
      await t.clock.advance(100)
      return (await w.get(id)).status !== 'running'
    })
    expect(await w.get(id)).toMatchObject({ status: 'completed', output: 'good', total_iterations: 2 })
    const events = await allEvents(address, w.headers, id)
    expect(types(events).filter((type) => type === 'iteration_started')).toHaveLength(2)
  })

  it('finish on the version that they began with, also when it is deployed anew while they wait', async () => {
    const before = (turn: object) => ({ when: { prompt: 'Work as before' }, ...turn })
    const w = await open(
      [
        before(call('write_file', { path: 'a.txt', content: 'x' })),
        before(call('write_file', { path: 'b.txt', content: 'x' })),
        before({ text: 'Old.' }),
        { when: { prompt: 'Work anew' }, text: 'New.' },
      ],
      { tools: ['write_file'], task: { instruction: 'Work as before.' } },
    )
    await governAgent(
      t,
      `
    - id: ask
      type: pre
      tool: write_file
      when: { args.path: { contains: a.txt } }
      then: { effect: approve, message: "Write {args.path}?", timeout: 86400 }
  `,
    )
    const id = await w.start()
    await seen(w, id, (event) => event.type === 'approval_requested')
    // The steps are others, and the tool of the one that the run is at is gone.
    const changed = { tools: ['read_file'], task: { instruction: 'Work anew.' } }
    expect(await deployAgent(t, w.headers, changed, { version: '2.0.0' })).toBe(w.agent)
    const address = await restart()
    await readStream(address, `/v1/executions/${id}/stream`, w.headers, (event) => event.type === 'execution_resumed')
    await until(async () => (await w.get(id)).waiting_for === 'person')
    const inbox = await t.request({ method: 'GET', url: '/v1/human-approvals', headers: w.headers })
    const [asked] = inbox.json().pending_requests
    await t.request({ method: 'POST', url: `/v1/human-approvals/${asked.id}/approve`, headers: w.headers })
    await allEvents(address, w.headers, id)
    expect(await w.get(id)).toMatchObject({ status: 'completed', output: 'Old.' })
    expect(readdirSync(w.workspace(id)).sort()).toEqual(['a.txt', 'b.txt'])

    const next = await startExecution(t, w.headers, w.agent)
    await allEvents(address, w.headers, next)
    expect(await w.get(next)).toMatchObject({ status: 'completed', output: 'New.' })
    expect(readdirSync(w.workspace(next))).toEqual([])
  })

  it('whose record does not fit fail by themselves, with what does not fit; the others go on, and all can be deleted', async () => {
    const w = await open([call('write_file', { path: 'a.txt', content: 'x' }), { text: 'Done.' }])
    await governAgent(
      t,
      `
    - id: ask
      type: pre
      tool: write_file
      when: { args.path: { contains: a.txt } }
      then: { effect: approve, message: "Write {args.path}?", timeout: 86400 }
  `,
    )
    const damages = [
      [{ kind: 'pondered', data: '{}' }, "'pondered'"],
      [{ kind: 'told', data: '{"call":"call_9_9","content":"x","step":{}}' }, "'call_9_9'"],
      [{ kind: 'answered', data: '{"text":"x"' }, 'JSON'],
      [{ kind: 'answered', data: '{"text":"x","calls":7,"isCutOff":false}' }, 'answered'],
    ] as const
    const ids: string[] = []
    for (let n = 0; n <= damages.length; n++) {
      const id = await w.start()
      ids.push(id)
      await seen(w, id, (event) => event.type === 'approval_requested')
    }
    const { db } = t.server.database
    const [sound = '', ...damaged] = ids
    for (const [index, [damage]] of damages.entries()) {
      const turn = { execution_id: damaged[index] ?? '', iteration: 1 }
      const last = await db
        .selectFrom('execution_turns')
        .selectAll()
        .where('execution_id', '=', turn.execution_id)
        .orderBy('position', 'desc')
        .executeTakeFirstOrThrow()
      await db
        .insertInto('execution_turns')
        .values({ ...last, ...damage, position: last.position + 1 })
        .execute()
    }
    const address = await restart()
    for (const [index, [, what]] of damages.entries()) {
      const id = damaged[index] ?? ''
      const events = await allEvents(address, w.headers, id)
      expect(events.at(-1)).toMatchObject({ type: 'execution_failed', reason: expect.stringContaining(what) })
      expect(await w.get(id)).toMatchObject({ status: 'failed', error: expect.stringContaining(what) })
      const gone = await t.request({ method: 'DELETE', url: `/v1/executions/${id}`, headers: w.headers })
      expect(gone.statusCode).toBe(200)
    }
    // Their questions went with them: the one that is left is that of the run that goes on.
    const inbox = await t.request({ method: 'GET', url: '/v1/human-approvals', headers: w.headers })
    const [asked, ...others] = inbox.json().pending_requests
    expect(others).toEqual([])
    await t.request({ method: 'POST', url: `/v1/human-approvals/${asked.id}/approve`, headers: w.headers })
    await allEvents(address, w.headers, sound)
    expect(await w.get(sound)).toMatchObject({ status: 'completed', output: 'Done.' })
  }, 120_000)

  const adoptionsOf = async (id: string) =>
    (
      await t.server.database.db
        .selectFrom('executions')
        .select('adoptions')
        .where('id', '=', id)
        .executeTakeFirstOrThrow()
    ).adoptions

  it('end with the reason when they were taken up three times in a row without a new turn', async () => {
    const w = await open([
      call('write_file', { path: 'a.txt', content: 'x' }),
      { text: 'Never said.', delay_ms: 60_000 },
    ])
    const id = await w.start()
    await seen(w, id, (event) => event.type === 'tool_invocation_completed')
    for (let times = 1; times <= 3; times++) {
      await restart()
      await until(async () => (await adoptionsOf(id)) === times)
      expect(await w.get(id)).toMatchObject({ status: 'running' })
    }
    const address = await restart()
    const events = await allEvents(address, w.headers, id)
    const reason =
      'The server that ran it was interrupted, and 3 times in a row it was taken up again without a new turn.'
    expect(events.at(-1)).toMatchObject({ type: 'execution_failed', reason, total_iterations: 1 })
    expect(await w.get(id)).toMatchObject({ status: 'failed', error: reason, output: null, waiting_for: null })
    const ends = types(events).filter((type) => /^execution_(completed|failed|cancelled|timed_out)$/.test(type))
    expect(ends).toEqual(['execution_failed'])
    expect(types(events).filter((type) => type === 'execution_resumed')).toHaveLength(4)
    // It is over: no later server takes it up, and it can be deleted.
    await restart()
    expect(await w.get(id)).toMatchObject({ status: 'failed', error: reason })
    const gone = await t.request({ method: 'DELETE', url: `/v1/executions/${id}`, headers: w.headers })
    expect(gone.statusCode).toBe(200)
  }, 180_000)
})
