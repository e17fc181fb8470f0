import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { openSse, type SseClient } from '../packages/server/test/sse-client.ts'
import { type Administrator, administrator, root, type ServerProcess, startServer } from './support/server.ts'

const CHROMIUM = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium'
const hasBrowser = existsSync(CHROMIUM)
if (!hasBrowser && process.env.CI) throw new Error('Chromium is not installed, and CI runs its suite.')

/** Stands in every planted text, so that a page that shows none proves nothing. */
const MARK = 'planted'
const RUN = 'window.pwned=1;alert(1)'
/** Each breaks out of another place: text, attribute, script, style, template, address. */
const PAYLOADS = [
  `${MARK}<script>${RUN}</script>`,
  `${MARK}<img src=x data-xss onerror="${RUN}">`,
  `${MARK}"><svg data-xss onload="${RUN}">`,
  `${MARK}'"--></style></script></textarea><b data-xss onmouseover="${RUN}">x`,
  `javascript:${RUN}//${MARK}`,
  `${MARK}{{constructor.constructor('${RUN}')()}}\${${RUN}}`,
  `${MARK}[x](javascript:${RUN})<iframe srcdoc="<script>parent.pwned=1</script>" data-xss>`,
]
const payload = (index: number): string => PAYLOADS[index % PAYLOADS.length] ?? ''

/** Run in the pages. */
const REPORT_VIOLATIONS = `document.addEventListener('securitypolicyviolation', (event) =>
  window.reportViolation([event.violatedDirective, event.blockedURI, event.sample].join(' ')))`
const FIND_PLANTED = `({
  pwned: window.pwned ?? null,
  planted: [...document.querySelectorAll('[data-xss]')].map((element) => element.outerHTML),
  links: [...document.querySelectorAll('[href], [src], [action], [formaction]')].flatMap((element) =>
    ['href', 'src', 'action', 'formaction']
      .map((name) => (element.getAttribute(name) ?? '').trim())
      .filter((value) => /^(javascript|vbscript|data:text)/i.test(value))),
  handlers: [...document.querySelectorAll('*')].flatMap((element) =>
    [...element.attributes].map(({ name }) => name).filter((name) => name.startsWith('on'))),
})`

/** What a page did that it should not. */
interface Seen {
  readonly dialogs: string[]
  readonly violations: string[]
  readonly strangers: string[]
  readonly errors: string[]
}

