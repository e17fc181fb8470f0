import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { emptyWorld, event, seed } from './fixture-data.ts'
import { type Fixture, startFixture, type World } from './fixture-server.ts'

const ROOT = join(import.meta.dirname, '..')
const VITE = join(ROOT, '../../node_modules/vite/bin/vite.js')
const CHROMIUM = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium'
/** Bytes. */
const FIRST_ROUTE_LIMIT = 130_000
const PAGES = [
  '',
  'approvals',
  'approvals?tab=history',
  'events',
  'agents',
  'contracts',
  'contracts?tab=deployments',
  'contracts/devops-agent',
  'contracts/new',
  'keys',
  'connect',
  'nowhere',
]

// Without a browser there is nothing to prove here; CI installs one.
describe.skipIf(!existsSync(CHROMIUM))('the console in a browser', { timeout: 90_000 }, () => {
  const dist = mkdtempSync(join(tmpdir(), 'lictor-console-'))
  let browser: Browser
  let context: BrowserContext
  let fixture: Fixture
  let page: Page
  let failures: string[]

  beforeAll(async () => {
    // A process of its own: inside a test run the build would take the development half of React.
    await promisify(execFile)(
      process.execPath,
      [VITE, 'build', '--logLevel', 'error', '--outDir', dist, '--emptyOutDir'],
      {
        cwd: ROOT,
        env: { ...process.env, NODE_ENV: 'production' },
      },
    )
    browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
    })
  })
  afterAll(async () => {
    await browser?.close()
    rmSync(dist, { recursive: true, force: true })
  })
  beforeEach(() => {
    failures = []
  })
  afterEach(async () => {
    await context?.close()
    await fixture?.close()
    expect(fixture?.unlike ?? []).toEqual([])
    expect(failures).toEqual([])
  })

  async function open(path: string, world: World = seed(), size = { width: 1280, height: 800 }) {
    fixture = await startFixture(dist, world)
    context = await browser.newContext({ viewport: size, permissions: ['clipboard-read', 'clipboard-write'] })
    context.setDefaultTimeout(10_000)
    page = await context.newPage()
    page.on('pageerror', (error) => failures.push(String(error)))
    page.on('console', (message) => {
      if (/Content Security Policy|Warning:|unique "key"/.test(message.text())) failures.push(message.text())
    })
    await page.goto(`${fixture.url}/dashboard/${path}`)
  }
  const said = (line: string) => fixture.world.requests.find((request) => request.line === line)
  const heading = (name: string) => page.getByRole('heading', { name, level: 1 }).waitFor()
  const until = (path: RegExp) => page.waitForURL(path)

  test('a new server leads to its setup; the first administrator is signed in at once', async () => {
    await open('', emptyWorld())
    await heading('Welcome')
    await page.getByLabel('E-mail').fill('ada@example.com')
    await page.getByLabel('Password', { exact: true }).fill('short')
    await page.getByLabel('Password again').fill('short')
    await page.keyboard.press('Enter')
    await page.getByText('Use at least 12 characters.').waitFor()
    for (const label of ['Password', 'Password again'])
      await page.getByLabel(label, { exact: true }).fill('correct horse battery')
    await page.keyboard.press('Enter')
    await heading('Overview')
    await page.getByRole('link', { name: /Upload a contract bundle/ }).waitFor()
    expect(said('POST /setup')?.body).toEqual({
      email: 'ada@example.com',
      password: 'correct horse battery',
      tenant_name: null,
      setup_token: null,
    })
    expect(fixture.world.requests.every(({ csrf }) => csrf === 'lictor-console')).toBe(true)
  })

  test('whoever is not signed in comes to the login, and from there to the page they wanted', async () => {
    await open('approvals?id=a2', { ...seed(), signedIn: false })
    await heading('Sign in')
    await page.getByLabel('E-mail').fill('ops@example.com')
    await page.getByLabel('Password').fill('wrong')
    await page.keyboard.press('Enter')
    await page.getByText('Wrong e-mail or password.').waitFor()
    await page.getByLabel('Password').fill('correct horse battery')
    await page.keyboard.press('Enter')
    await until(/\/dashboard\/approvals\?id=a2$/)
    await page.getByRole('article', { name: 'transfer_funds for billing-agent' }).waitFor()
  })

  test('a session that ends while one works leads to the login and back', async () => {
    await open('agents')
    await heading('Agents')
    await page.getByText('Live', { exact: true }).first().waitFor()
    fixture.world.signedIn = false
    fixture.push({ type: 'bundle_deployed', bundle_name: 'x', version: 1, env: 'production', deployed_by: 'ada' })
    await until(/\/dashboard\/login\?next=%2Fagents$/)
    await page.getByLabel('E-mail').fill('ops@example.com')
    await page.getByLabel('Password').fill('correct horse battery')
    await page.keyboard.press('Enter')
    await until(/\/dashboard\/agents$/)
    await page.getByText('billing-agent').waitFor()
  })

  test('signing out forgets the way back', async () => {
    await open('keys')
    await page.getByRole('button', { name: /ops@example.com/ }).click()
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
    await until(/\/dashboard\/login$/)
    expect(said('POST /auth/logout')?.csrf).toBe('lictor-console')
  })

  test('the inbox is worked with j, k, a and d alone', async () => {
    await open('approvals')
    await page.getByRole('list', { name: /Waiting calls/ }).waitFor()
    await page.keyboard.press('j')
    await page.getByRole('article', { name: /delete_user/ }).waitFor()
    await page.keyboard.press('j')
    await page.getByRole('article', { name: /transfer_funds/ }).waitFor()
    await page.keyboard.press('k')
    await page.getByRole('article', { name: /delete_user/ }).waitFor()
    await page.keyboard.press('a')
    await page.getByText('Approved delete_user').first().waitFor()
    expect(said('PUT /approvals/a1')?.body).toEqual({ approved: true, reason: null, decided_via: 'console' })
    await page.keyboard.press('j')
    await page.keyboard.press('d')
    await page.getByLabel(/Why not/).waitFor()
    await page.keyboard.type('a batch, not at night')
    await page.keyboard.press('Enter')
    await page.getByText('Denied transfer_funds').first().waitFor()
    expect(said('PUT /approvals/a2')?.body).toEqual({
      approved: false,
      reason: 'a batch, not at night',
      decided_via: 'console',
    })
    await page.keyboard.press('j')
    await page.keyboard.press('d')
    await page.getByLabel(/Why not/).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: /^Approve/ }).waitFor()
    expect(said('PUT /approvals/a3')).toBeUndefined()
  })

  test('an asker that is gone is marked, with how long it was not seen', async () => {
    const world = seed()
    world.approvals = world.approvals.map((a) =>
      a.id === 'a1' ? { ...a, asker: 'detached', asker_seen_at: new Date(Date.now() - 240_000).toISOString() } : a,
    )
    await open('approvals', world)
    await page.getByText('asker not seen for 4 min').first().waitFor()
    expect(await page.getByText(/asker not seen/).count()).toBe(1)
  })

  test('an agent cannot hide part of what a person decides on', async () => {
    const world = seed()
    world.approvals = world.approvals.map((a) =>
      a.id === 'a1' ? { ...a, tool_args: { to: 'bob\u202ekcatta\u200b' } } : a,
    )
    await open('approvals?id=a1', world)
    await page.getByText('bob\\u202ekcatta\\u200b').waitFor()
  })

  test('an event with a payload of unexpected types breaks no page', async () => {
    const world = seed()
    const payload = {
      decision_name: { a: 1 },
      reason: 7,
      environment: ['x'],
      contracts_evaluated: 'none',
      tool_args: null,
    }
    world.events = [{ ...event(0), id: 'odd', tool_name: 'odd_one', payload }]
    await open('events?event=odd', world)
    await page.getByRole('heading', { name: 'odd_one' }).waitFor()
    await page.getByText('"none"').first().waitFor()
  })

  test('what arrives on the stream is on the page without a reload', async () => {
    await open('')
    await page.getByText('Live', { exact: true }).first().waitFor()
    fixture.world.events.unshift({
      ...event(0),
      id: 'fresh',
      tool_name: 'launch_probe',
      timestamp: new Date().toISOString(),
    })
    fixture.push({ type: 'event_created', accepted: 1 })
    await page.getByText('launch_probe').waitFor()
    await page.getByRole('link', { name: /launch_probe/ }).click()
    await until(/event=fresh/)
    await page.getByRole('heading', { name: 'launch_probe' }).waitFor()
  })

  test('a long list of events holds few rows, loads older ones, and holds back new ones while one reads', async () => {
    await open('events')
    const list = page.getByRole('list', { name: 'Events, newest first' })
    await list.getByRole('button').first().waitFor()
    expect(await list.getByRole('listitem').count()).toBeLessThan(60)
    await list.evaluate((element) => element.parentElement?.scrollTo(0, 36 * 190))
    await page.waitForFunction(() => (document.querySelector('ol')?.scrollHeight ?? 0) > 36 * 300)
    fixture.world.events.unshift({
      ...event(0),
      id: 'new',
      tool_name: 'late_arrival',
      timestamp: new Date().toISOString(),
    })
    fixture.push({ type: 'event_created', accepted: 1 })
    await page.getByRole('button', { name: '1 new event' }).click()
    await page.getByText('late_arrival').waitFor()
  })

  test('filters narrow the list, stand in the address, and can be cleared', async () => {
    await open('events')
    await page.getByRole('button', { name: 'Verdict' }).click()
    await page.getByRole('menuitemradio', { name: /^Denied/ }).click()
    await until(/verdict=call_denied/)
    await page.getByRole('button', { name: 'Clear filter Verdict' }).click()
    await until(/\/events$/)
    await page.keyboard.press('/')
    await page.keyboard.type('nothing has this')
    await page.getByText('No event matches').waitFor()
  })

  test('a broken bundle is refused before it is sent, at its line and column', async () => {
    await open('contracts/new')
    const editor = page.getByRole('textbox', { name: 'Bundle YAML' })
    await editor.click()
    await page.getByText('Valid', { exact: true }).waitFor()
    await page.keyboard.press('Control+a')
    await page.keyboard.insertText(
      'apiVersion: edictum/v1\nkind: ContractBundle\nmetadata: {name: x}\ndefaults: {mode: maybe}\ncontracts: []\n',
    )
    await page
      .getByRole('list', { name: 'Problems' })
      .getByText(/^4:\d+$/)
      .waitFor()
  })

  test('the server’s refusal of a bundle is shown at its line and column, until the text changes', async () => {
    await open('contracts/new')
    await page.getByRole('textbox', { name: 'Bundle YAML' }).click()
    await page.keyboard.press('Control+Home')
    await page.keyboard.type('# effect: explode\n')
    await page.keyboard.press('Control+Enter')
    const problems = page.getByRole('list', { name: 'Problems' })
    await problems.getByText('effect "explode" is not one of deny, approve').waitFor()
    await problems.getByText('1:15').waitFor()
    await page.keyboard.press('Control+Home')
    await page.keyboard.press('Delete')
    await problems.waitFor({ state: 'detached' })
  })

  test('a bundle is uploaded and deployed to production', async () => {
    await open('contracts/new', { ...emptyWorld(), bootstrapped: true, signedIn: true })
    await page.getByText('Valid', { exact: true }).waitFor()
    await page.getByRole('button', { name: /^Upload/ }).click()
    await heading('my-contracts')
    await page.getByRole('link', { name: 'Deploy v1' }).click()
    await page.getByRole('radio', { name: /^production/ }).click()
    await page.getByRole('button', { name: 'Deploy to production' }).click()
    await heading('my-contracts v1 in production')
    expect(said('POST /bundles/my-contracts/1/deploy')?.body).toEqual({ env: 'production' })
  })

  test('a key is shown once, fills the snippet, and the first event turns the card green', async () => {
    await open('keys')
    await page.getByRole('button', { name: 'Create key' }).click()
    await page.getByLabel('Label', { exact: true }).fill('laptop')
    await page.getByRole('radio', { name: 'staging' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Create key' }).click()
    const key = await page.getByRole('dialog').locator('code').first().innerText()
    await page.getByRole('button', { name: 'Copy API key' }).click()
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(key)
    await page.getByRole('link', { name: 'Use it in a snippet' }).click()
    await page.getByText(`apiKey: '${key}'`).waitFor()
    await page.getByText(`url: '${fixture.url}'`).waitFor()
    const card = page.getByRole('status', { name: 'Connection' })
    expect(await card.getAttribute('data-state')).toBe('waiting')
    fixture.world.events.unshift({
      ...event(0),
      id: 'first',
      agent_id: 'my-agent',
      timestamp: new Date().toISOString(),
    })
    fixture.push({ type: 'event_created', accepted: 1 })
    await card.getByText('Events are arriving').waitFor()
    await page.reload()
    await page.getByText('LICTOR_API_KEY').first().waitFor()
    expect(await page.content()).not.toContain(key)
  })

  test('a key is revoked only after asking', async () => {
    await open('keys')
    await page.getByRole('button', { name: 'Revoke ci' }).click()
    await page.getByRole('button', { name: 'Cancel' }).click()
    expect(fixture.world.requests).toEqual([])
    await page.getByRole('button', { name: 'Revoke ci' }).click()
    await page.getByRole('button', { name: 'Revoke key' }).click()
    await page.getByText('Key revoked').first().waitFor()
    expect(said('DELETE /keys/k2')).toBeDefined()
  })

  test('the palette and the key help reach every page without a mouse', async () => {
    await open('')
    await heading('Overview')
    await page.keyboard.press('Control+k')
    await page.getByPlaceholder('Where to, or what to do?').waitFor()
    await page.keyboard.type('api k')
    await page.keyboard.press('Enter')
    await heading('API keys')
    await page.keyboard.press('g')
    await page.keyboard.press('i')
    await heading('Approvals')
    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).getByText('Deny it, with a reason').waitFor()
  })

  test('the theme follows the device until one is chosen, and the choice lasts', async () => {
    await open('')
    await heading('Overview')
    const theme = () => page.evaluate(() => document.documentElement.dataset.theme)
    expect(await theme()).toBe('light')
    await page.emulateMedia({ colorScheme: 'dark' })
    await page.waitForFunction(() => document.documentElement.dataset.theme === 'dark')
    await page.keyboard.press('Control+k')
    await page.getByPlaceholder('Where to, or what to do?').waitFor()
    await page.keyboard.type('light app')
    await page.keyboard.press('Enter')
    await page.waitForFunction(() => document.documentElement.dataset.theme === 'light')
    await page.reload()
    expect(await theme()).toBe('light')
  })

  test('no page is wider than a phone of 380 pixels', async () => {
    await open('', seed(), { width: 380, height: 780 })
    for (const path of PAGES) {
      await page.goto(`${fixture.url}/dashboard/${path}`)
      await page.locator('h1, h2').first().waitFor()
      expect([path, await page.evaluate(() => document.documentElement.scrollWidth)]).toEqual([path, 380])
    }
  })

  test('the first route asks for at most 130 KB of script, compressed by Brotli', async () => {
    await open('')
    await page.getByText('delete_user').first().waitFor()
    // What comes after the mark is fetched ahead for other routes.
    await expect
      .poll(() => page.evaluate(`performance.getEntriesByName('lictor:first route stands').length`))
      .toBeGreaterThan(0)
    const scripts = await page.evaluate<string[]>(`(() => {
      const [mark] = performance.getEntriesByName('lictor:first route stands')
      return performance.getEntriesByType('resource').filter((r) => r.name.endsWith('.js') && r.startTime < mark.startTime).map((r) => r.name)
    })()`)
    expect(scripts.length).toBeGreaterThan(3)
    const sizes = scripts.map(
      (url) => statSync(join(dist, `${new URL(url).pathname.slice('/dashboard'.length)}.br`)).size,
    )
    const total = sizes.reduce((sum, size) => sum + size, 0)
    console.info(`first route: ${total} bytes of script`)
    expect(total).toBeLessThanOrEqual(FIRST_ROUTE_LIMIT)
  })
})
