import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Said here as well, because programs without a test runner start such servers too. */
const ADMIN = { email: 'admin@example.com', password: 'correct horse battery' }
const script = fileURLToPath(new URL('server-process.ts', import.meta.url))

/** A server in a process of its own, on data that outlives it. */
export interface Killable {
  readonly address: string
  /** Start it, on the data of the one before; resolves when it listens. */
  start(): Promise<void>
  /** With SIGTERM it ends by itself. Resolves when it is gone. */
  kill(signal?: 'SIGKILL' | 'SIGTERM'): Promise<void>
  call(method: string, path: string, body?: object | string): Promise<Response>
  /** As the administrator, who is made at the first time. */
  signIn(): Promise<void>
  /** Headers of the administrator. */
  readonly headers: Readonly<Record<string, string>>
}

export function killable(environment: Readonly<Record<string, string>>): Killable {
  let child: ChildProcess | null = null
  let address = ''
  let headers: Record<string, string> = {}

  async function call(method: string, path: string, body?: object | string): Promise<Response> {
    return fetch(`${address}${path}`, {
      method,
      headers: {
        'content-type': typeof body === 'string' ? 'text/yaml' : 'application/json',
        'x-requested-with': 'test',
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
  }

  return {
    get address() {
      return address
    },
    get headers() {
      return headers
    },
    call,
    async start() {
      const started = spawn(process.execPath, ['--conditions=@lictor/source', script], {
        env: { ...process.env, DATABASE_URL: '', LICTOR_PORT: '0', LICTOR_LOG_LEVEL: 'silent', ...environment },
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      child = started
      address = await new Promise<string>((resolve, reject) => {
        started.stdout?.once('data', (chunk: Buffer) => resolve(chunk.toString().trim()))
        started.once('exit', (code) => reject(new Error(`The server ended with code ${code} before it listened.`)))
      })
    },
    async kill(signal = 'SIGKILL') {
      const running = child
      if (!running || running.exitCode !== null || running.signalCode !== null) return
      const ended = new Promise((resolve) => running.once('exit', resolve))
      running.kill(signal)
      await ended
    },
    async signIn() {
      await call('POST', '/api/v1/setup', ADMIN)
      const login = await call('POST', '/api/v1/auth/login', ADMIN)
      headers = { cookie: login.headers.get('set-cookie')?.split(';')[0] ?? '' }
    },
  }
}
