/**
 * Rotates the master key of a data folder and kills this very process, as `kill -9` does, before the step of a number: a statement of
 * the database, or putting the key file in its place. Exits with 0 when there were fewer steps.
 *
 * node rotate-and-die.ts DATA_DIR STEP [DATABASE_URL]
 */
import { renameSync } from 'node:fs'
import type { KyselyPlugin } from 'kysely'
import { readConfig } from '../src/config.ts'
import { openDatabase } from '../src/open-database.ts'
import { rotateMasterKey } from '../src/rotate-master-key.ts'

const [dataDir = '', step = '', databaseUrl = ''] = process.argv.slice(2)
let left = Number(step)
function maybeDie(): void {
  if (left-- === 0) process.kill(process.pid, 'SIGKILL')
}
const killer: KyselyPlugin = {
  transformQuery: ({ node }) => {
    maybeDie()
    return node
  },
  transformResult: async ({ result }) => result,
}
const config = readConfig({ LICTOR_DATA_DIR: dataDir, ...(databaseUrl ? { DATABASE_URL: databaseUrl } : {}) })
const database = await openDatabase(config, { warn: () => {} })
const options = { ...config, isFromEnvironment: false, newKeyFile: null, now: Date.now() * 1000 }
await rotateMasterKey({ ...database, db: database.db.withPlugin(killer) }, options, (next, file) => {
  maybeDie()
  renameSync(next, file)
  maybeDie()
})
await database.close()
