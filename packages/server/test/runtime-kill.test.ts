import { randomUUID } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterEach, describe, expect, inject, it, vi } from 'vitest'
import { stringify } from 'yaml'
import type {} from './databases.global.ts'
import { interrupt } from './interrupted.ts'
import { type Killable, killable } from './killable.ts'

// Each test starts several processes.
vi.setConfig({ testTimeout: 180_000 })

const command = (line: string) => ({ tool_calls: [{ name: 'run_command', arguments: { command: line } }] })
const manifest = stringify({
  name: 'worker',
  language: 'javascript',
  version: '20',
  instruction: 'Work.',
  tools: ['run_command'],
})

describe.each(['process', 'bubblewrap'])('a server killed while an agent runs in the sandbox "%s"', (sandbox) => {
  let folder: string
  let server: Killable
  afterEach(async () => {
    await server.kill()
    rmSync(folder, { recursive: true, force: true })
  })

  async function begin(turns: readonly object[]): Promise<{ id: string; workspace: string }> {
    folder = mkdtempSync(join(tmpdir(), 'lictor-kill-'))
    writeFileSync(join(folder, 'script.yaml'), stringify({ turns }))
    server = killable({
      LICTOR_DATA_DIR: folder,
      LICTOR_SANDBOX: sandbox,
      LICTOR_MODEL_SCRIPT: join(folder, 'script.yaml'),
    })
    await server.start()
    await server.signIn()
    const agent = (await (await server.call('POST', '/v1/agents', manifest)).json()) as { id: string }
    const started = await server.call('POST', '/v1/executions', { agent_id: agent.id, input: 'go' })
    const { execution_id: id } = (await started.json()) as { execution_id: string }
    return { id, workspace: join(folder, 'executions', id, 'workspace') }
  }

  it('leaves no process behind; the next goes on, and the model hears that nobody knows what came of the command', async () => {
    const { id, workspace } = await begin([
      command('echo begun >> log; while true; do date +%N > beat; sleep 0.02; done'),
      { when: { last: 'outcome is unknown' }, ...command('echo second >> log') },
      { text: 'Done.' },
    ])
    const beat = join(workspace, 'beat')
    await until(() => existsSync(beat))
    await server.kill()

    await server.start()
    await server.signIn()
    const last = readFileSync(beat, 'utf8')
    const stream = await (await server.call('GET', `/v1/executions/${id}/stream`)).text()
    expect(readFileSync(beat, 'utf8')).toBe(last)
    expect(stream.trim().split('\n').at(-1)).toContain('"type":"execution_completed"')
    expect(readFileSync(join(workspace, 'log'), 'utf8')).toBe('begun\nsecond\n')
    expect(readdirSync(join(folder, 'executions'))).toEqual([id])
  })

  it('ended by SIGTERM lets the command that is out end, and the next goes on behind it', async () => {
    const { id, workspace } = await begin([
      command('echo begun >> log; sleep 1; echo ended >> log'),
      command('echo second >> log'),
      { text: 'Done.' },
    ])
    await until(() => existsSync(join(workspace, 'log')))
    await server.kill('SIGTERM')
    expect(readFileSync(join(workspace, 'log'), 'utf8')).toBe('begun\nended\n')

    await server.start()
    await server.signIn()
    const stream = await (await server.call('GET', `/v1/executions/${id}/stream`)).text()
    expect(stream).toContain('"type":"execution_resumed"')
    expect(stream.trim().split('\n').at(-1)).toContain('"type":"execution_completed"')
    expect(stream).not.toContain('outcome is unknown')
    expect(readFileSync(join(workspace, 'log'), 'utf8')).toBe('begun\nended\nsecond\n')
  })
})

const databases = ['SQLite', 'PostgreSQL']
describe.each(databases)('executions whose server is killed again and again (%s)', (name) => {
  const base = inject('postgresUrl')
  it.skipIf(name === 'PostgreSQL' && base === '')(
    'all end, each once, and no command that is not idempotent is made twice',
    async () => {
      const database = `t_${randomUUID().replaceAll('-', '')}`
      if (name === 'PostgreSQL') await administer(base, `create database ${database}`)
      try {
        const found = await interrupt({
          kills: 5,
          executions: 12,
          environment: name === 'PostgreSQL' ? { DATABASE_URL: `${base}/${database}` } : {},
        })
        expect(found).toMatchObject({ completed: 12, lost: [], endedTwice: [], madeTwice: [] })
        expect(found.kills).toBeGreaterThan(0)
      } finally {
        if (name === 'PostgreSQL') await administer(base, `drop database if exists ${database} with (force)`)
      }
    },
  )
})

async function administer(base: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: `${base}/postgres` })
  await client.connect()
  await client.query(statement)
  await client.end()
}

/** Wait for something another process does. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 10))
}
