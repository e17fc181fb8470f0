import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ADMIN, auditEvent, type ConsoleWorld, hasBrowser, startConsole } from '../support/console.ts'
import { faults, visit } from '../support/looks.ts'
import { administrator, readExample } from '../support/server.ts'

const PAGES = [
  '',
  'approvals',
  'approvals?tab=history',
  'approvals?id=00000000-0000-4000-8000-000000000000',
  'events',
  'agents',
  'contracts',
  'contracts?tab=deployments',
  'contracts/assistant',
  'contracts/new',
  'contracts/assistant/deploy',
  'contracts/assistant/deploy?version=2&env=production',
  'contracts/assistant/compare',
  'contracts/assistant/compare?view=text',
  'agents/reporter',
  'agents/reporter?tab=history',
  'agents/reporter?tab=assignment',
  'assignment',
  'assignment?tab=agents',
  'coverage',
  'keys',
  'connect',
  'nowhere',
]

describe.skipIf(!hasBrowser)('the pages of the console', { timeout: 240_000 }, () => {
  let world: ConsoleWorld
  let page: Page
  let waiting: string
  /** One whose parts all scroll. */
  let long: string
  beforeAll(async () => {
    world = await startConsole()
    const bundle = readExample('bundles/assistant.yaml')
    await world.admin.deploy(bundle)
    await world.admin.call('POST', '/api/v1/bundles', { yaml_content: `${bundle}\n# changed\n` })
    await world.report([
      auditEvent(),
      auditEvent({ verdict: 'a_verdict_that_nobody_has_ever_heard_of_before_today', tool_name: 'odd_tool' }),
      auditEvent({ verdict: 'call_denied', tool_name: 'second_tool' }),
    ])
    waiting = await world.ask({ timeout: 86_000, args: { sql: 'DELETE FROM t WHERE a = 1', path: 'x' } })
    const lines = 'line\n'.repeat(300)
    long = await world.ask({
      timeout: 86_000,
      message: lines,
      args: { path: 'v'.repeat(2_000), content: lines, old_string: lines, new_string: 'none' },
    })
    await world.report([
      auditEvent({
        tool_name: 'long_tool',
        payload: { tool_args: { path: 'v'.repeat(2_000), content: lines }, principal: { claims: lines.split('\n') } },
      }),
    ])
    const decided = await world.ask()
    await world.admin.decide(decided, false, 'no')
  })
  afterAll(() => world?.close())
  afterEach(() => page?.context().close())

  const go = (path: string) => visit(page, world.server.url, path)

  it('in every look axe finds nothing on any page, and nothing is too wide', async () => {
    page = await world.open('')
    const found: string[] = []
    for (const path of [...PAGES, `approvals?id=${waiting}`]) {
      await go(path)
      found.push(...(await faults(page, path)))
    }
    for (const view of ['Table', 'Text', 'Raw']) {
      await go(`approvals?id=${long}`)
      await page.getByRole('radio', { name: view }).click()
      found.push(...(await faults(page, `long arguments, ${view}`)))
    }
    await go('events?tool_name=long_tool')
    await page
      .getByRole('list', { name: /Events/ })
      .getByRole('button')
      .first()
      .click()
    await page.getByText('Raw record').click()
    found.push(...(await faults(page, 'long event')))
    expect(found).toEqual([])
  })

  it('in every look axe finds nothing in any dialog, and nothing is too wide', async () => {
    page = await world.open('')
    const found: string[] = []
    const dialog = page.getByRole('dialog')
    await go('keys?create=true')
    await dialog.waitFor()
    found.push(...(await faults(page, 'create key')))
    await dialog.getByLabel('Label').fill('axe')
    await dialog.getByRole('button', { name: 'Create key' }).click()
    await dialog.getByText('LICTOR_API_KEY=').waitFor()
    found.push(...(await faults(page, 'new key')))
    await dialog.getByRole('button', { name: 'I have it' }).click()
    await page
      .getByRole('button', { name: /^Revoke/ })
      .first()
      .click()
    await page.getByRole('alertdialog').waitFor()
    found.push(...(await faults(page, 'revoke')))
    await go('assignment?rule=new')
    await dialog.waitFor()
    found.push(...(await faults(page, 'rule')))
    await go('')
    await page.keyboard.press('?')
    await dialog.waitFor()
    found.push(...(await faults(page, 'help')))
    await go('')
    await page.keyboard.press('Control+k')
    await page.getByPlaceholder('Where to, or what to do?').waitFor()
    found.push(...(await faults(page, 'palette')))
    await go(`approvals?id=${waiting}`)
    await page.getByRole('button', { name: /^Deny/ }).click()
    await page.getByLabel(/Why not/).waitFor()
    found.push(...(await faults(page, 'reason')))
    await go('events')
    await page
      .getByRole('list', { name: /Events/ })
      .getByRole('button')
      .first()
      .click()
    await page.getByRole('heading', { name: 'Arguments' }).waitFor()
    found.push(...(await faults(page, 'event')))
    expect(found).toEqual([])
  })

  it('nothing moves for a person who asked for less motion: no page, dialog, menu, message or approval under way', async () => {
    page = await world.open('', { reducedMotion: 'reduce' })
    /** Animations and transitions that a person could see, from now on. */
    const watch = () =>
      page.evaluate(`(() => {
        window.moved = []
        const note = () => {
          for (const one of document.getAnimations()) {
            const { duration, iterations } = one.effect.getComputedTiming()
            if (duration * Math.min(iterations, 1000) > 50) window.moved.push(one.animationName ?? one.transitionProperty)
          }
          requestAnimationFrame(note)
        }
        note()
      })()`)
    const moved: string[] = []
    const see = async (path: string, act: () => Promise<void> = async () => {}) => {
      await go(path)
      await watch()
      await act()
      moved.push(...((await page.evaluate('window.moved')) as string[]).map((name) => `${path}: ${name}`))
    }
    for (const path of PAGES) await see(path)
    await see('keys', async () => {
      await page.getByRole('button', { name: 'Create key' }).first().click()
      await page.getByRole('dialog').waitFor()
      await page.keyboard.press('Escape')
      await page.getByRole('dialog').waitFor({ state: 'detached' })
    })
    await see('', async () => {
      await page.keyboard.press('Control+k')
      await page.getByPlaceholder('Where to, or what to do?').waitFor()
    })
    const id = await world.ask({ tool: 'still_call' })
    await see(`approvals?id=${id}`, async () => {
      await page.keyboard.press('a')
      await page.getByText('Approving still_call').waitFor()
      await page.getByRole('button', { name: /^Undo/ }).click()
    })
    expect(moved).toEqual([])
  })

  it('a clock that is ten minutes off changes no countdown', async () => {
    for (const off of [-600_000, 600_000]) {
      const context = await world.context()
      page = await context.newPage()
      await page.clock.install({ time: Date.now() + off })
      const id = await world.ask({ timeout: 3_500 })
      await page.goto(`${world.server.url}/dashboard/approvals?id=${id}`)
      const shown = await page.getByRole('article').getByTitle('Time left').innerText()
      const [minutes = 0] = shown.split(':').map(Number)
      expect(minutes).toBeGreaterThanOrEqual(56)
      expect(minutes).toBeLessThanOrEqual(58)
      await world.admin.decide(id, false)
      if (off < 0) await context.close()
    }
  })

  it('what is written in the editor is there again after leaving, Back, a reload, and an ended session', async () => {
    page = await world.open('contracts/new')
    const editor = page.getByRole('textbox', { name: 'Bundle YAML' })
    const writes = async (text: string) => {
      await editor.click()
      await page.keyboard.press('Control+Home')
      await page.keyboard.type(text)
    }
    await writes('# one ')
    await page.getByRole('link', { name: 'All bundles' }).click()
    await page.getByRole('heading', { name: 'Contracts', level: 1 }).waitFor()
    await page.goBack()
    await page.getByText('# one').waitFor()
    await page.getByText('What you wrote was kept.').waitFor()
    page.on('dialog', (dialog) => void dialog.accept())
    await page.reload()
    await page.getByText('# one').waitFor()
    await page.context().clearCookies()
    // A read of the page itself may find the session ended before the upload does.
    const signIn = page.getByRole('heading', { name: 'Sign in' })
    await Promise.race([page.getByRole('button', { name: /^Upload/ }).click(), signIn.waitFor()])
    await signIn.waitFor()
    await page.getByLabel('E-mail').fill(ADMIN.email)
    await page.getByLabel('Password').fill(ADMIN.password)
    await page.keyboard.press('Enter')
    await page.getByText('# one').waitFor()
    await page.getByRole('button', { name: 'Start over' }).click()
    await page.getByText('# one').waitFor({ state: 'detached' })
  })

  it('a key that is shown once is lost neither by a click beside it nor by Escape', async () => {
    page = await world.open('keys?create=true')
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('button', { name: 'Create key' }).click()
    await dialog.getByText('Give it a label.').waitFor()
    await dialog.getByLabel('Label').fill('laptop')
    await dialog.getByRole('button', { name: 'Create key' }).click()
    await dialog.getByText('LICTOR_API_KEY=').waitFor()
    await page.mouse.click(5, 5)
    await page.keyboard.press('Escape')
    await dialog.getByText('LICTOR_API_KEY=').waitFor()
    expect(await dialog.getByRole('button', { name: 'Close' }).count()).toBe(0)
    await dialog.getByRole('button', { name: 'I have it' }).click()
    await dialog.waitFor({ state: 'detached' })
  })

  it('Back takes back a filter, and closes an event that was opened', async () => {
    page = await world.open('events')
    await page.getByRole('button', { name: 'Tool', exact: true }).click()
    await page.getByRole('menuitemradio', { name: /odd_tool/ }).click()
    await page.waitForURL(/tool_name=odd_tool/)
    await page
      .getByRole('list', { name: /Events/ })
      .getByRole('button')
      .first()
      .click()
    await page.waitForURL(/event=/)
    await page.goBack()
    await page.waitForURL((url) => !url.search.includes('event='))
    await page.goBack()
    await page.waitForURL(/\/events$/)
    await page
      .getByRole('list', { name: /Events/ })
      .getByText('second_tool')
      .waitFor()
  })

  it('Back takes back a filter of agents too', async () => {
    page = await world.open('agents')
    await page.getByRole('button', { name: 'Status', exact: true }).click()
    await page.getByRole('menuitemradio', { name: /Drift/ }).click()
    await page.waitForURL(/status=drift/)
    await page.getByRole('button', { name: 'Environment', exact: true }).waitFor()
    await page.goBack()
    await page.waitForURL(/\/agents$/)
    await page.getByRole('button', { name: 'Status', exact: true }).waitFor()
  })

  it('the arguments of an event are shown decoded, with their lines, and as they were sent', async () => {
    await world.report([
      auditEvent({ tool_name: 'query_tool', payload: { tool_args: { sql: 'SELECT 1\nFROM t', limit: 5 } } }),
    ])
    page = await world.open('events?tool_name=query_tool')
    await page
      .getByRole('list', { name: /Events/ })
      .getByRole('button')
      .first()
      .click()
    expect(await page.getByRole('region', { name: 'sql' }).innerText()).toBe('SELECT 1\nFROM t')
    await page.getByRole('radio', { name: 'Raw' }).click()
    await page.getByText('"SELECT 1\\nFROM t"').first().waitFor()
  })

  it('a name of 200 characters stretches no menu over the window', async () => {
    await world.report([auditEvent({ tool_name: 'n'.repeat(200) })])
    page = await world.open('events', { viewport: { width: 390, height: 844 } })
    await page.getByRole('button', { name: 'Tool', exact: true }).click()
    const box = await page.getByRole('menu').boundingBox()
    expect(box && box.x >= 0 && box.x + box.width <= 390).toBe(true)
  })

  it('an unknown verdict stays in its column', async () => {
    page = await world.open('events')
    const row = page.getByRole('list', { name: /Events/ }).getByRole('button', { name: /odd_tool/ })
    const badge = await row.getByText('a_verdict_that_nobody').boundingBox()
    const tool = await row.getByText('odd_tool').boundingBox()
    expect(badge && tool && badge.x + badge.width <= tool.x).toBe(true)
  })

  it('figures that could not be read say so, and nothing is said before it is known', async () => {
    page = await world.open('keys')
    await page.route('**/api/v1/stats/overview', (route) => route.fulfill({ status: 500, json: { detail: 'broken' } }))
    await page.route('**/api/v1/approvals?*', () => {})
    await go('')
    await page.getByRole('link', { name: /Events, 24 h.*could not be loaded/ }).waitFor()
    await page.getByRole('link', { name: /Denied, 24 h.*could not be loaded/ }).waitFor()
    expect(await page.getByText('nothing paused').count()).toBe(0)
  })

  it('the focus is back on the page after help and palette close', async () => {
    page = await world.open('')
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
    for (const [key, role] of [
      ['?', 'dialog'],
      ['Control+k', 'dialog'],
    ] as const) {
      await page.keyboard.press(key)
      await page.getByRole(role).waitFor()
      await page.keyboard.press('Escape')
      await page.getByRole(role).waitFor({ state: 'detached' })
      await expect.poll(() => page.evaluate('document.activeElement === document.body')).toBe(false)
    }
  })

  it('the palette knows agents’ pages, creating a key and signing out, and no entry by scattered letters', async () => {
    // Signing out ends the session, which would be that of all other pages.
    page = await world.open('', {}, await administrator(world.server.url))
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
    await page.keyboard.press('Control+k')
    const field = page.getByPlaceholder('Where to, or what to do?')
    await field.fill('create')
    const names = await page.getByRole('option').allInnerTexts()
    expect(names).toContain('Create an API key')
    await field.fill('sgn')
    await page.getByText('Nothing by that name.').waitFor()
    await field.fill('sign out')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  })

  it('scripts come by file or hash alone, compressed, and the theme is there before the first paint', async () => {
    const context = await world.context({ colorScheme: 'dark' })
    page = await context.newPage()
    // Without any of the console's own files there is only what the page itself says.
    await page.route('**/assets/**', (route) => route.abort())
    const answer = await page.goto(`${world.server.url}/dashboard/`)
    expect(await page.evaluate('document.documentElement.dataset.theme')).toBe('dark')
    expect(answer?.headers()['content-security-policy']).not.toMatch(/script-src[^;]*unsafe/)

    const whole = await context.newPage()
    const refused: string[] = []
    whole.on('console', (message) => /Content Security Policy/.test(message.text()) && refused.push(message.text()))
    const encodings = new Set<string | null>()
    whole.on('response', (response) => {
      if (response.url().endsWith('.js')) encodings.add(response.headers()['content-encoding'] ?? null)
    })
    await whole.goto(`${world.server.url}/dashboard/`)
    await whole.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
    expect(refused).toEqual([])
    expect([...encodings]).toEqual(['br'])
  })
})
