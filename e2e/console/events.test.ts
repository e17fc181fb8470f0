import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { auditEvent, type ConsoleWorld, hasBrowser, startConsole } from '../support/console.ts'
import { faults } from '../support/looks.ts'

/** So many events in one report, a second apart, the newest `newest` milliseconds since 1970. */
const burst = (count: number, newest: number, tool: string) =>
  Array.from({ length: count }, (_, index) =>
    auditEvent({ tool_name: tool, timestamp: new Date(newest - index * 1_000).toISOString() }),
  )

describe.skipIf(!hasBrowser)('the list of events', { timeout: 240_000 }, () => {
  let world: ConsoleWorld
  let page: Page
  beforeAll(async () => {
    world = await startConsole()
  })
  afterAll(() => world?.close())
  beforeEach(async () => {
    page = await world.open('events')
  })
  afterEach(() => page?.context().close())

  const live = () => page.getByText('Live', { exact: true }).first().waitFor({ state: 'attached' })
  const list = () => page.getByRole('list', { name: 'Events, newest first' })
  /** Shows what waits above, pages down to the end, and counts the rows that the list says it has. */
  const countToTheEnd = async () => {
    const waiting = page.getByRole('button', { name: /new events?$/ })
    if (await waiting.isVisible()) await waiting.click()
    for (;;) {
      await page.evaluate("document.querySelector('main ol').parentElement.scrollTo(0, 1e9)")
      if (await page.getByText('No older events').isVisible()) break
    }
    return Number(await list().getByRole('listitem').last().getAttribute('aria-setsize'))
  }

  it('loses no row of a burst that arrives while one looks on: 3,001 of 3,001', async () => {
    await live()
    const now = Date.now()
    for (const [part, size] of [1_000, 1_000, 1_001].entries())
      await world.report(burst(size, now - part * 1_000_000, 'burst_tool'))
    await page.goto(`${world.server.url}/dashboard/events?tool_name=burst_tool`)
    await list().getByText('burst_tool').first().waitFor()
    expect(await countToTheEnd()).toBe(3_001)
  })

  it('follows a burst live without losing a row, late ones among them', async () => {
    await page.goto(`${world.server.url}/dashboard/events?tool_name=live_tool`)
    await page.getByText('No event matches').waitFor()
    await live()
    const now = Date.now()
    // Each report is older than the one before: whoever asked by time would pass them over.
    for (let part = 0; part < 4; part++) await world.report(burst(700, now - part * 3_600_000, 'live_tool'))
    await list().getByText('live_tool').first().waitFor()
    await expect.poll(countToTheEnd, { timeout: 60_000 }).toBe(2_800)
  })

  it('shows all that came during a pause: 1,506 of 1,506', async () => {
    await page.goto(`${world.server.url}/dashboard/events?tool_name=paused_tool`)
    await page.getByText('No event matches').waitFor()
    await live()
    await page.getByRole('button', { name: 'Pause', exact: true }).click()
    const now = Date.now()
    await world.report(burst(500, now, 'paused_tool'))
    await world.report(burst(1_006, now - 500_000, 'paused_tool'))
    await page.getByRole('button', { name: 'Go on' }).click()
    await list().getByText('paused_tool').first().waitFor()
    await expect.poll(countToTheEnd, { timeout: 60_000 }).toBe(1_506)
  })

  /** As if the tab were behind another, or in front again. */
  const hide = (hidden: boolean) =>
    page.evaluate(`(() => {
      Object.defineProperty(document, 'hidden', { configurable: true, get: () => ${hidden} })
      document.dispatchEvent(new Event('visibilitychange'))
    })()`)

  it('asks for nothing while the tab is hidden, and shows all when one looks again: 3,006 of 3,006', async () => {
    await page.goto(`${world.server.url}/dashboard/events?tool_name=hidden_tool`)
    await page.getByText('No event matches').waitFor()
    await live()
    await hide(true)
    const asked: string[] = []
    page.on('request', (request) => /\/events\?/.test(request.url()) && asked.push(request.url()))
    const now = Date.now()
    for (let part = 0; part < 6; part++) await world.report(burst(501, now - part * 1_000_000, 'hidden_tool'))
    // What is announced by then was heard: a call that waits is counted in a hidden tab too.
    const id = await world.ask()
    await expect.poll(() => page.title()).toMatch(/^\(1\)/)
    await world.admin.decide(id, false)
    expect(asked).toEqual([])
    await hide(false)
    await list().getByText('hidden_tool').first().waitFor()
    await expect.poll(countToTheEnd, { timeout: 60_000 }).toBe(3_006)
  })

  it('the row with the keyboard’s focus stays the same event while others arrive', async () => {
    const ofAgent = (tool_name: string) => auditEvent({ tool_name, agent_id: 'focus-agent' })
    await world.report([ofAgent('focused_tool')])
    await page.goto(`${world.server.url}/dashboard/events?agent_id=focus-agent`)
    await list()
      .getByRole('button', { name: /focused_tool/ })
      .waitFor()
    await live()
    const focused = page.locator(':focus')
    for (let presses = 0; presses < 50; presses++) {
      await page.keyboard.press('Tab')
      if ((await focused.innerText()).includes('focused_tool')) break
    }
    await world.report([ofAgent('newcomer_tool')])
    await page.getByRole('button', { name: '1 new event' }).waitFor()
    expect(await focused.innerText()).toContain('focused_tool')
    await page.keyboard.press('Enter')
    await page.getByRole('region', { name: 'Event' }).getByText('focused_tool').first().waitFor()
  })

  it('events of one call, or of one session, are one row that opens; the address says so, and what is loaded is said', async () => {
    const now = Date.now()
    const of = (second: number, call_id: string, verdict: string, session_id?: string) =>
      auditEvent({
        agent_id: 'grouped-agent',
        tool_name: `tool_of_${call_id}`,
        call_id,
        verdict,
        timestamp: new Date(now - 60_000 + second * 1_000).toISOString(),
        payload: { tool_args: {}, ...(session_id ? { session_id } : {}) },
      })
    await world.report([
      of(1, 'first', 'call_allowed', 'the-session'),
      of(2, 'second', 'call_denied', 'the-session'),
      of(3, 'first', 'call_executed', 'the-session'),
      of(4, 'third', 'call_allowed'),
    ])
    await page.goto(`${world.server.url}/dashboard/events?agent_id=grouped-agent`)
    await list().getByText('tool_of_third').waitFor()
    expect(await list().getByRole('button').count()).toBe(4)
    await page.getByRole('button', { name: 'Group', exact: true }).click()
    await page.getByRole('menuitemradio', { name: 'by call' }).click()
    await page.waitForURL(/group=call/)
    const calls = page.getByRole('list', { name: 'Events by call, newest first' })
    const first = calls.getByRole('button', { name: /tool_of_first.*2 events/ })
    await first.waitFor()
    expect(await calls.getByRole('button').count()).toBe(3)
    await page.getByText('3 rows by call from 4 loaded events; only events that match are in a call.').waitFor()
    // What is open stands in the address, and one step back closes it.
    await first.click()
    await expect.poll(() => calls.getByRole('button').count()).toBe(5)
    await page.reload()
    await expect.poll(() => calls.getByRole('button').count()).toBe(5)
    expect(await faults(page, 'events by call')).toEqual([])
    await page.goBack()
    await expect.poll(() => calls.getByRole('button').count()).toBe(3)
    // Keys go from event to event and open what they lead into: the third is alone, then comes the newest of the first.
    await page.keyboard.press('j')
    await page.keyboard.press('j')
    await page.getByRole('region', { name: 'Event' }).getByText('tool_of_first').first().waitFor()
    expect(await calls.locator('[aria-current]').innerText()).toContain('tool_of_first')
    await page.keyboard.press('Escape')
    await page.goto(`${world.server.url}/dashboard/events?agent_id=grouped-agent&group=session`)
    const sessions = page.getByRole('list', { name: 'Events by session, newest first' })
    await sessions.getByRole('button', { name: /the-session.*3 events of 2 calls, 1 denied/ }).waitFor()
    expect(await sessions.getByRole('button').count()).toBe(2)
    // One that arrives joins its session without being asked for.
    await live()
    await world.report([of(50, 'fourth', 'call_allowed', 'the-session')])
    await sessions.getByRole('button', { name: /the-session.*4 events of 3 calls, 1 denied/ }).waitFor()
  })

  it('one environment is chosen for all pages: each that has such a filter shows it, its address says so, and none hides what was linked to', async () => {
    // An event is of the environment of the key that reports it.
    for (const env of ['production', 'staging']) {
      const answer = await fetch(`${world.server.url}/api/v1/events`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${await world.admin.createKey(env)}` },
        body: JSON.stringify({ events: [auditEvent({ agent_id: 'two-places', tool_name: `tool_in_${env}` })] }),
      })
      expect(answer.ok).toBe(true)
    }
    await page.goto(`${world.server.url}/dashboard/events?agent_id=two-places`)
    await list().getByText('tool_in_production').click()
    await page.waitForURL(/event=/)
    const linked = page.url()
    await page.keyboard.press('Escape')
    const choice = page.getByRole('combobox', { name: 'Environment of all pages' })
    const tool = (name: string) => list().getByRole('button', { name: new RegExp(`tool_in_${name}`) })
    const filter = (name: string) => page.getByRole('button', { name, exact: true })
    await choice.selectOption('staging')
    await page.waitForURL(/env=staging/)
    await filter('Environment: staging').waitFor()
    await tool('production').waitFor({ state: 'detached' })
    await tool('staging').waitFor()
    // It outlives the page, and other pages begin with it; one without such a filter says that it is not narrowed.
    await page.goto(`${world.server.url}/dashboard/coverage`)
    await page.waitForURL(/coverage\?env=staging$/)
    await filter('Environment: staging').waitFor()
    expect(await page.getByText('Not for this page').count()).toBe(0)
    await page.goto(`${world.server.url}/dashboard/keys`)
    await page.waitForURL(/keys\?env=staging$/)
    await filter('Environment: staging').waitFor()
    await page.goto(`${world.server.url}/dashboard/agents`)
    await page.waitForURL(/agents\?env=staging$/)
    await page.goto(`${world.server.url}/dashboard/`)
    await page.getByText('Not for this page').first().waitFor()
    expect(await faults(page, 'overview with an environment')).toEqual([])
    // A link to one event shows it; taking the filter away shows all, and stays so when the page is loaded anew.
    await page.goto(linked)
    await page.waitForURL(/env=all/)
    await page.getByRole('region', { name: 'Event' }).getByText('tool_in_production').first().waitFor()
    await page.goto(`${world.server.url}/dashboard/events?agent_id=two-places`)
    await page.waitForURL(/env=staging/)
    await page.getByRole('button', { name: 'Clear filter Environment' }).click()
    await page.waitForURL(/env=all/)
    await tool('production').waitFor()
    await page.reload()
    await tool('production').waitFor()
    await tool('staging').waitFor()
    await choice.selectOption({ label: 'All environments' })
    await page.waitForURL((url) => !url.search.includes('env='))
    await tool('production').waitFor()
  })

  it('a list by session reads no further by itself, and goes on when asked', async () => {
    const now = Date.now() - 7_200_000
    const session = { payload: { session_id: 'a-long-session' }, agent_id: 'long-agent' }
    await world.report(
      Array.from({ length: 450 }, (_, index) =>
        auditEvent({ ...session, timestamp: new Date(now - index * 1_000).toISOString() }),
      ),
    )
    await page.goto(`${world.server.url}/dashboard/events?agent_id=long-agent&group=session`)
    const row = (count: number) => page.getByRole('button', { name: new RegExp(`a-long-session.*\\b${count} events`) })
    await row(200).waitFor()
    await page.getByText(/1 row by session from 200 loaded events; older events are not loaded/).waitFor()
    for (const count of [400, 450]) {
      await page.getByRole('button', { name: 'Load older events' }).click()
      await row(count).waitFor()
    }
    await page.getByText('No older events').waitFor()
    await page.getByText('1 row by session from 450 loaded events; only events that match are in a session.').waitFor()
  })

  it('of thousands of events few rows exist; who follows keeps two thousand, and older ones come when one goes down', async () => {
    const now = Date.now()
    for (let part = 0; part < 5; part++) await world.report(burst(500, now - part * 500_000 - 3_600_000, 'many_tool'))
    await page.goto(`${world.server.url}/dashboard/events?tool_name=many_tool`)
    await list().getByText('many_tool').first().waitFor()
    await live()
    expect(await countToTheEnd()).toBe(2_500)
    expect(await list().getByRole('listitem').count()).toBeLessThan(60)
    await page.evaluate("document.querySelector('main ol').parentElement.scrollTo(0, 0)")
    await world.report(burst(20, now, 'many_tool'))
    const waiting = page.getByRole('button', { name: /new events?$/ })
    if (await waiting.isVisible()) await waiting.click()
    // Cut off below, and not forgotten: the list does not say that there are no older ones.
    await expect.poll(countToTheEnd, { timeout: 60_000 }).toBe(2_520)
    expect(await list().getByRole('listitem').count()).toBeLessThan(60)
  })

  it('what was read is not read again at each announcement', async () => {
    const now = Date.now()
    await world.report(burst(400, now, 'known_tool'))
    // What arrived while the first page was on its way: half of the burst, of which that page has the other half.
    const caughtUp = page.waitForResponse(/\/events\?.*after_seq=/)
    await page.goto(`${world.server.url}/dashboard/events?tool_name=known_tool`)
    await list().getByText('known_tool').first().waitFor()
    await live()
    await (await caughtUp).finished()
    const read: Promise<number>[] = []
    page.on('response', (answer) => {
      if (/\/events\?.*after_seq=/.test(answer.url())) read.push(answer.json().then((found: unknown[]) => found.length))
    })
    for (let part = 0; part < 20; part++) {
      await world.report([auditEvent({ tool_name: 'known_tool' })])
      await page.clock.runFor(300)
    }
    const sum = async () => (await Promise.all(read)).reduce((all, rows) => all + rows, 0)
    // What is announced last may come when the clock stands; it is read when the clock goes on.
    const later = () => page.clock.runFor(1_000).then(sum)
    await expect.poll(later).toBeGreaterThanOrEqual(20)
    expect(await sum()).toBe(20)
  })

  it('the length of time one looks at goes by the server’s clock', async () => {
    await world.report([
      auditEvent({ tool_name: 'timed_tool', timestamp: new Date(Date.now() - 720_000).toISOString() }),
    ])
    for (const off of [-600_000, 600_000]) {
      const context = await world.context()
      const other = await context.newPage()
      await other.clock.install({ time: Date.now() + off })
      const asked = other.waitForRequest((request) => /\/api\/v1\/events\?.*since=/.test(request.url()))
      await other.goto(`${world.server.url}/dashboard/events?tool_name=timed_tool&since=15m`)
      const since = Date.parse(new URL((await asked).url()).searchParams.get('since') ?? '')
      expect(Math.abs(Date.now() - 900_000 - since)).toBeLessThan(60_000)
      await other
        .getByRole('list', { name: /Events/ })
        .getByText('timed_tool')
        .waitFor()
      await context.close()
    }
  })

  it('many events a second are read once a second, not once for each report', async () => {
    await page.goto(`${world.server.url}/dashboard/events?tool_name=steady_tool`)
    await page.getByText('No event matches').waitFor()
    await live()
    const asked: string[] = []
    page.on('request', (request) => request.url().includes('after_seq=') && asked.push(request.url()))
    const from = await page.evaluate<number>('performance.now()')
    for (let part = 0; part < 60; part++) await world.report([auditEvent({ tool_name: 'steady_tool' })])
    await expect.poll(() => list().getByRole('listitem').count()).toBeGreaterThan(10)
    const seconds = ((await page.evaluate<number>('performance.now()')) - from) / 1_000
    expect(asked.length).toBeLessThanOrEqual(Math.ceil(seconds) + 1)
  })
})
