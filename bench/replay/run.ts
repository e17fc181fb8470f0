/**
 * Recorded calls judged by a candidate bundle, over HTTP, on a server of its own; beside it the bare driver reading the same rows in
 * the same order and parsing their payloads, which any replay must do.
 *
 *   node --conditions=@lictor/source bench/replay/run.ts [--events N] [--json FILE]
 */
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { quantile, writeFigures } from '../figures.ts'
import { residentMemory, startNode, stop, written } from '../processes.ts'

const GOAL_MS = 3_000
const CONTRACTS = 50
const RUNS = 5
const { values } = parseArgs({ options: { events: { type: 'string', default: '100000' }, json: { type: 'string' } } })
const count = Number(values.events)

const folder = mkdtempSync(join(tmpdir(), 'lictor-bench-'))
try {
  await run()
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function run(): Promise<void> {
  const environment = { LICTOR_DATA_DIR: folder, LICTOR_PORT: '0', LICTOR_LOG_LEVEL: 'error' }
  const script = fileURLToPath(new URL('../server.ts', import.meta.url))
  const parameters = ['--conditions=@lictor/source', '--disable-warning=ExperimentalWarning', script]
  const first = startNode(parameters, environment)
  const headers = await signIn((await written(first, /http\S+/)).trim())
  // The server is away while the rows are written: SQLite has one writer.
  await stop(first)
  fill(count)
  const child = startNode(parameters, environment)
  const address = (await written(child, /http\S+/)).trim()
  const times: number[] = []
  let changed = 0
  try {
    const call = await caller(address, headers)
    await call('/bundles', { yaml_content: bundle() })
    for (let turn = 0; turn <= RUNS; turn++) {
      const started = performance.now()
      const report = await call(`/bundles/candidate/1/replay?env=production&since=3650d&limit=${count}`, undefined)
      // The first starts the threads and compiles the bundle.
      if (turn > 0) times.push(performance.now() - started)
      if (report.calls !== count) throw new Error(`Of ${count} calls ${report.calls} were judged`)
      changed = report.changed as number
    }
    const floor = Array.from({ length: RUNS }, readAll)
    const value = quantile(times, 0.5)
    const bare = quantile(floor, 0.5)
    const memory = residentMemory(child)
    console.log(`${count} calls, ${CONTRACTS} contracts, ${changed} would change`)
    console.log(`replay over HTTP   ${value.toFixed(0)} ms (slowest of ${RUNS}: ${Math.max(...times).toFixed(0)} ms)`)
    console.log(`read and parse     ${bare.toFixed(0)} ms`)
    console.log(`ratio              ${(value / bare).toFixed(2)}x; server resident ${memory.toFixed(0)} MiB afterwards`)
    const beside = { what: 'rows read and parsed', value: bare }
    writeFigures(values.json, [
      { what: `${count} calls replayed`, value, unit: 'ms', beside, goal: { atMost: (GOAL_MS * count) / 100_000 } },
    ])
  } finally {
    await stop(child)
  }
}

type Headers = Readonly<Record<string, string>>

async function signIn(address: string): Promise<Headers> {
  const credentials = { email: 'bench@example.com', password: randomUUID() }
  const headers = { 'content-type': 'application/json', 'x-requested-with': 'bench' }
  const init = { method: 'POST', headers, body: JSON.stringify(credentials) }
  await fetch(`${address}/api/v1/setup`, init)
  const answer = await fetch(`${address}/api/v1/auth/login`, init)
  return { ...headers, cookie: String(answer.headers.get('set-cookie')).split(';')[0] ?? '' }
}

async function caller(address: string, headers: Headers) {
  return async (path: string, body: object | undefined): Promise<Record<string, unknown>> => {
    const init = {
      method: 'POST',
      headers: body ? headers : without(headers),
      ...(body ? { body: JSON.stringify(body) } : {}),
    }
    const answer = await fetch(`${address}/api/v1${path}`, init)
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${text.slice(0, 500)}`)
    return JSON.parse(text) as Record<string, unknown>
  }
}

function without({ 'content-type': _, ...headers }: Headers): Headers {
  return headers
}

/** Half of the contracts name one of the tools; a few fire. */
function bundle(): string {
  const tools = ['read_file', 'write_file', 'exec', 'http_get', 'mcp_*']
  const contracts = Array.from({ length: CONTRACTS }, (_, index) => ({
    id: `contract-${index}`,
    type: 'pre',
    tool: index % 2 === 0 ? (tools[(index / 2) % tools.length] ?? '*') : `tool_${index}`,
    when: {
      any: [
        { 'args.path': { contains: `/secret-${index}/` } },
        { 'args.path': { matches: `\\.(env|pem|key)${index}$` } },
        { 'principal.role': { in: ['guest', `role-${index}`] } },
      ],
    },
    // biome-ignore lint/suspicious/noThenProperty: 'then' is a field of the contract language
    then: { effect: 'deny', message: 'Not {args.path}' },
  }))
  const metadata = { name: 'candidate' }
  return JSON.stringify({
    apiVersion: 'edictum/v1',
    kind: 'ContractBundle',
    metadata,
    defaults: { mode: 'enforce' },
    contracts,
  })
}

/** Calls of about 600 bytes, over a day. */
function fill(rows: number): void {
  const database = new DatabaseSync(join(folder, 'lictor.db'))
  const tenant = (database.prepare('select id from tenants').get() as { id: string }).id
  const insert = database.prepare(
    `insert into events (id, tenant_id, call_id, agent_id, tool_name, verdict, mode, env, timestamp, decision_name, payload, created_at)
     values (?, ?, ?, ?, ?, 'call_allowed', 'enforce', 'production', ?, '', ?, ?)`,
  )
  const now = Date.now() * 1000
  database.exec('begin')
  for (let index = 0; index < rows; index++) {
    const tool = ['read_file', 'write_file', 'exec', 'http_get'][index % 4] ?? ''
    const payload = JSON.stringify({
      event_id: randomUUID(),
      tool_args: {
        path: `/workspace/${index % 100 === 0 ? 'secret-0' : 'data'}/${index}.csv`,
        encoding: 'utf-8',
        lines: 200,
      },
      side_effect: 'read',
      environment: 'production',
      principal: { user_id: `user-${index % 50}`, role: 'analyst', claims: { team: 'research' } },
      decision_source: null,
      decision_name: null,
      reason: null,
      policy_version: 'b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c',
      bundle_name: 'devops-agent',
    })
    const at = now - Math.floor((86_400_000_000 / rows) * index)
    insert.run(randomUUID(), tenant, randomUUID(), `agent-${index % 8}`, tool, at, payload, at)
  }
  database.exec('commit')
  database.close()
}

/** Milliseconds to read the same rows in the same order and parse what they carry. */
function readAll(): number {
  const database = new DatabaseSync(join(folder, 'lictor.db'), { readOnly: true })
  const started = performance.now()
  const rows = database
    .prepare(
      `select id, call_id, agent_id, tool_name, verdict, timestamp, decision_name, payload from events
       where env = 'production' and verdict = 'call_allowed' order by tenant_id desc, timestamp desc, seq desc limit ?`,
    )
    .all(count) as { payload: string }[]
  let parsed = 0
  for (const { payload } of rows) if (JSON.parse(payload)) parsed++
  const took = performance.now() - started
  database.close()
  if (parsed !== count) throw new Error(`Of ${count} rows ${parsed} were read`)
  return took
}
