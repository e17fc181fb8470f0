import type { StreamLog } from '../../changes/stream-log.ts'
import { InvalidInput, TooManyRequests } from '../../errors.ts'
import type { KeyCaller, KeyClient } from '../../identity/caller.ts'
import { scopeOf, type TenantScope } from '../../identity/scope.ts'
import type { Metrics } from '../../operations/metrics.ts'
import type { Clock } from '../../ports/clock.ts'
import type { RateLimiter } from '../../ports/rate-limiter.ts'
import type { EventValues } from '../../storage/events/event-table.ts'
import { createGroupCommit } from '../../storage/group-commit.ts'
import { type Micros, microsOf } from '../../storage/instants.ts'
import { inUsualForm, policyVersionsIn, saysRuleset } from '../rulesets/words.ts'
import { type Announcements, arrival } from './announcements.ts'
import { type EventProblem, isProblem, readEvent } from './event.ts'
import type { AgentManifest, AgentSighting, AgentSightings } from './sightings.ts'
import type { EventStore } from './store.ts'

const REQUESTS_PER_WINDOW = 10_000
const WINDOW_SECONDS = 60
/** Characters; a revision hash has 64. */
const LONGEST_POLICY_VERSION = 255
/** Of a row beside its payload, for the bound on what waits. */
const ROW_WEIGHT = 300

export interface EventBatch {
  readonly events: readonly unknown[]
  readonly manifest: AgentManifest | null
  /** Whose words they are in: those of contracts, or (where these do not fit) of rulesets. */
  readonly reads: KeyClient
}

export interface BatchOutcome {
  readonly accepted: number
  readonly duplicates: number
  /** Events that were not stored because they are malformed; the others were. */
  readonly rejected: readonly { readonly index: number; readonly detail: string }[]
}

export interface Ingest {
  /** Resolves once the events are on disk. @throws InvalidInput when no event is valid; TooManyRequests, Unavailable. */
  ingest(caller: KeyCaller, batch: EventBatch): Promise<BatchOutcome>
  /** Store what the server itself has to say: well-formed events of a tenant. Resolves once they are on disk. */
  record(events: readonly EventValues[]): Promise<void>
  /** Resolves once nothing waits to be stored or told. */
  idle(): Promise<void>
}

