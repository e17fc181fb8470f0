import type { Logger } from 'pino'
import type { App } from '../http/server.ts'
import type { TokenCaller } from '../identity/caller.ts'
import { scopeOfRecord, type TenantScope } from '../identity/scope.ts'
import { createRoom, type Part } from '../part.ts'
import type { Shared } from '../shared.ts'
import { agentNamed, type RunExecutions } from './children/of-runs.ts'
import type { TenantEvents } from './record/tenant-events.ts'
import type { WorkflowRuns } from './run-work/compose.ts'
import { scheduleRoutes } from './schedules/routes.ts'
import { createScheduleRunner } from './schedules/runner.ts'
import { createSchedules, type Schedules } from './schedules/schedules.ts'
import { createScheduleStore } from './schedules/store.ts'
import { createStimulusPart } from './stimuli/compose.ts'
import type { Workflows } from './workflows/workflows.ts'

/** What starts workflows and agents though nobody asks for them by hand: things from outside, and the clock. */
export interface Triggers extends Required<Pick<Part, 'routes' | 'start' | 'drain'>> {
  /** Those with a signature of their own, which are no routes of bearers. */
  webhooks(app: App): void
  /** Schedules that manifests of agents say. */
  readonly ofManifests: Pick<Schedules, 'follow'> & { changed(): Promise<void> }
}

export function createTriggers(
  shared: Shared,
  deps: {
    logger: Logger
    owner: string
    executions: RunExecutions
    agents: Parameters<typeof agentNamed>[0]
    workflows: Workflows
    runs: Pick<WorkflowRuns, 'begin'>
    events: TenantEvents
    verifyToken: (token: string) => Promise<TokenCaller>
    /** @throws Forbidden for a tenant that is suspended or deleted */
    requireActive: (scope: TenantScope) => Promise<void>
  },
): Triggers {
  const { agents, workflows, requireActive } = deps
  type Of = { readonly tenantId: string }
  const there = {
    requireWorkflow: async (of: Of, nameOrId: string) => void (await workflows.get(of, nameOrId)),
    requireAgent: async (of: Of, nameOrId: string) => void (await agentNamed(agents, of, nameOrId)),
  }
  // Nothing begins for a tenant that is suspended, whoever or whatever asks.
  const beginRun: WorkflowRuns['begin'] = async (starter, ...rest) => {
    await requireActive(scopeOfRecord(starter))
    return deps.runs.begin(starter, ...rest)
  }
  const executions: RunExecutions = {
    ...deps.executions,
    async begin(request) {
      await requireActive(scopeOfRecord(request))
      return deps.executions.begin(request)
    },
  }
  const stimuli = createStimulusPart(shared, {
    ...deps,
    ...there,
    executions,
    beginRun,
    listWorkflows: (of, limit) => workflows.list(of, { of: 'visible', limit }),
  })
  const store = createScheduleStore(shared.database)
  const runner = createScheduleRunner({ ...shared, ...deps, executions, store, beginRun })
  const schedules = createSchedules({ ...shared, ...there, store, changed: runner.changed })
  const parts = createRoom([
    { routes: stimuli.routes, start: stimuli.start, drain: stimuli.drain },
    { routes: (app) => scheduleRoutes(app, schedules), start: runner.start, drain: runner.stop },
  ])
  return {
    ...parts,
    webhooks: stimuli.webhooks,
    ofManifests: { follow: schedules.follow, changed: runner.changed },
  }
}
