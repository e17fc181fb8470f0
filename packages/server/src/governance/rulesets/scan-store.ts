import type { TenantScope } from '../../identity/scope.ts'
import type { Database } from '../../storage/database.ts'
import type { Micros } from '../../storage/instants.ts'

/** The newest report of one key about one folder of skills. */
export interface SkillScan {
  readonly keyId: string
  readonly env: string
  readonly skillsDir: string
  /** As it was sent. */
  readonly report: Readonly<Record<string, unknown>>
  readonly receivedAt: Micros
}

export interface ScanStore {
  /** In place of the one before it; of a key's many the oldest go. */
  keep(scope: TenantScope, scan: SkillScan): Promise<void>
  /** Newest first. */
  list(scope: TenantScope): Promise<SkillScan[]>
}

/** Folders that one key may have reports about. */
const MOST_OF_KEY = 1_000
const MOST_LISTED = 200

export function createScanStore({ db }: Database): ScanStore {
  return {
    async keep({ tenantId }, { keyId, env, skillsDir, report, receivedAt }) {
      const kept = { env, report: JSON.stringify(report), received_at: receivedAt }
      await db.transaction().execute(async (within) => {
        await within
          .insertInto('skill_scans')
          .values({ tenant_id: tenantId, key_id: keyId, skills_dir: skillsDir, ...kept })
          .onConflict((conflict) => conflict.columns(['tenant_id', 'key_id', 'skills_dir']).doUpdateSet(kept))
          .execute()
        const ofKey = within.selectFrom('skill_scans').where('tenant_id', '=', tenantId).where('key_id', '=', keyId)
        const oldestKept = await ofKey
          .select('received_at')
          .orderBy('received_at', 'desc')
          .offset(MOST_OF_KEY - 1)
          .limit(1)
          .executeTakeFirst()
        if (!oldestKept) return
        await within
          .deleteFrom('skill_scans')
          .where('tenant_id', '=', tenantId)
          .where('key_id', '=', keyId)
          .where('received_at', '<', oldestKept.received_at)
          .execute()
      })
    },
    async list({ tenantId }) {
      const rows = await db
        .selectFrom('skill_scans')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .orderBy('received_at', 'desc')
        .orderBy('skills_dir')
        .limit(MOST_LISTED)
        .execute()
      return rows.map((row) => ({
        keyId: row.key_id,
        env: row.env,
        skillsDir: row.skills_dir,
        report: JSON.parse(row.report) as Record<string, unknown>,
        receivedAt: row.received_at,
      }))
    },
  }
}
