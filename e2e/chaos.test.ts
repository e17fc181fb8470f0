import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import type {} from '../packages/server/test/databases.global.ts'
import { createDatabase } from './support/databases.ts'
import {
  type Administrator,
  administrator,
  eventually,
  root,
  type ServerProcess,
  startServer,
} from './support/server.ts'
import { type TcpProxy, tcpProxy } from './support/tcp-proxy.ts'

const bundle = `apiVersion: edictum/v1
kind: ContractBundle
metadata: { name: ledger }
defaults: { mode: enforce }
contracts:
  - id: no-secrets
    type: pre
    tool: read_file
    when: { args.path: { ends_with: .env } }
    then: { effect: deny, message: 'Secrets stay unread.' }
  - id: ask-first
    type: pre
    tool: delete_file
    when: { args.path: { exists: true } }
    then: { effect: approve, message: 'Delete {args.path}?', timeout: 300, timeout_effect: deny }
  - id: work-on
    type: session
    limits: { max_tool_calls: 1000000, max_attempts: 1000000 }
    then: { effect: deny, message: Enough. }
`

interface Outcome {
  readonly tool: string
  readonly path: string
  readonly outcome: 'ran' | 'denied' | 'failed'
  /** Why it did not run. */
  readonly reason?: string
}

interface LedgerAgent {
  readonly child: ChildProcess
  outcomes(): Outcome[]
  ledger(): string[]
  delete(path: string): void
  /** Let it finish and deliver what it has to say. */
  finish(): Promise<void>
}

