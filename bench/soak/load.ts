/** What a busy installation does, in rounds: each a bit of everything, on a bounded set of agents, keys and names. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { openSse, type SseClient } from '../../packages/server/test/sse-client.ts'
import { batchTemplate } from '../ingest/events.ts'

export const ADMIN = { email: 'soak@example.com', password: 'a soak of good length' }
/** For the server under this load. Deliveries go to a webhook on this machine; a login is part of the load. */
export const SETTINGS = {
  LICTOR_ADMIN_EMAIL: ADMIN.email,
  LICTOR_ADMIN_PASSWORD: ADMIN.password,
  LICTOR_LOGIN_ATTEMPTS: '100000',
  LICTOR_OUTBOUND_ALLOW: '127.0.0.0/8',
}
/** An agent may ask ten times a minute, and all agents of a key 600 times. */
const ASKERS = 400
const ASKERS_OF_KEY = 40
const CONNECTING = 200
const COUNTERS = 50
const BUNDLES = 4
const DEPLOY_EVERY = 25
const LOGIN_EVERY = 20
const TRIAL_EVERY = 10
const DASHBOARDS = 3
const STEADY_AGENTS = 20

export interface Load {
  /** Batches, counters, streams, an approval from the question to the decision, queries; every so often a deploy and a login. */
  round(): Promise<void>
  /** Streams of agents that connect, are told what they run, and go. */
  connect(times: number): Promise<void>
  /** Approvals asked for, waited for and decided. */
  approve(times: number): Promise<void>
  readonly rounds: number
  /** Notifications that arrived at the webhook. */
  readonly notified: number
  /** The metrics of the server, by name with labels. */
  metrics(): Promise<ReadonlyMap<string, number>>
  close(): Promise<void>
}

