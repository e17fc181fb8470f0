import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { scratchFolder } from './scratch.ts'

export interface PostgresServer {
  /** Up to the database name, for example `postgres://postgres@127.0.0.1:5432`. */
  readonly url: string
  stop(): Promise<void>
}

/**
 * Start a PostgreSQL of one's own: own folder, free port, loopback. Null where none is installed.
 * Tests do not wait for the disk; `durable` does, as in production.
 */
export async function startPostgres(options: { durable: boolean }): Promise<PostgresServer | null> {
  const binaries = findBinaries()
  if (!binaries) return null
  const folder = options.durable ? mkdtempSync(join(tmpdir(), 'lictor-pg-')) : scratchFolder('lictor-pg-')
  const asUser = serverUser()
  if (asUser) chownSync(folder, asUser.uid, asUser.gid)
  const data = join(folder, 'data')
  execFileSync(
    join(binaries, 'initdb'),
    ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale', 'C.UTF-8', '--no-sync'],
    {
      ...asUser,
      stdio: 'ignore',
    },
  )
  const port = await freePort()
  const settings = ['listen_addresses=127.0.0.1', `fsync=${options.durable ? 'on' : 'off'}`, 'max_connections=300']
  const server = spawn(
    join(binaries, 'postgres'),
    ['-D', data, '-p', String(port), '-k', folder, ...settings.flatMap((setting) => ['-c', setting])],
    { ...asUser, stdio: 'ignore' },
  )
  const url = `postgres://postgres@127.0.0.1:${port}`
  await untilItAnswers(`${url}/postgres`, server)
  return {
    url,
    async stop() {
      const ended = new Promise((resolve) => server.once('exit', resolve))
      server.kill('SIGINT')
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function findBinaries(): string | null {
  const root = '/usr/lib/postgresql'
  if (!existsSync(root)) return null
  const versions = readdirSync(root).sort((a, b) => Number(b) - Number(a))
  return (
    versions.map((version) => join(root, version, 'bin')).find((folder) => existsSync(join(folder, 'initdb'))) ?? null
  )
}

/** Path of a program that comes with PostgreSQL; null where none is installed. */
export function postgresBinary(name: string): string | null {
  const binaries = findBinaries()
  return binaries && join(binaries, name)
}

/** PostgreSQL refuses to run as root. */
function serverUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres']).toString())
  return { uid: id('-u'), gid: id('-g') }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}

async function untilItAnswers(url: string, server: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (server.exitCode !== null) throw new Error(`PostgreSQL ended with code ${server.exitCode} while starting.`)
    const client = new pg.Client({ connectionString: url })
    try {
      await client.connect()
      await client.end()
      return
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
  throw new Error('PostgreSQL did not answer within 10 seconds.')
}
