import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterEach, describe, expect, inject, it, vi } from 'vitest'
import { stringify } from 'yaml'
import type {} from './databases.global.ts'
import { type Killable, killable } from './killable.ts'

// Each test starts several processes.
vi.setConfig({ testTimeout: 600_000 })

const MIB = 1024 ** 2
const base = inject('postgresUrl')

async function administer(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: `${base}/postgres` })
  await client.connect()
  await client.query(statement)
  await client.end()
}

/** Wait for something another process does. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20))
}

/** Ids of processes whose command line holds this text. */
function processesWith(text: string): string[] {
  try {
    return execFileSync('pgrep', ['-f', text], { encoding: 'utf8' }).trim().split('\n').filter(Boolean)
  } catch {
    return []
  }
}

describe.each(['SQLite', 'PostgreSQL'])('a server killed in the middle (%s)', (name) => {
  const isThere = name === 'SQLite' || base !== ''
  let folder: string
  let server: Killable
  let database = ''
  afterEach(async () => {
    if (!isThere) return
    await server.kill()
    rmSync(folder, { recursive: true, force: true })
    if (database !== '') await administer(`drop database if exists ${database} with (force)`)
    database = ''
  })

  async function begin(turns: readonly object[], environment: Record<string, string> = {}): Promise<void> {
    folder = mkdtempSync(join(tmpdir(), 'lictor-killed-'))
    writeFileSync(join(folder, 'script.yaml'), stringify({ turns }))
    if (name === 'PostgreSQL') {
      database = `t_${randomUUID().replaceAll('-', '')}`
      await administer(`create database ${database}`)
    }
    server = killable({
      LICTOR_DATA_DIR: folder,
      LICTOR_SANDBOX: 'process',
      LICTOR_MODEL_SCRIPT: join(folder, 'script.yaml'),
      ...(database === '' ? {} : { DATABASE_URL: `${base}/${database}` }),
      ...environment,
    })
    await server.start()
    await server.signIn()
  }
  async function again(): Promise<void> {
    await server.kill()
    await server.start()
    await server.signIn()
  }
  const json = async (method: string, path: string, body?: object | string) =>
    (await server.call(method, path, body)).json() as Promise<Record<string, never>>
  const deploy = async (agent: string, more: object = {}) => {
    const answer = await server.call(
      'POST',
      '/v1/agents',
      stringify({
        apiVersion: '100monkeys.ai/v1',
        kind: 'Agent',
        metadata: { name: agent, version: '1.0.0', labels: agent === 'critic' ? { role: 'judge' } : {} },
        spec: { runtime: { language: 'javascript', version: '20' }, task: { instruction: 'Work.' }, ...more },
      }),
    )
    if (answer.status !== 200) throw new Error(await answer.text())
    return ((await answer.json()) as { id: string }).id
  }
  const run = async (agent: string) =>
    ((await json('POST', '/v1/executions', { agent_id: agent, input: 'go' })) as unknown as { execution_id: string })
      .execution_id
  /** Everything that happened in an execution that has ended, by type. */
  const eventsOf = async (id: string): Promise<Record<string, unknown>[]> => {
    const text = await (await server.call('GET', `/v1/executions/${id}/stream`)).text()
    return [...text.matchAll(/^data: (.*)$/gm)].map(([, data = '']) => JSON.parse(data) as Record<string, unknown>)
  }
  const of = (type: string, events: readonly Record<string, unknown>[]) => events.filter((one) => one.type === type)

  it.skipIf(!isThere)(
    'of an upload: nothing of it shows, its room is free and its bytes are gone when the next has started',
    async () => {
      await begin([])
      const { id } = (await json('POST', '/v1/volumes', { label: 'data', size_limit_bytes: 64 * MIB })) as unknown as {
        id: string
      }
      const upload = async (path: string, body: string) => {
        const answer = await fetch(`${server.address}/v1/volumes/${id}/files/upload?path=${path}`, {
          method: 'POST',
          headers: { ...server.headers, 'x-requested-with': 'test', 'content-type': 'application/octet-stream' },
          body,
        })
        return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
      }
      const show = async () => {
        const [volume, list, text] = await Promise.all([
          json('GET', `/v1/volumes/${id}`) as unknown as Promise<{ used_bytes: number }>,
          server.call('GET', `/v1/volumes/${id}/files`).then((answer) => answer.text()),
          server.call('GET', `/v1/volumes/${id}/files/download?path=f`).then((answer) => answer.text()),
        ])
        return { used: volume.used_bytes, isListed: list.includes('half'), text }
      }
      expect((await upload('f', 'old')).status).toBe(200)
      const drafts = join(folder, 'blobs', '.drafts')
      const size = () => readdirSync(drafts).reduce((sum, one) => sum + statSync(join(drafts, one)).size, 0)

      // One in the place of a file, and one beside it; the rest of neither ever comes.
      const { hostname, port } = new URL(server.address)
      const cut = ['f', 'half'].map((path) => {
        const sent = request({
          hostname,
          port,
          method: 'POST',
          path: `/v1/volumes/${id}/files/upload?path=${path}`,
          headers: {
            ...server.headers,
            'x-requested-with': 'test',
            'content-type': 'application/octet-stream',
            'content-length': 30 * MIB,
          },
        })
        sent.on('error', () => {})
        sent.write(Buffer.alloc(10 * MIB, 'x'))
        return sent
      })
      await until(() => existsSync(drafts) && size() >= 16 * MIB)
      expect(await show()).toEqual({ used: 3, isListed: false, text: 'old' })
      // What they were promised is nobody else's while they come.
      expect(await upload('g', 'x'.repeat(5 * MIB))).toMatchObject({ status: 422 })
      await again()
      for (const one of cut) one.destroy()

      expect(await show()).toEqual({ used: 3, isListed: false, text: 'old' })
      await until(() => readdirSync(drafts).length === 0)
      await until(async () => (await upload('g', 'x'.repeat(60 * MIB))).status === 200)
      expect((await show()).used).toBe(60 * MIB + 3)
    },
  )

  it.skipIf(!isThere)(
    'of a judgement: the judge that was asked goes on, nobody else is asked, and the attempt is judged once',
    async () => {
      const says = (agent: string, turn: object) => ({ when: { agent }, ...turn })
      const command = (line: string) => ({ tool_calls: [{ name: 'run_command', arguments: { command: line } }] })
      await begin([
        says('worker', { text: 'The draft.' }),
        says('critic', command('echo begun >> log; touch beat; while [ -e beat ]; do sleep 0.05; done')),
        says('critic', command('echo second >> log')),
        says('critic', { text: '{"score": 0.9, "confidence": 0.9, "reasoning": "It is one."}' }),
      ])
      const critic = await deploy('critic', { tools: ['run_command'] })
      const id = await run(
        await deploy('worker', { execution: { validation: [{ type: 'semantic', judge_agent: 'critic' }] } }),
      )
      const judges = async () =>
        ((await json('GET', `/v1/executions?agent_id=${critic}`)) as unknown as { items: { id: string }[] }).items
      await until(async () => (await judges()).length === 1)
      const [judge] = await judges()
      const workspace = join(folder, 'executions', judge?.id ?? '', 'workspace')
      await until(() => existsSync(join(workspace, 'beat')))
      await again()

      const events = await eventsOf(id)
      expect(events.at(-1)).toMatchObject({ type: 'execution_completed', final_output: 'The draft.' })
      expect(await judges()).toMatchObject([{ id: judge?.id, status: 'completed', parent_execution_id: id }])
      expect(of('gradient_validation_performed', events)).toMatchObject([{ iteration_number: 1, score: 0.9 }])
      expect([of('iteration_started', events).length, of('llm_interaction', events).length]).toEqual([1, 1])
      expect([of('child_execution_spawned', events).length, of('child_execution_completed', events).length]).toEqual([
        1, 1,
      ])
      const asked = await eventsOf(judge?.id ?? '')
      expect(JSON.stringify(of('llm_interaction', asked)[1]?.prompt)).toContain('outcome is unknown')
      expect(readFileSync(join(workspace, 'log'), 'utf8')).toBe('begun\nsecond\n')
      expect(processesWith(workspace)).toEqual([])
    },
  )

  it.skipIf(!isThere)(
    'of a validator that is a script: it ends with the server, and judges the output anew',
    async () => {
      const script = `import { existsSync, writeFileSync } from 'node:fs'
      if (existsSync('begun')) process.exit(0)
      writeFileSync('begun', '')
      setInterval(() => writeFileSync('beat', String(process.hrtime.bigint())), 20)`
      await begin([
        { tool_calls: [{ name: 'write_file', arguments: { path: 'check.mjs', content: script } }] },
        { text: 'The draft.' },
      ])
      const id = await run(
        await deploy('worker', {
          tools: ['write_file'],
          execution: { validation: { script: { path: 'check.mjs', timeout_seconds: 600 } } },
        }),
      )
      const beat = join(folder, 'executions', id, 'workspace', 'beat')
      await until(() => existsSync(beat))
      await again()
      const events = await eventsOf(id)
      const last = readFileSync(beat, 'utf8')
      expect(events.at(-1)).toMatchObject({ type: 'execution_completed', final_output: 'The draft.' })
      expect([of('iteration_started', events).length, of('llm_interaction', events).length]).toEqual([1, 2])
      expect(readFileSync(beat, 'utf8')).toBe(last)
      expect(readdirSync(join(folder, 'executions', id, 'validators'))).toEqual([])
    },
  )

  it.skipIf(!isThere)(
    'of a call to an MCP server: what that server started is gone, it is there again, and no call is made twice',
    async () => {
      const mark = `lictor-stray-${randomUUID()}`
      const home = mkdtempSync(join(tmpdir(), 'lictor-killed-mcp-'))
      const program = join(home, 'server.mjs')
      try {
        writeFileSync(
          program,
          `import { createInterface } from 'node:readline'
import { spawn } from 'node:child_process'
import { appendFileSync } from 'node:fs'
// Neither the end of its input nor a signal that can be ignored ends it, nor what it started.
process.on('SIGTERM', () => {})
setInterval(() => {}, 1000)
spawn('setsid', ['sh', '-c', 'trap "" TERM; while true; do sleep 1; done # ${mark}'], { detached: true, stdio: 'ignore' }).unref()
const say = (id, result) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, result }) + '\\n')
createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line)
  if (method === 'initialize') say(id, { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'raw', version: '1' } })
  if (method === 'tools/list') say(id, { tools: [{ name: 'do', inputSchema: { type: 'object', properties: { x: {} } } }] })
  if (method !== 'tools/call') return
  appendFileSync(${JSON.stringify(join(home, 'log'))}, params.arguments.x + '\\n')
  if (params.arguments.x !== 'first') say(id, { content: [{ type: 'text', text: 'did ' + params.arguments.x }] })
})
`,
        )
        const settings = join(home, 'mcp.yaml')
        writeFileSync(
          settings,
          stringify({
            mcp_servers: [{ name: 'raw', executable: process.execPath, args: [program], capabilities: ['web.*'] }],
          }),
        )
        const use = (x: string) => ({ tool_calls: [{ name: 'web.do', arguments: { x } }] })
        await begin([use('first'), use('second'), { text: 'Done.' }], { LICTOR_MCP_SERVERS: settings })
        const id = await run(await deploy('worker', { tools: ['web.do'] }))
        await until(() => existsSync(join(home, 'log')))
        const before = [...processesWith(program), ...processesWith(mark)]
        expect(before.length).toBeGreaterThanOrEqual(2)
        await again()

        const events = await eventsOf(id)
        expect(events.at(-1)).toMatchObject({ type: 'execution_completed', final_output: 'Done.' })
        const told = of('llm_interaction', events).map(({ prompt }) => String(prompt))
        expect(told[1]).toContain('outcome is unknown')
        expect(told[2]).toContain('did second')
        expect(readFileSync(join(home, 'log'), 'utf8')).toBe('first\nsecond\n')
        const servers = (await json('GET', '/v1/tools/servers')) as unknown as { servers: object[] }
        expect(servers.servers).toMatchObject([{ name: 'raw', status: 'running', error: null, tools: ['do'] }])
        const now = [...processesWith(program), ...processesWith(mark)]
        expect(before.filter((one) => now.includes(one))).toEqual([])
        await server.kill('SIGTERM')
        expect([...processesWith(program), ...processesWith(mark)]).toEqual([])
      } finally {
        await server.kill()
        for (const one of [...processesWith(program), ...processesWith(mark)]) process.kill(Number(one), 'SIGKILL')
        rmSync(home, { recursive: true, force: true })
      }
    },
  )
})
