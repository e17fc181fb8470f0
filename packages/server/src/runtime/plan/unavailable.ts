import type { AgentManifestDocument } from '@lictor/aegis'

/** A field that this server does not do as it says, where a manifest sets it. */
interface Unavailable {
  readonly path: string
  readonly reason: string
  readonly isSet: (manifest: AgentManifestDocument) => boolean
}

/**
 * What would change what an agent does, and is not available: a manifest that relies on it is kept, and not executed. A field leaves
 * this list when something does what it says.
 */
const unavailable: readonly Unavailable[] = [
  {
    path: 'spec.task.agentskills',
    reason: 'there are no skills to load; write what the agent must know into spec.task.instruction or spec.context',
    isSet: ({ spec }) => (spec.task?.agentskills ?? []).length > 0,
  },
  {
    path: 'spec.tools[].config',
    reason: 'tools have no settings of their own; bound them by a security context or by contracts',
    isSet: ({ spec }) => (spec.tools ?? []).some((tool) => typeof tool !== 'string' && sizeOf(tool.config) > 0),
  },
  {
    path: 'spec.execution.memory',
    reason: 'agents remember nothing over executions; leave it out or say false',
    isSet: ({ spec }) => spec.execution?.memory === true,
  },
  {
    path: 'spec.execution.delivery',
    reason: 'outputs are not delivered; use spec.output_handler',
    isSet: ({ spec }) => (spec.execution?.delivery?.destinations ?? []).length > 0,
  },
  {
    path: 'spec.delivery',
    reason: 'outputs are not delivered; use spec.output_handler',
    isSet: ({ spec }) => (spec.delivery?.destinations ?? []).length > 0,
  },
  {
    path: 'spec.advanced.startup_script',
    reason: 'nothing runs before the bootstrap; do it in a bootstrap of your own (spec.advanced.bootstrap_path)',
    isSet: ({ spec }) => (spec.advanced?.startup_script ?? '') !== '',
  },
  {
    path: 'spec.advanced.health_check',
    reason: 'agents are not asked for their health; leave it out',
    isSet: ({ spec }) => spec.advanced?.health_check !== undefined,
  },
]

/** The first field that keeps a manifest from being executed, in a sentence; null when there is none. */
export function unavailableIn(manifest: AgentManifestDocument): string | null {
  const found = unavailable.find(({ isSet }) => isSet(manifest))
  return found ? `${found.path} is not available on this server: ${found.reason}.` : null
}

const sizeOf = (value: object | undefined): number => Object.keys(value ?? {}).length
