import type { Database, Queryable } from '../../storage/database.ts'
import type { AssignmentRuleRow } from '../../storage/schema.ts'
import type { AssignmentRule } from './resolve.ts'

export interface RuleStore {
  /** By ascending priority. */
  list(tenantId: string, within?: Queryable): Promise<AssignmentRuleRow[]>
  find(tenantId: string, id: string, within: Queryable): Promise<AssignmentRuleRow | undefined>
  /** @throws on a priority that is taken. */
  insert(row: AssignmentRuleRow, within: Queryable): Promise<void>
  update(row: AssignmentRuleRow, within: Queryable): Promise<void>
  /** False when there is no such rule. */
  remove(tenantId: string, id: string, within: Queryable): Promise<boolean>
}

export function ruleStore({ db }: Database): RuleStore {
  return {
    list: (tenantId, within = db) =>
      within.selectFrom('assignment_rules').selectAll().where('tenant_id', '=', tenantId).orderBy('priority').execute(),
    find: (tenantId, id, within) =>
      within
        .selectFrom('assignment_rules')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .executeTakeFirst(),
    async insert(row, within) {
      await within.insertInto('assignment_rules').values(row).execute()
    },
    async update({ id, tenant_id, ...changed }, within) {
      await within
        .updateTable('assignment_rules')
        .set(changed)
        .where('tenant_id', '=', tenant_id)
        .where('id', '=', id)
        .execute()
    },
    async remove(tenantId, id, within) {
      const result = await within
        .deleteFrom('assignment_rules')
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .executeTakeFirst()
      return Number(result.numDeletedRows) === 1
    },
  }
}

export const ruleOf = (row: AssignmentRuleRow): AssignmentRule => ({
  id: row.id,
  priority: row.priority,
  pattern: row.pattern,
  tagMatch: row.tag_match === null ? null : (JSON.parse(row.tag_match) as Record<string, unknown>),
  bundleName: row.bundle_name,
  env: row.env,
})
