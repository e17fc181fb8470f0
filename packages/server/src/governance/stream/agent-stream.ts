import type { StreamLog } from '../../changes/stream-log.ts'
import type { EventStream } from '../../http/event-stream.ts'
import { frameOf } from '../../http/event-stream.ts'
import type { KeyCaller } from '../../identity/caller.ts'
import { scopeOfRecord, type TenantScope } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import { microsOf } from '../../storage/instants.ts'
import { type Assignment, jsonEquals, resolveAssignment } from '../assignment/resolve.ts'
import type { RuleStore } from '../assignment/store.ts'
import type { BundleStore } from '../bundles/store.ts'
import { contractUpdate, type SignatureEncoding } from '../deployments/contract-update.ts'
import type { DeploymentStore } from '../deployments/store.ts'
import type { Registrations } from '../fleet/registrations.ts'
import type { Sightings } from '../fleet/sightings.ts'
import type { Registration, RegistrationStore } from '../fleet/store.ts'
import type { SigningStore } from '../signing/store.ts'
import { type AgentConnection, receives } from './connections.ts'
import type { Hub } from './hub.ts'

const REPLAY_PAGE = 200
/** What a stream that could not be brought up to date asks of its client. */
const TRY_AGAIN_MS = 5_000

export interface AgentStreamInput {
  readonly env: string
  /** The bundle the agent names; null lets the server assign one. */
  readonly bundleName: string | null
  readonly policyVersion: string | null
  readonly tags: Readonly<Record<string, unknown>> | null
  /** `Last-Event-ID`, when it is one of ours. */
  readonly lastEventId: number | null
}

/** What an agent must know on connecting, all as of one instant of the log. */
interface Situation {
  readonly head: number
  readonly assignment: Assignment
  /** What was known of the agent before. */
  readonly known: Registration | undefined
  /** `contract_update` of what is deployed, when the agent does not run it. */
  readonly update: string | null
  /** The bundle that the update is of. */
  readonly bundleName: string | null
}

