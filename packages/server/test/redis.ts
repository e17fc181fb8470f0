import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createServer } from 'node:net'
import { Redis } from 'ioredis'

/** Whether redis-server is installed. In CI its absence fails. */
export const hasRedis: boolean = (() => {
  const found = spawnSync('redis-server', ['--version']).status === 0
  if (!found && process.env.CI) throw new Error('redis-server is not installed, and CI runs its suites.')
  if (!found) console.warn('redis-server is not installed: its suites are skipped.')
  return found
})()

export interface RedisProcess {
  readonly url: string
  /** End it at once, keeping its port. */
  kill(): Promise<void>
  /** Start it again on the same port, empty. */
  revive(): Promise<void>
}

/** A Redis of a test's own, on a free loopback port, keeping nothing. */
export async function startRedis(): Promise<RedisProcess> {
  const port = await freePort()
  const url = `redis://127.0.0.1:${port}`
  let child: ChildProcess
  async function revive(): Promise<void> {
    child = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'], {
      stdio: 'ignore',
    })
    const probe = new Redis(url, { retryStrategy: () => 20, maxRetriesPerRequest: null })
    probe.on('error', () => {})
    await probe.ping()
    probe.disconnect()
  }
  await revive()
  return {
    url,
    revive,
    async kill() {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGKILL')
      await ended
    },
  }
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
