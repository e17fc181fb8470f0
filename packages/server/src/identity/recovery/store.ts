import type { Database, Queryable } from '../../storage/database.ts'
import type { Micros } from '../../storage/instants.ts'

/** Links by which somebody sets a new password. */
export interface PasswordLinkStore {
  insert(link: { tokenHash: string; userId: string; createdAt: Micros; expiresAt: Micros }): Promise<void>
  /** Whose it is, when it is good now. */
  find(tokenHash: string, now: Micros): Promise<string | null>
  /** Use it up, and whatever other link the person has: false when it was used or has run out. */
  use(tokenHash: string, now: Micros, within: Queryable): Promise<boolean>
  /** Those of a person that are left open nothing any more. */
  withdraw(userId: string, within: Queryable): Promise<void>
  purge(before: Micros): Promise<void>
}

export function createPasswordLinkStore({ db }: Database): PasswordLinkStore {
  return {
    async insert({ tokenHash, userId, createdAt, expiresAt }) {
      await db
        .insertInto('password_links')
        .values({ token_hash: tokenHash, user_id: userId, created_at: createdAt, expires_at: expiresAt, used_at: null })
        .execute()
    },
    async find(tokenHash, now) {
      const row = await db
        .selectFrom('password_links')
        .select('user_id')
        .where('token_hash', '=', tokenHash)
        .where('used_at', 'is', null)
        .where('expires_at', '>', now)
        .executeTakeFirst()
      return row?.user_id ?? null
    },
    async use(tokenHash, now, within) {
      const used = await within
        .updateTable('password_links')
        .set({ used_at: now })
        .where('token_hash', '=', tokenHash)
        .where('used_at', 'is', null)
        .where('expires_at', '>', now)
        .returning('user_id')
        .executeTakeFirst()
      if (!used) return false
      await within
        .updateTable('password_links')
        .set({ used_at: now })
        .where('user_id', '=', used.user_id)
        .where('used_at', 'is', null)
        .execute()
      return true
    },
    async withdraw(userId, within) {
      await within.deleteFrom('password_links').where('user_id', '=', userId).where('used_at', 'is', null).execute()
    },
    async purge(before) {
      await db.deleteFrom('password_links').where('expires_at', '<', before).execute()
    },
  }
}
