import Type from 'typebox'
import { Instant, Nullable, runtimeFailures } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { toWireTime } from '../../storage/instants.ts'
import { pageOf, runtimeCallerOf } from '../http.ts'
import { requireInstallation } from '../installation.ts'
import type { Cluster, Nodes, SeenNode } from './nodes.ts'

const tags = ['cluster']
const GIB = 1024 ** 3
const MAX_LIST = 1_000

const Capacity = {
  gpu_count: Type.Integer(),
  vram_gb: Type.Number(),
  cpu_cores: Type.Integer(),
  available_memory_gb: Type.Number(),
}
const Shown = Type.Object({
  id: Type.String(),
  node_id: Type.String(),
  hostname: Type.String(),
  version: Type.String(),
  status: Type.Enum(['active', 'draining', 'unhealthy']),
  role: Type.String(),
  last_heartbeat: Instant,
  last_heartbeat_at: Instant,
  registered_at: Instant,
  started_at: Instant,
  grpc_address: Type.Null(),
  capacity: Type.Object(Capacity),
  ...Capacity,
  supported_runtimes: Type.Array(Type.String()),
  tags: Type.Array(Type.String()),
})
export const ClusterShape = Type.Object({
  nodes: Type.Array(Shown),
  overall_status: Type.Enum(['healthy', 'degraded', 'critical']),
  cluster_health: Type.String(),
  uptime_seconds: Type.Integer(),
  source: Type.String(),
  controller_node_id: Nullable(Type.String()),
  total_nodes: Type.Integer(),
  active_nodes: Type.Integer(),
  draining_nodes: Type.Integer(),
  unhealthy_nodes: Type.Integer(),
})

function shown(node: SeenNode) {
  const capacity = {
    gpu_count: 0,
    vram_gb: 0,
    cpu_cores: node.cpuCores,
    available_memory_gb: Math.round((node.memoryBytes / GIB) * 100) / 100,
  }
  return {
    id: node.id,
    node_id: node.id,
    hostname: node.hostname,
    version: node.version,
    status: node.status,
    role: 'hybrid',
    last_heartbeat: toWireTime(node.heartbeatAt),
    last_heartbeat_at: toWireTime(node.heartbeatAt),
    registered_at: toWireTime(node.registeredAt),
    started_at: toWireTime(node.startedAt),
    grpc_address: null,
    capacity,
    ...capacity,
    supported_runtimes: ['python', 'javascript'],
    tags: [],
  }
}

/** The servers of the installation in numbers and by name. All are alike: none leads. */
export const shownCluster = (cluster: Cluster, uptimeSeconds: number) => ({
  nodes: cluster.nodes.map(shown),
  overall_status: cluster.health,
  cluster_health: cluster.health,
  uptime_seconds: uptimeSeconds,
  source: 'cluster_repository',
  controller_node_id: null,
  total_nodes: cluster.nodes.length,
  active_nodes: cluster.active,
  draining_nodes: cluster.draining,
  unhealthy_nodes: cluster.unhealthy,
})

/** The servers of the installation over HTTP. */
export function nodeRoutes(
  app: App,
  { nodes, slugOf }: { nodes: Nodes; slugOf: (tenantId: string) => Promise<string> },
) {
  app.get(
    '/v1/cluster/status',
    {
      config: { access: 'bearer', scope: 'none', requires: 'node:read' },
      schema: { tags, summary: 'How the servers fare', response: { 200: ClusterShape, ...runtimeFailures(401, 403) } },
    },
    async () => shownCluster(await nodes.cluster(), nodes.uptimeSeconds()),
  )

  app.get(
    '/v1/cluster/nodes',
    {
      config: { access: 'bearer', scope: 'none', requires: 'node:list' },
      schema: {
        tags,
        summary: 'The servers',
        querystring: Type.Object({ limit: Type.Optional(Type.String()) }),
        response: {
          200: Type.Object({
            nodes: Type.Array(Shown),
            items: Type.Array(Shown),
            count: Type.Integer(),
            source: Type.String(),
          }),
          ...runtimeFailures(400, 401, 403),
        },
      },
    },
    async (request) => {
      const { limit } = pageOf(request.query, { fallback: MAX_LIST, max: MAX_LIST })
      const items = (await nodes.cluster()).nodes.slice(0, limit).map(shown)
      return { nodes: items, items, count: items.length, source: 'cluster_repository' }
    },
  )

  for (const [word, isDraining, summary] of [
    ['drain', true, 'Let a server take nothing new; what runs there goes on to its end'],
    ['activate', false, 'Let a server take what is new again'],
  ] as const)
    app.post(
      `/v1/cluster/nodes/:id/${word}`,
      {
        config: { access: 'bearer', scope: 'none', requires: 'node:drain' },
        schema: {
          tags,
          summary,
          params: Type.Object({ id: Type.String() }),
          response: { 200: Shown, ...runtimeFailures(401, 403, 404) },
        },
      },
      async (request) => {
        await requireInstallation(runtimeCallerOf(request), slugOf, 'Servers are drained')
        return shown(await nodes.setDraining(request.params.id, isDraining))
      },
    )

  app.delete(
    '/v1/cluster/nodes/:id',
    {
      config: { access: 'bearer', scope: 'none', requires: 'node:deregister' },
      schema: {
        tags,
        summary: 'Take a server off the list that is gone',
        params: Type.Object({ id: Type.String() }),
        response: {
          200: Type.Object({ status: Type.String(), id: Type.String() }),
          ...runtimeFailures(401, 403, 404, 409),
        },
      },
    },
    async (request) => {
      await requireInstallation(runtimeCallerOf(request), slugOf, 'Servers are removed')
      await nodes.forget(request.params.id)
      return { status: 'removed', id: request.params.id }
    },
  )
}
