import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, inject, it, vi } from 'vitest'
import { hasRedis, startRedis } from './redis.ts'

// Processes that read their TypeScript anew: on a busy machine that takes its time, and no test fails for it.
vi.setConfig({ testTimeout: 180_000 })

const bin = fileURLToPath(new URL('../../cli/src/bin.ts', import.meta.url))
const running: ChildProcess[] = []
const listening: Server[] = []
const sockets: Socket[] = []
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL')
  for (const socket of sockets.splice(0)) socket.destroy()
  for (const server of listening.splice(0)) server.close()
})

async function listen(): Promise<{ port: number; server: Server }> {
  const server = createServer((socket) => void sockets.push(socket))
  listening.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { port: (server.address() as { port: number }).port, server }
}

/** `lictor` as a process of its own. */
function lictor(parameters: readonly string[], environment: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, ['--conditions=@lictor/source', bin, ...parameters], {
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      LICTOR_DATA_DIR: mkdtempSync(join(tmpdir(), 'lictor-refused-')),
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.push(child)
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (said += text.toString()))
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, said }))
  return { child, ended }
}

describe('a start that is refused ends the process', () => {
  it.skipIf(inject('postgresUrl') === '')('with PostgreSQL open', async () => {
    const { port, server } = await listen()
    server.close()
    const { ended } = lictor(['up'], {
      DATABASE_URL: `${inject('postgresUrl')}/postgres`,
      REDIS_URL: `redis://127.0.0.1:${port}`,
      LICTOR_PORT: '0',
    })
    const { code, said } = await ended
    expect([code, said]).toEqual([1, expect.stringContaining('Redis at REDIS_URL does not answer')])
  })

  it('with an address that somebody else listens on, or that is none of this machine', async () => {
    const { port } = await listen()
    for (const [more, words] of [
      [{ LICTOR_PORT: `${port}` }, `Port ${port} on 127.0.0.1 is in use`],
      [{ LICTOR_PORT: '0', LICTOR_HOST: 'nosuch.invalid' }, "LICTOR_HOST is 'nosuch.invalid'"],
    ] as const) {
      const { code, said } = await lictor(['up'], more).ended
      expect([code, said]).toEqual([1, expect.stringContaining(words)])
    }
  })

  it.skipIf(!hasRedis)('with Redis open', async () => {
    const redis = await startRedis()
    try {
      const dataDir = mkdtempSync(join(tmpdir(), 'lictor-refused-'))
      const environment = { LICTOR_DATA_DIR: dataDir, LICTOR_PORT: '0' }
      const before = lictor(['up'], environment)
      await new Promise<void>((resolve) =>
        before.child.stdout.on('data', (text: Buffer) => text.includes('Lictor is up') && resolve()),
      )
      before.child.kill('SIGTERM')
      await before.ended
      const other = { REDIS_URL: redis.url, LICTOR_MASTER_KEY: 'ab'.repeat(32) }
      const { code, said } = await lictor(['up'], { ...environment, ...other }).ended
      expect([code, said]).toEqual([1, expect.stringContaining('master key')])
    } finally {
      await redis.kill()
    }
  })

  it.skipIf(!hasRedis || inject('postgresUrl') === '')('with Redis open and a PostgreSQL that is away', async () => {
    const redis = await startRedis()
    try {
      const { port, server } = await listen()
      server.close()
      const { code } = await lictor(['up'], {
        REDIS_URL: redis.url,
        DATABASE_URL: `postgres://a:b@127.0.0.1:${port}/c`,
        LICTOR_PORT: '0',
      }).ended
      expect(code).toBe(1)
    } finally {
      await redis.kill()
    }
  })
})

it('SIGTERM ends a start that still waits for its database', async () => {
  const { port, server } = await listen()
  const connected = once(server, 'connection')
  const { child, ended } = lictor(['up'], { DATABASE_URL: `postgres://a:b@127.0.0.1:${port}/c`, LICTOR_PORT: '0' })
  await connected
  child.kill('SIGTERM')
  expect((await ended).signal).toBe('SIGTERM')
})

it('SIGTERM ends a command that waits for a server', async () => {
  const { port, server } = await listen()
  const connected = once(server, 'connection')
  const { child, ended } = lictor(['key', 'list'], { LICTOR_URL: `http://127.0.0.1:${port}`, LICTOR_TOKEN: 'x' })
  await connected
  child.kill('SIGTERM')
  expect((await ended).signal).toBe('SIGTERM')
})

it('a second server on a data folder is refused; doctor finds nothing wrong beside the one that runs', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'lictor-held-'))
  const environment = { LICTOR_DATA_DIR: dataDir, LICTOR_PORT: '0' }
  const first = lictor(['up'], environment)
  await new Promise<void>((resolve) =>
    first.child.stdout.on('data', (text: Buffer) => text.includes('Lictor is up') && resolve()),
  )
  const second = await lictor(['up'], environment).ended
  expect(second.code).toBe(1)
  const { said } = await lictor(['doctor', '--json'], environment).ended
  expect(JSON.parse(said)).toMatchObject({ ok: true })
  first.child.kill('SIGTERM')
  expect((await first.ended).code).toBe(0)
})
