import { type RedisProcess, startRedis } from '../../packages/server/test/redis.ts'
import { createDatabase } from './databases.ts'
import { type ServerProcess, startServer } from './server.ts'
import { type TcpProxy, tcpProxy } from './tcp-proxy.ts'

/** Several servers on one PostgreSQL and one Redis, both behind a network that can be cut. */
export interface Cluster {
  readonly nodes: readonly ServerProcess[]
  readonly postgres: TcpProxy
  readonly redis: TcpProxy
  /** The database itself, past the network that can be cut. */
  readonly databaseUrl: string
  /** The address of one node after the other. */
  next(): string
  /** kill -9. */
  kill(node: ServerProcess): Promise<void>
  /** Start one more. */
  add(): Promise<ServerProcess>
  close(): Promise<void>
}

/** @param more settings of every node */
export async function startCluster(
  postgresUrl: string,
  size: number,
  more: Readonly<Record<string, string>> = {},
): Promise<Cluster> {
  const databaseUrl = await createDatabase(postgresUrl)
  const redisServer: RedisProcess = await startRedis()
  const postgres = await tcpProxy(Number(new URL(databaseUrl).port))
  const redis = await tcpProxy(Number(new URL(redisServer.url).port))
  const seenByNodes = new URL(databaseUrl)
  seenByNodes.port = String(postgres.port)
  const environment = {
    DATABASE_URL: seenByNodes.href,
    REDIS_URL: `redis://127.0.0.1:${redis.port}`,
    LICTOR_MASTER_KEY: '6'.repeat(64),
    ...more,
  }
  const start = () => startServer({ environment })
  // All at once, on an empty database: one of them makes the tables.
  let nodes = await Promise.all(Array.from({ length: size }, start))
  let turn = 0
  return {
    get nodes() {
      return nodes
    },
    postgres,
    redis,
    databaseUrl,
    next: () => nodes[turn++ % nodes.length]?.url ?? '',
    async kill(node) {
      nodes = nodes.filter((one) => one !== node)
      await node.kill()
    },
    async add() {
      const node = await start()
      nodes = [...nodes, node]
      return node
    },
    async close() {
      await Promise.all([postgres.mend(), redis.mend()])
      await Promise.all(nodes.map((node) => node.kill()))
      await Promise.all([postgres.close(), redis.close(), redisServer.kill()])
    },
  }
}
