/**
 * A deploy to many agents: 1,000 and 5,000 open streams, an 8 KiB bundle; time from the deploy's answer, and from its request,
 * to the frame at each stream, and resident memory a stream. Beside it node:http writing the same bytes. Server, streams and floor are processes of
 * their own.
 *
 *   node --conditions=@lictor/source bench/deploy-fanout/run.ts [--rounds N] [--json FILE]
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { quantile, writeFigures } from '../figures.ts'

interface Measured {
  readonly what: string
  readonly streams: number
  /** Milliseconds from the answer to a frame, over all rounds and streams; negative where the frame was there first. */
  readonly p50: number
  readonly p99: number
  /** Milliseconds from the request, commit included. */
  readonly fromRequest: { readonly p50: number; readonly p99: number }
  readonly kibPerStream: number
  /** Seconds to open all streams. */
  readonly opening: number
}

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '10' }, json: { type: 'string' } } })
const rounds = Number(values.rounds)
const ADMIN = { email: 'bench@example.com', password: 'a bench of good length' }
const WARM_UP = 2
const now = () => performance.timeOrigin + performance.now()

const bundle = `apiVersion: edictum/v1
kind: ContractBundle
metadata: {name: fanout}
defaults: {mode: enforce}
contracts:
  - id: no-env
    type: pre
    tool: read_file
    when: {args.path: {contains: .env}}
    then: {effect: deny, message: Not this file}
`
const yaml = `${bundle}# ${'x'.repeat(8_192 - bundle.length - 3)}\n`

const measured: Measured[] = []
for (const streams of [1_000, 5_000]) {
  measured.push(await measureFloor(streams))
  measured.push(await measureServer(streams))
}
report()

async function measureServer(streams: number): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'lictor-fanout-'))
  try {
    const environment = {
      LICTOR_DATA_DIR: folder,
      LICTOR_PORT: '0',
      LICTOR_ADMIN_EMAIL: ADMIN.email,
      LICTOR_ADMIN_PASSWORD: ADMIN.password,
    }
    const { child, address } = await startProcess('../server.ts', environment)
    const login = await fetch(`${address}/api/v1/auth/login`, json(ADMIN))
    const headers = { cookie: String(login.headers.get('set-cookie')).split(';')[0] ?? '', 'x-requested-with': 'bench' }
    const post = async (path: string, body: object) => {
      const answer = await fetch(`${address}/api/v1${path}`, json(body, headers))
      if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`)
      return (await answer.json()) as Record<string, string>
    }
    const { key = '' } = await post('/keys', { env: 'production' })
    await post('/bundles', { yaml_content: yaml })
    return await measure('lictor', streams, { child, address, key }, () =>
      post('/bundles/fanout/1/deploy', { env: 'production' }),
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function measureFloor(streams: number): Promise<Measured> {
  const { child, address } = await startProcess('floor.ts')
  const data = {
    type: 'contract_update',
    bundle_name: 'fanout',
    version: 1,
    revision_hash: '0'.repeat(64),
    signature: '0'.repeat(128),
    public_key: '0'.repeat(64),
    yaml_bytes: Buffer.from(yaml).toString('base64'),
  }
  const frame = `event: contract_update\nid: 100\ndata: ${JSON.stringify(data)}\n\n`
  return measure('node:http', streams, { child, address, key: 'none' }, () =>
    fetch(address, { method: 'POST', body: frame }),
  )
}

async function measure(
  what: string,
  streams: number,
  server: { child: ChildProcess; address: string; key: string },
  deploy: () => Promise<unknown>,
): Promise<Measured> {
  const before = await rss(server.child)
  const started = now()
  const clients = forked('clients.ts', [server.address, String(streams), server.key])
  await message(clients)
  const opening = (now() - started) / 1000
  await new Promise((resolve) => setTimeout(resolve, 1_500))
  const kibPerStream = ((await rss(server.child)) - before) / 1024 / streams
  const delays: number[] = []
  const fromRequest: number[] = []
  for (let round = 0; round < rounds + WARM_UP; round++) {
    clients.send(yaml.length)
    await message(clients)
    const arrived = message(clients) as Promise<number[]>
    const asked = now()
    await deploy()
    const answered = now()
    const instants = await arrived
    if (round < WARM_UP) continue
    delays.push(...instants.map((instant) => instant - answered))
    fromRequest.push(...instants.map((instant) => instant - asked))
  }
  clients.kill('SIGKILL')
  await once(clients, 'exit')
  server.child.kill('SIGTERM')
  await once(server.child, 'exit')
  const rounded = (value: number) => Math.round(value * 10) / 10
  return {
    what,
    streams,
    p50: rounded(quantile(delays, 0.5)),
    p99: rounded(quantile(delays, 0.99)),
    fromRequest: { p50: rounded(quantile(fromRequest, 0.5)), p99: rounded(quantile(fromRequest, 0.99)) },
    kibPerStream: rounded(kibPerStream),
    opening: rounded(opening),
  }
}

async function startProcess(file: string, environment: Record<string, string> = {}) {
  const child = forked(file, [], environment)
  const [line] = (await once(child.stdout ?? child, 'data')) as [Buffer]
  return { child, address: line.toString().trim() }
}

function forked(file: string, parameters: string[], environment: Record<string, string> = {}): ChildProcess {
  return fork(fileURLToPath(new URL(file, import.meta.url)), parameters, {
    execArgv: ['--conditions=@lictor/source', '--expose-gc'],
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
}

function message(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const over = (code: number | null) => reject(new Error(`A process of the bench ended with code ${code}.`))
    child.once('exit', over)
    child.once('message', (value) => {
      child.off('exit', over)
      resolve(value)
    })
  })
}

async function rss(child: ChildProcess): Promise<number> {
  const answer = message(child)
  child.send('rss')
  return (await answer) as number
}

function json(body: object, headers: Record<string, string> = {}) {
  return { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) }
}

function report(): void {
  for (const one of measured)
    console.log(
      `${one.what}, ${one.streams} streams: p50 ${one.p50} ms, p99 ${one.p99} ms after the answer, p50 ${one.fromRequest.p50} ms, p99 ${one.fromRequest.p99} ms after the request; ${one.kibPerStream} KiB a stream; opened in ${one.opening} s`,
    )
  const ours = measured.filter(({ what }) => what === 'lictor')
  writeFigures(
    values.json,
    ours.flatMap((one) => {
      const floor = measured.find(({ what, streams }) => what !== 'lictor' && streams === one.streams)
      const beside = (value: number | undefined) => ({ what: 'node:http', value: value ?? Number.NaN })
      const isGoal = one.streams === 5_000
      return [
        {
          what: `deploy to ${one.streams} streams, p99 from the request`,
          value: one.fromRequest.p99,
          unit: 'ms',
          beside: beside(floor?.fromRequest.p99),
          ...(isGoal ? { goal: { atMost: 150 } } : {}),
        },
        {
          what: `memory of each of ${one.streams} streams`,
          value: one.kibPerStream,
          unit: 'KiB',
          beside: beside(floor?.kibPerStream),
          ...(isGoal ? { goal: { atMost: 40 } } : {}),
        },
      ]
    }),
    { measured },
  )
}
