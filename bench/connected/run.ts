/**
 * An agent connected with `Edictum.fromServer` to a server of its own process: a guarded call (whose session counters the server
 * keeps), and the way from a decision to the waiting agent. Beside both a bare exchange with the same server.
 *
 *   node --conditions=@lictor/source bench/connected/run.ts [--calls 2000] [--json FILE]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Edictum } from '@lictor/guard'
import { quantile, writeFigures } from '../figures.ts'
import { startNode, stop, written } from '../processes.ts'

const { values } = parseArgs({ options: { calls: { type: 'string', default: '2000' }, json: { type: 'string' } } })
const ADMIN = { email: 'bench@example.com', password: 'a bench of good length' }
const WARM_UP = 200
/** The server lets an agent ask ten times a minute. */
const AGENTS = 25
const APPROVALS_PER_AGENT = 8
const YAML = `apiVersion: edictum/v1
kind: ContractBundle
metadata: {name: connected}
defaults: {mode: enforce}
contracts:
  - id: no-env
    type: pre
    tool: read_file
    when: {args.path: {contains: .env}}
    then: {effect: deny, message: Not this file}
  - id: ask
    type: pre
    tool: delete_file
    when: {args.path: {exists: true}}
    then: {effect: approve, message: It needs a person, timeout: 60}
`

const folder = mkdtempSync(join(tmpdir(), 'lictor-bench-'))
const child = startNode(['--conditions=@lictor/source', fileURLToPath(new URL('../server.ts', import.meta.url))], {
  LICTOR_DATA_DIR: folder,
  LICTOR_PORT: '0',
  LICTOR_ADMIN_EMAIL: ADMIN.email,
  LICTOR_ADMIN_PASSWORD: ADMIN.password,
  DATABASE_URL: '',
})
const guards: Edictum[] = []
try {
  const address = (await written(child, /http:\S+\n/)).trim()
  const login = await fetch(`${address}/api/v1/auth/login`, send('POST', ADMIN))
  const headers = { cookie: String(login.headers.get('set-cookie')).split(';')[0] ?? '', 'x-requested-with': 'bench' }
  const call = async <T>(method: string, path: string, body?: object): Promise<T> => {
    const answer = await fetch(`${address}/api/v1${path}`, send(method, body, headers))
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`)
    return (await answer.json()) as T
  }
  const { key } = await call<{ key: string }>('POST', '/keys', { env: 'production' })
  await call('POST', '/bundles', { yaml_content: YAML })
  await call('POST', '/bundles/connected/1/deploy', { env: 'production' })
  for (let index = 0; index < AGENTS; index++)
    guards.push(
      await Edictum.fromServer({ url: address, apiKey: key, agentId: `bench-${index}`, bundleName: 'connected' }),
    )

  const exchange = () => call('GET', '/health')
  const guard = guards[0] as Edictum
  guard.limits = { maxAttempts: Number.MAX_SAFE_INTEGER, maxToolCalls: Number.MAX_SAFE_INTEGER }
  const args = { path: 'data.csv' }
  const guarded = () => guard.run('read_file', args, async () => 'text')
  await timed(exchange, WARM_UP)
  await timed(guarded, WARM_UP)
  const count = Number(values.calls)
  const bare: number[] = []
  const calls: number[] = []
  // By turns, so that a busy machine slows both alike.
  for (let turn = 0; turn < 10; turn++) {
    bare.push(...(await timed(exchange, count / 10)))
    calls.push(...(await timed(guarded, count / 10)))
  }

  const delays: number[] = []
  for (let round = 0; round < APPROVALS_PER_AGENT; round++)
    for (const waiting of guards) delays.push(await decisionToAgent(waiting, call))

  const rounded = (samples: readonly number[], share: number) => Math.round(quantile(samples, share) * 100) / 100
  const floor = (share: number) => ({ what: 'one bare exchange', value: rounded(bare, share) })
  console.log(
    `exchange p50 ${rounded(bare, 0.5)} ms, p99 ${rounded(bare, 0.99)} ms; guarded call p50 ${rounded(calls, 0.5)} ms, p99 ${rounded(calls, 0.99)} ms; decision to agent p50 ${rounded(delays, 0.5)} ms, p99 ${rounded(delays, 0.99)} ms (${delays.length} approvals)`,
  )
  writeFigures(values.json, [
    { what: 'guarded call, counters on the server, p50', value: rounded(calls, 0.5), unit: 'ms', beside: floor(0.5) },
    { what: 'guarded call, counters on the server, p99', value: rounded(calls, 0.99), unit: 'ms', beside: floor(0.99) },
    {
      what: 'decision to waiting agent, p99',
      value: rounded(delays, 0.99),
      unit: 'ms',
      beside: floor(0.99),
      goal: { atMost: 100 },
    },
  ])
} finally {
  for (const guard of guards) await guard.close()
  await stop(child)
  rmSync(folder, { recursive: true, force: true })
}

/** Milliseconds from the request that decides to the tool running in the agent. */
async function decisionToAgent(
  guard: Edictum,
  call: <T>(method: string, path: string, body?: object) => Promise<T>,
): Promise<number> {
  let ranAt = 0
  const finished = guard.run('delete_file', { path: 'old.csv' }, async () => {
    ranAt = performance.now()
  })
  let id: string | undefined
  while (id === undefined) {
    await new Promise((resolve) => setTimeout(resolve, 5))
    const pending = await call<{ id: string }[]>('GET', '/approvals?status=pending')
    id = pending[0]?.id
  }
  // The agent waits by now, as one that a person answers does.
  await new Promise((resolve) => setTimeout(resolve, 30))
  const from = performance.now()
  await call('PUT', `/approvals/${id}`, { approved: true })
  await finished
  return ranAt - from
}

async function timed(run: () => Promise<unknown>, times: number): Promise<number[]> {
  const samples: number[] = []
  for (let index = 0; index < times; index++) {
    const from = performance.now()
    await run()
    samples.push(performance.now() - from)
  }
  return samples
}

function send(method: string, body?: object, headers: Record<string, string> = {}): RequestInit {
  if (body === undefined) return { method, headers }
  return { method, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) }
}
