import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { ADMIN, type Administrator, administrator, type ServerProcess, startServer } from './server.ts'

const CHROMIUM = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium'
export const hasBrowser = existsSync(CHROMIUM)
if (!hasBrowser && process.env.CI) throw new Error('Chromium is not installed, and CI runs its suite.')

/** A call that an agent asks a person to allow. */
export interface Asked {
  readonly tool?: string
  readonly args?: Readonly<Record<string, unknown>>
  readonly message?: string
  /** Seconds. */
  readonly timeout?: number
  readonly timeoutEffect?: 'deny' | 'allow'
  /** API key of the agent; else the one of this world. One key may have 200 calls waiting. */
  readonly by?: string
}

/** A real server with its console in a real browser, signed in. */
export interface ConsoleWorld {
  /** The server that runs now. */
  readonly server: ServerProcess
  readonly browser: Browser
  readonly admin: Administrator
  /** An agent's call that waits; its id. */
  ask(asked?: Asked): Promise<string>
  /** The time of a call that waits is over, without a test that waits for it. */
  runOut(id: string): Promise<void>
  /** How an approval stands on the server. */
  statusOf(id: string): Promise<{ status: string; decided_by: string | null; decision_reason: string | null }>
  /** Records events as an agent would. */
  report(events: readonly object[]): Promise<void>
  /** A context of its own, signed in by the session that all share or by that of `who`. */
  context(options?: BrowserContextOptions, who?: Administrator): Promise<BrowserContext>
  open(path: string, options?: BrowserContextOptions, who?: Administrator): Promise<Page>
  /** Starts the server that was killed again: same address, same data. */
  restart(): Promise<void>
  close(): Promise<void>
}

export async function startConsole(environment: Record<string, string> = {}): Promise<ConsoleWorld> {
  const [first, browser] = await Promise.all([
    startServer({ environment }),
    chromium.launch({
      executablePath: CHROMIUM,
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'],
    }),
  ])
  let server = first
  const admin = await administrator(server.url)
  const key = await admin.createKey()
  const contexts: BrowserContext[] = []
  let agent = 0

  const context = async (options: BrowserContextOptions = {}, who = admin) => {
    const made = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options })
    made.setDefaultTimeout(60_000)
    const [name = '', value = ''] = who.cookie.split('=')
    await made.addCookies([{ name, value, url: server.url }])
    contexts.push(made)
    return made
  }
  return {
    get server() {
      return server
    },
    browser,
    admin,
    context,
    async ask({
      tool = 'delete_file',
      args = { path: 'old.csv' },
      message,
      timeout = 300,
      timeoutEffect,
      by = key,
    } = {}) {
      const answer = await fetch(`${server.url}/api/v1/approvals`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          authorization: `Bearer ${by}`,
          // One agent may ask ten times a minute.
          'x-edictum-agent-id': `agent-${++agent}`,
        },
        body: JSON.stringify({
          agent_id: 'ignored',
          tool_name: tool,
          tool_args: args,
          message: message ?? `${tool} needs a person.`,
          timeout,
          ...(timeoutEffect ? { timeout_effect: timeoutEffect } : {}),
        }),
      })
      if (!answer.ok) throw new Error(`asking answered ${answer.status}: ${await answer.text()}`)
      return ((await answer.json()) as { id: string }).id
    },
    async runOut(id) {
      const database = new DatabaseSync(join(server.dataDir, 'lictor.db'), { timeout: 10_000 })
      database.prepare('update approvals set expires_at = created_at where id = ?').run(id)
      database.close()
      // Whoever looks at a call that is overdue times it out.
      const { status } = await admin.call<{ status: string }>('GET', `/api/v1/approvals/${id}`)
      if (status !== 'timeout') throw new Error(`The call is ${status}, and should have run out.`)
    },
    statusOf: (id) => admin.call('GET', `/api/v1/approvals/${id}`),
    async report(events) {
      const answer = await fetch(`${server.url}/api/v1/events`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
        body: JSON.stringify({ events }),
      })
      if (!answer.ok) throw new Error(`reporting answered ${answer.status}: ${await answer.text()}`)
    },
    async open(path, options, who) {
      const page = await (await context(options, who)).newPage()
      // Time goes on by itself; a test moves it on where it would have to wait.
      await page.clock.install()
      await page.goto(`${server.url}/dashboard/${path}`)
      return page
    },
    async restart() {
      const { dataDir, url } = server
      server = await startServer({ dataDir, environment: { ...environment, LICTOR_PORT: new URL(url).port } })
    },
    async close() {
      for (const one of contexts) await one.close()
      await browser.close()
      await server.stop()
    },
  }
}

export const auditEvent = (change: object = {}): object => ({
  call_id: randomUUID(),
  agent_id: 'reporter',
  tool_name: 'read_file',
  verdict: 'call_allowed',
  mode: 'enforce',
  timestamp: new Date().toISOString(),
  payload: { tool_args: { path: 'a.txt' } },
  ...change,
})

export { ADMIN }
