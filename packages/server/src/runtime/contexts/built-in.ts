import { swarmToolNames } from '../plan/swarm-tools.ts'
import type { Capability, SecurityContext } from './security-contexts.ts'

const allow = (...patterns: string[]): Capability[] => patterns.map((toolPattern) => ({ toolPattern }))

/** What is safe in every hand: it reads, or does what the caller may do over HTTP as well. */
const safe = allow(
  'web.*',
  'aegis.schema.*',
  ...['list', 'search', 'export', 'generate', 'logs', 'wait'].map((one) => `aegis.agent.${one}`),
  ...['list', 'search', 'export', 'logs', 'cancel', 'wait'].map((one) => `aegis.workflow.${one}`),
  ...['execute', 'status', 'list', 'wait', 'cancel', 'logs'].map((one) => `aegis.task.${one}`),
  'aegis.execution.file',
  'aegis.execute.intent',
  'aegis.execute.status',
  'aegis.attachment.read',
  'aegis.tools.*',
  'aegis.runtime.*',
)
const consumer = [...safe, ...allow('aegis.workflow.run', 'aegis.workflow.generate')]
/** What people keep: volumes, repositories, scripts. An agent may touch it by a context of the tenant's own that says so. */
const keeping = allow('aegis.volume.*', 'aegis.file.*', 'aegis.git.*', 'aegis.script.*')

const agentRuntime: SecurityContext = {
  name: 'aegis-system-agent-runtime',
  capabilities: [
    { toolPattern: 'fs.*', pathAllowlist: ['/workspace'] },
    ...allow('cmd.run', 'aegis.agent.create', 'aegis.agent.update'),
    // Of agents whose manifest says spec.advanced.swarm_enabled.
    ...allow(...swarmToolNames),
    ...safe,
  ],
  denyList: [],
}

/** The contexts every deployment has. Tools that a later capability adds appear here by their pattern. */
export const builtInContexts: readonly SecurityContext[] = [
  agentRuntime,
  { ...agentRuntime, name: 'default' },
  {
    name: 'aegis-system-operator',
    capabilities: [
      ...consumer,
      ...keeping,
      ...allow(
        ...['create', 'update', 'delete'].flatMap((one) => [`aegis.agent.${one}`, `aegis.workflow.${one}`]),
        'aegis.workflow.signal',
        'aegis.task.remove',
        'aegis.system.*',
        'aegis.edge.*',
      ),
    ],
    denyList: [],
  },
  { name: 'zaru-free', capabilities: [...consumer, ...keeping], denyList: [] },
  ...['zaru-pro', 'zaru-business', 'zaru-enterprise'].map((name) => ({
    name,
    capabilities: [...consumer, ...keeping, ...allow('aegis.workflow.signal')],
    denyList: [],
  })),
]
