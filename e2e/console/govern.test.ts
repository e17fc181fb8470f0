import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { auditEvent, type ConsoleWorld, hasBrowser, startConsole } from '../support/console.ts'
import { readExample } from '../support/server.ts'

describe.skipIf(!hasBrowser)('what is governed, and by what', { timeout: 120_000 }, () => {
  let world: ConsoleWorld
  let page: Page
  const agents = new AbortController()
  const bundle = readExample('bundles/assistant.yaml')
  const stricter = bundle.replace(
    /^contracts:\n/m,
    'contracts:\n  - id: no-etc\n    type: pre\n    tool: read_file\n    when: { args.path: { starts_with: /etc } }\n    then: { effect: deny, message: No. }\n',
  )
  beforeAll(async () => {
    world = await startConsole()
    await world.admin.deploy(bundle)
    await world.admin.call('POST', '/api/v1/bundles', { yaml_content: stricter })
    const read = (path: string) => auditEvent({ payload: { tool_args: { path } } })
    await world.report([
      ...['/etc/hosts', '/etc/group', 'a.txt', 'b.txt', 'c.txt'].map(read),
      auditEvent({ agent_id: 'loner', tool_name: 'unheard_of' }),
    ])
    const key = await world.admin.createKey()
    // An agent that holds its stream open, and never says which version it runs.
    const stream = await fetch(`${world.server.url}/api/v1/stream?env=production&bundle_name=assistant`, {
      headers: { authorization: `Bearer ${key}`, 'x-edictum-agent-id': 'listener' },
      signal: agents.signal,
    })
    // Who does not read it has it closed.
    void stream.body?.pipeTo(new WritableStream()).catch(() => {})
  })
  afterAll(async () => {
    agents.abort()
    await world?.close()
  })
  afterEach(() => page?.context().close())

  it('a deployment is seen before it is made: no environment chosen, what changes, recorded calls, agents; and taken back by a click', async () => {
    page = await world.open('contracts/assistant')
    await page.getByRole('link', { name: 'Deploy v2' }).click()
    await page.getByRole('heading', { name: 'Deploy assistant v2', level: 1 }).waitFor()
    expect(await page.getByRole('radio', { checked: true }).count()).toBe(0)
    expect(await page.getByRole('button', { name: /^Deploy to/ }).count()).toBe(0)
    await page.getByRole('radio', { name: /^production/ }).click()
    await page.waitForURL(/env=production/)
    const changes = page.getByRole('region', { name: /^Changes/ })
    await changes.getByText('no-etc').waitFor()
    await changes.getByText('tighter').waitFor()
    await page.getByText(/^\d+ of \d+ calls$/).waitFor()
    const replayed = page.getByRole('region', { name: 'Recorded calls' })
    await replayed.getByText('no-etc').waitFor()
    expect(await replayed.locator('summary').filter({ hasText: 'no-etc' }).innerText()).toMatch(/^2\b/)
    await page.getByRole('region', { name: 'Affected agents' }).getByText('listener').waitFor()
    await changes.getByRole('tab', { name: 'By text' }).click()
    await page.waitForURL(/view=text/)
    await page.getByRole('textbox', { name: 'version 2' }).getByText('no-etc').waitFor()

    await page.getByRole('button', { name: 'Deploy to production' }).click()
    await page.getByRole('heading', { name: 'assistant v2 in production', level: 1 }).waitFor()
    await page.getByRole('status').getByText('0 of 1 agent runs version 2').waitFor()
    await page.getByRole('listitem').filter({ hasText: 'listener' }).getByText('waits', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Roll back to v1' }).click()
    await page.getByRole('heading', { name: 'assistant v1 in production', level: 1 }).waitFor()
    const versions = await world.admin.call<{ version: number; deployed_envs: string[] }[]>(
      'GET',
      '/api/v1/bundles/assistant',
    )
    expect(versions.find(({ deployed_envs }) => deployed_envs.includes('production'))?.version).toBe(1)
  })

  it('any two versions are compared, by contract and by text, and the address says which', async () => {
    page = await world.open('contracts/assistant/compare?from=2&to=1')
    await page.getByText('looser').waitFor()
    await page.keyboard.press('x')
    await page.waitForURL(/from=1&to=2/)
    await page.getByText('tighter').waitFor()
    await page.keyboard.press('t')
    await page.getByRole('textbox', { name: 'version 2' }).waitFor()
    await page.goBack()
    await page.getByText('tighter').waitFor()
  })

  it('every agent that was ever seen is there, connected or not, with what of it is governed', async () => {
    page = await world.open('agents')
    await page.getByRole('link', { name: /^listener/ }).waitFor()
    await page.getByRole('link', { name: /^loner/ }).waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('lone')
    await page.waitForURL(/q=lone/)
    await page.keyboard.press('Escape')
    await page.keyboard.press('j')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'loner', level: 1 }).waitFor()
    await page.getByRole('link', { name: /unheard_of/ }).waitFor()
    await page.getByRole('tab', { name: 'History' }).click()
    await page.getByText('First seen').waitFor()
  })

  it('a rule is written, tried, changed and deleted; agents that are chosen are assigned together', async () => {
    page = await world.open('assignment')
    await page.getByRole('button', { name: 'New rule' }).waitFor()
    await page.keyboard.press('n')
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Agents').fill('support-*')
    await dialog.getByLabel('Bundle').fill('assistant')
    await dialog.getByRole('button', { name: 'Make rule' }).click()
    await dialog.getByText('Choose where.').waitFor()
    await dialog.getByRole('radio', { name: 'staging' }).click()
    await dialog.getByRole('button', { name: 'Make rule' }).click()
    await page.getByRole('list', { name: 'Rules, by priority' }).getByText('support-*').waitFor()
    await page.goto(`${world.server.url}/dashboard/assignment?try=support-7&env=staging`)
    await page.getByText('by the rule').waitFor()
    await page.getByRole('button', { name: /^Delete the rule/ }).click()
    await page.getByRole('alertdialog').getByRole('button', { name: 'Delete rule' }).click()
    await page.getByText('No rule yet').waitFor()

    await page.getByRole('tab', { name: 'Agents' }).click()
    await page.getByRole('checkbox', { name: 'Choose listener' }).waitFor()
    await page.keyboard.press('j')
    await page.keyboard.press('x')
    await page.getByText('1 agent chosen').waitFor()
    await page.getByRole('button', { name: 'Assign', exact: true }).click()
    await page.getByRole('menuitemradio', { name: 'assistant' }).click()
    await page.getByText('1 agent to run assistant').first().waitFor()
  })

  it('a tool that no contract names is found with its agents, and a contract for it is begun', async () => {
    page = await world.open('coverage?env=staging')
    await page.getByText('No call in this time').waitFor()
    await page.getByRole('button', { name: 'Clear filter Environment' }).click()
    await page.getByRole('region', { name: 'Agents' }).getByText('loner').waitFor()
  })

  it('events are counted by the server, filtered by contract and environment, cut out of the histogram, and saved', async () => {
    page = await world.open('events')
    await page.getByRole('button', { name: 'Tool', exact: true }).click()
    await page
      .getByRole('menuitemradio', { name: /^read_file/ })
      .getByText('5', { exact: true })
      .waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Environment', exact: true }).click()
    await page.getByRole('menuitemradio', { name: /^production/ }).click()
    await page.waitForURL(/env=production/)
    const bars = page.getByRole('img', { name: /^\d+ events?,/ })
    const box = (await bars.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 }
    await page.mouse.move(box.x + 10, box.y + 10)
    await page.mouse.down()
    await page.mouse.move(box.x + box.width / 2, box.y + 10)
    await page.mouse.up()
    await page.waitForURL(/since=.*until=|until=.*since=/)
    await page.getByText('No event matches').waitFor()
    await page.getByRole('button', { name: 'To now' }).click()
    await page
      .getByRole('list', { name: /Events/ })
      .getByText('unheard_of')
      .waitFor()
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('menuitemradio', { name: 'CSV' }).click(),
    ])
    expect(file.suggestedFilename()).toBe('events.csv')
  })

  it('a contract is begun from a recorded call, and loads', async () => {
    page = await world.open('events?tool_name=unheard_of')
    await page
      .getByRole('list', { name: /Events/ })
      .getByText('unheard_of')
      .click()
    await page.getByRole('link', { name: 'Contract', exact: true }).click()
    await page.getByRole('textbox', { name: 'Bundle YAML' }).getByText('no-unheard-of').first().waitFor()
    await page.getByText('Valid', { exact: true }).waitFor()
  })
})
