import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { type ConsoleWorld, hasBrowser, startConsole } from '../support/console.ts'
import { faults, visit } from '../support/looks.ts'
import { readExample, root } from '../support/server.ts'

/** Deploys what a manifest says; its id. */
const manifest = async (world: ConsoleWorld, path: string, yaml: string): Promise<string> => {
  const answer = await fetch(`${world.server.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/yaml', 'x-requested-with': 'e2e', cookie: world.admin.cookie },
    body: yaml,
  })
  const body = (await answer.json()) as { agent_id?: string; id?: string }
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${JSON.stringify(body)}`)
  return body.agent_id ?? body.id ?? ''
}

const HOUR = 3_600_000
/** A manifest of an agent that may work with others, and plays these turns. */
const swarming = (name: string, turns: readonly object[]) => ({
  apiVersion: '100monkeys.ai/v1',
  kind: 'Agent',
  metadata: { name, version: '1.0.0', annotations: { 'lictor.dev/script': stringify({ turns }) } },
  spec: {
    runtime: { language: 'javascript', version: '20', model: 'scripted' },
    task: { instruction: 'Help.' },
    advanced: { swarm_enabled: true },
  },
})
const calls = (name: string, args: object) => ({ tool_calls: [{ name, arguments: args }] })
const sleeps = { text: 'late', delay_ms: HOUR }

