import type { Database, Queryable } from '../../storage/database.ts'
import type { Micros } from '../../storage/instants.ts'

/** A secret that codes of time are made from. */
export interface TotpSecret {
  readonly sealed: Uint8Array
  /** Null: begun, and not in force yet. */
  readonly confirmedAt: Micros | null
}

export interface SecondFactorStore {
  find(userId: string): Promise<TotpSecret | null>
  /** Begin anew; what was in force stays so until the new one is confirmed: false when one is. */
  begin(userId: string, sealed: Uint8Array): Promise<boolean>
  confirm(userId: string, at: Micros, codeHashes: readonly string[], within: Queryable): Promise<void>
  remove(userId: string, within: Queryable): Promise<void>
  /** Of a step of time one code is taken, once: false when one of it or of a later step was taken before. */
  takeStep(userId: string, step: number): Promise<boolean>
  /** False when there is no such code, or it was used. */
  takeRecoveryCode(userId: string, codeHash: string, at: Micros): Promise<boolean>
  countRecoveryCodes(userId: string): Promise<number>
}

export function createSecondFactorStore({ db }: Database): SecondFactorStore {
  return {
    async find(userId) {
      const row = await db
        .selectFrom('users')
        .select(['totp_sealed', 'totp_confirmed_at'])
        .where('id', '=', userId)
        .executeTakeFirst()
      return row?.totp_sealed ? { sealed: row.totp_sealed, confirmedAt: row.totp_confirmed_at } : null
    },
    async begin(userId, sealed) {
      const result = await db
        .updateTable('users')
        .set({ totp_sealed: sealed, totp_step: null })
        .where('id', '=', userId)
        .where('totp_confirmed_at', 'is', null)
        .executeTakeFirst()
      return Number(result.numUpdatedRows) === 1
    },
    async confirm(userId, at, codeHashes, within) {
      await within.updateTable('users').set({ totp_confirmed_at: at }).where('id', '=', userId).execute()
      await within.deleteFrom('recovery_codes').where('user_id', '=', userId).execute()
      await within
        .insertInto('recovery_codes')
        .values(codeHashes.map((code_hash) => ({ user_id: userId, code_hash, used_at: null })))
        .execute()
    },
    async remove(userId, within) {
      await within
        .updateTable('users')
        .set({ totp_sealed: null, totp_confirmed_at: null, totp_step: null })
        .where('id', '=', userId)
        .execute()
      await within.deleteFrom('recovery_codes').where('user_id', '=', userId).execute()
    },
    async takeStep(userId, step) {
      const result = await db
        .updateTable('users')
        .set({ totp_step: step })
        .where('id', '=', userId)
        .where((where) => where.or([where('totp_step', 'is', null), where('totp_step', '<', step)]))
        .executeTakeFirst()
      return Number(result.numUpdatedRows) === 1
    },
    async takeRecoveryCode(userId, codeHash, at) {
      const result = await db
        .updateTable('recovery_codes')
        .set({ used_at: at })
        .where('user_id', '=', userId)
        .where('code_hash', '=', codeHash)
        .where('used_at', 'is', null)
        .executeTakeFirst()
      return Number(result.numUpdatedRows) === 1
    },
    async countRecoveryCodes(userId) {
      const row = await db
        .selectFrom('recovery_codes')
        .select((e) => e.fn.countAll<number>().as('count'))
        .where('user_id', '=', userId)
        .where('used_at', 'is', null)
        .executeTakeFirstOrThrow()
      return Number(row.count)
    },
  }
}
