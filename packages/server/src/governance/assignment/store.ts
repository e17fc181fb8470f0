import type { TenantScope } from '../../identity/scope.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import type { Micros } from '../../storage/instants.ts'
import { prepared } from '../../storage/prepared.ts'
import type { AssignmentRuleRow } from '../../storage/schema.ts'
import type { AssignmentRule } from './resolve.ts'

/** A rule as it is kept. */
export interface StoredRule extends AssignmentRule {
  readonly tenantId: string
  readonly createdAt: Micros
  readonly updatedAt: Micros
}

export interface RuleStore {
  /** By ascending priority. */
  list(scope: TenantScope, within?: Queryable): Promise<StoredRule[]>
  find(scope: TenantScope, id: string, within: Queryable): Promise<StoredRule | undefined>
  /** @throws on a priority that is taken. */
  insert(rule: StoredRule, within: Queryable): Promise<void>
  update(rule: StoredRule, within: Queryable): Promise<void>
  /** False when there is no such rule. */
  remove(scope: TenantScope, id: string, within: Queryable): Promise<boolean>
}

export function createRuleStore({ db }: Database): RuleStore {
  const selectAll = prepared((on, { tenantId }: { tenantId: string }) =>
    on.selectFrom('assignment_rules').selectAll().where('tenant_id', '=', tenantId).orderBy('priority'),
  )
  return {
    async list({ tenantId }, within = db) {
      return (await selectAll(within, { tenantId })).map(ruleOf)
    },
    async find({ tenantId }, id, within) {
      const row = await within
        .selectFrom('assignment_rules')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .executeTakeFirst()
      return row && ruleOf(row)
    },
    async insert(rule, within) {
      await within.insertInto('assignment_rules').values(rowOf(rule)).execute()
    },
    async update(rule, within) {
      const { id, tenant_id, ...changed } = rowOf(rule)
      await within
        .updateTable('assignment_rules')
        .set(changed)
        .where('tenant_id', '=', tenant_id)
        .where('id', '=', id)
        .execute()
    },
    async remove({ tenantId }, id, within) {
      const result = await within
        .deleteFrom('assignment_rules')
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .executeTakeFirst()
      return Number(result.numDeletedRows) === 1
    },
  }
}

const rowOf = (rule: StoredRule): AssignmentRuleRow => ({
  id: rule.id,
  tenant_id: rule.tenantId,
  priority: rule.priority,
  pattern: rule.pattern,
  tag_match: rule.tagMatch === null ? null : JSON.stringify(rule.tagMatch),
  bundle_name: rule.bundleName,
  env: rule.env,
  created_at: rule.createdAt,
  updated_at: rule.updatedAt,
})

const ruleOf = (row: AssignmentRuleRow): StoredRule => ({
  id: row.id,
  tenantId: row.tenant_id,
  priority: row.priority,
  pattern: row.pattern,
  tagMatch: row.tag_match === null ? null : (JSON.parse(row.tag_match) as Record<string, unknown>),
  bundleName: row.bundle_name,
  env: row.env,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
})
