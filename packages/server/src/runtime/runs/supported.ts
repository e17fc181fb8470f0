import type { WorkflowManifestDocument, WorkflowState } from '@lictor/aegis'

/** Kinds of states that this server does the work of. */
const worked: readonly WorkflowState['kind'][] = ['Agent', 'System', 'Human']
/** Fields of Agent states that it would have to leave out. */
const agentFields = ['judges', 'pre_execution_validator', 'output_handler', 'volumes'] as const

/**
 * Why this server does not run a workflow, in a sentence that names the state; null for one that it runs. Told when a run is
 * started, so that none ends in the middle over something that was known before.
 */
export function unsupportedIn({ spec }: WorkflowManifestDocument): string | null {
  if (spec.storage?.workspace !== undefined || (spec.storage?.shared_volumes ?? []).length > 0)
    return 'spec.storage declares volumes, which this server does not make for workflows yet. Leave it out.'
  for (const [name, state] of Object.entries(spec.states)) {
    if (!worked.includes(state.kind))
      return `State '${name}' is of kind ${state.kind}, which this server does not run yet. It runs ${worked.slice(0, -1).join(', ')} and ${worked.at(-1)} states.`
    if (state.kind !== 'Agent') continue
    const field = agentFields.find((one) => {
      const value = state[one]
      return Array.isArray(value) ? value.length > 0 : value !== undefined
    })
    if (field !== undefined)
      return `State '${name}' has the field ${field}, which this server does not heed in workflows yet. Leave it out, or let the agent's own manifest say it.`
    if (state.isolation !== undefined && state.isolation !== 'inherit')
      return `State '${name}' asks for isolation '${state.isolation}', which this server leaves to the agent's own manifest. Write inherit, or leave it out.`
  }
  return null
}
