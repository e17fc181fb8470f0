import { existsSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { allEvents, call, governAgent, readStream, types, until, world } from '../../../test/runtime.ts'

const ASK = `
  - id: ask
    type: pre
    tool: write_file
    when: { args.path: { exists: true } }
    then: { effect: approve, message: "Write {args.path}?", timeout: 86400 }
`
const turns = [call('write_file', { path: 'a.txt', content: 'x' }), { text: 'Done.' }]

onEachDatabase('executions whose server is gone', (start) => {
  let t: TestServer
  afterEach(() => t.close())
  const open = world(async (environment) => {
    t = await start({ environment: { ...environment, LICTOR_SANDBOX: 'process' } })
    return t
  })
  type World = Awaited<ReturnType<typeof open>>
  const seen = (w: World, address: string, id: string, type: string) =>
    readStream(address, `/v1/executions/${id}/stream`, w.headers, (event) => event.type === type)
  const cancel = (w: World, id: string) =>
    t.request({ method: 'POST', url: `/v1/executions/${id}/cancel`, headers: w.headers, payload: {} })
  const remove = (w: World, id: string) =>
    t.request({ method: 'DELETE', url: `/v1/executions/${id}`, headers: w.headers })
  const inbox = async (w: World): Promise<{ id: string }[]> => {
    const answer = await t.request({ method: 'GET', url: '/v1/human-approvals', headers: w.headers })
    return answer.json<{ pending_requests: { id: string }[] }>().pending_requests
  }

  it('are cancelled at once, with their questions, and no server takes them up any more', async () => {
    const w = await open(turns)
    await governAgent(t, ASK)
    const [id, other] = [await w.start(), await w.start()]
    for (const one of [id, other]) await seen(w, w.address, one, 'approval_requested')
    // It does not listen yet: nobody runs what the server before it ran.
    await t.restart()
    const asked = (await inbox(w)).map((one) => one.id)
    expect(asked).toHaveLength(2)
    expect((await cancel(w, id)).statusCode).toBe(200)
    expect(await w.get(id)).toMatchObject({ status: 'cancelled', waiting_for: null })
    const left = (await inbox(w)).map((one) => one.id)
    expect(left).toHaveLength(1)
    const [withdrawn = ''] = asked.filter((one) => !left.includes(one))
    const late = await t.request({
      method: 'POST',
      url: `/v1/human-approvals/${withdrawn}/approve`,
      headers: w.headers,
    })
    expect(late.statusCode).toBeGreaterThanOrEqual(400)
    const address = await t.listen()
    await seen(w, address, other, 'execution_resumed')
    await t.request({ method: 'POST', url: `/v1/human-approvals/${left[0]}/approve`, headers: w.headers })
    await allEvents(address, w.headers, other)
    expect(await w.get(other)).toMatchObject({ status: 'completed' })
    const events = types(await allEvents(address, w.headers, id))
    expect(events.at(-1)).toBe('execution_cancelled')
    expect(events).not.toContain('execution_resumed')
    const folder = dirname(w.workspace(id))
    expect((await remove(w, id)).statusCode).toBe(200)
    expect(existsSync(folder)).toBe(false)
  })

  it('are cancelled and deleted at every age, and with their files and their record gone', async () => {
    const w = await open(turns)
    await governAgent(t, ASK)
    const [old, bare] = [await w.start(), await w.start()]
    for (const one of [old, bare]) await seen(w, w.address, one, 'approval_requested')
    await t.restart()
    const { db } = t.server.database
    const long = (t.clock.now() - 400 * 86_400_000) * 1000
    const longAgo = { started_at: long, updated_at: long, heartbeat_at: long, owner: 'nobody' }
    await db.updateTable('executions').set(longAgo).where('id', 'in', [old, bare]).execute()
    rmSync(dirname(w.workspace(bare)), { recursive: true })
    for (const table of ['execution_turns', 'execution_iterations'] as const)
      await db.deleteFrom(table).where('execution_id', '=', bare).execute()
    for (const id of [old, bare]) {
      expect((await remove(w, id)).statusCode).toBe(409)
      expect((await cancel(w, id)).statusCode).toBe(200)
      expect((await w.get(id)).status).toBe('cancelled')
      expect((await remove(w, id)).statusCode).toBe(200)
    }
    expect(await inbox(w)).toEqual([])
    expect((await t.request({ method: 'GET', url: '/v1/executions', headers: w.headers })).json().executions).toEqual(
      [],
    )
  })

  it('go on after two deploys in a row, in the middle of their work: nothing fails, nothing is done twice', async () => {
    const w = await open(
      [
        call('write_file', { path: 'a.txt', content: 'x' }),
        { ...call('run_command', { command: 'echo ran >> log' }), delay_ms: 5_000 },
        { text: 'Done.', delay_ms: 5_000 },
      ],
      { tools: ['write_file', 'run_command'] },
    )
    const id = await w.start()
    await seen(w, w.address, id, 'tool_invocation_completed')
    let address = ''
    for (let deploys = 0; deploys < 2; deploys++) {
      await t.restart()
      address = await t.listen()
      await until(async () => {
        const events = await readStream(address, `/v1/executions/${id}/stream?follow=false`, w.headers)
        return types(events).filter((type) => type === 'execution_resumed').length > deploys
      })
    }
    await until(async () => {
      await t.clock.advance(100)
      return (await w.get(id)).status !== 'running'
    })
    expect(await w.get(id)).toMatchObject({ status: 'completed', output: 'Done.', total_iterations: 1 })
    const events = types(await allEvents(address, w.headers, id))
    const count = (type: string) => events.filter((one) => one === type).length
    expect([count('iteration_started'), count('tool_invocation_completed'), count('execution_resumed')]).toEqual([
      1, 2, 2,
    ])
    expect(events.filter((type) => /_failed$/.test(type))).toEqual([])
  })
})