function startAgent(url: string, key: string): LedgerAgent {
  const file = join(mkdtempSync(join(tmpdir(), 'lictor-ledger-')), 'ledger')
  writeFileSync(file, '')
  const child = spawn(process.execPath, [join(root, 'e2e/support/ledger-agent.ts')], {
    env: { PATH: process.env.PATH ?? '', LICTOR_URL: url, LICTOR_API_KEY: key, LEDGER: file },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  let said = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const lines = (text: string) => text.split('\n').slice(0, -1)
  return {
    child,
    outcomes: () => lines(said).map((line) => JSON.parse(line) as Outcome),
    ledger: () => lines(readFileSync(file, 'utf8')),
    delete: (path) => child.stdin?.write(`${path}\n`),
    async finish() {
      child.stdin?.end()
      await ended
    },
  }
}

interface StoredEvent {
  readonly tool_name: string
  readonly verdict: string
  readonly payload: { readonly tool_args?: { readonly path?: string } }
}

async function storedEvents(admin: Administrator): Promise<StoredEvent[]> {
  const all: StoredEvent[] = []
  let until = ''
  for (;;) {
    const page: Response = await fetch(`${admin.url}/api/v1/events?limit=1000${until}`, {
      headers: { cookie: admin.cookie },
    })
    all.push(...((await page.json()) as StoredEvent[]))
    const next = page.headers.get('x-next-cursor')
    if (next === null) return all
    until = `&cursor=${next}`
  }
}

/** What the tools did is what the guard allowed, and the server has the record of each call. */
async function expectTruth(agent: LedgerAgent, admin: Administrator): Promise<void> {
  const outcomes = agent.outcomes()
  expect(outcomes.at(-1)?.tool).toBe('close')
  const calls = outcomes.slice(0, -1)
  const named = (outcome: Outcome['outcome']) =>
    calls.filter((one) => one.outcome === outcome).map(({ tool, path }) => `${tool} ${path}`)
  const ran = agent.ledger()
  // A call whose server was killed while its tool ran may have failed for who made it.
  const mayHaveRun = new Set([...named('ran'), ...named('failed')])
  expect(named('ran').filter((line) => !ran.includes(line))).toEqual([])
  expect(ran.filter((line) => !mayHaveRun.has(line))).toEqual([])
  expect(ran.filter((line) => line.endsWith('.env'))).toEqual([])
  const events = await storedEvents(admin)
  const recorded = (verdict: string) =>
    events
      .filter((event) => event.verdict === verdict)
      .map(({ tool_name, payload }) => `${tool_name} ${payload.tool_args?.path}`)
      .toSorted()
  expect(recorded('call_executed')).toEqual(ran.toSorted())
  // What was refused, and what failed before its tool ran, because the server could not be asked: each has its record too.
  const refused = [...named('denied'), ...named('failed').filter((line) => !ran.includes(line))]
  const reads = (lines: readonly string[]) => lines.filter((line) => line.startsWith('read_file')).toSorted()
  expect(reads(recorded('call_denied'))).toEqual(reads(refused))
}

const storages = [
  { name: 'SQLite', postgres: '' },
  ...(inject('postgresUrl') === '' ? [] : [{ name: 'PostgreSQL', postgres: inject('postgresUrl') }]),
]

describe.each(storages)('a server that is killed under an agent, on $name', ({ postgres }) => {
  let server: ServerProcess
  let admin: Administrator
  let agent: LedgerAgent

  beforeAll(async () => {
    server = await startServer({
      environment: postgres === '' ? {} : { DATABASE_URL: await createDatabase(postgres) },
    })
    admin = await administrator(server.url)
    await admin.deploy(bundle)
    agent = startAgent(server.url, await admin.createKey())
  })
  afterAll(async () => {
    agent?.child.kill()
    await server?.stop()
  })

  /** kill -9, a second of nothing, and another process in its place. */
  async function killAndRevive(): Promise<void> {
    await server.kill()
    await sleep(1_000)
    const environment = { ...server.environment, LICTOR_PORT: new URL(server.url).port }
    server = await startServer({ environment, dataDir: server.dataDir })
  }
  const ran = () => agent.outcomes().filter((one) => one.outcome === 'ran').length
  const enough = (from: number) => eventually('the agent goes on', async () => ran() > from)
  const outcomeOf = (path: string) =>
    eventually(`${path} is settled`, async () => agent.outcomes().find((one) => one.path === path)?.outcome)

  it('comes back to an agent that waits for a person, and a call denied after that does not run', async () => {
    await enough(50)
    agent.delete('denied.csv')
    const { id } = await admin.pendingApproval()
    await killAndRevive()
    expect((await admin.pendingApproval()).id).toBe(id)
    await admin.decide(id, false, 'no')
    expect(await outcomeOf('denied.csv')).toBe('denied')
  })

  it('keeps a decision that nobody heard before it was killed', async () => {
    agent.delete('approved.csv')
    const { id } = await admin.pendingApproval()
    // Held still, so that it cannot act on the decision before the server is gone.
    agent.child.kill('SIGSTOP')
    await admin.decide(id, true)
    await killAndRevive()
    agent.child.kill('SIGCONT')
    expect(await outcomeOf('approved.csv')).toBe('ran')
  })

  it('has the record of every call, once, and nothing denied ran', async () => {
    await enough(ran() + 20)
    await agent.finish()
    await expectTruth(agent, admin)
    expect(agent.ledger()).toContain('delete_file approved.csv')
    expect(agent.ledger()).not.toContain('delete_file denied.csv')
  })
})

const postgresUrl = inject('postgresUrl')
describe.skipIf(postgresUrl === '')('a database that goes away in mid-flight, and comes back', () => {
  let proxy: TcpProxy
  let server: ServerProcess
  let admin: Administrator
  let agent: LedgerAgent

  beforeAll(async () => {
    const url = new URL(await createDatabase(postgresUrl))
    proxy = await tcpProxy(Number(url.port))
    url.port = String(proxy.port)
    server = await startServer({ environment: { DATABASE_URL: url.href } })
    admin = await administrator(server.url)
    await admin.deploy(bundle)
    agent = startAgent(server.url, await admin.createKey())
  })
  afterAll(async () => {
    agent?.child.kill()
    await proxy?.mend()
    await server?.kill()
    await proxy?.close()
  })

  it('is told as degraded, answered with 503, and mended without a restart', async () => {
    await eventually('the agent works', async () => agent.outcomes().length > 50)
    agent.delete('waiting.csv')
    const { id } = await admin.pendingApproval()
    await proxy.cut()
    const health = async () => (await fetch(`${server.url}/api/v1/health`)).json()
    expect(await health()).toEqual({ status: 'degraded', bootstrap_complete: true })
    const answer = await fetch(`${server.url}/api/v1/approvals/${id}`, { headers: { cookie: admin.cookie } })
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1'])
    await sleep(3_000)
    await proxy.mend()
    await eventually('it is healthy', async () => ((await health()) as { status: string }).status === 'ok')
    await admin.decide(id, true)
    const settled = async () => agent.outcomes().find(({ path }) => path === 'waiting.csv')
    expect(await eventually('the call that waited is settled', settled)).toMatchObject({ outcome: 'ran' })
  })

  it('cost no record of any call', async () => {
    const before = agent.outcomes().length
    await eventually('the agent goes on', async () => agent.outcomes().length > before + 20)
    await agent.finish()
    await expectTruth(agent, admin)
  })
})
