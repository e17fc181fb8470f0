import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { startServer } from './main.ts'
import { checkStart } from './start-check.ts'
import { openSqlite } from './storage/sqlite.ts'

const folder = () => mkdtempSync(join(tmpdir(), 'lictor-check-'))
type Environment = Record<string, string>

const settings = (more: Environment = {}): Environment => ({
  LICTOR_DATA_DIR: folder(),
  LICTOR_PORT: '0',
  LICTOR_LOG_LEVEL: 'silent',
  ...more,
})

/** A port that somebody listens on. */
async function occupied(): Promise<{ port: number; server: Server }> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { port: (server.address() as { port: number }).port, server }
}

/** A port that nobody listens on. */
async function vacant(): Promise<number> {
  const { port, server } = await occupied()
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** A data folder that a server has been in. */
async function lived(): Promise<Environment> {
  const environment = settings()
  const { server } = await startServer(environment)
  await server.close()
  return environment
}

const refusals: readonly [name: string, environment: () => Promise<Environment>][] = [
  ['a value that a setting does not take', async () => settings({ LICTOR_PORT: 'eight' })],
  ['a setting that does not exist', async () => settings({ LICTOR_DATADIR: '/tmp' })],
  [
    'a data folder that is a file',
    async () => {
      const file = join(folder(), 'file')
      writeFileSync(file, '')
      return settings({ LICTOR_DATA_DIR: join(file, 'data') })
    },
  ],
  ['a master key that is none', async () => settings({ LICTOR_MASTER_KEY: 'abc' })],
  ['a master key of another database', async () => ({ ...(await lived()), LICTOR_MASTER_KEY: 'ab'.repeat(32) })],
  [
    'a database of a newer version',
    async () => {
      const environment = await lived()
      const database = openSqlite(join(environment.LICTOR_DATA_DIR ?? '', 'lictor.db'))
      await sql`insert into kysely_migration values ('9999-later', '2026-01-01T00:00:00.000Z')`.execute(database.db)
      await database.close()
      return environment
    },
  ],
  ['a host name that does not resolve', async () => settings({ LICTOR_HOST: 'nosuch.invalid' })],
  ['an address of no interface', async () => settings({ LICTOR_HOST: '192.0.2.1' })],
  ['an address that is none', async () => settings({ LICTOR_HOST: '[::1]' })],
  ['a PostgreSQL that is away', async () => settings({ DATABASE_URL: `postgres://a:b@127.0.0.1:${await vacant()}/c` })],
  ['a Redis that is away', async () => settings({ REDIS_URL: `redis://127.0.0.1:${await vacant()}` })],
]

describe('what a start would refuse is known before', () => {
  it.each(refusals)('%s, in the words of the start', async (_, prepare) => {
    const environment = await prepare()
    const refusal = await startServer(environment).then(
      ({ server }) => server.close().then(() => 'it started'),
      (error: Error) => error.message,
    )
    const said = (await checkStart(environment)).filter((check) => check.refusal !== null)
    // What the system says beside the sentence names the folder that failed, which the start makes one after the other.
    const plain = (text: string | null) => text?.replace(/: (E[A-Z]+: |').*?\. Name a folder/, ': …. Name a folder')
    expect(said.map((check) => plain(check.refusal))).toEqual([plain(refusal)])
  })

  it('a port in use', async () => {
    const { port, server } = await occupied()
    const environment = settings({ LICTOR_PORT: String(port) })
    await expect(startServer(environment)).rejects.toThrow(`Port ${port} on 127.0.0.1 is in use`)
    expect((await checkStart(environment)).find(({ check }) => check === 'port')).toMatchObject({
      check: 'port',
      refusal: expect.stringContaining(`Port ${port} on 127.0.0.1 is in use`),
    })
    server.close()
  })

  it.each([
    ['nosuch.invalid', "LICTOR_HOST is 'nosuch.invalid', a name that this machine cannot resolve."],
    ['192.0.2.1', "LICTOR_HOST is '192.0.2.1', which is no address of this machine."],
  ])('a host that cannot be listened on (%s) is named before the database is touched', async (host, words) => {
    const environment = settings({ LICTOR_HOST: host })
    await expect(startServer(environment)).rejects.toThrow(words)
    expect(readdirSync(environment.LICTOR_DATA_DIR ?? '')).not.toContain('lictor.db')
  })

  it('a port in use is refused before the database is touched', async () => {
    const { port, server } = await occupied()
    const environment = settings({ LICTOR_PORT: String(port) })
    await expect(startServer(environment)).rejects.toThrow('set LICTOR_PORT')
    expect(readdirSync(environment.LICTOR_DATA_DIR ?? '')).not.toContain('lictor.db')
    server.close()
  })

  it('nothing is refused where a start succeeds, and nothing is made', async () => {
    const empty = settings()
    expect((await checkStart(empty)).map((check) => check.refusal)).toEqual([null, null, null])
    expect(readdirSync(empty.LICTOR_DATA_DIR ?? '')).toEqual([])
    expect((await checkStart(await lived())).map((check) => check.refusal)).toEqual([null, null, null])
  })
})
