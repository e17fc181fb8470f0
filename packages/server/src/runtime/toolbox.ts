import { createJournalStore } from '../changes/journal/store.ts'
import { shownSettings } from '../config.ts'
import { systemScope } from '../identity/scope.ts'
import type { Part } from '../part.ts'
import type { Shared } from '../shared.ts'
import { version } from '../version.ts'
import type { FindAttached } from './admission/attachments.ts'
import type { Agents } from './agents/agents.ts'
import { warningsOf } from './agents/warnings.ts'
import type { Children } from './children/children.ts'
import type { Executions } from './executions/executions.ts'
import type { Repositories } from './git/repositories.ts'
import { gitTools } from './git/tools.ts'
import type { Intents } from './intents/intents.ts'
import { intentTools } from './intents/tools.ts'
import { agentTools } from './management/agent-tools.ts'
import { discoveryTools } from './management/discovery-tools.ts'
import { edgeTools } from './management/edge-tools.ts'
import { toolRoutes } from './management/routes.ts'
import { schemaTools } from './management/schema-tools.ts'
import { systemTools } from './management/system-tools.ts'
import { taskTools } from './management/task-tools.ts'
import { createTasks } from './management/tasks.ts'
import { volumeTools } from './management/volume-tools.ts'

import { readSecretValues } from './mcp/secret-values.ts'
import { createMcpServer } from './mcp/server.ts'
import { createMcpServers } from './mcp/servers.ts'
import { createMcpTenantStore } from './mcp/store.ts'
import type { TenantEvents } from './record/tenant-events.ts'
import type { Runs } from './runs/runs.ts'
import { workflowTools } from './runs/tools.ts'
import type { Scripts } from './scripts/scripts.ts'
import { scriptTools } from './scripts/tools.ts'
import type { Swarms } from './swarms/swarms.ts'
import { swarmTools } from './swarms/tools.ts'
import { type Catalogue, createCatalogue } from './tools/catalogue.ts'
import { commandTool } from './tools/commands.ts'
import { fileTools } from './tools/file-tools.ts'
import type { VolumeFiles } from './volumes/files.ts'
import type { Volumes } from './volumes/volumes.ts'
import { createFetchPage } from './web/fetch.ts'
import { createReadable } from './web/readable.ts'
import { webTools } from './web/tools.ts'
import type { Workflows } from './workflows/workflows.ts'

/** Every tool of this server, and what some of them keep running. */
export interface Toolbox extends Required<Pick<Part, 'routes' | 'start' | 'stop'>> {
  readonly catalogue: Catalogue
}

/** @param deps functions: what tools manage is made after them, because it asks which tools there are */
export function createToolbox(
  shared: Pick<
    Shared,
    | 'config'
    | 'clock'
    | 'random'
    | 'logger'
    | 'database'
    | 'bus'
    | 'fetches'
    | 'search'
    | 'secretStore'
    | 'openMcpProcesses'
  >,
  deps: {
    /** Whether the usual sandbox can keep an agent from the network; null: not known yet. */
    isolatesNetwork: () => boolean | null
    /** Names this server and its data folder. */
    node: string
    sandbox: () => string
    agents: () => Agents
    executions: () => Executions
    workflows: () => Workflows
    runs: () => Runs
    children: () => Children
    swarms: () => Swarms
    intents: () => Intents
    findAttached: FindAttached
    countExecutions: () => number
    volumes: () => Volumes
    files: () => VolumeFiles
    scripts: Scripts
    repositories: () => Repositories
    /** What happens to the MCP servers of this node is told in the tenant whose secrets they may be given. */
    events: Pick<TenantEvents, 'record'>
  },
): Toolbox {
  const { config, clock, database, fetches, search } = shared
  const readable = createReadable({ clock })
  const tasks = createTasks({ ...deps, ...shared, journalStore: createJournalStore(database) })
  const processes = shared.openMcpProcesses(deps.node)
  const tenants = createMcpTenantStore(database)
  const readSecret = readSecretValues({ secrets: shared.secretStore, tenants })
  const mcp = createMcpServers({
    servers: config.mcpServers.map((settings) =>
      createMcpServer(settings, {
        processes,
        fetch: fetches.operator,
        clock,
        logger: shared.logger,
        readSecret,
        async record(event) {
          const tenant = await tenants.find(systemScope, settings.tenant)
          if (tenant) await deps.events.record(tenant.tenantId, [event])
        },
      }),
    ),
    reap: processes.reap,
  })
  const own = [
    ...fileTools,
    commandTool,
    ...webTools({ fetchPage: createFetchPage({ fetch: fetches.guarded, clock, readable }), search }),
    ...agentTools({ ...deps, tasks }),
    ...taskTools({ ...deps, tasks }),
    ...swarmTools({ ...deps, ...shared, tasks, canonical: (name) => catalogue.find(name)?.name ?? name }),
    ...workflowTools({ ...deps, tasks }),
    ...intentTools({ ...deps, tasks }),
    ...discoveryTools({ catalogue: () => catalogue }),
    ...schemaTools({ warningsOf: (manifest) => warningsOf(manifest, catalogue, deps.isolatesNetwork()) }),
    ...systemTools({ ...deps, version, settings: shownSettings(config) }),
    ...volumeTools(deps),
    ...gitTools(deps),
    ...scriptTools(deps),
    ...edgeTools,
  ]
  const catalogue: Catalogue = createCatalogue(own, [mcp])
  return {
    catalogue,
    routes: (app) => toolRoutes(app, { catalogue, mcpServers: mcp.states }),
    start: (address) => mcp.start?.(address),
    async stop() {
      await mcp.stop?.()
      await readable.stop()
    },
  }
}
