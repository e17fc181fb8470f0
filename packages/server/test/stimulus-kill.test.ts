import { createHmac, randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterEach, describe, expect, inject, it, vi } from 'vitest'
import { stringify } from 'yaml'
import type {} from './databases.global.ts'
import { type Killable, killable } from './killable.ts'

// Each test starts several processes.
vi.setConfig({ testTimeout: 180_000 })
const SECRET = 'a-secret-of-the-shop'

describe.each(['SQLite', 'PostgreSQL'])('stimuli whose server is killed (%s)', (name) => {
  const base = inject('postgresUrl')
  const isHere = name === 'SQLite' || base !== ''
  const database = `t_${randomUUID().replaceAll('-', '')}`
  let folder: string
  let server: Killable
  afterEach(async () => {
    await server.kill()
    rmSync(folder, { recursive: true, force: true })
    if (name === 'PostgreSQL') await administer(base, `drop database if exists ${database} with (force)`)
  })

  async function open(): Promise<void> {
    if (name === 'PostgreSQL') await administer(base, `create database ${database}`)
    folder = mkdtempSync(join(tmpdir(), 'lictor-stimulus-kill-'))
    const answer = '{"workflow": "flow", "confidence": 1}'
    writeFileSync(join(folder, 'script.yaml'), stringify({ turns: [{ text: answer, delay_ms: 2000 }] }))
    server = killable({
      LICTOR_DATA_DIR: folder,
      LICTOR_MODEL_SCRIPT: join(folder, 'script.yaml'),
      LICTOR_SANDBOX: 'process',
      ...(name === 'PostgreSQL' ? { DATABASE_URL: `${base}/${database}` } : {}),
    })
    await server.start()
    await server.signIn()
    const flow = { A: { kind: 'System', command: 'true', transitions: [] } }
    await call('POST', '/v1/workflows', { name: 'flow', definition: { initial_state: 'A', states: flow } })
  }
  async function killAndStart(): Promise<void> {
    await server.kill()
    await server.start()
    await server.signIn()
  }
  async function call<T>(method: string, path: string, body?: object | string): Promise<T> {
    const answer = await server.call(method, path, body)
    if (answer.status >= 300) throw new Error(`${path}: ${await answer.text()}`)
    return (await answer.json()) as T
  }
  const runs = async () =>
    (
      await call<{ executions: { id: string; status: string }[] }>(
        'GET',
        '/v1/workflows/executions?limit=1000&workflow_name=flow',
      )
    ).executions

  it.runIf(isHere)(
    'among webhooks: what was answered with 202 has its run, and each delivery that is repeated has one',
    async () => {
      await open()
      await call('POST', '/v1/stimuli/sources', { source: 'shop', workflow: 'flow', secret: SECRET })
      const begun = new Map<string, string>()
      async function deliver(key: string): Promise<'taken' | 'before' | 'lost'> {
        const body = JSON.stringify({ key })
        const signature = `sha256=${createHmac('sha256', SECRET).update(body).digest('hex')}`
        const headers = { 'x-aegis-signature': signature, 'x-idempotency-key': key }
        const answer = await fetch(`${server.address}/v1/webhooks/shop`, { method: 'POST', headers, body }).catch(
          () => null,
        )
        if (answer === null) return 'lost'
        const said = (await answer.json().catch(() => null)) as { workflow_execution_id: string } | null
        if (said === null) return 'lost'
        if (answer.status === 409) return 'before'
        if (answer.status !== 202) throw new Error(JSON.stringify(said))
        begun.set(key, said.workflow_execution_id)
        return 'taken'
      }
      const keys = Array.from({ length: 60 }, (_, index) => `delivery-${index}`)
      for (let kills = 0; kills < 2; kills++) {
        const some = keys.slice(kills * 30, kills * 30 + 30)
        const before = begun.size
        const all = some.map(deliver)
        await until(async () => begun.size > before + 3)
        await server.kill()
        await Promise.all(all)
        await server.start()
        await server.signIn()
      }
      const taken = [...begun.values()]
      const there = (await runs()).map(({ id }) => id)
      expect(taken.filter((id) => !there.includes(id))).toEqual([])
      // As a sender does that got no answer, and one that did.
      for (const key of keys) expect(await deliver(key)).not.toBe('lost')
      expect(await runs()).toHaveLength(keys.length)
      await until(async () => (await runs()).every(({ status }) => status === 'completed'))
    },
  )

  it.runIf(isHere)('while a router chooses: the workflow is begun after the restart, once', async () => {
    await open()
    await call(
      'POST',
      '/v1/agents',
      stringify({ name: 'router', language: 'javascript', version: '20', instruction: 'Choose.' }),
    )
    await call('POST', '/v1/stimuli/sources', { source: 'mail', router_agent: 'router' })
    const given = { content: 'x', source: 'mail', idempotency_key: 'k' }
    const cut = server.call('POST', '/v1/stimuli', given).catch(() => null)
    const executions = async () =>
      (await call<{ executions: { status: string }[] }>('GET', '/v1/executions')).executions
    await until(async () => (await executions())[0]?.status === 'running')
    await killAndStart()
    await cut
    expect((await server.call('POST', '/v1/stimuli', given)).status).toBe(409)
    await until(async () => (await runs()).length === 1)
    const { stimuli } = await call<{ stimuli: { status: string; workflow_execution_id: string }[] }>(
      'GET',
      '/v1/stimuli',
    )
    expect(stimuli).toMatchObject([{ status: 'classified', workflow_execution_id: (await runs())[0]?.id }])
    expect(await executions()).toHaveLength(1)
  })
})

async function administer(base: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: `${base}/postgres` })
  await client.connect()
  await client.query(statement)
  await client.end()
}

/** Wait for something another process does. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20))
}
