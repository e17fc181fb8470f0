import { createHmac } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join as pathOf } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type ConsoleWorld, hasBrowser, startConsole } from '../support/console.ts'
import { join } from '../support/join.ts'
import { faults, visit } from '../support/looks.ts'

const FLOW = {
  apiVersion: '100monkeys.ai/v1',
  kind: 'Workflow',
  metadata: { name: 'order-flow' },
  spec: {
    initial_state: 'WAIT',
    states: {
      WAIT: {
        kind: 'Human',
        prompt: 'Ship it?',
        transitions: [{ condition: 'always', target: 'DONE' }],
      },
      DONE: { kind: 'System', command: 'true', transitions: [] },
    },
  },
}
const LEARNER = {
  apiVersion: '100monkeys.ai/v1',
  kind: 'Agent',
  metadata: { name: 'learner', version: '1.0.0' },
  spec: {
    runtime: { language: 'javascript', version: '20', model: 'default' },
    task: { instruction: 'Answer in JSON.' },
    execution: {
      mode: 'iterative',
      max_iterations: 2,
      validation: [{ type: 'json_schema', schema: { type: 'object', required: ['ok'] } }],
    },
  },
}
/** Prose first; told that it is no JSON, what was asked for. */
const TURNS = `turns:
  - when: { prompt: no JSON }
    text: '{"ok": true}'
  - text: Here you are.
`

