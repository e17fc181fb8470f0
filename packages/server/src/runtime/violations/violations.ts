import type { Logger } from 'pino'
import type { Caller } from '../../identity/caller.ts'
import { scopeOf, scopeOfRecord } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import { type Micros, microsOf } from '../../storage/instants.ts'
import type { PathProblem } from '../files/path.ts'
import { draft, type EventDraft } from '../record/events.ts'
import type { TenantEvents } from '../record/tenant-events.ts'
import type { ViolationStore } from './store.ts'

export type Category =
  | 'path_traversal_blocked'
  | 'filesystem_policy_violation'
  | 'quota_exceeded'
  | 'unauthorized_volume_access'

/** What somebody tried with files and may not. */
export interface Violation {
  readonly id: string
  readonly category: Category
  readonly executionId: string | null
  readonly volumeId: string | null
  readonly path: string | null
  /** `path_traversal`, `read`, `write`, `delete`, `quota` or `access`. */
  readonly operation: string
  readonly details: string
  readonly at: Micros
}

export interface Tried extends Partial<Omit<Violation, 'id' | 'at'>> {
  readonly tenantId: string
  readonly category: Category
  readonly operation: string
  readonly details: string
  /** Of a quota: what was asked for, what is free and what the volume may hold, in bytes. */
  readonly room?: { readonly requested: number; readonly available: number; readonly limit: number }
}

/** Newest first; `volumeId` null: of all volumes. */
export interface WhichViolations {
  readonly volumeId: string | null
  /** At most 500. */
  readonly limit: number
  readonly offset: number
}

/** The record of refused file operations, for operators. Each refusal leaves one. */
export interface Violations {
  /** Never fails: the refusal itself is what counts, and stands whether it can be recorded or not. */
  record(tried: Tried): Promise<void>
  list(caller: Caller, which: WhichViolations): Promise<Violation[]>
}

const KEPT_DAYS = 90
const DAY_MS = 86_400_000
const LONGEST_PATH = 4096

export function createViolations(deps: {
  store: ViolationStore
  events: TenantEvents
  clock: Clock
  random: Random
  logger: Pick<Logger, 'warn' | 'error'>
  workers: { every(name: string, milliseconds: number, turn: () => Promise<void>): void }
}): Violations {
  const { store, events, clock, random, logger, workers } = deps
  workers.every('storage_violations', DAY_MS, () => store.deleteBefore(microsOf(clock.now() - KEPT_DAYS * DAY_MS)))
  return {
    async record({ tenantId, executionId = null, volumeId = null, path = null, room, ...tried }) {
      const { category, operation } = tried
      logger.warn({ category, operation, execution_id: executionId, volume_id: volumeId }, 'file operation refused')
      const violation: Violation = {
        ...tried,
        id: random.uuid(),
        executionId,
        volumeId,
        path: path === null ? null : storable(path),
        details: storable(tried.details),
        at: microsOf(clock.now()),
      }
      await events
        .record(tenantId, eventsOf(violation, room), async (within) => {
          await store.insert(scopeOfRecord({ tenantId }), violation, within)
          return true
        })
        .catch((err: unknown) => logger.error({ err }, 'a refused file operation could not be recorded'))
    },
    list: (caller, which) => store.list(scopeOf(caller), which),
  }
}

function eventsOf(
  { category, executionId, volumeId, path, operation, details }: Violation,
  { requested, available, limit }: NonNullable<Tried['room']> = { requested: 0, available: 0, limit: 0 },
): readonly EventDraft[] {
  const common = { execution_id: executionId, volume_id: volumeId }
  switch (category) {
    case 'path_traversal_blocked':
      return [draft(category, { ...common, attempted_path: path })]
    case 'filesystem_policy_violation':
      return [draft(category, { ...common, operation, path, policy_rule: details })]
    case 'quota_exceeded':
      return [
        draft(category, { ...common, path, requested_bytes: requested, available_bytes: available }),
        // What it holds beside the file that did not fit.
        draft('volume_quota_exceeded', { ...common, size_limit_bytes: limit, actual_bytes: limit - available }),
      ]
    case 'unauthorized_volume_access':
      return [draft(category, common)]
  }
}

/** No database keeps NUL or half a character. */
const storable = (text: string): string => text.slice(0, LONGEST_PATH).toWellFormed().replaceAll('\0', '\ufffd')

/** What a refused path is called. */
export const categoryOf = (problem: PathProblem): Category =>
  problem === 'policy' ? 'filesystem_policy_violation' : 'path_traversal_blocked'
