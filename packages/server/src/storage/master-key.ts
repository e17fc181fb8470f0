import { StartupError } from '../errors.ts'
import type { SecretBox } from '../ports/secret-box.ts'
import type { Database } from './database.ts'

/** The row of `settings` that holds the sealed word. */
export const MASTER_KEY_PROOF = 'master_key_proof'
const PROOF = 'lictor'

/**
 * Make sure that the master key is the one the secrets in this database were sealed under: a server with another would start,
 * and fail later, one secret at a time. The first start leaves a sealed word to check by.
 * @throws StartupError when it is another key.
 */
export async function proveMasterKey({ db }: Database, box: SecretBox): Promise<void> {
  const find = () => db.selectFrom('settings').select('value').where('name', '=', MASTER_KEY_PROOF).executeTakeFirst()
  if (!(await find())) {
    const value = sealedProof(box)
    await db
      .insertInto('settings')
      .values({ name: MASTER_KEY_PROOF, value })
      .onConflict((conflict) => conflict.doNothing())
      .execute()
  }
  // Read again: of servers that start together with different keys, one was first.
  requireOwn(box, (await find())?.value ?? '')
}

/** As `proveMasterKey`, and nothing is left: a database that no server has started on fits every key. @throws StartupError */
export async function checkMasterKey({ db }: Database, box: SecretBox): Promise<void> {
  const tables = await db.introspection.getTables()
  if (!tables.some(({ name }) => name === 'settings')) return
  const proof = await db.selectFrom('settings').select('value').where('name', '=', MASTER_KEY_PROOF).executeTakeFirst()
  if (proof) requireOwn(box, proof.value)
}

function requireOwn(box: SecretBox, proof: string): void {
  if (opensProof(box, proof)) return
  throw new StartupError(
    'master_key',
    'The master key is not the one this database was written under. Put back the master.key (or LICTOR_MASTER_KEY) that belongs to it.',
  )
}

/** What is written to tell the key by. */
export const sealedProof = (box: SecretBox): string => Buffer.from(box.seal(Buffer.from(PROOF))).toString('base64')

export function opensProof(box: SecretBox, sealed: string): boolean {
  try {
    return Buffer.from(box.open(Buffer.from(sealed, 'base64'))).toString() === PROOF
  } catch {
    return false
  }
}
