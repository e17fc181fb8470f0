import { sql } from 'kysely'
import type { TenantScope } from '../../identity/scope.ts'
import type { ChatProvider } from '../../ports/chat-model.ts'
import type { Database } from '../../storage/database.ts'
import { stretchOf } from '../../storage/expressions.ts'
import type { Micros } from '../../storage/instants.ts'
import type { Usage } from './usage.ts'

const DAY = 86_400_000_000

/** A tenant's settings as they are stored, the key still sealed. */
export interface StoredSettings {
  readonly provider: ChatProvider
  readonly apiKeySealed: Uint8Array | null
  readonly model: string | null
  readonly baseUrl: string | null
}

export interface DayOfUse {
  /** The first instant of the day, UTC. */
  readonly start: Micros
  readonly inputTokens: number
  readonly outputTokens: number
  /** Millionths of a dollar; null when no price of the day was known. */
  readonly cost: number | null
  readonly queries: number
}

export interface AssistantStore {
  find(scope: TenantScope): Promise<StoredSettings | undefined>
  save(scope: TenantScope, settings: StoredSettings, by: { readonly at: Micros; readonly who: string }): Promise<void>
  remove(scope: TenantScope): Promise<void>
  recordUsage(scope: TenantScope, usage: Usage, at: Micros): Promise<void>
  /** Ascending; days without use are absent. */
  usageByDay(scope: TenantScope, since: Micros): Promise<DayOfUse[]>
  /** Mean over the requests of output tokens a second; 0 when there are none. */
  averageSpeed(scope: TenantScope, since: Micros): Promise<number>
  purgeUsage(before: Micros): Promise<void>
  /** Tools by calls since, most called first. */
  toolsUsed(
    scope: TenantScope,
    since: Micros,
    limit: number,
  ): Promise<{ toolName: string; calls: number; denied: number }[]>
}

export function createAssistantStore({ db }: Database): AssistantStore {
  return {
    async find({ tenantId }) {
      const row = await db.selectFrom('ai_settings').selectAll().where('tenant_id', '=', tenantId).executeTakeFirst()
      return (
        row && {
          provider: row.provider as ChatProvider,
          apiKeySealed: row.api_key_sealed,
          model: row.model,
          baseUrl: row.base_url,
        }
      )
    },
    async save({ tenantId }, settings, { at, who }) {
      const values = {
        provider: settings.provider,
        api_key_sealed: settings.apiKeySealed,
        model: settings.model,
        base_url: settings.baseUrl,
        updated_at: at,
        updated_by: who,
      }
      await db
        .insertInto('ai_settings')
        .values({ tenant_id: tenantId, ...values })
        .onConflict((conflict) => conflict.column('tenant_id').doUpdateSet(values))
        .execute()
    },
    async remove({ tenantId }) {
      await db.deleteFrom('ai_settings').where('tenant_id', '=', tenantId).execute()
    },
    async recordUsage({ tenantId }, usage, at) {
      await db
        .insertInto('ai_usage')
        .values({
          tenant_id: tenantId,
          provider: usage.provider,
          model: usage.model,
          input_tokens: usage.inputTokens,
          output_tokens: usage.outputTokens,
          duration_ms: usage.durationMs,
          cost: usage.cost,
          request_type: usage.requestType,
          created_at: at,
        })
        .execute()
    },
    async usageByDay({ tenantId }, since) {
      const start = stretchOf('created_at', DAY)
      const rows = await db
        .selectFrom('ai_usage')
        .where('tenant_id', '=', tenantId)
        .where('created_at', '>=', since)
        .select((e) => [
          start.as('start'),
          e.fn.sum<number>('input_tokens').as('input_tokens'),
          e.fn.sum<number>('output_tokens').as('output_tokens'),
          e.fn.sum<number | null>('cost').as('cost'),
          e.fn.countAll<number>().as('queries'),
        ])
        .groupBy(start)
        .orderBy(start)
        .execute()
      return rows.map((row) => ({
        start: Number(row.start),
        inputTokens: Number(row.input_tokens),
        outputTokens: Number(row.output_tokens),
        cost: row.cost === null ? null : Number(row.cost),
        queries: Number(row.queries),
      }))
    },
    async averageSpeed({ tenantId }, since) {
      const row = await db
        .selectFrom('ai_usage')
        .where('tenant_id', '=', tenantId)
        .where('created_at', '>=', since)
        .where('duration_ms', '>', 0)
        .select(sql<number | null>`avg(output_tokens * 1000.0 / duration_ms)`.as('speed'))
        .executeTakeFirst()
      return Number(row?.speed ?? 0)
    },
    async purgeUsage(before) {
      await db.deleteFrom('ai_usage').where('created_at', '<', before).execute()
    },
    async toolsUsed({ tenantId }, since, limit) {
      const rows = await db
        .selectFrom('events')
        .where('tenant_id', '=', tenantId)
        .where('timestamp', '>=', since)
        .select((e) => [
          'tool_name',
          e.fn.countAll<number>().as('calls'),
          sql<number>`sum(case when verdict = 'call_denied' then 1 else 0 end)`.as('denied'),
        ])
        .groupBy('tool_name')
        .orderBy('calls', 'desc')
        .orderBy('tool_name')
        .limit(limit)
        .execute()
      return rows.map((row) => ({
        toolName: row.tool_name,
        calls: Number(row.calls),
        denied: Number(row.denied),
      }))
    },
  }
}
