import { scopeOfRecord, type TenantScope } from '../../identity/scope.ts'
import type { Rules } from './rules.ts'

/** The contracts that hold for an agent now. */
export type AssignedBundle =
  | { readonly kind: 'none' }
  /** One is assigned, but the environment does not run it: nothing may be called. */
  | { readonly kind: 'missing'; readonly name: string }
  | {
      readonly kind: 'found'
      readonly name: string
      readonly revisionHash: string
      /** The bytes of this revision, for who does not have them yet. */
      readonly read: () => Promise<Uint8Array>
      /** What holds its agents to an order; null for none. */
      readonly gates: AssignedGates | null
    }

/** A document of kind `Workflow`. */
export interface AssignedGates {
  readonly name: string
  readonly revisionHash: string
  readonly read: () => Promise<Uint8Array>
}

export type FindAssignedBundle = (agent: {
  readonly tenantId: string
  readonly name: string
  readonly env: string
}) => Promise<AssignedBundle>

/** By explicit assignment, else by the tenant's rules, registered or not; the bytes are those in force in the environment. */
export function createBundleFor(deps: {
  rules: Pick<Rules, 'resolveFor'>
  bundles: {
    currentRevision(
      scope: TenantScope,
      env: string,
      name: string,
    ): Promise<{ readonly version: number; readonly revisionHash: string } | undefined>
    find(
      scope: TenantScope,
      name: string,
      version: number,
    ): Promise<{ readonly revisionHash: string; readonly yamlBytes: Uint8Array } | undefined>
  }
  gates: {
    inForce(
      scope: TenantScope,
      env: string,
      bundleName: string,
    ): Promise<{ readonly name: string; readonly version: number; readonly revisionHash: string } | undefined>
    find(scope: TenantScope, name: string, version: number): Promise<{ readonly yamlBytes: Uint8Array } | undefined>
  }
}): FindAssignedBundle {
  const { rules, bundles, gates } = deps

  async function gatesOf(scope: TenantScope, env: string, bundleName: string): Promise<AssignedGates | null> {
    const current = await gates.inForce(scope, env, bundleName)
    if (!current) return null
    const { name, version, revisionHash } = current
    return {
      name,
      revisionHash,
      async read() {
        const document = await gates.find(scope, name, version)
        if (!document) throw new Error(`Version ${version} of the gates '${name}' is gone.`)
        return document.yamlBytes
      },
    }
  }

  return async ({ name, env, ...agent }) => {
    const scope = scopeOfRecord(agent)
    const { bundleName } = await rules.resolveFor(scope, name, env)
    if (bundleName === null) return { kind: 'none' }
    const [current, before] = await Promise.all([
      bundles.currentRevision(scope, env, bundleName),
      gatesOf(scope, env, bundleName),
    ])
    if (!current) return { kind: 'missing', name: bundleName }
    const { version, revisionHash } = current
    async function read(): Promise<Uint8Array> {
      const bundle = await bundles.find(scope, bundleName as string, version)
      if (bundle?.revisionHash !== revisionHash)
        throw new Error(`Version ${version} of the bundle '${bundleName}' is no longer the one that was deployed.`)
      return bundle.yamlBytes
    }
    return { kind: 'found', name: bundleName, revisionHash, read, gates: before }
  }
}
