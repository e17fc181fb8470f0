import type { Chapter } from './chapter.ts'
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
import { bundles, compositions, contracts, deployments } from './chapters/library.ts'
import { agents, dispatch, executions, humanApprovals } from './chapters/runtime.ts'
import { observability, seal, securityContexts } from './chapters/seal.ts'
import { apiKeys, credentials, secrets } from './chapters/secrets.ts'
import { tools } from './chapters/tools.ts'
import { volumes } from './chapters/volumes.ts'
import { workflowExecutions } from './chapters/workflow-executions.ts'
import { workflows } from './chapters/workflows.ts'

/** The reference, in the order in which it is shown. */
export const chapters: readonly Chapter[] = [
  identity,
  contracts,
  compositions,
  bundles,
  deployments,
  stream,
  events,
  approvals,
  sessions,
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
  volumes,
  humanApprovals,
  dispatch,
  secrets,
  credentials,
  apiKeys,
  securityContexts,
  seal,
  observability,
  tokens,
  health,
]
