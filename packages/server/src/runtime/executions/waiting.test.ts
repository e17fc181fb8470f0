import { readdirSync } from 'node:fs'
import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { call, governAgent, readStream, types, until, world } from '../../../test/runtime.ts'

onEachDatabase('executions that wait for a person', (start) => {
  let t: TestServer
  afterEach(() => t.close())
  const open = world(async (environment) => {
    t = await start({ environment: { ...environment, LICTOR_SANDBOX: 'process', LICTOR_MAX_EXECUTIONS: '1' } })
    return t
  })
  const ask = `
    - id: ask
      type: pre
      tool: write_file
      when: { args.path: { exists: true } }
      then: { effect: approve, message: "Write {args.path}?", timeout: 86400 }
  `
  const write = (path: string) => call('write_file', { path, content: 'x' })
  const asked = (w: Awaited<ReturnType<typeof open>>, id: string) =>
    readStream(w.address, `/v1/executions/${id}/stream`, w.headers, (event) => event.type === 'approval_requested')

  it('hold no place: others run meanwhile, and each says what it waits for', async () => {
    const w = await open([{ when: { prompt: 'ask' }, ...write('a.txt') }, { text: 'Done.' }])
    await governAgent(t, ask)
    const waiting = await w.start({ input: 'ask' })
    await asked(w, waiting)
    expect((await w.run({ input: 'other' })).answer).toMatchObject({ status: 'completed', waiting_for: null })
    expect(await w.get(waiting)).toMatchObject({ status: 'running', waiting_for: 'person' })
    await w.decide(waiting, () => true)
    expect(await w.get(waiting)).toMatchObject({ status: 'completed', waiting_for: null })
  })

  it('wait for a place when every place is taken, and say so', async () => {
    const w = await open([{ when: { prompt: 'late' }, text: 'late', delay_ms: 3_600_000 }, { text: 'Done.' }])
    const late = await w.start({ input: 'late' })
    const spawned = (event: { type: string }) => event.type === 'instance_spawned'
    await readStream(w.address, `/v1/executions/${late}/stream`, w.headers, spawned)
    const queued = await w.start({ input: 'other' })
    await until(async () => (await w.get(queued)).waiting_for === 'place')
    expect(await w.get(queued)).toMatchObject({ status: 'pending' })
    await t.request({ method: 'POST', url: `/v1/executions/${late}/cancel`, headers: w.headers })
    expect(types(await w.events(queued)).at(-1)).toBe('execution_completed')
  })

  it('have time: their limits stand still', async () => {
    const w = await open([write('a.txt'), { text: 'Done.' }], {
      tools: ['write_file'],
      execution: { mode: 'one-shot', iteration_timeout: '60s' },
      security: { resources: { timeout: '90s' } },
    })
    await governAgent(t, ask)
    const id = await w.start()
    await asked(w, id)
    await until(async () => (await w.get(id)).waiting_for === 'person')
    // Longer than both limits, shorter than the token of this test lives.
    // Step by step, so that the server's own beats are written in between.
    for (let seconds = 0; seconds < 240; seconds += 10) {
      await t.clock.advance(10_000)
      await w.get(id)
    }
    await w.decide(id, () => true)
    expect(await w.get(id)).toMatchObject({ status: 'completed' })
    expect(readdirSync(w.workspace(id))).toEqual(['a.txt'])
  })

  it('ask nobody the same twice, and nobody without end', async () => {
    const w = await open(
      [write('a.txt'), write('a.txt'), write('b.txt'), write('c.txt'), { text: 'Done.' }],
      { tools: ['write_file'] },
      { annotations: { 'lictor.dev/max-questions': '2' } },
    )
    await governAgent(t, ask)
    const id = await w.start()
    let questions = 0
    const events = await w.decide(id, () => ++questions > 1)
    expect(questions).toBe(2)
    expect(w.told(events)[2]).toContain('denied before in this run, and nobody is asked again: Not today.')
    expect(w.told(events)[4]).toContain('has asked 2 questions, as many as it may')
    expect(readdirSync(w.workspace(id))).toEqual(['b.txt'])
  })

  it('take their question back when they end, however many newer ones there are', async () => {
    const w = await open([write('a.txt'), { text: 'Done.' }], { tools: ['write_file'] })
    await governAgent(t, ask)
    const id = await w.start()
    const [question] = (await asked(w, id)).slice(-1)
    const { db } = t.server.database
    const { seq: _seq, ...row } = await db.selectFrom('approvals').selectAll().executeTakeFirstOrThrow()
    const others = Array.from({ length: 520 }, (_one, index) => ({
      ...row,
      id: crypto.randomUUID(),
      subject_id: `other-${index}`,
    }))
    await db.insertInto('approvals').values(others).execute()
    await t.request({ method: 'POST', url: `/v1/executions/${id}/cancel`, headers: w.headers })
    const url = `/api/v1/approvals/${question?.approval_id}`
    const headers = { ...(await t.admin()), 'x-requested-with': 'test' }
    await until(async () => (await t.request({ method: 'GET', url, headers })).json().status === 'withdrawn')
    expect((await t.request({ method: 'GET', url, headers })).json()).toMatchObject({
      status: 'withdrawn',
      decision_reason: 'What asked has ended.',
    })
    const decided = await t.request({ method: 'PUT', url, headers, payload: { approved: true } })
    expect([decided.statusCode, decided.json().decision]).toMatchObject([409, { status: 'withdrawn' }])
    const pending = await db.selectFrom('approvals').select('id').where('status', '=', 'pending').execute()
    expect(pending).toHaveLength(520)
    expect(readdirSync(w.workspace(id))).toEqual([])
  })
})

onEachDatabase('texts that no database keeps', (start) => {
  let t: TestServer
  afterEach(() => t.close())
  const open = world(async (environment) => {
    t = await start({ environment: { ...environment, LICTOR_SANDBOX: 'process' } })
    return t
  })

  it('are kept readably wherever they come in: answers, arguments, names, output, errors', async () => {
    const odd = 'a\0b\ud800c'
    const w = await open(
      [
        call('write_file', { path: 'plain.txt', content: odd }),
        call(`tool${odd}`, { x: odd }),
        call('read_file', { path: `missing${odd.slice(3)}` }),
        call('run_command', {
          command: 'printf "a\\0b"; printf "\\355\\240\\200" >&2; touch "$(printf "odd\\377name")"; exit 3',
        }),
        call('list_dir', { path: '.' }),
        { text: `final ${odd}` },
      ],
      {
        tools: ['write_file', 'read_file', 'list_dir', 'run_command'],
        task: { instruction: `Work ${odd}.` },
      },
    )
    const { answer, events } = await w.run({ input: `input ${odd}` })
    expect(answer).toMatchObject({ status: 'completed' })
    expect(answer.output).toBe('final a␀b\ufffdc')
    expect(types(events).at(-1)).toBe('execution_completed')
    expect(types(events).filter((type) => type === 'tool_invocation_requested')).toHaveLength(5)
  })
})
