import type { BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { auditEvent, type ConsoleWorld, hasBrowser, startConsole } from '../support/console.ts'
import { eventually, readExample, runLictor } from '../support/server.ts'

describe.skipIf(!hasBrowser)('what a key or a tap decides, and when', { timeout: 240_000 }, () => {
  let world: ConsoleWorld
  let page: Page
  beforeAll(async () => {
    world = await startConsole()
    await world.admin.deploy(readExample('bundles/assistant.yaml'))
  })
  afterAll(() => world?.close())
  afterEach(async () => {
    await page?.context().close()
    const left = await world.admin.call<{ id: string }[]>('GET', '/api/v1/approvals?status=pending&limit=1000')
    for (const { id } of left) await world.admin.decide(id, false)
  })

  const article = (tool: string) => page.getByRole('article', { name: new RegExp(`^${tool} for`) })
  const list = () => page.getByRole('list', { name: /Waiting calls/ })
  const rowOf = (tool: string) => list().getByRole('button', { name: tool })
  const inbox = async (options: BrowserContextOptions = {}) => {
    page = await world.open('approvals', options)
    await list().waitFor()
    await page.getByText('Live', { exact: true }).first().waitFor({ state: 'attached' })
  }
  /** Opened by the person, and so armed. */
  const armed = async (tool: string) => {
    await rowOf(tool).click()
    await article(tool).waitFor()
    await page
      .getByRole('button', { name: /^Approve/ })
      .and(page.locator(':enabled'))
      .waitFor()
  }
  const becomes = (id: string, status: string) =>
    eventually(`the call is ${status}`, async () => (await world.statusOf(id)).status === status)
  const undecided = async (...ids: string[]) => {
    await page.clock.runFor(4_000)
    await page.evaluate("fetch('/api/v1/health')")
    for (const id of ids) expect((await world.statusOf(id)).status).toBe('pending')
  }
  /** No timer of the page runs from here on: what is sent now was not held. */
  const stopTime = () => page.clock.pauseAt(Date.now() + 3_600)

  it('with less than ten seconds left an approval is sent at once', async () => {
    const id = await world.ask({ timeout: 70 })
    await inbox()
    await armed('delete_file')
    // Seconds before it runs out, without a test that waits for them.
    await page.clock.pauseAt(Date.now() + 62_000)
    await page.keyboard.press('a')
    await becomes(id, 'approved')
  })

  it('an approval with more time left is not sent before its pause is over', async () => {
    const id = await world.ask()
    await inbox()
    await armed('delete_file')
    await stopTime()
    await page.keyboard.press('a')
    await page.getByText('Approving delete_file').waitFor()
    await page.evaluate("fetch('/api/v1/health')")
    expect((await world.statusOf(id)).status).toBe('pending')
    await page.clock.runFor(3_100)
    await becomes(id, 'approved')
  })

  it('denying waits for nothing', async () => {
    const id = await world.ask()
    await inbox()
    await armed('delete_file')
    await stopTime()
    await page.keyboard.press('d')
    await page.getByLabel(/Why not/).waitFor()
    await page.keyboard.press('Enter')
    await becomes(id, 'denied')
  })

  it('an approval that is held is sent when the page is hidden', async () => {
    const id = await world.ask()
    await inbox()
    await armed('delete_file')
    await stopTime()
    await page.keyboard.press('a')
    await page.getByText('Approving delete_file').waitFor()
    await page.evaluate(`(() => {
      Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => 'hidden' })
      document.dispatchEvent(new Event('visibilitychange'))
    })()`)
    await becomes(id, 'approved')
  })

  it('the second half of a double tap on a row approves nothing, on a phone where the call takes the row’s place', async () => {
    const ids = await Promise.all(Array.from({ length: 12 }, (_, n) => world.ask({ tool: `call_${n}` })))
    await inbox({ viewport: { width: 390, height: 540 }, hasTouch: true })
    // Where the button will be.
    await list().getByRole('button').first().click()
    const target = await page.getByRole('button', { name: /^Approve/ }).boundingBox()
    await page.getByRole('button', { name: 'Back to the list' }).click()
    await list().waitFor()
    const [x, y] = [(target?.x ?? 0) + 20, (target?.y ?? 0) + 20]
    await page.mouse.dblclick(x, y)
    await page.getByRole('article').waitFor()
    expect(await page.getByText('Approving').count()).toBe(0)
    await undecided(...ids)
    await page.getByRole('button', { name: /^Approve/ }).click()
    await page.getByText('Approving').first().waitFor()
    await page.getByRole('button', { name: /^Undo/ }).click()
  })

  it('a key that is held down opens the reason, and does not send it', async () => {
    const id = await world.ask()
    await inbox()
    await armed('delete_file')
    await page.getByRole('button', { name: /^Deny/ }).focus()
    await page.keyboard.down('Enter')
    await page
      .getByLabel(/Why not/)
      .and(page.locator(':focus'))
      .waitFor()
    for (let repeat = 0; repeat < 5; repeat++) await page.keyboard.down('Enter')
    await page.keyboard.up('Enter')
    await undecided(id)
    await page.getByLabel(/Why not/).waitFor()
  })

  it('the second half of a double tap that opened the reason does not send it', async () => {
    const id = await world.ask()
    for (const width of [390, 320]) {
      await inbox({ viewport: { width, height: 700 } })
      await armed('delete_file')
      const deny = await page.getByRole('button', { name: /^Deny/ }).boundingBox()
      for (const part of [0.1, 0.5, 0.9]) {
        await page.mouse.dblclick((deny?.x ?? 0) + (deny?.width ?? 0) * part, (deny?.y ?? 0) + 20)
        await page.keyboard.press('Escape')
      }
      await undecided(id)
      if (width === 390) await page.context().close()
    }
  })

  it('letters that are meant for something that lies over the page, or is still coming, decide nothing', async () => {
    const id = await world.ask()
    await inbox()
    await armed('delete_file')
    const nothing = async () => expect(await page.getByText('Approving').count()).toBe(0)
    // The code of the palette and of the help does not come for a while.
    await page.route('**/assets/**', () => {})
    for (const key of ['Control+k', 'a', 'd', 'Control+k']) await page.keyboard.press(key)
    await nothing()
    await page.unroute('**/assets/**')
    await page.reload()
    await armed('delete_file')
    for (const [open, close] of [
      ['?', 'Escape'],
      ['Control+k', 'Escape'],
    ] as const) {
      await page.keyboard.press(open)
      await page.getByRole('dialog').waitFor()
      // Wherever the focus is by then.
      await page.evaluate('document.activeElement.blur()')
      await page.keyboard.press('a')
      await nothing()
      await page.getByRole('dialog').focus()
      await page.keyboard.press(close)
      await page.getByRole('dialog').waitFor({ state: 'detached' })
    }
    await page.getByRole('button', { name: /admin@example/ }).click()
    await page.getByRole('menu').waitFor()
    await page.keyboard.press('a')
    await nothing()
    await page.keyboard.press('Escape')
    await undecided(id)
  })

  it('after the box that switches the pause off was ticked, keys act as before', async () => {
    await world.ask()
    await inbox()
    await armed('delete_file')
    await page.getByLabel(/Hold approvals/).click()
    await page.getByLabel(/Hold approvals/).click()
    await page.keyboard.press('a')
    await page.getByText('Approving delete_file').waitFor()
  })

  it('keyboard alone: the focus stays where one works when a button has done its work', async () => {
    const id = await world.ask()
    await world.ask({ tool: 'second_call' })
    await inbox()
    await armed('delete_file')
    const within = (selector: string) =>
      expect
        .poll(() => page.evaluate(`document.activeElement.closest('${selector}') !== null`), { message: selector })
        .toBe(true)
    await page.getByRole('button', { name: /^Approve/ }).press('Enter')
    await page.getByText('Approving delete_file').waitFor()
    await within('article')
    await page.getByRole('button', { name: /^Undo/ }).press('Enter')
    await page.getByText('Approving delete_file').waitFor({ state: 'detached' })
    await within('main')
    await page.route('**/api/v1/approvals/*', (route) =>
      route.request().method() === 'PUT' ? route.abort() : route.continue(),
    )
    await page.keyboard.press('a')
    await page.getByText('Not sent: approving').waitFor()
    await page.unroute('**/api/v1/approvals/*')
    await page.getByRole('button', { name: 'Send again' }).press('Enter')
    await becomes(id, 'approved')
    await page.getByRole('button', { name: 'Send again' }).waitFor({ state: 'detached' })
    await within('main')
    await page.goto(`${world.server.url}/dashboard/approvals?id=${id}`)
    await page.getByRole('button', { name: 'Dismiss' }).press('Enter')
    await page.getByText('no longer waits').waitFor({ state: 'detached' })
    await within('main')
    await page.goto(`${world.server.url}/dashboard/events?tool_name=nothing`)
    await page.getByRole('button', { name: 'Clear filter Tool' }).press('Enter')
    await page.waitForURL(/\/events$/)
    await within('main')
  })

  it('each dialog and each menu gives the focus back to what opened it', async () => {
    page = await world.open('keys')
    const returns = async (path: string, opener: string | RegExp, role: 'dialog' | 'alertdialog' | 'menu') => {
      await page.goto(`${world.server.url}/dashboard/${path}`)
      const button = page.getByRole('button', { name: opener }).first()
      await button.press('Enter')
      await page.getByRole(role).waitFor()
      await page.keyboard.press('Escape')
      await page.getByRole(role).waitFor({ state: 'detached' })
      await expect.poll(() => button.and(page.locator(':focus')).count(), { message: `${path} ${opener}` }).toBe(1)
    }
    await returns('keys', 'Create key', 'dialog')
    await returns('keys', /^Revoke/, 'alertdialog')
    await returns('assignment', 'New rule', 'dialog')
    await returns('', /^Go to…/, 'dialog')
    await returns('', /admin@example/, 'menu')
    for (const name of ['Agent', 'Tool', 'Verdict', 'Mode', 'Time']) await returns('events', name, 'menu')
    for (const name of ['Status', 'Environment']) await returns('agents', name, 'menu')
    for (const name of [/^Environment/, /^Bundle/]) await returns('connect', name, 'menu')
    await page.setViewportSize({ width: 390, height: 844 })
    await returns('', 'More', 'dialog')
    await returns('', 'Go to…', 'dialog')
    await world.report([auditEvent({ tool_name: 'looked_at' })])
    await returns('events', /looked_at/, 'dialog')
  })

  it('a time-out that let the call run says so: in the inbox, behind a link, and among the decided', async () => {
    const id = await world.ask({ tool: 'ran_anyway', timeout: 240, timeoutEffect: 'allow' })
    await inbox()
    await armed('ran_anyway')
    await world.runOut(id)
    await article('ran_anyway').getByText('Nobody decided within 4 min, so the call was allowed.').waitFor()
    await page.goto(`${world.server.url}/dashboard/approvals?id=${id}`)
    await page.getByRole('alert').getByText('Nobody decided within 4 min, so the call was allowed.').waitFor()
    await page.goto(`${world.server.url}/dashboard/approvals?tab=history`)
    await page.getByRole('listitem').filter({ hasText: 'ran_anyway' }).getByText('nobody decided; allowed').waitFor()
  })

  it('what was decided on the command line is recorded as decided there', async () => {
    const id = await world.ask({ tool: 'cli_call' })
    const { code, stderr } = await runLictor(['approvals', 'deny', id, '--reason', 'from a shell'], {
      LICTOR_DATA_DIR: world.server.dataDir,
      LICTOR_URL: world.server.url,
    })
    expect([code, stderr]).toEqual([0, ''])
    page = await world.open('approvals?tab=history')
    await page.getByRole('listitem').filter({ hasText: 'cli_call' }).getByText('· cli ·').waitFor()
  })

  it('more calls wait than fit a list: the most urgent is on top though it is the oldest, and the rest is counted', async () => {
    await world.ask({ tool: 'oldest_call', timeout: 600 })
    for (const by of [await world.admin.createKey(), await world.admin.createKey()])
      for (let n = 0; n < 12; n++)
        await Promise.all(Array.from({ length: 10 }, () => world.ask({ tool: 'many_calls', timeout: 3_000, by })))
    await inbox()
    await expect.poll(() => list().getByRole('button').count()).toBe(200)
    expect(await list().getByRole('button').first().innerText()).toContain('oldest_call')
    await page.getByText(/^41 more calls wait/).waitFor()
    await page.getByText('241 calls are waiting').waitFor({ state: 'attached' })
  })
})
