import type { Logger } from 'pino'
import type { App } from '../../http/server.ts'
import type { TokenCaller } from '../../identity/caller.ts'
import { scopeOfRecord, type TenantScope } from '../../identity/scope.ts'
import type { Part } from '../../part.ts'
import type { Shared } from '../../shared.ts'
import type { RunExecutions } from '../children/of-runs.ts'
import type { TenantEvents } from '../record/tenant-events.ts'
import { createRouter, type Offered } from './router.ts'
import { stimulusRoutes } from './routes.ts'
import { createSources } from './sources.ts'
import { createStimuli, type Stimuli } from './stimuli.ts'
import { createStimulusStore } from './store.ts'
import { webhookRoutes } from './webhook-routes.ts'

const SWEEP_MS = 3_600_000
const RECOVER_MS = 30_000

/** What begins workflows from outside. */
export interface StimulusPart extends Required<Pick<Part, 'routes' | 'start' | 'drain'>> {
  /** Those with a signature of their own, which are no routes of bearers. */
  webhooks(app: App): void
}

export function createStimulusPart(
  shared: Pick<
    Shared,
    'config' | 'database' | 'secretBox' | 'idempotency' | 'clock' | 'random' | 'workers' | 'metrics'
  >,
  deps: {
    logger: Logger
    owner: string
    executions: RunExecutions
    beginRun: Parameters<typeof createStimuli>[0]['beginRun']
    events: TenantEvents
    /** @throws NotFound */
    requireWorkflow: (of: { readonly tenantId: string }, nameOrId: string) => Promise<void>
    /** @throws NotFound */
    requireAgent: (of: { readonly tenantId: string }, nameOrId: string) => Promise<void>
    listWorkflows: (of: { readonly tenantId: string }, limit: number) => Promise<readonly Offered[]>
    verifyToken: (token: string) => Promise<TokenCaller>
    /** @throws Forbidden for a tenant that is suspended or deleted */
    requireActive: (scope: TenantScope) => Promise<void>
  },
): StimulusPart {
  const { config, database, clock, workers } = shared
  const { logger } = deps
  const store = createStimulusStore(database, shared.secretBox)
  const sources = createSources({ ...deps, store, secrets: config.webhookSecrets, clock })
  const router = createRouter({
    ...deps,
    clock,
    isReceived: (stimulus, within) => store.isReceived(scopeOfRecord(stimulus), stimulus.id, within),
  })
  const stimuli: Stimuli = createStimuli({ ...shared, ...deps, store, router })
  const recover = () =>
    stimuli.recover().catch((err: unknown) => logger.error({ err }, 'stimuli could not be taken up; it is tried again'))
  workers.every('stimulus_sweep', SWEEP_MS, stimuli.sweep)
  workers.every('stimulus_recovery', RECOVER_MS, stimuli.recover)
  return {
    routes: (app) => stimulusRoutes(app, { stimuli, sources }),
    webhooks: (app) => webhookRoutes(app, { ...deps, stimuli, sources, clock }),
    start: () => void recover(),
    drain: stimuli.stop,
  }
}
