import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { copyFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import type {} from '../packages/server/test/databases.global.ts'
import { scratchProject } from './support/scratch.ts'
import { ADMIN, eventually, readExample, root, runLictor, type ServerProcess, startServer } from './support/server.ts'

const CHROMIUM = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium'
const hasBrowser = existsSync(CHROMIUM)
if (!hasBrowser && process.env.CI) throw new Error('Chromium is not installed, and CI runs its suite.')

const postgres = inject('postgresUrl')
const databases = [
  { name: 'SQLite', url: async () => '' },
  ...(postgres === ''
    ? []
    : [
        {
          name: 'PostgreSQL',
          url: async () => {
            const database = `e2e_${randomUUID().replaceAll('-', '')}`
            const client = new pg.Client({ connectionString: `${postgres}/postgres` })
            await client.connect()
            await client.query(`create database ${database}`)
            await client.end()
            return `${postgres}/${database}`
          },
        },
      ]),
]

describe.skipIf(!hasBrowser).each(databases)('what a newcomer does, on $name', ({ url }) => {
  let server: ServerProcess
  let browser: Browser
  let page: Page
  let scratch: string
  let key = ''
  let agent: ChildProcess
  let said = ''
  const bundle = readExample('bundles/assistant.yaml')

  beforeAll(async () => {
    const databaseUrl = await url()
    const [started, launched, project] = await Promise.all([
      startServer({
        environment: {
          LICTOR_MODEL_SCRIPT: join(root, 'examples/hello-agent/turns.yaml'),
          ...(databaseUrl ? { DATABASE_URL: databaseUrl } : {}),
        },
      }),
      chromium.launch({
        executablePath: CHROMIUM,
        args: [
          '--no-sandbox',
          '--disable-gpu',
          '--disable-quic',
          '--disable-background-networking',
          '--disable-component-update',
          '--disable-sync',
        ],
      }),
      scratchProject(['contracts', 'guard']),
    ])
    server = started
    browser = launched
    scratch = project
    const context = await browser.newContext({ permissions: ['clipboard-read', 'clipboard-write'] })
    context.setDefaultTimeout(60_000)
    page = await context.newPage()
  })
  afterAll(async () => {
    agent?.kill()
    await browser?.close()
    await server?.stop()
  })

  const upload = async (text: string) => {
    await page.goto(`${server.url}/dashboard/contracts/new`)
    await page.getByRole('textbox', { name: 'Bundle YAML' }).click()
    await page.keyboard.press('Control+a')
    await page.keyboard.insertText(text)
    await page.getByText('Valid', { exact: true }).waitFor()
    await page.getByRole('button', { name: /^Upload/ }).click()
    await page.getByRole('heading', { name: 'assistant', level: 1 }).waitFor()
  }
  /** Wait until the agent said so; what it said instead is in the failure. */
  const hear = (what: string, text: string) =>
    eventually(what, async () => {
      if (said.includes(text)) return true
      throw new Error(`The agent said:\n${said}`)
    })
  const deploy = async (version: number) => {
    await page.getByRole('link', { name: `Deploy v${version}` }).click()
    await page.getByRole('radio', { name: /^production/ }).click()
    await page.getByRole('button', { name: 'Deploy to production' }).click()
    await page.getByRole('heading', { name: `assistant v${version} in production`, level: 1 }).waitFor()
  }

  it('opens the address, which leads to the setup, and is the first administrator', async () => {
    await page.goto(server.url)
    await page.getByRole('heading', { name: 'Welcome', level: 1 }).waitFor()
    await page.getByLabel('E-mail').fill(ADMIN.email)
    await page.getByLabel('Password', { exact: true }).fill(ADMIN.password)
    await page.getByLabel('Password again').fill(ADMIN.password)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
  })

  it('creates a key, shown once, and finds it in a snippet with the real address', async () => {
    await page.goto(`${server.url}/dashboard/keys`)
    await page.getByRole('button', { name: 'Create key' }).first().click()
    await page.getByLabel('Label', { exact: true }).fill('laptop')
    await page.getByRole('dialog').getByRole('button', { name: 'Create key' }).click()
    key = await page.getByRole('dialog').locator('code').first().innerText()
    expect(key).toMatch(/^edk_production_/)
    await page.getByRole('link', { name: 'Use it in a snippet' }).click()
    await page.getByText(`apiKey: '${key}'`).waitFor()
    await page.getByText(`url: '${server.url}'`).waitFor()
  })

  it('uploads the example bundle and deploys it to production', async () => {
    await upload(bundle)
    await deploy(1)
  })

  it('runs an agent in a project of their own: refused, allowed, then waiting for a person', async () => {
    copyFileSync(join(root, 'examples/guarded-agent/agent.ts'), join(scratch, 'agent.ts'))
    agent = spawn(process.execPath, ['agent.ts', '--until-updated'], {
      cwd: scratch,
      env: { PATH: process.env.PATH ?? '', LICTOR_URL: server.url, LICTOR_API_KEY: key },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const note = (chunk: Buffer) => {
      said += chunk.toString()
    }
    agent.stdout?.on('data', note)
    agent.stderr?.on('data', note)
    await hear('the agent is refused and allowed', 'read_file data.csv: contents of data.csv')
    expect(said).toContain('read_file .env was refused: .env holds secrets.')
  })

  it('approves one waiting call with a key, and denies the next with a reason', async () => {
    await page.goto(`${server.url}/dashboard/approvals`)
    const waiting = page.getByRole('list', { name: 'Waiting calls, most urgent first' })
    await waiting.getByRole('button', { name: /delete_file/ }).waitFor()
    await page.keyboard.press('j')
    await page
      .getByRole('article', { name: /delete_file for my-agent/ })
      .getByText('old.csv')
      .first()
      .waitFor()
    await page.keyboard.press('a')
    await hear('the approved call ran', 'delete_file old.csv: deleted old.csv')
    await waiting
      .getByRole('button', { name: /delete_file/ })
      .and(page.locator(':not([aria-current])'))
      .click()
    await page
      .getByRole('article', { name: /delete_file for my-agent/ })
      .getByText('new.csv')
      .first()
      .waitFor()
    await page.keyboard.press('d')
    await page.getByLabel(/Why not/).waitFor()
    await page.keyboard.type('we still need it')
    await page.keyboard.press('Enter')
    await hear('the denied call was refused', 'delete_file new.csv was refused: we still need it')
    expect(said).not.toContain('deleted new.csv')
  })

  it('deploys a new version, which the running agent takes up', async () => {
    await upload(bundle.replace('(^|/)\\.env(\\.|$)', '\\.(env|csv)$'))
    await deploy(2)
    await hear('the agent judges by version 2', 'read_file data.csv was refused: data.csv holds secrets')
  })

  it('sees the calls arrive as events', async () => {
    await page.goto(`${server.url}/dashboard/events`)
    const list = page.getByRole('list', { name: 'Events, newest first' })
    await list.getByText('delete_file').first().waitFor()
    await list.getByText('read_file').first().waitFor()
  })

  it('deploys and runs the example agent; its call waits in the same inbox, and the terminal follows', async () => {
    const environment = { LICTOR_DATA_DIR: server.dataDir }
    const deployed = await runLictor(
      ['agent', 'deploy', 'examples/hello-agent/agent.yaml', '--bundle', 'assistant'],
      environment,
    )
    expect(deployed, deployed.stderr).toMatchObject({ code: 0 })
    const running = runLictor(['run', 'hello-agent', '--input', 'Greet Ada'], environment)
    await page.goto(`${server.url}/dashboard/approvals`)
    await page
      .getByRole('list', { name: 'Waiting calls, most urgent first' })
      .getByRole('button', { name: /run_command/ })
      .click()
    await page.getByRole('article', { name: /run_command for hello-agent/ }).waitFor()
    await page.keyboard.press('a')
    const { code, stdout, stderr } = await running
    expect(code, stdout + stderr).toBe(0)
    expect(stdout).toContain('/workspace/.env holds secrets')
    expect(stdout).toContain('completed')
    expect(stdout).toContain('Hello, Ada!')
  })

  it('is shown everything by the demo', async () => {
    const { code, stdout, stderr } = await runLictor(['demo', '--patience', '0'], { LICTOR_DATA_DIR: server.dataDir })
    expect(code, stdout + stderr).toBe(0)
    for (const line of [
      '✓ read_file(readme.txt)',
      '✗ read_file(.env)',
      'Ada,[REDACTED]',
      'search_web was executed 2 times',
      '✓ delete_file',
      'The report is written',
    ])
      expect(stdout).toContain(line)
  })
})
