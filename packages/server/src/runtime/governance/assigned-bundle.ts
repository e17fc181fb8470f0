import { resolveAssignment } from '../../governance/assignment/resolve.ts'
import { type RuleStore, ruleOf } from '../../governance/assignment/store.ts'
import { assignedAgentOf } from '../../governance/fleet/registrations.ts'
import type { RegistrationStore } from '../../governance/fleet/store.ts'
import type { Governance } from '../../governance/governance.ts'

/** The contracts that hold for an agent now. */
export type AssignedBundle =
  | { readonly kind: 'none' }
  /** One is assigned, but the environment does not run it: nothing may be called. */
  | { readonly kind: 'missing'; readonly name: string }
  | { readonly kind: 'found'; readonly name: string; readonly revisionHash: string; readonly yaml: Uint8Array }

export type FindAssignedBundle = (agent: {
  readonly tenantId: string
  readonly name: string
  readonly env: string
}) => Promise<AssignedBundle>

/** By explicit assignment, else by the tenant's rules, as for every other agent (console-api §8.9). */
export function assignedBundles(deps: {
  registrations: Pick<RegistrationStore, 'find'>
  rules: Pick<RuleStore, 'list'>
  bundles: Governance['bundles']
}): FindAssignedBundle {
  const { registrations, rules, bundles } = deps
  return async ({ tenantId, name, env }) => {
    const row = await registrations.find(tenantId, name)
    const agent = row ? assignedAgentOf(row) : { agentId: name, bundleName: null, tags: {} }
    const { bundleName } = resolveAssignment(agent, (await rules.list(tenantId)).map(ruleOf), env)
    if (bundleName === null) return { kind: 'none' }
    const current = await bundles.currentFor(tenantId, env, bundleName)
    if (!current) return { kind: 'missing', name: bundleName }
    return { kind: 'found', name: bundleName, revisionHash: current.revisionHash, yaml: current.yamlBytes }
  }
}
