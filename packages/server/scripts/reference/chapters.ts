import type { Chapter } from './chapter.ts'
import { billing } from './chapters/billing.ts'
import { cluster } from './chapters/cluster.ts'
import { cortex } from './chapters/cortex.ts'
import {
  approvals,
  assignment,
  assistant,
  events,
  notifications,
  sessions,
  settings,
  statistics,
  stream,
} from './chapters/governance.ts'
import { health, identity, tokens } from './chapters/identity.ts'
import { bundles, compositions, contracts, deployments, gates } from './chapters/library.ts'
import { limits } from './chapters/limits.ts'
import { colony, people, singleSignOn, tenants } from './chapters/people.ts'
import { rulesets } from './chapters/rulesets.ts'
import { agents, dispatch, executions, humanApprovals } from './chapters/runtime.ts'
import { schedules } from './chapters/schedules.ts'
import { observability, seal, securityContexts } from './chapters/seal.ts'
import { apiKeys, credentials, secrets } from './chapters/secrets.ts'
import { stimuli } from './chapters/stimuli.ts'
import { swarms } from './chapters/swarms.ts'
import { tools } from './chapters/tools.ts'
import { volumes } from './chapters/volumes.ts'
import { workflowExecutions } from './chapters/workflow-executions.ts'
import { workflows } from './chapters/workflows.ts'

/** The reference, in the order in which it is shown. */
export const chapters: readonly Chapter[] = [
  identity,
  people,
  singleSignOn,
  contracts,
  compositions,
  bundles,
  deployments,
  gates,
  stream,
  events,
  approvals,
  sessions,
  rulesets,
  agents,
  tools,
  assignment,
  notifications,
  assistant,
  statistics,
  settings,
  executions,
  workflows,
  workflowExecutions,
  stimuli,
  schedules,
  volumes,
  humanApprovals,
  dispatch,
  secrets,
  credentials,
  apiKeys,
  tenants,
  colony,
  securityContexts,
  seal,
  observability,
  limits,
  swarms,
  cortex,
  cluster,
  billing,
  tokens,
  health,
]