export function createIngest(deps: {
  store: EventStore
  log: Pick<StreamLog, 'transact'>
  announcements: Announcements
  clock: Clock
  limiter: RateLimiter
  metrics: Metrics
  sightings: AgentSightings
  /** The hash of a stored bundle, for one that agents report. */
  storedHash: (scope: TenantScope, reported: string) => Promise<string>
  /** Commits at once. */
  writers: number
}): Ingest {
  const { writers, store, log, announcements, clock, limiter, metrics, sightings, storedHash } = deps

  const waiting = createGroupCommit<EventValues>(writers, async (events) => {
    const started = clock.now()
    const isNew = await kept(events, microsOf(started))
    metrics.ingestCommit.observe((clock.now() - started) / 1000)
    const accepted = countOf(isNew)
    metrics.eventsIngested.inc(accepted)
    metrics.eventsDuplicate.inc(events.length - accepted)
    return isNew
  })

  /**
   * Where one transaction commits after the other anyway, dashboards are told in that of the events; else behind it, so that those
   * of one tenant do not wait for each other.
   */
  async function kept(events: readonly EventValues[], arrivedAt: Micros): Promise<boolean[]> {
    if (writers > 1) {
      const isNew = await store.insert(events, arrivedAt)
      announcements.arrived(countByTenant(events, isNew))
      return isNew
    }
    return log.transact(async (within, emit) => {
      const isNew = await store.insert(events, arrivedAt, within)
      for (const [tenantId, accepted] of countByTenant(events, isNew)) emit(arrival(tenantId, accepted))
      return isNew
    })
  }

  metrics.onRead(() => {
    const { items, weight } = waiting.unstored()
    metrics.ingestWaiting.set(items)
    metrics.ingestWaitingBytes.set(weight)
  })

  /** In the usual form, with the hashes that bundles have here. */
  async function translated(caller: KeyCaller, sent: readonly unknown[]): Promise<unknown[]> {
    const named = policyVersionsIn(sent)
    const stored = await Promise.all(named.map((hash) => storedHash(scopeOf(caller), hash)))
    const hashes = new Map(named.map((hash, index) => [hash, stored[index] ?? hash]))
    const reporter = {
      agentId: caller.agentId ?? `key:${caller.keyPrefix}`,
      storedHash: (hash: string) => hashes.get(hash) ?? hash,
    }
    return sent.map((event) => inUsualForm(event, reporter))
  }

  const submit = (events: readonly EventValues[]) =>
    waiting.submit(
      events,
      events.reduce((sum, event) => sum + ROW_WEIGHT + (event[10]?.length ?? 0) + (event[11]?.length ?? 0), 0),
    )

  return {
    async ingest(caller, { events: sentEvents, manifest, reads }) {
      const { tenantId, env } = caller
      const verdict = await limiter.hit(`events:${tenantId}`, REQUESTS_PER_WINDOW, WINDOW_SECONDS)
      if (!verdict.allowed)
        throw new TooManyRequests('Event ingestion rate limit exceeded. Please try again later.', verdict.retryAfter)
      const receivedAt = microsOf(clock.now())
      const origin = { tenantId, env }
      const events = reads === 'rulesets' ? await translated(caller, sentEvents) : sentEvents
      const speaks = reads === 'rulesets' || saysRuleset(events[0]) ? { reads: 'rulesets' as const } : {}
      const valid: EventValues[] = []
      const problems: (EventProblem & { index: number })[] = []
      const seen = new Map<string, AgentSighting>()
      for (const [index, sent] of events.entries()) {
        const event = readEvent(sent, origin)
        if (isProblem(event)) {
          problems.push({ index, ...event })
          continue
        }
        valid.push(event)
        const policyVersion = policyVersionIn(sent)
        if (policyVersion !== null || !seen.has(event[3]))
          seen.set(event[3], { tenantId, agentId: event[3], env, policyVersion, at: receivedAt, ...speaks })
      }
      if (valid.length === 0 && reads === 'contracts') throw refusal(problems)
      const isNew = valid.length === 0 ? [] : await submit(valid)
      for (const sighting of seen.values()) sightings.sighted(sighting)
      if (manifest)
        await sightings.manifestReported(
          { tenantId, agentId: manifest.agent_id, env, policyVersion: manifest.policy_version, at: receivedAt },
          manifest,
        )
      const accepted = countOf(isNew)
      return {
        accepted,
        duplicates: valid.length - accepted,
        rejected: problems.map(({ index, field, msg }) => ({ index, detail: field === '' ? msg : `${field}: ${msg}` })),
      }
    },
    async record(events) {
      await submit(events)
    },
    async idle() {
      await waiting.idle()
      await announcements.idle()
    },
  }
}

function countByTenant(events: readonly EventValues[], isNew: readonly boolean[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const [index, event] of events.entries()) if (isNew[index]) counts.set(event[1], (counts.get(event[1]) ?? 0) + 1)
  return counts
}

const countOf = (flags: readonly boolean[]): number => flags.reduce((sum, flag) => sum + (flag ? 1 : 0), 0)

function policyVersionIn(event: unknown): string | null {
  const version = (event as { payload?: { policy_version?: unknown } | null }).payload?.policy_version
  const isName =
    typeof version === 'string' && version.length <= LONGEST_POLICY_VERSION && /^[\x20-\x7e]+$/.test(version)
  return isName ? version : null
}

const refusal = (problems: readonly (EventProblem & { index: number })[]) =>
  new InvalidInput(
    problems
      .slice(0, 100)
      .map(({ index, field, msg }) => ({ loc: ['body', 'events', index, ...(field === '' ? [] : [field])], msg })),
  )