describe.skipIf(!hasBrowser)('what begins runs, and what they learn, in the console', { timeout: 240_000 }, () => {
  let world: ConsoleWorld
  let page: Page
  let folder: string
  let agent: string
  beforeAll(async () => {
    folder = await mkdtemp(pathOf(tmpdir(), 'lictor-triggers-'))
    await writeFile(pathOf(folder, 'turns.yaml'), TURNS)
    world = await startConsole({ LICTOR_CORTEX: 'on', LICTOR_MODEL_SCRIPT: pathOf(folder, 'turns.yaml') })
    await world.admin.call('POST', '/v1/workflows', FLOW)
    agent = (await world.admin.call<{ agent_id: string }>('POST', '/v1/agents', LEARNER)).agent_id
  })
  afterAll(async () => {
    await world?.close()
    await rm(folder, { recursive: true, force: true })
  })
  afterEach(() => page?.context().close())

  const webhook = (source: string, body: string, secret: string) =>
    fetch(`${world.server.url}/v1/webhooks/${source}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-aegis-signature': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
      },
      body,
    })
  const source = (name: string, more: object = {}) =>
    world.admin.call('POST', '/v1/stimuli/sources', { source: name, workflow: 'order-flow', ...more })
  const received = () => page.getByRole('list', { name: 'Stimuli, newest first' })

  it('a source is registered by clicks: its secret stays until it is taken, signs a webhook, and what came of it is listed', async () => {
    page = await world.open('stimuli?tab=sources')
    await page.getByText('No source is registered').waitFor()
    await page.getByRole('tab', { name: 'Received' }).click()
    await page.getByText('Nothing came yet').waitFor()
    await page.keyboard.press('c')
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('button', { name: 'Register' }).click()
    await dialog.getByText('Give the source a name.').waitFor()
    await dialog.getByLabel('Name').fill('shop')
    await dialog.getByLabel('Workflow', { exact: true }).selectOption('order-flow')
    await dialog.getByRole('button', { name: 'Register' }).click()
    await dialog.getByText('Source shop').waitFor()
    const [address = '', secret = ''] = await dialog.locator('dd code').allTextContents()
    expect(address).toBe(`${world.server.url}/v1/webhooks/shop`)
    expect(secret).toMatch(/^[\w-]{43}$/)
    // Neither Escape nor Back takes it unseen.
    await page.keyboard.press('Escape')
    await page.goBack()
    await page.waitForURL(/tab=sources/)
    await dialog.getByText(secret).waitFor()
    const answer = await webhook('shop', '{"order":17}', secret)
    expect(answer.status).toBe(202)
    await dialog.getByRole('button', { name: 'I have it' }).click()
    await visit(page, world.server.url, 'stimuli')
    await received().getByText('Began a run').waitFor()
    await page.keyboard.press('j')
    await page.keyboard.press('Enter')
    await page.waitForURL(/id=/)
    await dialog.getByText('"order"').waitFor()
    // Whatever is signed otherwise is refused, and is no stimulus.
    expect((await webhook('shop', '{"order":18}', 'another secret')).status).toBe(401)
    await dialog.getByRole('link', { name: /The run of order-flow/ }).click()
    await page.waitForURL(/\/workflow-runs\//)
    await page.getByRole('heading', { name: 'WAIT waits for a person' }).waitFor()
  })

  it('one is sent by hand: it begins a run in earnest, and what is refused says why and is listed with the reason', async () => {
    await source('lab')
    page = await world.open('stimuli?tab=sources')
    await page.getByRole('button', { name: 'Send one of lab' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Content').fill('{"by":"hand"}')
    await dialog.getByRole('button', { name: 'Send', exact: true }).click()
    await page.waitForURL(/id=/)
    await dialog.getByText('"by"').waitFor()
    await dialog.getByText('by the source').waitFor()
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    // A router that says nothing of use: nothing is begun.
    await source('mail', { workflow: null, router_agent: 'learner' })
    await visit(page, world.server.url, 'stimuli?send=mail')
    await dialog.getByRole('button', { name: 'Send', exact: true }).click()
    await dialog
      .getByRole('alert')
      .getByText(/.{10,}/)
      .waitFor({ timeout: 60_000 })
    const why = await dialog.getByRole('alert').textContent()
    await dialog.getByRole('button', { name: 'Cancel' }).click()
    await dialog.waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'What came of it', exact: true }).click()
    await page.getByRole('menuitemradio', { name: /No way found/ }).click()
    await page.waitForURL(/status=classification_failed/)
    expect(await received().getByRole('button').count()).toBe(1)
    await received()
      .getByText(why?.slice(0, 40) ?? 'nothing')
      .waitFor()
    await visit(page, world.server.url, 'stimuli?tab=sources')
    await page.getByRole('button', { name: 'Remove mail' }).click()
    const question = page.getByRole('alertdialog')
    await question.getByLabel(/Type/).fill('mail')
    await question.getByRole('button', { name: 'Remove source' }).click()
    await question.waitFor({ state: 'detached' })
    await expect.poll(() => page.getByText('mail', { exact: true }).count()).toBe(0)
  })

  it('a schedule is set, told in its zone and in UTC, paused and let go on without losing what it is set to, and removed', async () => {
    page = await world.open('schedules', { timezoneId: 'Asia/Tokyo' })
    await page.getByText('Nothing is started by the clock').waitFor()
    await page.keyboard.press('c')
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Name').fill('nightly')
    await dialog.getByLabel('Cron pattern').fill('30 2 * *')
    await dialog.getByLabel('Time zone').fill('Europe/Berlin')
    await dialog.getByLabel(/^Input/).fill('{"a":')
    await dialog.getByRole('button', { name: 'Set it' }).click()
    await dialog.getByText(/The input is no JSON/).waitFor()
    await dialog.getByLabel(/^Input/).fill('{"a":1}')
    await dialog.getByRole('button', { name: 'Set it' }).click()
    await dialog.getByText(/is no cron pattern/).waitFor()
    await dialog.getByLabel('Cron pattern').fill('30 2 * * *')
    await dialog.getByRole('button', { name: 'Set it' }).click()
    await dialog.waitFor({ state: 'detached' })
    const list = page.getByRole('list', { name: 'Schedules' })
    await list.getByText('30 2 * * * in Europe/Berlin').waitFor()
    const stored = () =>
      world.admin.call<{ enabled: boolean; next_at: string; input: unknown }>('GET', '/v1/schedules/nightly')
    await page.keyboard.press('j')
    await page.keyboard.press('Enter')
    await page.waitForURL(/name=nightly/)
    const { next_at } = await stored()
    await dialog.getByText(`${next_at.slice(11, 16)} UTC`).waitFor()
    await dialog.getByText(/02:30 Europe\/Berlin/).waitFor()
    await dialog.getByText(/Asia\/Tokyo/).waitFor()
    await dialog.getByRole('button', { name: 'Pause nightly' }).click()
    await expect.poll(async () => (await stored()).enabled).toBe(false)
    await dialog.getByText('paused', { exact: true }).waitFor()
    await dialog.getByRole('button', { name: 'Let nightly go on' }).click()
    await expect.poll(stored).toMatchObject({ enabled: true, next_at, input: { a: 1 } })
    await dialog.getByRole('button', { name: 'Remove' }).click()
    const question = page.getByRole('alertdialog')
    await question.getByRole('button', { name: 'Remove schedule' }).click()
    await page.getByText('Nothing is started by the clock').waitFor()
  })

  it('what an agent really learned is listed, found by its text, and opened', async () => {
    const { execution_id: id } = await world.admin.call<{ execution_id: string }>('POST', '/v1/executions', {
      agent_id: agent,
      intent: 'Tell.',
    })
    await expect
      .poll(async () => (await world.admin.call<{ status: string }>('GET', `/v1/executions/${id}`)).status, {
        timeout: 60_000,
      })
      .toBe('completed')
    await expect
      .poll(async () => (await world.admin.call<{ count: number }>('GET', '/v1/cortex/patterns')).count)
      .toBeGreaterThan(0)
    page = await world.open('cortex?q=nothing-like-it')
    await page.getByText('Nothing that was learned matches').waitFor()
    await page.keyboard.press('/')
    await page.keyboard.press('Control+a')
    await page.keyboard.insertText('json')
    await page.waitForURL(/q=json/)
    const list = page.getByRole('list', { name: /What was learned/ })
    await list.getByText('general').first().waitFor()
    await list.getByRole('button').first().click()
    await page
      .getByRole('region', { name: 'What the accepted attempt answered' })
      .first()
      .getByText('{"ok": true}')
      .waitFor()
  })

  it('who may only look sees what came and what is due, and why there is nothing to change', async () => {
    await world.admin.call('PUT', '/v1/schedules/seen', { workflow: 'order-flow', cron: '0 0 1 1 *' })
    const viewer = await join(world, 'onlooker@example.com', 'viewer')
    page = await world.open('schedules', {}, viewer)
    await page.getByText('0 0 1 1 * in UTC').waitFor()
    await page.getByText(/This takes the role member/).waitFor()
    expect(await page.getByRole('button', { name: /Pause|Set a schedule/ }).count()).toBe(0)
    await visit(page, world.server.url, 'stimuli?tab=sources&create=true')
    await page.getByText(/Registering and sending: This takes the role member/).waitFor()
    expect(await page.getByRole('dialog').count()).toBe(0)
  })

  it('axe finds nothing on any of these pages, in any look, and none is wider than 320 pixels', async () => {
    await source('s'.repeat(100))
    await world.admin.call('PUT', `/v1/schedules/${'n'.repeat(63)}`, { agent: 'learner', every_seconds: 86_400 })
    const sent = await world.admin.call<{ id: string }>('POST', '/v1/stimuli', {
      source: 's'.repeat(100),
      content: `{"long":"${'x'.repeat(500)}"}`,
    })
    page = await world.open('stimuli')
    const found: string[] = []
    for (const path of [
      'stimuli',
      `stimuli?id=${sent.id}`,
      'stimuli?tab=sources',
      'stimuli?create=true',
      'stimuli?send=',
      'schedules',
      `schedules?name=${'n'.repeat(63)}`,
      'schedules?create=true',
      'cortex',
    ]) {
      await visit(page, world.server.url, path)
      found.push(...(await faults(page, path)))
    }
    expect(found).toEqual([])
  })
})

describe.skipIf(!hasBrowser)('a server without a memory', { timeout: 120_000 }, () => {
  it('says how it is switched on, in every look', async () => {
    const world = await startConsole()
    try {
      const page = await world.open('cortex')
      await page.getByText('This server has no memory').waitFor()
      await page.getByText('LICTOR_CORTEX=on npx lictor up').waitFor()
      expect(await faults(page, 'cortex, off')).toEqual([])
    } finally {
      await world.close()
    }
  })
})