describe.skipIf(!hasBrowser)('running agents in the console', { timeout: 240_000 }, () => {
  let world: ConsoleWorld
  let page: Page
  let agent: string
  let workflow: string
  beforeAll(async () => {
    world = await startConsole({ LICTOR_MODEL_SCRIPT: join(root, 'examples/hello-agent/turns.yaml') })
    await world.admin.deploy(readExample('bundles/assistant.yaml'))
    agent = await manifest(world, '/v1/agents', readExample('hello-agent/agent.yaml'))
    workflow = await manifest(
      world,
      '/v1/workflows',
      readExample('workflows/release-gate.yaml').replace('agent: release-writer', 'agent: hello-agent'),
    )
    await world.admin.call('PATCH', '/api/v1/agent-registrations/hello-agent', { bundle_name: 'assistant' })
  })
  afterAll(() => world?.close())
  afterEach(() => page?.context().close())

  const run = async () =>
    (await world.admin.call<{ execution_id: string }>('POST', '/v1/executions', { agent_id: agent, intent: 'Greet.' }))
      .execution_id

  it('an agent is run by clicks: its timeline grows while one looks, waits for a person, and ends with the result', async () => {
    page = await world.open('managed-agents')
    await page.getByRole('link', { name: 'Run hello-agent' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('button', { name: 'Run' }).click()
    await dialog.getByText('Say what it should do').waitFor()
    await dialog.getByLabel('What should it do?').fill('Greet Ada.')
    await dialog.getByLabel(/^Input/).fill('{"name":')
    await dialog.getByText(/The input is no JSON/).waitFor()
    await dialog.getByLabel(/^Input/).fill('{"name":"Ada"}')
    await dialog.getByRole('button', { name: 'Run' }).click()
    await page.waitForURL(/\/executions\/[0-9a-f-]{36}$/)
    const timeline = page.getByRole('list', { name: 'What happened, in order' })
    await timeline.getByRole('button', { name: /read_file Denied/ }).waitFor()
    await timeline.getByRole('button', { name: /run_command Asked/ }).waitFor()
    await page.getByText('Waits for a person').waitFor()
    // What it wrote is looked at where it stands.
    await page.getByRole('button', { name: 'greeting.txt', exact: true }).click()
    await page.waitForURL(/file=greeting\.txt/)
    await page.getByRole('region', { name: 'Content of greeting.txt' }).getByText('Hello, Ada!').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    const { id } = await world.admin.pendingApproval()
    await world.admin.decide(id, true)
    await timeline.getByRole('button', { name: /run_command Approved/ }).waitFor()
    await page.getByRole('heading', { name: 'Result' }).waitFor()
    await page.getByText('5 calls, 1 denied').waitFor()
    // What is open stands in the address; Escape closes it, and then leads back.
    await timeline.getByRole('button', { name: /run_command Approved/ }).click()
    await page.waitForURL(/item=\d+/)
    await page.getByText(/approved by admin@example.com/).waitFor()
    await page.reload()
    await page.getByText(/approved by admin@example.com/).waitFor()
    await page.keyboard.press('Escape')
    await page.waitForURL((url) => !url.search.includes('item'))
    await page.keyboard.press('r')
    await dialog.getByLabel(/^Input/).waitFor()
    expect(JSON.parse(await dialog.getByLabel(/^Input/).inputValue())).toEqual({ name: 'Ada' })
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    await page.keyboard.press('Escape')
    await page.waitForURL(/\/executions$/)
  })

  it('a run is found by its filters, opened by keys, and cancelled only after asking', async () => {
    const id = await run()
    page = await world.open('executions')
    await page.getByRole('button', { name: 'Status', exact: true }).click()
    await page.getByRole('menuitemradio', { name: 'Running' }).click()
    await page.waitForURL(/status=running/)
    const list = page.getByRole('list', { name: 'Executions, newest first' })
    await list.getByText('Waits for a person').waitFor()
    await page.keyboard.press('j')
    await page.keyboard.press('Enter')
    await page.waitForURL(new RegExp(`/executions/${id}$`))
    await page.getByRole('button', { name: /run_command Asked/ }).waitFor()
    await page.keyboard.press('x')
    const asks = page.getByRole('alertdialog')
    await asks.getByRole('button', { name: 'Cancel', exact: true }).click()
    await asks.waitFor({ state: 'detached' })
    expect((await world.admin.call<{ status: string }>('GET', `/v1/executions/${id}`)).status).toBe('running')
    await page.keyboard.press('x')
    await asks.getByRole('button', { name: 'Cancel the run' }).click()
    await page.getByText('Cancelled in the console.').first().waitFor()
    await page.goBack()
    await page.waitForURL(/status=running/)
  })

  it('a manifest is checked while it is written, refused at its place, deployed, compared, and the agent removed', async () => {
    page = await world.open('managed-agents/new')
    await page.getByText('Valid').waitFor()
    const editor = page.getByRole('textbox', { name: 'Manifest YAML' })
    const write = async (text: string) => {
      await editor.click()
      await page.keyboard.press('Control+a')
      await page.keyboard.insertText(text)
    }
    const yaml = readExample('hello-agent/agent.yaml').replace('name: hello-agent', 'name: another-agent')
    await write(yaml.replace('kind: Agent', 'kind: Nothing'))
    await page.getByRole('list', { name: 'Problems' }).getByText('2:7').waitFor()
    await write(yaml)
    await page.getByText('Valid').waitFor()
    await page.getByRole('button', { name: /^Deploy/ }).click()
    await page.getByRole('heading', { name: 'another-agent', level: 1 }).waitFor()
    await page.getByRole('link', { name: 'New version' }).click()
    await page.getByText('Valid').waitFor()
    await write(`${yaml}# changed\n`)
    await page.getByRole('button', { name: /^Deploy/ }).click()
    // The same version again is no new one.
    await page.getByText(/Give it another version/).waitFor()
    await write(`${yaml.replace('version: 1.0.0', 'version: 1.1.0')}# changed\n`)
    await page.getByRole('button', { name: /^Deploy/ }).click()
    await page.getByRole('tab', { name: 'Versions' }).click()
    const versions = page.getByRole('list', { name: 'Versions, newest first' })
    await versions.getByText('v1.1.0').waitFor()
    await page.getByRole('region', { name: 'Changes' }).getByText('# changed').waitFor()
    await page.getByRole('button', { name: 'Remove the agent' }).click()
    await page.getByRole('alertdialog').getByRole('button', { name: 'Remove the agent' }).click()
    await page.waitForURL(/\/managed-agents$/)
    await page.getByRole('link', { name: 'Run hello-agent' }).waitFor()
    expect(await page.getByRole('link', { name: 'Run another-agent' }).count()).toBe(0)
  })

  it('a workflow is run by clicks: the graph shows where it is, a person answers in its page, and it goes on', async () => {
    page = await world.open('workflows')
    await page.getByRole('link', { name: /release-gate/ }).click()
    await page.locator('.react-flow__node').filter({ hasText: 'REVIEW' }).waitFor()
    await page.keyboard.press('r')
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel(/^Input/).fill('{"target":"site"}')
    await dialog.getByRole('button', { name: 'Run' }).click()
    await page.waitForURL(/\/workflow-runs\//)
    const { id } = await world.admin.pendingApproval()
    await world.admin.decide(id, true)
    await page.getByRole('heading', { name: 'REVIEW waits for a person' }).waitFor()
    const states = page.getByRole('list', { name: 'States' })
    await states.getByText(/^BUILD.*done/).waitFor()
    await states.getByText(/^REVIEW.*the run is here/).waitFor()
    await page.getByLabel('Feedback').fill('Well done.')
    await page.getByRole('button', { name: 'Approve' }).click()
    await states.getByText(/^SHIP.*done/).waitFor()
    await page.getByText('Completed').first().waitFor()
    // The question is out of the inbox, too.
    expect(await world.admin.call('GET', '/api/v1/approvals?status=pending')).toEqual([])
    await page.getByRole('button', { name: /Workflow iteration 1 completed/ }).click()
    await page.getByRole('link', { name: 'The agent’s execution' }).click()
    await page.getByRole('list', { name: 'What happened, in order' }).getByText('write_file').first().waitFor()
  })

  /** Begins a swarm of one that sleeps and one that holds a lock; the id of the swarm, when both are there and one has spoken. */
  const beginSwarm = async (name: string, last: object): Promise<string> => {
    const child = (of: string, turns: readonly object[]) =>
      calls('aegis.spawn_child', { manifest_yaml: stringify(swarming(of, turns)) })
    const { agent_id } = await world.admin.call<{ agent_id: string }>(
      'POST',
      '/v1/agents',
      swarming(name, [
        child('sleeper', [sleeps]),
        child('holder', [calls('aegis.acquire_lock', { resource: 'the-printer', ttl_secs: 3_600 }), sleeps]),
        last,
      ]),
    )
    await world.admin.call('PATCH', `/api/v1/agent-registrations/${name}`, { bundle_name: 'assistant' })
    await world.admin.call('POST', '/v1/executions', { agent_id, intent: 'Work together.' })
    const own = async () => {
      const { swarms } = await world.admin.call<{
        swarms: { id: string; lock_count: number; member_count: number; members: { agent_name: string }[] }[]
      }>('GET', '/v1/swarms?status=all')
      return swarms.find(({ members }) => members.some(({ agent_name }) => agent_name === name))
    }
    await expect.poll(own, { timeout: 60_000 }).toMatchObject({ member_count: 3, lock_count: 1 })
    return (await own())?.id ?? ''
  }

  it('a swarm is watched: its members lead to their runs, what is held is shown, and it is cancelled only after asking', async () => {
    page = await world.open('swarms')
    await page.getByText('No agents work together yet').waitFor()
    const id = await beginSwarm('boss', sleeps)
    // It comes by itself.
    const list = page.getByRole('list', { name: 'Swarms' })
    await list.getByRole('link', { name: /boss.*2 children, 2 running/ }).waitFor()
    await page.keyboard.press('j')
    await page.keyboard.press('Enter')
    await page.waitForURL(new RegExp(`/swarms/${id}$`))
    const members = page.getByRole('list', { name: 'Members' })
    await members.getByRole('link', { name: /Running boss began it/ }).waitFor()
    expect(await members.getByRole('link').count()).toBe(3)
    await page.getByRole('list', { name: 'Locks' }).getByText('the-printer').waitFor()
    await page.getByText('No member has told another anything.').waitFor()
    await members.getByRole('link', { name: /sleeper/ }).click()
    await page.waitForURL(/\/executions\//)
    await page.getByRole('link', { name: id.slice(0, 8) }).click()
    await page.waitForURL(new RegExp(`/swarms/${id}$`))
    await page.keyboard.press('x')
    const asks = page.getByRole('alertdialog')
    await asks.getByRole('button', { name: 'Cancel', exact: true }).click()
    await asks.waitFor({ state: 'detached' })
    expect((await world.admin.call<{ status: string }>('GET', `/v1/swarms/${id}`)).status).toBe('active')
    await page.keyboard.press('x')
    await asks.getByRole('button', { name: 'Cancel the swarm' }).click()
    await page.getByText('the run that began it was cancelled or failed').waitFor()
    await page.getByText('Nothing is held.').waitFor()
    expect(await members.getByText('Cancelled').count()).toBe(3)
    expect(await page.getByRole('button', { name: /^Cancel/ }).count()).toBe(0)
    await page.keyboard.press('Escape')
    await page.waitForURL(/\/swarms$/)
    await page.getByRole('button', { name: 'Status', exact: true }).click()
    await page.getByRole('menuitemradio', { name: 'Active' }).click()
    await page.getByText('No swarm matches').waitFor()
  })

  it('where the run that began a swarm is done, cancelling ends the runs that go on', async () => {
    const id = await beginSwarm('starter', { text: 'Done.' })
    page = await world.open(`swarms/${id}`)
    const members = page.getByRole('list', { name: 'Members' })
    await members.getByRole('link', { name: /Completed starter/ }).waitFor()
    await page.getByRole('button', { name: /^Cancel/ }).click()
    const asks = page.getByRole('alertdialog')
    await asks.getByText(/2 runs that it began go on/).waitFor()
    await asks.getByRole('button', { name: 'Cancel the swarm' }).click()
    await page.getByText('all that was begun in it is done').waitFor()
    expect(await members.getByText('Cancelled').count()).toBe(2)
  })

  it('axe finds nothing on any page of Run, in any look, and none is wider than 320 pixels', async () => {
    const id = await run()
    const waits = await world.admin.pendingApproval()
    await world.admin.decide(waits.id, true)
    const { executions } = await world.admin.call<{ executions: { id: string }[] }>('GET', '/v1/workflows/executions')
    const swarm = await beginSwarm('seen', sleeps)
    const paths = [
      'swarms',
      'swarms?status=dissolving',
      `swarms/${swarm}`,
      'swarms/00000000-0000-4000-8000-000000000000',
      'executions',
      `executions/${id}?item=5`,
      'managed-agents',
      `managed-agents/${agent}`,
      `managed-agents/${agent}?tab=manifest`,
      `managed-agents/${agent}?tab=versions`,
      `managed-agents/${agent}?run=true`,
      'managed-agents/new',
      'workflows',
      'workflows?tab=runs',
      `workflows/${workflow}`,
      `workflow-runs/${executions[0]?.id}?item=2`,
    ]
    const found: string[] = []
    page = await world.open('executions')
    for (const path of paths) {
      await visit(page, world.server.url, path)
      found.push(...(await faults(page, path)))
    }
    expect(found).toEqual([])
  })
})
