import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))
const lictor = join(root, 'packages/cli/dist/bin.js')
export const ADMIN = { email: 'admin@example.com', password: 'correct horse battery' } as const

/** The real server, started by its command, with a data folder of its own. */
export interface ServerProcess {
  readonly url: string
  readonly dataDir: string
  readonly environment: Readonly<Record<string, string>>
  readonly child: ChildProcess
  /** Everything it wrote so far. */
  log(): string
  /** SIGTERM, and wait; the exit code. */
  stop(): Promise<number | null>
  /** kill -9, and wait. */
  kill(): Promise<void>
}

export async function startServer(
  options: { environment?: Record<string, string>; dataDir?: string } = {},
): Promise<ServerProcess> {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'lictor-e2e-'))
  const environment = {
    LICTOR_PORT: '0',
    LICTOR_DATA_DIR: dataDir,
    LICTOR_LOG_LEVEL: 'info',
    LICTOR_LOG_FORMAT: 'json',
    ...options.environment,
  }
  const child = spawn(process.execPath, [lictor, 'up'], {
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const ready = new Promise<string>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      output += chunk.toString()
      const address = /"address":"(http[^"]+)"/.exec(output)?.[1]
      if (address) resolve(address)
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    child.once('exit', (code) => reject(new Error(`lictor up ended with code ${code}:\n${output}`)))
  })
  const url = await ready
  const ended = once(child, 'exit')
  return {
    url,
    dataDir,
    environment,
    child,
    log: () => output,
    async stop() {
      child.kill('SIGTERM')
      await ended
      return child.exitCode
    },
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** Run `lictor` to its end. */
export async function runLictor(
  args: readonly string[],
  environment: Record<string, string>,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [lictor, ...args], {
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...environment },
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
  })
  await once(child, 'close')
  return { code: child.exitCode, stdout, stderr }
}

/** A person at the console's API: signed in, with what the browser would send. */
export interface Administrator {
  readonly url: string
  readonly cookie: string
  call<T>(method: string, path: string, body?: unknown): Promise<T>
  /** Upload and deploy a bundle; its name. */
  deploy(yaml: string, env?: string): Promise<{ name: string; version: number }>
  createKey(env?: string, more?: object): Promise<string>
  /** Wait for the first pending approval. */
  pendingApproval(): Promise<{ id: string; tool_name: string; message: string }>
  decide(id: string, approved: boolean, reason?: string): Promise<void>
}

/** Create the first administrator (if there is none) and sign in. */
export async function administrator(url: string): Promise<Administrator> {
  const headers = { 'content-type': 'application/json', 'x-requested-with': 'e2e' }
  await fetch(`${url}/api/v1/setup`, { method: 'POST', headers, body: JSON.stringify(ADMIN) })
  const login = await fetch(`${url}/api/v1/auth/login`, { method: 'POST', headers, body: JSON.stringify(ADMIN) })
  if (!login.ok) throw new Error(`login answered ${login.status}: ${await login.text()}`)
  const cookie = login.headers.getSetCookie()[0]?.split(';')[0] ?? ''
  async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: { ...headers, cookie },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${text}`)
    return (text === '' ? null : JSON.parse(text)) as T
  }
  return {
    url,
    cookie,
    call,
    async deploy(yaml, env = 'production') {
      const { name, version } = await call<{ name: string; version: number }>('POST', '/api/v1/bundles', {
        yaml_content: yaml,
      })
      await call('POST', `/api/v1/bundles/${name}/${version}/deploy`, { env })
      return { name, version }
    },
    createKey: async (env = 'production', more = {}) =>
      (await call<{ key: string }>('POST', '/api/v1/keys', { env, label: 'e2e', ...more })).key,
    async pendingApproval() {
      return eventually(
        'an approval waits',
        async () =>
          (
            await call<{ id: string; tool_name: string; message: string }[]>('GET', '/api/v1/approvals?status=pending')
          )[0],
      )
    },
    async decide(id, approved, reason) {
      await call('PUT', `/api/v1/approvals/${id}`, { approved, reason: reason ?? null })
    },
  }
}

/** Ask until there is an answer; fails, naming what was awaited, after `seconds`. */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T | undefined | null | false>,
  seconds = 60,
): Promise<T> {
  const end = Date.now() + seconds * 1000
  let last: unknown
  while (Date.now() < end) {
    try {
      const answer = await ask()
      if (answer !== undefined && answer !== null && answer !== false) return answer
    } catch (error) {
      last = error
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`Waited ${seconds} s in vain: ${what}.${last instanceof Error ? ` Last: ${last.message}` : ''}`)
}

export const readExample = (path: string): string => readFileSync(join(root, 'examples', path), 'utf8')
