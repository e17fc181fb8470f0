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
  afterEach(() => page?.context().close())

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
    await page.getByText('No agent is connected').waitFor()
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
