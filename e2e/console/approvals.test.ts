import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type ConsoleWorld, hasBrowser, startConsole } from '../support/console.ts'
import { eventually } from '../support/server.ts'

describe.skipIf(!hasBrowser)('deciding calls in the console', () => {
  let world: ConsoleWorld
  let page: Page
  beforeAll(async () => {
    world = await startConsole()
  })
  afterAll(() => world?.close())
  afterEach(async () => {
    await page?.context().close()
    // Each test begins with an empty inbox.
    const left = await world.admin.call<{ id: string }[]>('GET', '/api/v1/approvals?status=pending')
    for (const { id } of left) await world.admin.decide(id, false)
  })

  const inbox = async (options = {}) => {
    page = await world.open('approvals', options)
    await page.getByRole('list', { name: 'Waiting calls, most urgent first' }).waitFor()
    await page.getByText('Live', { exact: true }).first().waitFor({ state: 'attached' })
  }
  const article = (tool: string) => page.getByRole('article', { name: new RegExp(`^${tool} for`) })
  const rowOf = (tool: string) => page.getByRole('list', { name: /Waiting calls/ }).getByRole('button', { name: tool })
  const becomes = (id: string, status: string) =>
    eventually(`the call is ${status}`, async () => (await world.statusOf(id)).status === status)
  const focused = () => page.locator(':focus').getAttribute('name')
  /** The console's own hold passes, and an exchange behind it: a wrong decision would have reached the server. */
  const staysPending = async (...ids: string[]) => {
    await page.clock.runFor(4_000)
    await page.evaluate("fetch('/api/v1/health')")
    for (const id of ids) expect((await world.statusOf(id)).status).toBe('pending')
  }

  it('keys decide nothing until the person opened a call', async () => {
    const id = await world.ask()
    await inbox()
    for (const key of ['a', 'd', 'a']) await page.keyboard.press(key)
    expect(await page.getByRole('article').count()).toBe(0)
    await staysPending(id)
  })

  it('an opened call is approved by key, after a pause in which it can be undone', async () => {
    const id = await world.ask()
    await inbox()
    await page.keyboard.press('j')
    await article('delete_file').waitFor()
    await page.keyboard.press('a')
    await page.getByText('Approving delete_file').waitFor()
    await page.keyboard.press('u')
    await page.getByText('Approving delete_file').waitFor({ state: 'detached' })
    await staysPending(id)
    await page.keyboard.press('a')
    await becomes(id, 'approved')
    await article('delete_file').getByText('approved', { exact: true }).waitFor()
  })

  it('a second press of the key, 60 to 400 ms after the first, approves no other call', async () => {
    const first = await world.ask({ tool: 'first_call', timeout: 200 })
    const others = [await world.ask({ tool: 'second_call' }), await world.ask({ tool: 'third_call' })]
    await inbox()
    await page.keyboard.press('j')
    for (const delay of [0, 60, 120, 400]) {
      await page.clock.runFor(delay)
      await page.keyboard.press('a')
    }
    await becomes(first, 'approved')
    await page.keyboard.press('a')
    await staysPending(...others)
    await article('first_call').waitFor()
  })

  it('the keys that deny and that undo, pressed twice, touch no other call', async () => {
    const first = await world.ask({ tool: 'first_call', timeout: 200 })
    const second = await world.ask({ tool: 'second_call', timeout: 250 })
    const third = await world.ask({ tool: 'third_call' })
    await inbox()
    await page.keyboard.press('j')
    await page.keyboard.press('d')
    await page.getByLabel(/Why not/).waitFor()
    for (let press = 0; press < 2; press++) await page.keyboard.press('Enter')
    await becomes(first, 'denied')
    for (const key of ['Enter', 'd', 'd', 'Enter']) await page.keyboard.press(key)
    await article('first_call').getByText('denied', { exact: true }).waitFor()
    await page.keyboard.press('j')
    await article('second_call').waitFor()
    await page.keyboard.press('a')
    await page.getByText('Approving second_call').waitFor()
    for (let press = 0; press < 2; press++) await page.keyboard.press('u')
    await page.getByText('Approving second_call').waitFor({ state: 'detached' })
    await staysPending(second, third)
  })

  it('a reason that was begun is there again after another page, Back and a reload, and is gone once it was sent', async () => {
    const id = await world.ask()
    await inbox()
    const field = page.getByLabel(/Why not/)
    const begin = async () => {
      await rowOf('delete_file').click()
      await page.getByRole('button', { name: /^Deny/ }).click()
      await field.waitFor()
    }
    await begin()
    await page.keyboard.type('the batch reads it')
    await page.getByRole('link', { name: 'Events', exact: true }).click()
    await page.getByRole('heading', { name: 'Events', level: 1 }).waitFor()
    await page.goBack()
    await begin()
    expect(await field.inputValue()).toBe('the batch reads it')
    await page.reload()
    await begin()
    expect(await field.inputValue()).toBe('the batch reads it')
    await page.keyboard.press('Enter')
    await becomes(id, 'denied')
    expect(await world.statusOf(id)).toMatchObject({ decision_reason: 'the batch reads it' })
    await expect
      .poll(() => page.evaluate("Object.keys(sessionStorage).filter((key) => key.includes('draft'))"))
      .toEqual([])
  })

  it('a form in use stays with its text and focus when its call is decided elsewhere, and no letter acts until Escape', async () => {
    const first = await world.ask({ tool: 'first_call', timeout: 200 })
    const other = await world.ask({ tool: 'second_call' })
    await inbox()
    await page.keyboard.press('j')
    await page.keyboard.press('d')
    const field = page.getByLabel(/Why not/)
    await field.waitFor()
    await page.keyboard.type('we need it')
    await world.admin.decide(first, true)
    await article('first_call').getByText('by admin@example.com').waitFor()
    await page.keyboard.type('aaa')
    expect(await field.inputValue()).toBe('we need it')
    expect(await focused()).toBe('reason')
    await page.keyboard.press('Enter')
    await staysPending(other)
    await page.keyboard.press('Escape')
    await field.waitFor({ state: 'detached' })
    expect(await page.evaluate('document.activeElement === document.body')).toBe(false)
    await page.keyboard.press('a')
    await staysPending(other)
  })

  it('a form in use stays when its call runs out', async () => {
    const id = await world.ask({ tool: 'short_call', timeout: 240 })
    await world.ask({ tool: 'second_call' })
    await inbox()
    await page.keyboard.press('j')
    await page.keyboard.press('d')
    const field = page.getByLabel(/Why not/)
    await field.waitFor()
    await page.keyboard.type('too late')
    await world.runOut(id)
    await article('short_call')
      .getByText(/Nobody decided within 4 min, so the call was denied/)
      .waitFor()
    expect(await field.inputValue()).toBe('too late')
    expect(await focused()).toBe('reason')
  })

  it('denying is sent at once, with its reason', async () => {
    const id = await world.ask()
    await inbox()
    await page.keyboard.press('j')
    await page.keyboard.press('d')
    await page.getByLabel(/Why not/).waitFor()
    await page.keyboard.type('a batch, not at night')
    await page.keyboard.press('Enter')
    await becomes(id, 'denied')
    expect(await world.statusOf(id)).toMatchObject({ decision_reason: 'a batch, not at night' })
  })

  it('an approval that is held is sent when the page is closed', async () => {
    const id = await world.ask()
    await inbox()
    await page.keyboard.press('j')
    await page.keyboard.press('a')
    await page.getByText('Approving delete_file').waitFor()
    await page.close({ runBeforeUnload: true })
    await becomes(id, 'approved')
  })

  it('an approval that is held is sent when the inbox is left for another page', async () => {
    const id = await world.ask()
    await inbox()
    await page.keyboard.press('j')
    await page.keyboard.press('a')
    await page.getByText('Approving delete_file').waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('e')
    await page.getByRole('heading', { name: 'Events', level: 1 }).waitFor()
    await becomes(id, 'approved')
  })

  it('a person can switch the pause off, and the choice lasts', async () => {
    await world.ask({ tool: 'first_call', timeout: 200 })
    await inbox()
    await page.getByLabel(/Hold approvals/).uncheck()
    await page.reload()
    expect(await page.getByLabel(/Hold approvals/).isChecked()).toBe(false)
    await page.keyboard.press('j')
    const sent = page.waitForRequest((request) => request.method() === 'PUT')
    await page.keyboard.press('a')
    await sent
    expect(await page.getByText('Approving first_call').count()).toBe(0)
  })

  it('what could not be sent says so, and can be sent again', async () => {
    const id = await world.ask()
    await inbox()
    await page.route('**/api/v1/approvals/*', (route) =>
      route.request().method() === 'PUT' ? route.abort() : route.continue(),
    )
    await page.keyboard.press('j')
    await page.keyboard.press('a')
    await page.getByText('Not sent: approving').waitFor()
    expect((await world.statusOf(id)).status).toBe('pending')
    await page.unroute('**/api/v1/approvals/*')
    await page.getByRole('button', { name: 'Send again' }).click()
    await becomes(id, 'approved')
  })

  it('a link to an unknown call says so and opens no other', async () => {
    await world.ask()
    page = await world.open('approvals?id=00000000-0000-4000-8000-000000000000')
    await page.getByText('The link leads to a call that this server does not know.').waitFor()
    await rowOf('delete_file').waitFor()
    expect(await page.getByRole('article').count()).toBe(0)
    for (const key of ['a', 'd']) await page.keyboard.press(key)
    expect(await page.getByRole('article').count()).toBe(0)
  })

  it('a link to a decided call says how it ended and by whom, and opens no other', async () => {
    const id = await world.ask({ tool: 'decided_call' })
    await world.admin.decide(id, false, 'not today')
    await world.ask({ tool: 'other_call' })
    page = await world.open(`approvals?id=${id}`)
    await page.getByText('no longer waits').waitFor()
    await page.getByText('by admin@example.com').waitFor()
    await page.getByText('“not today”').waitFor()
    await rowOf('other_call').waitFor()
    expect(await page.getByRole('article').count()).toBe(0)
  })

  it('a link to a waiting call opens exactly that one', async () => {
    await world.ask({ tool: 'other_call', timeout: 100 })
    const id = await world.ask({ tool: 'linked_call' })
    page = await world.open(`approvals?id=${id}`)
    await article('linked_call').waitFor()
  })

  it('g then a goes nowhere and decides nothing; g then i leads to the inbox', async () => {
    const id = await world.ask()
    await inbox()
    await page.keyboard.press('j')
    await article('delete_file').waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('a')
    await staysPending(id)
    await page.keyboard.press('g')
    await page.keyboard.press('o')
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('i')
    await page.getByRole('heading', { name: 'Approvals', level: 1 }).waitFor()
  })

  it('the overview opens a waiting call and never decides it', async () => {
    await world.ask({ args: { path: 'everything' } })
    page = await world.open('')
    const waiting = page.getByRole('region', { name: 'Waiting for a decision' })
    await waiting.getByRole('link', { name: /delete_file/ }).waitFor()
    expect(await waiting.getByRole('button').count()).toBe(0)
    await waiting.getByRole('link', { name: /delete_file/ }).click()
    await article('delete_file').getByText('everything').waitFor()
  })

  it('a person who lost a race is told by whom', async () => {
    const id = await world.ask()
    await inbox()
    await page.keyboard.press('j')
    await article('delete_file').waitFor()
    // The stream is silenced, so that this page does not know yet.
    await page.route('**/api/v1/approvals?*', (route) => route.abort())
    await world.admin.decide(id, false)
    await page.keyboard.press('a')
    await page.getByText('Denied by admin@example.com.').first().waitFor()
  })

  it('two people in one inbox see each other’s decisions at once, and who decided', async () => {
    const id = await world.ask()
    await inbox()
    await page.keyboard.press('j')
    const other = await world.open(`approvals?id=${id}`)
    await other.getByRole('button', { name: /^Deny/ }).click()
    await other.keyboard.press('Enter')
    await article('delete_file').getByText('denied', { exact: true }).waitFor()
    await article('delete_file').getByText('by admin@example.com').waitFor()
    expect(await page.getByRole('button', { name: /^Approve/ }).count()).toBe(0)
    await other.context().close()
  })

  it('line breaks, edits, statements and commands are shown decoded; the table and the raw form have everything too', async () => {
    await world.ask({
      tool: 'edit_file',
      args: {
        path: 'a.ts',
        old_string: 'one\ntwo\n',
        new_string: 'one\nthree\n',
        query: 'SELECT 1\nFROM t ',
        command: 'cat "a b" | wc -l',
      },
    })
    await inbox()
    await page.keyboard.press('j')
    const changes = page.getByRole('region', { name: 'Changes of old_string' })
    await changes.getByText('three').waitFor()
    expect(await page.getByRole('region', { name: 'query' }).innerText()).toBe('SELECT 1\nFROM t ')
    // Their words tell themselves apart.
    const marked = (name: string) => page.getByRole('region', { name }).locator('span').allInnerTexts()
    expect(await marked('query')).toEqual(expect.arrayContaining(['SELECT', 'FROM']))
    expect(await marked('command')).toContain('"a b"')
    await page.getByRole('radio', { name: 'Table' }).click()
    await page.getByText('new_string', { exact: true }).waitFor()
    await page.getByRole('radio', { name: 'Raw' }).click()
    await page.getByText('"one\\nthree\\n"').waitFor()
  })

  it('a long line of an edit is broken, so that all of it is read without moving it, at 390 pixels', async () => {
    await world.ask({ args: { path: 'a', old_string: `${'word '.repeat(60)}end`, new_string: 'x'.repeat(300) } })
    await inbox({ viewport: { width: 390, height: 844 } })
    await rowOf('delete_file').click()
    const changes = page.getByRole('region', { name: 'Changes of old_string' })
    await changes.waitFor()
    const beyond = await page.evaluate(`(() => {
      const box = document.querySelector('[aria-label="Changes of old_string"]')
      return box.scrollWidth - box.clientWidth
    })()`)
    expect(beyond).toBe(0)
  })

  it.each([
    [1280, 800],
    [1280, 420],
    [1024, 300],
    [390, 844],
    [390, 500],
    [844, 390],
    [320, 568],
  ])('the buttons that decide are in view beside a long message at %i×%i', async (width, height) => {
    await world.ask({
      message: 'A very long message. '.repeat(400),
      args: { text: 'line\n'.repeat(400), path: 'x'.repeat(300) },
    })
    await inbox({ viewport: { width, height } })
    await rowOf('delete_file').click()
    const approve = page.getByRole('button', { name: /^Approve/ })
    await approve.waitFor()
    for (const button of [approve, page.getByRole('button', { name: /^Deny/ })]) {
      const box = await button.boundingBox()
      expect(box && box.y >= 0 && box.y + box.height <= height && box.x + box.width <= width).toBe(true)
      // Nothing lies over it.
      await button.click({ trial: true })
    }
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width)
  })
})
