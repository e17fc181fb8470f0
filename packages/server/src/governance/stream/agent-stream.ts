import type { StreamLog } from '../../changes/stream-log.ts'
import type { EventStream } from '../../http/event-stream.ts'
import { frameOf } from '../../http/event-stream.ts'
import type { KeyCaller, KeyClient, SignatureText } from '../../identity/caller.ts'
import { scopeOfRecord } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import { microsOf } from '../../storage/instants.ts'
import { jsonEquals } from '../assignment/resolve.ts'
import type { Registrations } from '../fleet/registrations.ts'
import type { Sightings } from '../fleet/sightings.ts'
import type { GateStore } from '../gates/store.ts'
import { type AgentConnection, isUpdate, receives } from './connections.ts'
import { endToComeBack, type Frames } from './frames.ts'
import type { Hub } from './hub.ts'
import type { Survey } from './situation.ts'

const REPLAY_PAGE = 200
/** What a stream that could not be brought up to date asks of its client. */
const TRY_AGAIN_MS = 5_000

export interface AgentStreamInput {
  readonly env: string
  readonly reads: KeyClient
  /** The bundle the agent names; null lets the server assign one. */
  readonly bundleName: string | null
  readonly policyVersion: string | null
  /** Revision of the gates it goes through, `none` without any; null: it does not say, and is told of none. */
  readonly gates: string | null
  readonly tags: Readonly<Record<string, unknown>> | null
  /** `Last-Event-ID`, when it is one of ours. */
  readonly lastEventId: number | null
}

/** Bring agents up to date, then let the hub keep them so. */
export function createAgentStreams(deps: {
  hub: Hub
  log: StreamLog
  clock: Clock
  registrations: Registrations
  sightings: Pick<Sightings, 'connected'>
  survey: Survey
  gateStore: Pick<GateStore, 'inForce'>
  frames: Frames
  /** How the server is set to write signatures. */
  signatureEncoding: SignatureText
  onError: (error: unknown) => void
}) {
  const { hub, log, clock, registrations, sightings, survey, gateStore, frames, signatureEncoding, onError } = deps

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
        stream.write(frames.frameFor(connection, record))
        await stream.drained()
        missed.wasUpdated ||= isUpdate(record.type) && record.bundleName === bundleName
      }
      if (!hasMore) break
    }
    return missed
  }

  /** What the agent must be told of the gates before it: those in force are others than those that it goes through. */
  async function gatesFrame(connection: AgentConnection, known: string | null, head: number): Promise<Buffer | null> {
    const { env, bundleName, reads } = connection
    if (known === null || bundleName === null || reads === 'rulesets') return null
    const current = await gateStore.inForce(scopeOfRecord(connection), env, bundleName)
    if ((current?.revisionHash ?? 'none') === known) return null
    const data = { bundle_name: bundleName, gates_name: current?.name ?? null, version: current?.version ?? null }
    return frameOf('gates_update', JSON.stringify({ type: 'gates_update', ...data }), head)
  }

  async function bringUpToDate(
    connection: AgentConnection,
    { lastEventId, gates }: Pick<AgentStreamInput, 'lastEventId' | 'gates'>,
  ): Promise<void> {
    const { tenantId, agentId, env, reads, stream } = connection
    await hub.join(connection)
    const { head, assignment, known, update, bundleName, policyVersion, rulesets } = await survey(connection)
    connection.namedBundle = assignment.source === 'agent_provided'
    connection.policyVersion = policyVersion
    connection.bundleName = assignment.bundleName
    connection.followsAll = assignment.bundleName === null
    const assignedBundle = connection.namedBundle ? null : assignment.bundleName
    const introduction = {
      tenantId,
      agentId,
      env,
      bundleName: assignment.bundleName,
      assignedBundle,
      reads,
      policyVersion,
    }
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
    const aboutGates = await gatesFrame(connection, gates, head)
    if (aboutGates !== null) stream.write(aboutGates)
    // These clients say nothing of what they run: else a deploy between their fetch and their stream would be missed.
    for (const ruleset of rulesets)
      stream.write(frameOf('ruleset_updated', JSON.stringify({ type: 'ruleset_updated', ...ruleset }), head))
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
        reads: input.reads,
        signature: input.reads === 'rulesets' ? 'base64' : (caller.signature ?? signatureEncoding),
        namedBundle: input.bundleName !== null,
        tags: input.tags ?? {},
        connectedAt: clock.now(),
        head: 0,
        waiting: [],
        waitingCharacters: 0,
        bundleName: input.bundleName,
        followsAll: false,
        policyVersion: input.policyVersion,
        isOwedDocument: false,
      }
      try {
        await bringUpToDate(connection, input)
      } catch (error) {
        onError(error)
        endToComeBack(connection, TRY_AGAIN_MS)
      }
    },
  }
}

const saysNothingNew = (said: Readonly<Record<string, unknown>>, known: Readonly<Record<string, unknown>>) =>
  Object.entries(said).every(([name, value]) => Object.hasOwn(known, name) && jsonEquals(known[name], value))

export type AgentStreams = ReturnType<typeof createAgentStreams>