export async function openLoad(address: string): Promise<Load> {
  let rounds = 0
  let connects = 0
  let asked = 0
  let notified = 0
  const hook = createServer((request, response) => {
    request.resume().on('end', () => {
      notified++
      response.end('ok')
    })
  })
  await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve))

  async function call<T>(method: string, path: string, headers: Record<string, string>, body?: unknown): Promise<T> {
    const sent = body instanceof Buffer ? new Uint8Array(body) : body === undefined ? undefined : JSON.stringify(body)
    const answer = await fetch(`${address}${path}`, {
      method,
      headers: { ...(sent === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(sent === undefined ? {} : { body: sent }),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${text.slice(0, 300)}`)
    return (text === '' ? null : JSON.parse(text)) as T
  }
  async function login(): Promise<Record<string, string>> {
    const answer = await fetch(`${address}/api/v1/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(ADMIN),
    })
    if (!answer.ok) throw new Error(`login answered ${answer.status}`)
    await answer.arrayBuffer()
    return { cookie: answer.headers.getSetCookie()[0]?.split(';')[0] ?? '', 'x-requested-with': 'soak' }
  }

  const person = await login()
  const createKey = async () => (await call<{ key: string }>('POST', '/api/v1/keys', person, { env: 'production' })).key
  const key = await createKey()
  const agent = (id: string, its = key) => ({ authorization: `Bearer ${its}`, 'x-edictum-agent-id': id })
  const keysOfAskers: string[] = []
  for (let index = 0; index < ASKERS / ASKERS_OF_KEY; index++) keysOfAskers.push(await createKey())
  await call('POST', '/api/v1/notifications/channels', person, {
    name: 'soak',
    channel_type: 'webhook',
    config: { url: `http://127.0.0.1:${(hook.address() as AddressInfo).port}/`, secret: 'soak' },
  })
  const batches = Array.from({ length: 8 }, (_, seed) => batchTemplate(seed))

  async function deploy(): Promise<void> {
    const name = `soak-${rounds % BUNDLES}`
    const { version } = await call<{ version: number }>('POST', '/api/v1/bundles', person, {
      yaml_content: bundle(name, rounds),
    })
    await call('POST', `/api/v1/bundles/${name}/${version}/deploy`, person, { env: 'production' })
  }
  for (let index = 0; index < BUNDLES; index++) {
    rounds = index
    await deploy()
  }
  rounds = 0

  async function connect(): Promise<void> {
    const turn = connects++
    const path = `/api/v1/stream?env=production&bundle_name=soak-${turn % BUNDLES}&policy_version=none`
    const stream = await openSse(`${address}${path}`, agent(`agent-${turn % CONNECTING}`))
    await stream.next()
    stream.close()
    await stream.ended
  }

  async function approve(): Promise<void> {
    const asker = asked++ % ASKERS
    const headers = agent(`asker-${asker}`, keysOfAskers[asker % keysOfAskers.length])
    const { id } = await call<{ id: string }>('POST', '/api/v1/approvals', headers, {
      agent_id: 'soak',
      tool_name: 'delete_file',
      tool_args: { path: `file-${asked}` },
      message: 'May I?',
      timeout: 60,
    })
    const waiting = call<{ status: string }>('GET', `/api/v1/approvals/${id}?wait=30`, headers)
    const deciding = call('PUT', `/api/v1/approvals/${id}`, person, { approved: asked % 2 === 0 })
    // Together: when one fails, the other is not left to fail unseen.
    const [told] = await Promise.all([waiting, deciding])
    if (told.status === 'pending') throw new Error(`The approval ${id} was decided and is told as pending.`)
  }

  async function many(times: number, atOnce: number, work: () => Promise<void>): Promise<void> {
    let left = times
    const worker = async () => {
      while (left-- > 0) await work()
    }
    await Promise.all(Array.from({ length: atOnce }, worker))
  }

  const steady: SseClient[] = []
  for (let index = 0; index < DASHBOARDS; index++)
    steady.push(await openSse(`${address}/api/v1/stream/dashboard`, person))
  for (let index = 0; index < STEADY_AGENTS; index++)
    steady.push(await openSse(`${address}/api/v1/stream?env=production&bundle_name=soak-0`, agent(`steady-${index}`)))
  // What they received is not what is measured, and would fill this process.
  for (const stream of steady)
    setInterval(() => (stream.events as unknown[]).splice(0, Number.POSITIVE_INFINITY), 10_000).unref()

  return {
    get rounds() {
      return rounds
    },
    get notified() {
      return notified
    },
    connect: (times) => many(times, 16, connect),
    approve: (times) => many(times, 8, approve),
    async round() {
      const turn = rounds++
      const events = async () => {
        const batch = batches.pop()
        if (!batch) return
        batch.renew()
        await call('POST', '/api/v1/events', agent(`agent-${turn % 8}`), batch.body).finally(() => batches.push(batch))
      }
      const count = () =>
        call('POST', `/api/v1/sessions/soak-${turn % COUNTERS}/increment`, agent('counter'), { amount: 1 })
      await Promise.all([
        events(),
        events(),
        count(),
        count(),
        connect(),
        approve(),
        call('GET', '/api/v1/events?limit=50', person),
        call('GET', `/api/v1/events?limit=20&verdict=call_denied&agent_id=agent-${turn % 8}`, person),
        call('GET', '/api/v1/stats/overview', person),
        call('GET', '/api/v1/agents/status', person),
        call('GET', '/api/v1/approvals?status=pending', person),
      ])
      if (turn % DEPLOY_EVERY === 0) await deploy()
      if (turn % LOGIN_EVERY === 0) await call('POST', '/api/v1/auth/logout', await login())
      if (turn % TRIAL_EVERY === 0)
        await call('POST', '/api/v1/bundles/evaluate', person, {
          yaml_content: bundle('trial', turn),
          tool_name: 'read_file',
          tool_args: { path: '.env' },
        })
    },
    async metrics() {
      const text = await (await fetch(`${address}/metrics`)).text()
      const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
      return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]))
    },
    async close() {
      for (const stream of steady) stream.close()
      await Promise.all(steady.map(({ ended }) => ended))
      await new Promise((resolve) => hook.close(resolve))
    },
  }
}

const bundle = (name: string, turn: number): string => `apiVersion: edictum/v1
kind: ContractBundle
metadata: {name: ${name}}
defaults: {mode: enforce}
contracts:
  - id: no-env-${turn}
    type: pre
    tool: read_file
    when: {args.path: {contains: .env}}
    then: {effect: deny, message: Not this file}
`
