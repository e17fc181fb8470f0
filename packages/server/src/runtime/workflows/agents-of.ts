import type { Judge, WorkflowManifestDocument } from '@lictor/aegis'
import type { TenantScope } from '../../identity/scope.ts'
import { judgeOfPreValidator } from '../interpreter/pre-validator.ts'
import { NotRegistrable } from './registration.ts'

/** Finds an agent that a tenant sees, by name or id, own before global. */
export type FindAgent = (scope: TenantScope, nameOrId: string) => Promise<{ readonly id: string } | null>

const isFixed = (name: string): boolean => !name.includes('{{')

/**
 * The manifest with the ids of the agents that its Agent states name. What has templates in it is found when a run comes there.
 * @throws NotRegistrable for judges and agents that there are not
 */
export async function withAgentIds(
  manifest: WorkflowManifestDocument,
  scope: TenantScope,
  find: FindAgent,
): Promise<WorkflowManifestDocument> {
  const found = new Map<string, string | null>()
  const idOf = async (name: string): Promise<string | null> => {
    const known = found.get(name)
    if (known !== undefined) return known
    const id = (await find(scope, name))?.id ?? null
    found.set(name, id)
    return id
  }

  const states = Object.entries(manifest.spec.states)
  const judges = states.flatMap(([, state]): readonly Judge[] => {
    if (state.kind === 'Agent') {
      const first = judgeOfPreValidator(state.pre_execution_validator)
      return [...(first === null ? [] : [{ agent_id: first }]), ...(state.judges ?? [])]
    }
    return state.kind === 'ParallelAgents' ? (state.judges_for_parallel ?? []) : []
  })
  const missing: string[] = []
  for (const name of new Set(judges.map(({ agent_id }) => agent_id).filter(isFixed)))
    if ((await idOf(name)) === null) missing.push(name)
  if (missing.length > 0)
    throw new NotRegistrable(
      `Workflow '${manifest.metadata.name}' references missing judge agents: ${missing.join(', ')}`,
    )
  const resolved: [string, WorkflowManifestDocument['spec']['states'][string]][] = []
  for (const [name, state] of states) {
    if (state.kind !== 'Agent' || !isFixed(state.agent)) resolved.push([name, state])
    else {
      const agent = await idOf(state.agent)
      if (agent === null)
        throw new NotRegistrable(
          `Agent '${state.agent}' referenced in state '${name}' not found; deploy the agent before registering this workflow`,
        )
      resolved.push([name, { ...state, agent }])
    }
  }
  return { ...manifest, spec: { ...manifest.spec, states: Object.fromEntries(resolved) } }
}