/** Bring agents up to date, then let the hub keep them so. */
export function createAgentStreams(deps: {
  hub: Hub
  log: StreamLog
  database: Database
  clock: Clock
  registrations: Registrations
  registrationStore: RegistrationStore
  ruleStore: RuleStore
  deploymentStore: DeploymentStore
  bundleStore: BundleStore
  signingStore: SigningStore
  sightings: Pick<Sightings, 'connected'>
  signatureEncoding: SignatureEncoding
  onError: (error: unknown) => void
}) {
  const { hub, log, database, clock, registrations, registrationStore, ruleStore } = deps
  const { deploymentStore, bundleStore, signingStore, sightings, signatureEncoding, onError } = deps

  /** One transaction, one snapshot: what the log holds up to `head` is in what was read, what comes later is not. */
  function survey(connection: AgentConnection): Promise<Situation> {
    const { agentId, env, tags, policyVersion } = connection
    const scope = scopeOfRecord(connection)
    return database.db
      .transaction()
      .setIsolationLevel('repeatable read')
      .execute(async (within) => {
        const head = await log.latestId(scope, within)
        const known = await registrationStore.find(scope, agentId, within)
        let assignment: Assignment
        if (connection.bundleName !== null) assignment = { bundleName: connection.bundleName, source: 'agent_provided' }
        else {
          const agent = known ?? { agentId, bundleName: null, tags: {} }
          const all = await ruleStore.list(scope, within)
          assignment = resolveAssignment({ ...agent, tags: { ...agent.tags, ...tags } }, all, env)
        }
        const { bundleName } = assignment
        const [current] = await deploymentStore.current(
          scope,
          bundleName === null ? { env } : { env, bundleName },
          within,
        )
        const isNews = current !== undefined && current.revisionHash !== policyVersion
        return {
          head,
          assignment,
          known,
          update: isNews ? await updateOf(scope, current.bundleName, current.bundleVersion, within) : null,
          bundleName: current?.bundleName ?? null,
        }
      })
  }

  async function updateOf(
    scope: TenantScope,
    name: string,
    version: number,
    within: Queryable,
  ): Promise<string | null> {
    const bundle = await bundleStore.find(scope, name, version, within)
    if (!bundle) return null
    const key = await signingStore.findActive(scope, within)
    const data = contractUpdate(bundle, key?.publicKey ?? null, signatureEncoding)
    return JSON.stringify({ type: 'contract_update', ...data })
  }

  /** Send what was missed up to `head`; whether an update of `bundleName`, or another assignment, was among it. */
  async function replay(
    connection: AgentConnection,
    from: number,
    head: number,
    bundleName: string | null,
  ): Promise<{ wasUpdated: boolean; wasReassigned: boolean }> {
    const { env, agentId, stream } = connection
    const missed = { wasUpdated: false, wasReassigned: false }
    for (let after = from; after < head && !stream.isEnded; ) {
      const audience = { dashboard: false, env, agentId } as const
      const { rows, hasMore } = await log.since(scopeOfRecord(connection), after, REPLAY_PAGE, audience)
      for (const record of rows) {
        if (record.id > head) return missed
        after = record.id
        if (!receives(connection, record)) continue
        if (record.type === 'assignment_changed' && !connection.namedBundle) {
          // The assignment of this moment is told by itself: an older one must not take it back.
          missed.wasReassigned = true
          continue
        }
        stream.write(frameOf(record.type, record.json, record.id))
        await stream.drained()
        missed.wasUpdated ||= record.type === 'contract_update' && record.bundleName === bundleName
      }
      if (!hasMore) break
    }
    return missed
  }

  async function bringUpToDate(connection: AgentConnection, lastEventId: number | null): Promise<void> {
    const { tenantId, agentId, env, policyVersion, stream } = connection
    await hub.join(connection)
    const { head, assignment, known, update, bundleName } = await survey(connection)
    connection.bundleName = assignment.bundleName
    connection.followsAll = assignment.bundleName === null
    const introduction = { tenantId, agentId, env, bundleName: assignment.bundleName, policyVersion }
    const { tags } = connection
    // Thousands may come back at once: who says nothing new waits for no commit.
    if (known && saysNothingNew(tags, known.tags))
      sightings.connected({ ...introduction, at: microsOf(connection.connectedAt) })
    else await registrations.introduce({ ...introduction, tags: Object.keys(tags).length === 0 ? null : tags })
    if (!connection.namedBundle && assignment.bundleName !== null) {
      const { source } = assignment
      const data = { type: 'assignment_changed', agent_id: agentId, bundle_name: assignment.bundleName, source }
      // Not the head yet: a client that is cut off now must still ask for what it missed.
      stream.write(frameOf('assignment_changed', JSON.stringify(data), lastEventId ?? head))
    }
    const missed = lastEventId === null ? null : await replay(connection, lastEventId, head, bundleName)
    if (missed?.wasReassigned && assignment.bundleName === null) {
      const data = { type: 'assignment_changed', agent_id: agentId, bundle_name: null, source: assignment.source }
      stream.write(frameOf('assignment_changed', JSON.stringify(data), head))
    }
    if (update !== null && !missed?.wasUpdated) stream.write(frameOf('contract_update', update, head))
    await hub.goLive(connection, head)
  }

  return {
    /** Serve an open stream until it ends. */
    async open(caller: KeyCaller, input: AgentStreamInput, stream: EventStream): Promise<void> {
      const connection: AgentConnection = {
        kind: 'agent',
        stream,
        tenantId: caller.tenantId,
        keyId: caller.keyId,
        agentId: caller.agentId ?? 'unknown',
        env: input.env,
        namedBundle: input.bundleName !== null,
        tags: input.tags ?? {},
        connectedAt: clock.now(),
        head: 0,
        waiting: [],
        waitingCharacters: 0,
        bundleName: input.bundleName,
        followsAll: false,
        policyVersion: input.policyVersion,
      }
      try {
        await bringUpToDate(connection, input.lastEventId)
      } catch (error) {
        onError(error)
        stream.end(TRY_AGAIN_MS)
      }
    },
  }
}

const saysNothingNew = (said: Readonly<Record<string, unknown>>, known: Readonly<Record<string, unknown>>) =>
  Object.entries(said).every(([name, value]) => Object.hasOwn(known, name) && jsonEquals(known[name], value))

export type AgentStreams = ReturnType<typeof createAgentStreams>
