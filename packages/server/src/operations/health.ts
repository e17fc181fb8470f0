import Type from 'typebox'
import { failures, Nullable } from '../http/schemas.ts'
import type { App } from '../http/server.ts'
import type { Setup } from '../identity/setup.ts'
import type { Database } from '../storage/database.ts'
import type { Room } from '../storage/room.ts'
import type { Workers } from './workers.ts'

const tags = { tags: ['health'] }
const Probe = Type.Object({ connected: Type.Boolean(), latency_ms: Nullable(Type.Number()) })
const description = 'Room on the disk of the data folder.'
const Storage = Type.Object(
  { full: Type.Boolean({ description: 'Changes are refused until there is room.' }) },
  { description },
)
/** Longest wait for the database or Redis. */
const PROBE_MS = 2_000
const WorkerStatus = Type.Record(Type.String(), Type.String())

interface HealthDependencies {
  readonly database: Database
  readonly room: Room
  readonly setup: Setup
  readonly workers: Workers
  readonly version: string
  readonly isSecure: boolean
  /** Round trip to Redis in milliseconds; null when this server needs none. */
  readonly pingRedis: (() => Promise<number>) | null
  readonly connectedAgents: () => Promise<number>
}

/** The probes, each also by HEAD, as containers ask. Redis counts as reachable where one process needs none. */
export function healthRoutes(app: App, deps: HealthDependencies): void {
  const { database, room, setup, workers, version, isSecure, pingRedis, connectedAgents } = deps
  const probes = async () => {
    const [db, redis] = await Promise.all([
      probe(() => database.ping()),
      pingRedis ? probe(pingRedis) : { connected: true, latency_ms: 0 },
    ])
    const states = workers.status()
    const storage = { free_bytes: room.free(), full: room.isFull() }
    const isRunning = Object.values(states).every((state) => state === 'running')
    const healthy = db.connected && redis.connected && !storage.full && isRunning
    return { db, redis, storage, states, healthy }
  }

  app.get(
    '/api/v1/health',
    {
      exposeHeadRoute: true,
      config: { access: 'public', scope: 'none' },
      schema: {
        ...tags,
        summary: 'Is it up',
        response: { 200: Type.Object({ status: Type.String(), bootstrap_complete: Type.Boolean() }) },
      },
    },
    async () => {
      const { healthy } = await probes()
      // With the database away nobody can tell; whoever asks must not be led to create a second administrator.
      const bootstrap_complete = await setup.isComplete().catch(() => true)
      return { status: healthy ? 'ok' : 'degraded', bootstrap_complete }
    },
  )

  app.get(
    '/api/v1/health/live',
    {
      exposeHeadRoute: true,
      config: { access: 'public', scope: 'none' },
      schema: { ...tags, summary: 'Liveness probe', response: { 200: Type.Object({ status: Type.String() }) } },
    },
    async () => ({ status: 'alive' }),
  )

  const Ready = Type.Object({
    status: Type.String(),
    database: Probe,
    redis: Probe,
    storage: Storage,
    workers: WorkerStatus,
  })
  app.get(
    '/api/v1/health/ready',
    {
      exposeHeadRoute: true,
      config: { access: 'public', scope: 'none' },
      schema: { ...tags, summary: 'Readiness probe', response: { 200: Ready, 503: Ready } },
    },
    async (_request, reply) => {
      const { db, redis, storage, states, healthy } = await probes()
      return reply
        .code(healthy ? 200 : 503)
        .send({ status: healthy ? 'ready' : 'not_ready', database: db, redis, storage, workers: states })
    },
  )

  runtimeProbes(app, async () => {
    const { db, redis, storage, healthy } = await probes()
    const word = (connected: boolean) => (connected ? 'ok' : 'away')
    return {
      healthy,
      parts: { database: word(db.connected), redis: word(redis.connected), storage: storage.full ? 'full' : 'ok' },
    }
  })

  const Details = Type.Object({
    status: Type.String(),
    version: Type.String(),
    auth_provider: Type.String(),
    bootstrap_complete: Type.Boolean(),
    base_url_https: Type.Boolean(),
    database: Probe,
    redis: Probe,
    storage: Type.Object(
      {
        ...Storage.properties,
        free_bytes: Nullable(Type.Integer({ description: 'Bytes that are free; null where that is not known.' })),
      },
      { description },
    ),
    connected_agents: Type.Integer(),
    workers: Type.Integer(),
    worker_status: WorkerStatus,
  })
  app.get(
    '/api/v1/health/details',
    {
      config: { access: 'dashboard', scope: 'none' },
      schema: {
        ...tags,
        summary: 'Full operational state',
        response: { 200: Details, 503: Details, ...failures(401) },
      },
    },
    async (_request, reply) => {
      const { db, redis, storage, states, healthy } = await probes()
      return reply.code(healthy ? 200 : 503).send({
        status: healthy ? 'ok' : 'degraded',
        version,
        auth_provider: 'local',
        bootstrap_complete: true,
        base_url_https: isSecure,
        database: db,
        redis,
        storage,
        connected_agents: await connectedAgents(),
        workers: Object.values(states).filter((state) => state === 'running').length,
        worker_status: states,
      })
    },
  )
}

/** The probes of the runtime API's clients: flat objects of texts. */
function runtimeProbes(app: App, look: () => Promise<{ healthy: boolean; parts: Record<string, string> }>): void {
  const Texts = Type.Record(Type.String(), Type.String())
  for (const url of ['/health', '/health/live']) {
    app.get(
      url,
      {
        exposeHeadRoute: true,
        config: { access: 'public', scope: 'none' },
        schema: { ...tags, summary: 'Liveness probe of the runtime API', response: { 200: Texts } },
      },
      async () => ({ status: 'ok', mode: 'live' }),
    )
  }
  app.get(
    '/health/ready',
    {
      exposeHeadRoute: true,
      config: { access: 'public', scope: 'none' },
      schema: { ...tags, summary: 'Readiness probe of the runtime API', response: { 200: Texts, 503: Texts } },
    },
    async (_request, reply) => {
      const { healthy, parts } = await look()
      return reply.code(healthy ? 200 : 503).send({ status: healthy ? 'ready' : 'degraded', ...parts })
    },
  )
}

async function probe(ping: () => Promise<number>): Promise<{ connected: boolean; latency_ms: number | null }> {
  try {
    // What hangs is away: a probe that hangs as well tells nobody.
    const late = new Promise<never>((_resolve, reject) => {
      setTimeout(() => reject(new Error('no answer')), PROBE_MS).unref()
    })
    return { connected: true, latency_ms: Math.round((await Promise.race([ping(), late])) * 100) / 100 }
  } catch {
    return { connected: false, latency_ms: null }
  }
}
