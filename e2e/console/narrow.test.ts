import type { BrowserContextOptions, Locator, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { auditEvent, type ConsoleWorld, hasBrowser, startConsole } from '../support/console.ts'
import { readExample } from '../support/server.ts'

const long = (letter: string, length = 200) => letter.repeat(length)
const AGENT = long('z', 120)
const BUNDLE = long('n', 100)
const LOOKS: readonly (readonly [string, BrowserContextOptions])[] = [
  ['at 1280 pixels', {}],
  ['at 390 pixels', { viewport: { width: 390, height: 844 } }],
  ['at 320 pixels', { viewport: { width: 320, height: 568 } }],
]

/**
 * What of a page stands out of the window, of the page's own column, or of the card, menu or dialog it is in. What is in a
 * box that cuts off or scrolls can be reached, or ends in dots.
 */
const OUTSIDE = `(() => {
  const cuts = (one) => getComputedStyle(one).overflowX !== 'visible'
  const found = []
  for (const box of document.querySelectorAll('main, main section, [role=dialog], [role=alertdialog], [role=menu]')) {
    const edge = Math.min(box.getBoundingClientRect().right, innerWidth)
    if (box.getBoundingClientRect().right > innerWidth + 1) found.push('window: ' + box.outerHTML.slice(0, 80))
    for (const one of box.querySelectorAll('*')) {
      let around = one.parentElement
      while (around !== box && !cuts(around)) around = around.parentElement
      const shown = one.getBoundingClientRect()
      if (around !== box || shown.width < 2 || getComputedStyle(one).position === 'absolute') continue
      if (shown.right > edge + 1) found.push(box.tagName + ': ' + one.outerHTML.slice(0, 120))
    }
  }
  return found
})()`

describe.skipIf(!hasBrowser)('long names and narrow windows', { timeout: 240_000 }, () => {
  let world: ConsoleWorld
  let page: Page
  let asked: string
  /** What holds the agents' connections open. */
  const streams: Response[] = []
  beforeAll(async () => {
    world = await startConsole()
    const example = readExample('bundles/assistant.yaml')
    for (const name of ['assistant', BUNDLE]) {
      const yaml = example.replace(/name: assistant$/m, `name: ${name}`)
      await world.admin.deploy(yaml)
      for (const env of ['staging', 'development'])
        await world.admin.call('POST', `/api/v1/bundles/${name}/1/deploy`, { env })
      await world.admin.call('POST', '/api/v1/bundles', { yaml_content: `${yaml}\n# ${long('c')}\n` })
    }
    await world.admin.call('POST', '/api/v1/keys', { env: 'production', label: long('L') })
    const key = await world.admin.createKey()
    for (const agent of [AGENT, 'helpful-agent']) {
      const query = new URLSearchParams({ env: 'production', bundle_name: BUNDLE })
      const headers = { authorization: `Bearer ${key}`, 'x-edictum-agent-id': agent }
      const stream = await fetch(`${world.server.url}/api/v1/stream?${query}`, { headers })
      expect(stream.status).toBe(200)
      streams.push(stream)
    }
    await world.report([
      auditEvent({
        agent_id: AGENT,
        tool_name: long('w'),
        verdict: long('v'),
        payload: { decision_name: long('d'), tool_args: { [long('k')]: long('v', 900) } },
      }),
    ])
    asked = await world.ask({
      tool: long('t'),
      message: long('m', 400),
      args: { [long('k', 120)]: long('v', 900) },
      timeout: 3_000,
    })
    const decided = await world.ask({ tool: long('t'), message: long('m') })
    await world.admin.decide(decided, false, long('r'))
  })
  afterAll(async () => {
    for (const stream of streams) await stream.body?.cancel()
    await world?.close()
  })
  afterEach(() => page?.context().close())

  const go = async (path: string) => {
    await page.goto(`${world.server.url}/dashboard/${path}`)
    await page.locator('h1, h2').first().waitFor()
    await expect.poll(() => page.getByRole('status', { name: 'Loading' }).count()).toBe(0)
  }
  const outside = async (where: string) => {
    // What moves into its place is there.
    await page.evaluate(
      'Promise.all(document.getAnimations().map((one) => one.effect?.getComputedTiming().iterations === Infinity ? null : one.finished.catch(() => null)))',
    )
    return ((await page.evaluate(OUTSIDE)) as string[]).map((one) => `${where}: ${one}`)
  }
  const within = async (box: Locator) => {
    const found = await box.boundingBox()
    if (!found) throw new Error('It is not shown.')
    return found
  }
  const overlap = async (one: Locator, other: Locator) => {
    const [a, b] = [await within(one), await within(other)]
    return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height
  }
  const isWhole = (text: Locator) =>
    expect
      .poll(() =>
        text.evaluate((one: { scrollWidth: number; clientWidth: number }) => one.scrollWidth <= one.clientWidth),
      )
      .toBe(true)

  it.each(LOOKS)('names of 200 characters stay inside every page, dialog and menu, %s', async (_name, options) => {
    page = await world.open('', { ...options, reducedMotion: 'reduce' })
    const found: string[] = []
    const isPhone = (options.viewport?.width ?? 1280) < 768
    for (const path of [
      '',
      'approvals',
      `approvals?id=${asked}`,
      'approvals?tab=history',
      'events',
      `events?agent_id=${AGENT}&tool_name=${long('w')}&verdict=${long('v')}`,
      'agents',
      'contracts',
      'contracts?tab=deployments',
      `contracts/${BUNDLE}`,
      `contracts/new?from=${BUNDLE}&version=1`,
      'keys',
      'connect',
    ]) {
      await go(path)
      found.push(...(await outside(path)))
      // Every menu of the page, and what each dialog asks.
      const menus = page.getByRole('main').locator('[aria-haspopup=menu]')
      for (const menu of await menus.all()) {
        await menu.click()
        await page.getByRole('menu').waitFor()
        found.push(...(await outside(`${path} menu`)))
        await page.keyboard.press('Escape')
        await page.getByRole('menu').waitFor({ state: 'detached' })
      }
    }
    const dialog = page.getByRole('dialog')
    await go(`contracts/${BUNDLE}/deploy?env=production`)
    await page.getByRole('heading', { name: 'Affected agents' }).waitFor()
    found.push(...(await outside('deploy')))
    await go('assignment?rule=new')
    await dialog.waitFor()
    found.push(...(await outside('rule')))
    await go('keys')
    await page.getByRole('button', { name: /^Revoke L/ }).click()
    await page.getByRole('alertdialog').waitFor()
    found.push(...(await outside('revoke')))
    await go('events')
    await page
      .getByRole('list', { name: /Events/ })
      .getByRole('button')
      .first()
      .click()
    await page.getByRole('heading', { name: 'Arguments' }).waitFor()
    found.push(...(await outside('event')))
    await go('')
    await page.keyboard.press('Control+k')
    await page.getByRole('option', { name: BUNDLE }).waitFor()
    await page.getByRole('option', { name: AGENT }).waitFor()
    found.push(...(await outside('palette')))
    if (isPhone) {
      await go('')
      await page.getByRole('button', { name: 'More' }).click()
      await dialog.waitFor()
      found.push(...(await outside('menu')))
    }
    await go('keys')
    await page.route('**/api/v1/keys/*', (route) => route.fulfill({ status: 500, json: { detail: long('e') } }))
    await page.getByRole('button', { name: /^Revoke L/ }).click()
    await page.getByRole('button', { name: 'Revoke key' }).click()
    await page.getByText('The key was not revoked.').waitFor()
    found.push(...(await outside('not revoked')))
    expect(found).toEqual([])
  })

  it('on a phone a bundle’s name is whole beside three environments, and an agent’s beside what is said of it', async () => {
    for (const width of [390, 320]) {
      page = await world.open('contracts', { viewport: { width, height: 700 } })
      await isWhole(page.getByRole('listitem').getByText('assistant', { exact: true }))
      await go('agents')
      await isWhole(page.getByRole('link', { name: 'helpful-agent' }))
      const id = await world.ask({ tool: 'small_call' })
      const { agent_id } = await world.admin.call<{ agent_id: string }>('GET', `/api/v1/approvals/${id}`)
      // As if whoever asked had gone away.
      await page.route('**/api/v1/approvals?*', async (route) => {
        const answer = await route.fetch()
        const seen = new Date(Date.now() - 240_000).toISOString()
        const calls = ((await answer.json()) as object[]).map((one) => ({
          ...one,
          asker: 'detached',
          asker_seen_at: seen,
        }))
        await route.fulfill({ response: answer, json: calls })
      })
      await go('approvals')
      await page.getByText('asker not seen for 4 min').first().waitFor()
      await isWhole(page.getByRole('list', { name: /Waiting/ }).getByText(agent_id, { exact: true }))
      await world.admin.decide(id, false)
      await page.context().close()
    }
  })

  it('on a phone nothing covers the snippet, and Pause is in view', async () => {
    for (const width of [390, 320]) {
      page = await world.open('connect', { viewport: { width, height: 700 } })
      for (const what of ['snippet', 'install command'])
        expect(
          await overlap(page.getByRole('region', { name: what }), page.getByRole('button', { name: `Copy ${what}` })),
        ).toBe(false)
      await go('events')
      const pause = await within(page.getByRole('button', { name: 'Pause', exact: true }))
      expect(pause.x + pause.width).toBeLessThanOrEqual(width)
      expect(pause.y + pause.height).toBeLessThanOrEqual(700)
      await page.context().close()
    }
  })

  it('on a phone a notice covers neither what can be undone, nor the buttons that decide, nor a dialog', async () => {
    const first = await world.ask({ tool: 'first_call', timeout: 200 })
    await world.ask({ tool: 'second_call', timeout: 250 })
    page = await world.open('approvals', { viewport: { width: 390, height: 844 } })
    const list = page.getByRole('list', { name: /Waiting/ })
    await list.getByRole('button', { name: /first_call/ }).click()
    await page.getByRole('button', { name: /^Approve/ }).click()
    await page.clock.runFor(3_100)
    const notice = page.locator('li[data-tone]').filter({ hasText: 'Approved first_call' })
    await notice.waitFor()
    // It would go by itself.
    await page.clock.pauseAt((await page.evaluate<number>('Date.now()')) + 100)
    expect((await world.statusOf(first)).status).toBe('approved')
    await page.getByRole('button', { name: 'Back to the list' }).click()
    await list.getByRole('button', { name: /second_call/ }).click()
    await page.clock.runFor(500)
    await page.getByRole('button', { name: /^Approve/ }).click()
    const undo = page.getByRole('button', { name: /^Undo/ })
    await undo.waitFor()
    expect(await overlap(notice, undo)).toBe(false)
    await undo.click()
    for (const button of [/^Approve/, /^Deny/, 'Back to the list'])
      expect(await overlap(notice, page.getByRole('button', { name: button }))).toBe(false)
    await page.keyboard.press('Control+k')
    await page.clock.runFor(500)
    await page.getByPlaceholder('Where to, or what to do?').waitFor()
    expect(await overlap(notice, page.getByRole('dialog'))).toBe(false)
  })

  it('the palette leads to what a connected agent did', async () => {
    page = await world.open('')
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
    await page.keyboard.press('Control+k')
    await page.getByPlaceholder('Where to, or what to do?').fill('helpful')
    await page.getByRole('option', { name: 'helpful-agent' }).waitFor()
    await page.keyboard.press('Enter')
    await page.waitForURL(/agent_id=helpful-agent/)
  })
})
