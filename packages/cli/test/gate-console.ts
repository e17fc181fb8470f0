import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer, readConfig } from '@lictor/server'
import pino from 'pino'

/** A real server on this machine, and a person who is signed in to it. */
export interface GateConsole {
  readonly url: string
  createKey(): Promise<string>
  deploy(yaml: string): Promise<void>
  pending(): Promise<Approval>
  pendingCount(): Promise<number>
  decide(id: string, approved: boolean, reason?: string): Promise<void>
  events(): Promise<readonly { readonly agent_id: string; readonly tool_name: string; readonly payload: object }[]>
  /** Away, and back at the same address. */
  pause(): Promise<void>
  resume(): Promise<void>
  close(): Promise<void>
}

interface Approval {
  readonly id: string
  readonly agent_id: string
  readonly tool_name: string
  readonly tool_args: object
}

const ADMIN = { email: 'admin@example.com', password: 'correct horse battery' }

export async function startGateConsole(): Promise<GateConsole> {
  const folder = mkdtempSync(join(tmpdir(), 'lictor-gate-console-'))
  const start = async (port: string) => {
    const environment = {
      LICTOR_DATA_DIR: folder,
      LICTOR_PORT: port,
      LICTOR_ADMIN_EMAIL: ADMIN.email,
      LICTOR_ADMIN_PASSWORD: ADMIN.password,
    }
    const made = await createServer(readConfig(environment), pino({ level: 'silent' }), {
      consoleDir: null,
      passwordCost: 16,
    })
    return { made, url: await made.listen() }
  }
  let server: Awaited<ReturnType<typeof createServer>> | null
  const first = await start('0')
  server = first.made
  const { url } = first
  const headers: Record<string, string> = { 'content-type': 'application/json', 'x-requested-with': 'test' }
  const login = await fetch(`${url}/api/v1/auth/login`, { method: 'POST', headers, body: JSON.stringify(ADMIN) })
  headers.cookie = login.headers.getSetCookie()[0]?.split(';')[0] ?? ''
  async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${text}`)
    return (text === '' ? null : JSON.parse(text)) as T
  }
  const waiting = () => call<Approval[]>('GET', '/api/v1/approvals?status=pending')
  async function stop(): Promise<void> {
    await server?.close()
    server = null
  }
  return {
    url,
    createKey: async () =>
      (await call<{ key: string }>('POST', '/api/v1/keys', { env: 'production', label: 'gate' })).key,
    async deploy(yaml) {
      const { name, version } = await call<{ name: string; version: number }>('POST', '/api/v1/bundles', {
        yaml_content: yaml,
      })
      await call('POST', `/api/v1/bundles/${name}/${version}/deploy`, { env: 'production' })
    },
    async pending() {
      for (const end = Date.now() + 30_000; ; ) {
        const [approval] = await waiting()
        if (approval !== undefined) return approval
        if (Date.now() > end) throw new Error('Nobody was asked within 30 s.')
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    },
    pendingCount: async () => (await waiting()).length,
    async decide(id, approved, reason) {
      await call('PUT', `/api/v1/approvals/${id}`, { approved, reason: reason ?? null })
    },
    events: () => call('GET', '/api/v1/events?limit=100'),
    pause: stop,
    async resume() {
      server = (await start(new URL(url).port)).made
    },
    async close() {
      await stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
