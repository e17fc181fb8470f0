import type { StreamLog } from '../../changes/stream-log.ts'
import { scopeOfRecord } from '../../identity/scope.ts'
import type { Database } from '../../storage/database.ts'
import { type Assignment, resolveAssignment } from '../assignment/resolve.ts'
import type { RuleStore } from '../assignment/store.ts'
import type { Bundle, BundleStore } from '../bundles/store.ts'
import { contractUpdate, rulesetUpdate } from '../deployments/contract-update.ts'
import type { DeploymentStore } from '../deployments/store.ts'
import type { Registration, RegistrationStore } from '../fleet/store.ts'
import type { Offers } from '../rulesets/offers.ts'
import type { SigningStore } from '../signing/store.ts'
import type { AgentConnection } from './connections.ts'

/** What an agent must know on connecting, all as of one instant of the log. */
export interface Situation {
  readonly head: number
  readonly assignment: Assignment
  /** What was known of the agent before. */
  readonly known: Registration | undefined
  /** `contract_update` of what is deployed, when the agent does not run it. */
  readonly update: string | null
  /** The bundle that the update is of. */
  readonly bundleName: string | null
  /** The stored hash of what the agent says it runs. */
  readonly policyVersion: string | null
  /** For streams that name no bundle, of agents that read only rulesets: what is in force in their environment. */
  readonly rulesets: readonly { readonly name: string; readonly version: number }[]
}

export type Survey = (connection: AgentConnection) => Promise<Situation>

/** What an agent runs and should run now. */
export function createSurvey(deps: {
  log: StreamLog
  database: Database
  registrationStore: RegistrationStore
  ruleStore: RuleStore
  deploymentStore: DeploymentStore
  bundleStore: BundleStore
  signingStore: SigningStore
  offers: Pick<Offers, 'inForce' | 'storedHash'>
}): Survey {
  const { log, database, registrationStore, ruleStore, deploymentStore, bundleStore, signingStore, offers } = deps

  async function updateOf(connection: AgentConnection, bundle: Bundle, publicKey: Uint8Array | null) {
    if (connection.reads === 'contracts') return contractUpdate(bundle, publicKey, connection.signature)
    const offer = await offers.inForce(bundle)
    return offer && rulesetUpdate(bundle, offer, publicKey)
  }

  return async (connection) => {
    const { agentId, env, tags } = connection
    const scope = scopeOfRecord(connection)
    const policyVersion =
      connection.policyVersion === null ? null : await offers.storedHash(scope, connection.policyVersion)
    // One transaction, one snapshot: what the log holds up to `head` is in what was read, what comes later is not.
    const found = await database.db
      .transaction()
      .setIsolationLevel('repeatable read')
      .execute(async (within) => {
        const head = await log.latestId(scope, within)
        const known = await registrationStore.find(scope, agentId, within)
        const named = connection.namedBundle ? connection.bundleName : null
        let assignment: Assignment
        // Clients name what they were assigned when they come back: that is no bundle of their own.
        if (named !== null && named !== known?.assignedBundle)
          assignment = { bundleName: named, source: 'agent_provided' }
        else {
          const agent = known ?? { agentId, bundleName: null, tags: {} }
          const all = await ruleStore.list(scope, within)
          assignment = resolveAssignment({ ...agent, tags: { ...agent.tags, ...tags } }, all, env)
        }
        const { bundleName } = assignment
        const isToldOfAll = connection.reads === 'rulesets' && named === null
        const filter = bundleName === null || isToldOfAll ? { env } : { env, bundleName }
        const deployed = await deploymentStore.current(scope, filter, within)
        const current = bundleName === null ? deployed[0] : deployed.find((one) => one.bundleName === bundleName)
        const isNews = current !== undefined && current.revisionHash !== policyVersion
        const bundle = isNews
          ? await bundleStore.find(scope, current.bundleName, current.bundleVersion, within)
          : undefined
        const key = bundle && (await signingStore.findActive(scope, within))
        const rulesets = isToldOfAll ? deployed : []
        return { head, known, assignment, rulesets, current, bundle, publicKey: key?.publicKey ?? null }
      })
    const { bundle, current, rulesets, publicKey } = found
    const data = bundle ? await updateOf(connection, bundle, publicKey) : null
    return {
      head: found.head,
      known: found.known,
      assignment: found.assignment,
      update: data && JSON.stringify({ type: 'contract_update', ...data }),
      bundleName: current?.bundleName ?? null,
      policyVersion,
      rulesets: rulesets.map((one) => ({ name: one.bundleName, version: one.bundleVersion })),
    }
  }
}