describe.skipIf(!hasBrowser)('markup in every text that the console shows', () => {
  let server: ServerProcess
  let browser: Browser
  let context: BrowserContext
  let page: Page
  let admin: Administrator
  let stream: SseClient
  const seen: Seen = { dialogs: [], violations: [], strangers: [], errors: [] }
  const approvals: string[] = []

  beforeAll(async () => {
    ;[server, browser] = await Promise.all([
      startServer(),
      chromium.launch({
        executablePath: CHROMIUM,
        args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking', '--disable-sync'],
      }),
    ])
    admin = await administrator(server.url)
    await plant()
    const [name = '', value = ''] = admin.cookie.split('=')
    context = await browser.newContext()
    context.setDefaultTimeout(60_000)
    await context.addCookies([{ name, value, url: server.url }])
    // Kept across pages by the test itself: a page cannot be asked once it is left.
    await context.exposeFunction('reportViolation', (what: string) => void seen.violations.push(what))
    await context.addInitScript({ content: REPORT_VIOLATIONS })
    page = await context.newPage()
    page.on('dialog', (dialog) => {
      seen.dialogs.push(dialog.message())
      void dialog.dismiss()
    })
    page.on('request', (request) => {
      if (!request.url().startsWith(server.url) && !/^(data|blob):/.test(request.url()))
        seen.strangers.push(request.url())
    })
    page.on('pageerror', (error) => seen.errors.push(error.message))
  })
  afterAll(async () => {
    stream?.close()
    await browser?.close()
    await server?.kill()
  })

  async function plant(): Promise<void> {
    const key = await admin.createKey()
    for (const [index, text] of PAYLOADS.entries()) {
      await admin.call('POST', '/api/v1/keys', { env: 'staging', label: `label-${index}` })
      const contract = {
        id: `contract-${index}`,
        type: 'pre',
        tool: text,
        // biome-ignore lint/suspicious/noThenProperty: a field of the contract language
        then: { effect: 'deny', message: text, tags: [text] },
        when: { 'args.path': { contains: text } },
      }
      const bundle = {
        apiVersion: 'edictum/v1',
        kind: 'ContractBundle',
        metadata: { name: 'hostile', description: text },
        defaults: { mode: 'enforce' },
        contracts: [contract],
      }
      await admin.deploy(stringify(bundle))
      await admin.call('POST', '/api/v1/contracts', {
        contract_id: `c${index}`,
        name: text,
        description: text,
        type: 'pre',
        definition: { tool: text },
        tags: [text],
      })
    }
    // The API takes no such label. What it refuses today an older version may have stored.
    const database = new DatabaseSync(join(server.dataDir, 'lictor.db'))
    database.exec('pragma busy_timeout = 5000')
    for (const [index, text] of PAYLOADS.entries())
      database.prepare('update api_keys set label = ? where label = ?').run(text, `label-${index}`)
    database.close()
    const send = async (method: string, path: string, body: unknown) => {
      const answer = await fetch(`${server.url}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${key}`,
          'content-type': 'application/json',
          'x-edictum-agent-id': `asker-${approvals.length}`,
        },
        body: JSON.stringify(body),
      })
      if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`)
      return (await answer.json()) as Record<string, unknown>
    }
    await send('POST', '/api/v1/events', {
      events: PAYLOADS.flatMap((text, index) =>
        ['call_denied', 'call_allowed', 'call_asked', text].map((verdict) => ({
          call_id: `${index}${verdict}`,
          agent_id: text,
          tool_name: text,
          verdict,
          mode: 'enforce',
          timestamp: new Date().toISOString(),
          payload: {
            tool_args: { [text]: text, path: text },
            reason: text,
            decision_name: text,
            decision_source: text,
            principal: { user_id: text, role: text, claims: { [text]: text } },
            bundle_name: text,
            environment: text,
            [text]: [text],
          },
        })),
      ),
    })
    for (const [index, text] of [...PAYLOADS, ...PAYLOADS].entries()) {
      const { id } = await send('POST', '/api/v1/approvals', {
        agent_id: text,
        tool_name: text,
        tool_args: { [text]: text },
        message: text,
        contract_name: text,
        decision_source: text,
        timeout: 3_600,
      })
      approvals.push(String(id))
      if (index < PAYLOADS.length) await admin.decide(String(id), index % 2 === 0, text)
    }
    // An agent that is connected, and one of its own making in each text of its registration.
    stream = await openSse(`${server.url}/api/v1/stream?env=production&bundle_name=hostile`, {
      authorization: `Bearer ${key}`,
      'x-edictum-agent-id': 'agent-1',
    })
    await admin.call('PATCH', '/api/v1/agent-registrations/agent-1', {
      display_name: payload(1),
      tags: Object.fromEntries(PAYLOADS.map((text) => [text, text])),
    })
  }

  /** Nothing of what is planted became part of the page. */
  async function clean(where: string): Promise<void> {
    const found = await page.evaluate<unknown>(FIND_PLANTED)
    expect([where, found]).toEqual([where, { pwned: null, planted: [], links: [], handlers: [] }])
    expect([where, seen]).toEqual([where, { dialogs: [], violations: [], strangers: [], errors: [] }])
  }

  const visit = async (path: string) => {
    await page.goto(`${server.url}/dashboard${path}`)
    await page.locator('h1').first().waitFor()
  }

  /** Every page of the console by its route, so that a new one is visited too. */
  const routes = globSync('packages/console/src/pages/*/route.ts*', { cwd: root })
    .flatMap((file) => [...readFileSync(join(root, file), 'utf8').matchAll(/^ {2}path: '([^']+)'/gm)])
    .map(([, path = '']) => path)
    .sort()
  /** Where what is planted is shown. */
  const showing = ['/', '/approvals', '/contracts/$name', '/events', '/keys']

  it('the console has the pages this test knows', () => {
    expect(routes.length).toBeGreaterThan(8)
    expect(showing.filter((path) => !routes.includes(path))).toEqual([])
  })

  it.each(routes)('%s shows it as text', async (route) => {
    await visit(route.replace('$name', 'hostile'))
    if (showing.includes(route)) await page.getByText(MARK).filter({ visible: true }).first().waitFor()
    await clean(route)
  })

  it('an event, opened, shows it as text; so does each of its kinds', async () => {
    const all = await admin.call<{ id: string; tool_name: string }[]>('GET', '/api/v1/events?limit=100')
    // The server tells of pages that were walked (who listed secrets), too.
    const events = all.filter(({ tool_name }) => tool_name.includes(MARK))
    expect(events).toHaveLength(PAYLOADS.length * 4)
    for (const { id } of events) {
      await visit(`/events?event=${id}`)
      await page.getByText(MARK).filter({ visible: true }).nth(1).waitFor()
      await clean(`event ${id}`)
    }
  })

  it('an approval, linked, and those that were decided', async () => {
    for (const id of approvals.slice(-PAYLOADS.length)) {
      await visit(`/approvals?id=${id}`)
      await page.getByText(MARK).filter({ visible: true }).first().waitFor()
      await clean(`approval ${id}`)
    }
    await visit('/approvals?tab=history')
    await page.getByText(MARK).filter({ visible: true }).first().waitFor()
    await clean('history')
  })

  it('each version of a bundle, its editor and its deployments', async () => {
    for (const version of PAYLOADS.keys()) {
      await visit(`/contracts/hostile?version=${version + 1}`)
      await clean(`version ${version + 1}`)
    }
    await visit('/contracts/new?from=hostile&version=2')
    await page.getByRole('textbox', { name: 'Bundle YAML' }).waitFor()
    await clean('editor')
    await visit('/contracts?tab=deployments')
    await clean('deployments')
  })

  it('what stands in the address is a text as well, and leads nowhere else', async () => {
    for (const text of [0, 1, 4, 6].map(payload)) {
      const value = encodeURIComponent(text)
      for (const path of [
        `/events?search=${value}&agent_id=${value}&tool_name=${value}&verdict=${value}&since=${value}&event=${value}`,
        `/approvals?id=${value}&tab=${value}`,
        `/contracts/${value}`,
        `/contracts/new?from=${value}&version=1`,
        `/${value}`,
        `/events#${value}`,
      ]) {
        await page.goto(`${server.url}/dashboard${path}`)
        await page.locator('h1, h2').first().waitFor()
        await clean(path)
      }
    }
    const stranger = await browser.newContext()
    const login = await stranger.newPage()
    for (const next of [
      'javascript:alert(1)',
      '//evil.example',
      'https://evil.example',
      '/\\evil.example',
      '\t//evil.example',
    ]) {
      await login.goto(`${server.url}/dashboard/login?next=${encodeURIComponent(next)}`)
      await login.getByLabel('E-mail').fill('admin@example.com')
      await login.getByLabel('Password', { exact: true }).fill('correct horse battery')
      await login.keyboard.press('Enter')
      await login.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
      expect(new URL(login.url()).origin).toBe(server.url)
      await stranger.clearCookies()
    }
    await stranger.close()
  })

  it('a payload that comes while the page is open, by the stream', async () => {
    await visit('/events')
    const text = `${MARK}-live<img src=x data-xss onerror="${RUN}">`
    const key = await admin.createKey()
    const answer = await fetch(`${server.url}/api/v1/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        events: [
          {
            call_id: 'live',
            agent_id: text,
            tool_name: text,
            verdict: 'call_denied',
            mode: 'enforce',
            timestamp: new Date().toISOString(),
            payload: { reason: text },
          },
        ],
      }),
    })
    expect(answer.status).toBe(200)
    await page.getByText(`${MARK}-live`).first().waitFor()
    await clean('live')
  })
})
