/** A server with keys of several tenants, because one tenant may post 10,000 batches a minute. Prints its address and the keys. */
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { createServer, readConfig } from '@lictor/server'
import pino from 'pino'

const TENANTS = 4
const server = await createServer(readConfig(process.env), pino({ level: 'error' }), { consoleDir: null })
const keys: string[] = []
for (let tenant = 0; tenant < TENANTS; tenant++) {
  const id = randomUUID()
  const secret = randomBytes(32).toString('base64url')
  const key = `edk_production_${secret}`
  await server.database.db.insertInto('tenants').values({ id, slug: id, name: id, created_at: 0 }).execute()
  await server.database.db
    .insertInto('api_keys')
    .values({
      id: randomUUID(),
      tenant_id: id,
      prefix: `edk_production_${secret.slice(0, 8)}`,
      key_hash: createHash('sha256').update(key).digest('hex'),
      env: 'production',
      label: null,
      revoked_at: null,
      created_at: 0,
      client: 'contracts',
      signature: null,
    })
    .execute()
  keys.push(key)
}
const address = await server.listen()
process.stdout.write(`${JSON.stringify({ address, keys })}\n`)
process.once('SIGTERM', () => void server.close().then(() => process.exit(0)))
