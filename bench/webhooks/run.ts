/**
 * From a signed webhook to the workflow that it began, committed: 200 a second for ten seconds, each timed from the instant at which
 * it was to be sent, so that one that waits for another counts as late. Beside it, at the same pace, one bare exchange with the
 * server.
 *
 *   node --conditions=@lictor/source bench/webhooks/run.ts [--seconds N] [--json FILE]
 */
import { createHmac } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { quantile, writeFigures } from '../figures.ts'
import { startNode, written } from '../processes.ts'

const PER_SECOND = 200
const SECRET = 'a-secret-of-the-bench'
const { values } = parseArgs({ options: { json: { type: 'string' }, seconds: { type: 'string', default: '10' } } })
const count = PER_SECOND * Number(values.seconds)

const folder = mkdtempSync(join(tmpdir(), 'lictor-bench-'))
const server = startNode(['--conditions=@lictor/source', fileURLToPath(new URL('../server.ts', import.meta.url))], {
  DATABASE_URL: '',
  LICTOR_PORT: '0',
  LICTOR_DATA_DIR: join(folder, 'data'),
  LICTOR_SANDBOX: 'process',
})
const agent = new Agent({ keepAlive: true, maxSockets: 64 })
try {
  await bench((await written(server, /http\S+\n/)).trim())
} finally {
  agent.destroy()
  const ended = new Promise((resolve) => server.once('exit', resolve))
  server.kill('SIGKILL')
  await ended
  rmSync(folder, { recursive: true, force: true })
}

async function bench(address: string): Promise<void> {
  let cookie = ''
  const call = async (path: string, body: object): Promise<void> => {
    const headers = { 'content-type': 'application/json', 'x-requested-with': 'bench', cookie }
    const answer = await fetch(`${address}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
    cookie = answer.headers.get('set-cookie')?.split(';')[0] ?? cookie
  }
  const administrator = { email: 'admin@example.com', password: 'correct horse battery' }
  await call('/api/v1/setup', administrator)
  await call('/api/v1/auth/login', administrator)
  const states = { ASK: { kind: 'Human', prompt: 'Ship {{input.payload.order}}?', transitions: [] } }
  await call('/v1/workflows', { name: 'orders', definition: { initial_state: 'ASK', states } })
  await call('/v1/stimuli/sources', { source: 'shop', workflow: 'orders', secret: SECRET })

  const bare = () => exchange(`${address}/api/v1/health/live`, 'GET', {}, '', 200)
  const webhook = (index: number) => {
    const body = JSON.stringify({ order: index, note: 'x'.repeat(1024) })
    const signature = `sha256=${createHmac('sha256', SECRET).update(body).digest('hex')}`
    const headers = { 'x-aegis-signature': signature, 'x-idempotency-key': `order-${index}` }
    return exchange(`${address}/v1/webhooks/shop`, 'POST', headers, body, 202)
  }
  await paced(PER_SECOND, bare)
  await paced(PER_SECOND, (index) => webhook(-1 - index))
  const floor = await paced(count, bare)
  const measured = await paced(count, webhook)
  const [p50, p99, floorP99] = [quantile(measured, 0.5), quantile(measured, 0.99), quantile(floor, 0.99)]
  console.log(
    `${count} webhooks at ${PER_SECOND} a second: p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms; a bare exchange p99 ${floorP99.toFixed(1)} ms`,
  )
  const beside = { what: 'one bare exchange, p99', value: floorP99 }
  writeFigures(values.json, [
    { what: 'webhook to started workflow at 200/s, p50', value: p50, unit: 'ms' },
    { what: 'webhook to started workflow at 200/s, p99', value: p99, unit: 'ms', beside, goal: { atMost: 50 } },
  ])
}

/** Milliseconds of each, from when it was due. */
async function paced(times: number, send: (index: number) => Promise<void>): Promise<number[]> {
  const started = performance.now()
  const all: Promise<number>[] = []
  for (let index = 0; index < times; index++) {
    const due = started + (index * 1000) / PER_SECOND
    const left = due - performance.now()
    if (left > 0) await new Promise((resolve) => setTimeout(resolve, left))
    all.push(send(index).then(() => performance.now() - due))
  }
  return Promise.all(all)
}

function exchange(
  url: string,
  method: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  expected: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, agent, headers: { ...headers, 'content-length': Buffer.byteLength(body) } })
    sent.once('error', reject)
    sent.once('response', (answer) => {
      answer.resume()
      answer.once('end', () => {
        if (answer.statusCode === expected) resolve()
        else reject(new Error(`${url}: ${answer.statusCode}`))
      })
    })
    sent.end(body)
  })
}
