import type { ScheduleConfig } from '@lictor/aegis'
import { Conflict, InvalidInput, NotFound } from '../../errors.ts'
import { actorOf } from '../../identity/caller.ts'
import { scopeOf } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import { microsOf } from '../../storage/instants.ts'
import { GLOBAL_TENANT, type RuntimeCaller } from '../visibility.ts'
import type { Schedule } from './schedule.ts'
import type { ScheduleStore } from './store.ts'
import { dueAfter, timingOf, timingProblem } from './timing.ts'

const shape = /^[a-z0-9][a-z0-9_.-]{0,62}$/
const OF_AGENTS = 'agent:'
/** Of a tenant. */
const MOST = 1_000

/** What a schedule is set to. */
export type ScheduleGiven = Pick<Schedule, 'kind' | 'target' | 'timing' | 'missed' | 'input' | 'intent' | 'isEnabled'>

/** An agent as its schedule needs it; `manifest` null: it is gone. */
export interface ScheduledAgent {
  readonly id: string
  readonly tenantId: string
  readonly name: string
  readonly status: string
  readonly manifest: { readonly spec: { readonly schedule?: ScheduleConfig | undefined } }
}

/** What is started by the clock. */
export interface Schedules {
  /** Set one, or set it anew. @throws InvalidInput, Conflict */
  put(caller: RuntimeCaller, name: string, given: ScheduleGiven): Promise<Schedule>
  list(caller: RuntimeCaller): Promise<Schedule[]>
  /** @throws NotFound */
  get(caller: RuntimeCaller, name: string): Promise<Schedule>
  /** What runs already goes on. @throws NotFound, Conflict for one that a manifest says */
  remove(caller: RuntimeCaller, name: string): Promise<void>
  /** Follow the manifest of an agent, in the transaction that changes it. Null: the agent is gone. */
  follow(id: string, agent: ScheduledAgent | null, within: Queryable): Promise<void>
}

export function createSchedules(deps: {
  database: Database
  store: ScheduleStore
  /** @throws NotFound */
  requireWorkflow: (of: { readonly tenantId: string }, nameOrId: string) => Promise<void>
  /** @throws NotFound */
  requireAgent: (of: { readonly tenantId: string }, nameOrId: string) => Promise<void>
  /** Something is due at another time than before. */
  changed: () => Promise<void>
  clock: Clock
  random: Random
}): Schedules {
  const { database, store, changed, clock, random } = deps

  async function get(caller: RuntimeCaller, name: string): Promise<Schedule> {
    const found = await store.find(scopeOf(caller), name)
    if (!found) throw new NotFound(`There is no schedule '${name}'.`, 'schedule_not_found')
    return found
  }

  const blank = () => ({ lastDueAt: null, lastRunId: null, lastError: null, started: 0 })

  return {
    get,
    list: (caller) => store.list(scopeOf(caller)),
    async put(caller, name, given) {
      if (name.startsWith(OF_AGENTS)) throw ofManifest(name)
      if (!shape.test(name))
        throw new InvalidInput([
          { loc: ['path', 'name'], msg: 'A schedule is named by 1 to 63 of a-z 0-9 _ . -, a letter or digit first.' },
        ])
      const now = microsOf(clock.now())
      const { timing, kind, target, isEnabled } = given
      const problem = timingProblem(timing, now)
      if (problem !== null)
        throw new InvalidInput([{ loc: ['body', timing.kind === 'cron' ? 'cron' : 'every_seconds'], msg: problem }])
      const look = kind === 'workflow' ? deps.requireWorkflow(caller, target) : deps.requireAgent(caller, target)
      await look.catch((error: unknown) => {
        if (!(error instanceof NotFound)) throw error
        throw new InvalidInput([{ loc: ['body', kind], msg: error.message }], `unknown_${kind}`)
      })
      const { tenantId } = caller
      const known = await store.list(scopeOf(caller))
      if (known.length >= MOST && !known.some((one) => one.name === name))
        throw new Conflict(`A tenant has at most ${MOST} schedules.`, 'too_many_schedules')
      await database.db.transaction().execute((within) =>
        store.put(
          {
            ...given,
            ...blank(),
            id: random.uuid(),
            tenantId,
            name,
            agentId: null,
            nextAt: isEnabled ? dueAfter(timing, now, now) : null,
            createdBy: actorOf(caller),
            createdAt: now,
            updatedAt: now,
          },
          within,
        ),
      )
      await changed()
      return get(caller, name)
    },
    async remove(caller, name) {
      if (name.startsWith(OF_AGENTS)) {
        await get(caller, name)
        throw ofManifest(name)
      }
      if (!(await store.delete(scopeOf(caller), name)))
        throw new NotFound(`There is no schedule '${name}'.`, 'schedule_not_found')
    },
    async follow(id, agent, within) {
      const timing = agent === null ? null : timingOf(agent.manifest.spec.schedule)
      const before = await store.findOfAgent(id, within)
      // One that every tenant sees belongs to none that it could be started for.
      if (agent === null || timing === null || agent.tenantId === GLOBAL_TENANT) {
        if (before) await store.deleteOfAgent(id, within)
        return
      }
      const { schedule } = agent.manifest.spec
      const isEnabled = agent.status === 'active' && schedule?.type !== 'manual' && schedule?.enabled !== false
      const isSame =
        before?.tenantId === agent.tenantId &&
        before.isEnabled === isEnabled &&
        JSON.stringify(before.timing) === JSON.stringify(timing)
      if (isSame) return
      if (before && before.tenantId !== agent.tenantId) await store.deleteOfAgent(id, within)
      const now = microsOf(clock.now())
      await store.put(
        {
          ...blank(),
          id: random.uuid(),
          tenantId: agent.tenantId,
          name: `${OF_AGENTS}${agent.name}`,
          kind: 'agent',
          target: id,
          timing,
          missed: 'once',
          input: null,
          intent: null,
          isEnabled,
          agentId: id,
          nextAt: isEnabled ? dueAfter(timing, now, now) : null,
          createdBy: 'manifest',
          createdAt: now,
          updatedAt: now,
        },
        within,
      )
    },
  }
}

const ofManifest = (name: string): Conflict =>
  new Conflict(
    `The manifest of the agent '${name.slice(OF_AGENTS.length)}' says this schedule (spec.schedule). Change it there.`,
    'schedule_of_manifest',
  )
