import type { StreamLog } from '../../changes/stream-log.ts'
import { BadRequest, Conflict, NotFound } from '../../errors.ts'
import type { UserCaller } from '../../identity/caller.ts'
import { scopeOf, type TenantScope } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import { isUniqueViolation } from '../../storage/database.ts'
import { microsOf } from '../../storage/instants.ts'
import { type AssignedAgent, type Assignment, type AssignmentRule, resolveAssignment } from './resolve.ts'
import type { RuleStore, StoredRule } from './store.ts'

export type RuleInput = Omit<AssignmentRule, 'id'>

/** Absent or undefined means unchanged. */
export type RuleChange = { readonly [K in keyof RuleInput]?: RuleInput[K] | undefined }

export interface Rules {
  list(caller: UserCaller): Promise<StoredRule[]>
  /** @throws Conflict for a priority that is taken, BadRequest for a pattern with other than printable ASCII or with a slash. */
  create(caller: UserCaller, input: RuleInput): Promise<StoredRule>
  /** @throws as `create`, and NotFound. */
  update(caller: UserCaller, id: string, change: RuleChange): Promise<StoredRule>
  /** @throws NotFound. */
  remove(caller: UserCaller, id: string): Promise<void>
  /** What an agent would run, registered or not. `env` null: by the rules of any environment. */
  resolve(caller: UserCaller, agentId: string, env: string | null): Promise<Assignment>
  /** What an agent runs in an environment; `offered` is the bundle it named itself. */
  resolveFor(scope: TenantScope, agentId: string, env: string, offered?: string | null): Promise<Assignment>
}

/** What the fleet knows of an agent, as far as assignments go. */
export interface RegisteredAgents {
  assigned(scope: TenantScope, agentId: string): Promise<AssignedAgent | undefined>
}

/** The rules that give agents their bundles. */
export function createRules(deps: {
  store: RuleStore
  registrations: RegisteredAgents
  log: StreamLog
  clock: Clock
  random: Random
}): Rules {
  const { store, registrations, log, clock, random } = deps

  const changed = (tenantId: string, ruleId: string, action: 'created' | 'updated' | 'deleted') => ({
    tenantId,
    type: 'assignment_changed' as const,
    data: { rule_id: ruleId, action },
    dashboard: true,
  })

  async function resolveNow(
    scope: TenantScope,
    agentId: string,
    env: string | null,
    offered: string | null,
  ): Promise<Assignment> {
    const [known, rules] = await Promise.all([registrations.assigned(scope, agentId), store.list(scope)])
    const agent = known ?? { agentId, bundleName: null, tags: {} }
    return resolveAssignment(agent, rules, env, offered)
  }

  return {
    list: (caller) => store.list(scopeOf(caller)),

    async create(caller, input) {
      requirePattern(input.pattern)
      const now = microsOf(clock.now())
      const rule: StoredRule = {
        ...input,
        id: random.uuid(),
        tenantId: caller.tenantId,
        createdAt: now,
        updatedAt: now,
      }
      await orConflict(
        `Priority ${input.priority} already exists for this tenant`,
        log.transact(async (within, emit) => {
          await store.insert(rule, within)
          emit(changed(caller.tenantId, rule.id, 'created'))
        }),
      )
      return rule
    },

    async update(caller, id, change) {
      if (change.pattern !== undefined) requirePattern(change.pattern)
      return orConflict(
        'Priority conflict',
        log.transact(async (within, emit) => {
          const before = await store.find(scopeOf(caller), id, within)
          if (!before) throw new NotFound('Rule not found')
          const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined))
          const after: StoredRule = { ...before, ...given, updatedAt: microsOf(clock.now()) }
          await store.update(after, within)
          emit(changed(caller.tenantId, id, 'updated'))
          return after
        }),
      )
    },

    remove: (caller, id) =>
      log.transact(async (within, emit) => {
        if (!(await store.remove(scopeOf(caller), id, within))) throw new NotFound('Rule not found')
        emit(changed(caller.tenantId, id, 'deleted'))
      }),

    resolve: (caller, agentId, env) => resolveNow(scopeOf(caller), agentId, env, null),
    resolveFor: (scope, agentId, env, offered = null) => resolveNow(scope, agentId, env, offered),
  }
}

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
