import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type ConsoleWorld, hasBrowser, startConsole } from '../support/console.ts'

const BANNER = 'The server does not answer.'
const TABS = 30

describe.skipIf(!hasBrowser)('the console while the server is away', () => {
  let world: ConsoleWorld
  let page: Page
  beforeAll(async () => {
    world = await startConsole()
  })
  afterAll(() => world?.close())
  afterEach(async () => {
    await page?.context().close()
    // A test that failed in the middle leaves the next one a server.
    if (world.server.child.exitCode !== null || world.server.child.signalCode !== null) await world.restart()
  })

  const live = () => page.getByText('Live', { exact: true }).first().waitFor({ state: 'attached' })

  it('stays, says so, stops countdowns and decisions, and comes back by itself', async () => {
    await world.ask()
    page = await world.open('approvals')
    await page.getByRole('button', { name: /delete_file/ }).click()
    await live()
    await world.server.kill()
    await page.getByText(BANNER).waitFor()
    const countdown = page.getByRole('article').getByTitle('Time left')
    const stood = await countdown.innerText()
    await page.clock.runFor(20_000)
    expect(await countdown.innerText()).toBe(stood)
    expect(await page.getByRole('button', { name: /^Approve/ }).isDisabled()).toBe(true)
    await page.keyboard.press('a')
    expect(await page.getByText('Approving').count()).toBe(0)
    await world.restart()
    await page.getByText(BANNER).waitFor({ state: 'detached' })
    await page
      .getByRole('button', { name: /^Approve/ })
      .and(page.locator(':enabled'))
      .waitFor()
    // What was armed before is not armed now: the list may be another one.
    await page.keyboard.press('a')
    expect(await page.getByText('Approving').count()).toBe(0)
  })

  it('a decision that the outage stopped is said to be not sent, cannot be sent meanwhile, and is no longer said to be so once it was', async () => {
    const id = await world.ask({ tool: 'stopped_call', timeout: 200 })
    page = await world.open(`approvals?id=${id}`)
    await live()
    await page.getByRole('article').getByRole('button', { name: /^Deny/ }).waitFor()
    await page.keyboard.press('a')
    await page.getByText('Approving stopped_call').waitFor()
    await world.server.kill()
    await page.getByText(BANNER).waitFor()
    await page.clock.runFor(3_500)
    const again = page.getByRole('button', { name: 'Send again' })
    await again.waitFor()
    expect(await again.isDisabled()).toBe(true)
    await page.locator('[data-tone=failed]').getByText('stopped_call is still waiting').waitFor()
    // What is said beside the buttons lies over none of them.
    const hint = await page.getByText('Nothing can be decided until the server answers.').boundingBox()
    const deny = await page.getByRole('button', { name: /^Deny/ }).boundingBox()
    expect(hint && deny && (hint.x >= deny.x + deny.width || hint.y >= deny.y + deny.height)).toBe(true)
    await world.restart()
    await page.getByText('Countdowns and decisions are stopped').waitFor({ state: 'detached' })
    await again.click()
    await page.locator('[data-tone=done]').getByText('Approved stopped_call').waitFor()
    expect(await page.locator('[data-tone=failed]').count()).toBe(0)
    expect((await world.statusOf(id)).status).toBe('approved')
  })

  it('a piece of the console that does not come takes nothing else away, and is tried again when it is wanted again', async () => {
    page = await world.open('approvals')
    await page.getByRole('heading', { name: 'Approvals', level: 1 }).waitFor()
    await live()
    await page.route('**/assets/**', (route) => route.abort())
    const openers = {
      palette: () => page.keyboard.press('Control+k'),
      help: () => page.keyboard.press('?'),
      account: () => page.getByRole('button', { name: /admin@example/ }).click(),
    }
    for (const open of Object.values(openers)) {
      await open()
      const said = page.locator('[data-tone=failed]').getByText('This could not be opened')
      await said.waitFor()
      await page.getByRole('heading', { name: 'Approvals', level: 1 }).waitFor()
      await page.getByRole('button', { name: 'Dismiss' }).click()
      await said.waitFor({ state: 'detached' })
    }
    await page.unroute('**/assets/**')
    // A browser that failed to fetch a module may remember it until the page is loaded anew; the console asks all the same.
    await page.clock.runFor(2_000)
    await page.reload()
    await live()
    await openers.palette()
    await page.getByPlaceholder('Where to, or what to do?').waitFor()
  })

  it('never becomes the browser’s error page: pages open while the server is away, and fill when it is back', async () => {
    page = await world.open('')
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
    await live()
    const address = page.url()
    await world.server.kill()
    await page.getByText(BANNER).waitFor()
    for (const [key, title] of [
      ['c', 'Contracts'],
      ['k', 'API keys'],
      ['e', 'Events'],
      ['f', 'Agents'],
    ] as const) {
      await page.keyboard.press('g')
      await page.keyboard.press(key)
      await page.waitForURL((url) => url.href !== address)
      // The page, or that it could not be loaded: in either case the console.
      await page
        .getByText(new RegExp(`^(${title}|The server does not answer)$`))
        .first()
        .waitFor()
      expect(page.url()).toContain('/dashboard/')
      await page.getByRole('navigation', { name: 'Main' }).waitFor()
    }
    await world.restart()
    await page.getByText(BANNER).waitFor({ state: 'detached' })
    await page.getByRole('heading', { name: 'Agents', level: 1 }).waitFor()
    const agent = page.getByRole('main').getByRole('listitem')
    await page.getByText('No agent yet').or(agent).first().waitFor()
  })
})

describe.skipIf(!hasBrowser)('many tabs', { timeout: 300_000 }, () => {
  let world: ConsoleWorld
  beforeAll(async () => {
    world = await startConsole()
  })
  afterAll(() => world?.close())

  it.each([
    ['by a shared worker', ''],
    ['by a tab that leads', 'delete window.SharedWorker'],
  ])('thirty tabs share one stream, %s: all load, all are live, all hear of a call', async (_how, script) => {
    const context = await world.context()
    if (script) await context.addInitScript(script)
    const pages: Page[] = []
    for (let n = 0; n < TABS; n++) {
      const page = await context.newPage()
      await page.goto(`${world.server.url}/dashboard/agents`)
      await page.getByText('Live', { exact: true }).first().waitFor({ state: 'attached' })
      pages.push(page)
    }
    const id = await world.ask()
    // Asked from outside: the console's policy lets no text be run as script inside the page.
    for (const page of pages) await expect.poll(() => page.title()).toMatch(/^\(1\)/)
    await world.admin.decide(id, true)
    await context.close()
  })
})
