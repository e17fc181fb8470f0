import { BadRequest, Conflict, NotFound } from '../../errors.ts'
import type { UserCaller } from '../../http/caller.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import { isUniqueViolation } from '../../storage/database.ts'
import { microsOf } from '../../storage/instants.ts'
import type { AssignmentRuleRow } from '../../storage/schema.ts'
import { assignedAgentOf } from '../fleet/registrations.ts'
import type { RegistrationStore } from '../fleet/store.ts'
import type { StreamLog } from '../stream/log.ts'
import { type Assignment, resolveAssignment } from './resolve.ts'
import { type RuleStore, ruleOf } from './store.ts'

export interface RuleInput {
  /** From 0; the lowest number is tried first, and no two rules of a tenant share one. */
  readonly priority: number
  readonly pattern: string
  readonly tagMatch: Readonly<Record<string, unknown>> | null
  readonly bundleName: string
  readonly env: string
}

/** Absent or undefined means unchanged. */
export type RuleChange = { readonly [K in keyof RuleInput]?: RuleInput[K] | undefined }

export interface Rules {
  list(caller: UserCaller): Promise<AssignmentRuleRow[]>
  /** @throws Conflict for a priority that is taken, BadRequest for a pattern with other than printable ASCII or with a slash. */
  create(caller: UserCaller, input: RuleInput): Promise<AssignmentRuleRow>
  /** @throws as `create`, and NotFound. */
  update(caller: UserCaller, id: string, change: RuleChange): Promise<AssignmentRuleRow>
  /** @throws NotFound. */
  remove(caller: UserCaller, id: string): Promise<void>
  /** What an agent would run, registered or not. `env` null: by the rules of any environment. */
  resolve(caller: UserCaller, agentId: string, env: string | null): Promise<Assignment>
  /** What an agent runs in an environment; `offered` is the bundle it named itself. */
  resolveFor(tenantId: string, agentId: string, env: string, offered?: string | null): Promise<Assignment>
}

/** The rules that give agents their bundles (console-api §8.9). */
export function assignmentRules(deps: {
  store: RuleStore
  registrations: RegistrationStore
  log: StreamLog
  clock: Clock
  random: Random
}): Rules {
  const { store, registrations, log, clock, random } = deps

  const changed = (tenantId: string, ruleId: string, action: 'created' | 'updated' | 'deleted') => ({
    tenantId,
    type: 'assignment_changed',
    data: { rule_id: ruleId, action },
    dashboard: true,
  })

  async function resolveNow(
    tenantId: string,
    agentId: string,
    env: string | null,
    offered: string | null,
  ): Promise<Assignment> {
    const [row, rules] = await Promise.all([registrations.find(tenantId, agentId), store.list(tenantId)])
    const agent = row ? assignedAgentOf(row) : { agentId, bundleName: null, tags: {} }
    return resolveAssignment(agent, rules.map(ruleOf), env, offered)
  }

  return {
    list: (caller) => store.list(caller.tenantId),

    async create({ tenantId }, input) {
      requirePattern(input.pattern)
      const now = microsOf(clock.now())
      const row: AssignmentRuleRow = {
        id: random.uuid(),
        tenant_id: tenantId,
        ...columnsOf(input),
        created_at: now,
        updated_at: now,
      }
      await orConflict(
        `Priority ${input.priority} already exists for this tenant`,
        log.transact(async (within, emit) => {
          await store.insert(row, within)
          emit(changed(tenantId, row.id, 'created'))
        }),
      )
      return row
    },

    async update({ tenantId }, id, change) {
      if (change.pattern !== undefined) requirePattern(change.pattern)
      return orConflict(
        'Priority conflict',
        log.transact(async (within, emit) => {
          const before = await store.find(tenantId, id, within)
          if (!before) throw new NotFound('Rule not found')
          const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined))
          const after = {
            ...before,
            ...columnsOf({ ...ruleOf(before), ...given }),
            updated_at: microsOf(clock.now()),
          }
          await store.update(after, within)
          emit(changed(tenantId, id, 'updated'))
          return after
        }),
      )
    },

    remove: ({ tenantId }, id) =>
      log.transact(async (within, emit) => {
        if (!(await store.remove(tenantId, id, within))) throw new NotFound('Rule not found')
        emit(changed(tenantId, id, 'deleted'))
      }),

    resolve: ({ tenantId }, agentId, env) => resolveNow(tenantId, agentId, env, null),
    resolveFor: (tenantId, agentId, env, offered = null) => resolveNow(tenantId, agentId, env, offered),
  }
}

const columnsOf = ({ priority, pattern, tagMatch, bundleName, env }: RuleInput) => ({
  priority,
  pattern,
  tag_match: tagMatch === null ? null : JSON.stringify(tagMatch),
  bundle_name: bundleName,
  env,
})

function requirePattern(pattern: string): void {
  if (!/^[\x20-\x7e]{1,200}$/.test(pattern)) throw new BadRequest('Pattern must be 1-200 printable ASCII characters')
  if (/[/\\]/.test(pattern)) throw new BadRequest('Pattern must not contain path separators or null bytes')
}

async function orConflict<T>(message: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw isUniqueViolation(error) ? new Conflict(message) : error
  }
}
