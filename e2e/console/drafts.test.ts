import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ADMIN, type ConsoleWorld, hasBrowser, startConsole } from '../support/console.ts'
import { administrator, readExample, startServer } from '../support/server.ts'

describe.skipIf(!hasBrowser)('what a person writes, or is shown once', { timeout: 240_000 }, () => {
  let world: ConsoleWorld
  let page: Page
  beforeAll(async () => {
    world = await startConsole()
    await world.admin.deploy(readExample('bundles/assistant.yaml'))
  })
  afterAll(() => world?.close())
  afterEach(() => page?.context().close())

  const dialog = () => page.getByRole('dialog')
  const signIn = async () => {
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    await page.getByLabel('E-mail').fill(ADMIN.email)
    await page.getByLabel('Password').fill(ADMIN.password)
    await page.keyboard.press('Enter')
  }
  const kept = () =>
    page.evaluate<string>("JSON.stringify(Object.entries(sessionStorage).filter(([key]) => key.includes('draft')))")

  it('a key that is being described stays described after a click beside it, another page, a reload and an ended session, until it is created', async () => {
    page = await world.open('keys')
    const label = dialog().getByLabel('Label')
    const stands = async () => {
      await label.waitFor()
      expect(await label.inputValue()).toBe('nightly batch')
      expect(await dialog().getByRole('radio', { name: 'staging' }).isChecked()).toBe(true)
    }
    const open = () => page.getByRole('button', { name: 'Create key' }).first().click()
    await open()
    await label.fill('nightly batch')
    await dialog().getByRole('radio', { name: 'staging' }).click()
    await page.mouse.click(5, 5)
    await dialog().waitFor({ state: 'detached' })
    await page.getByRole('link', { name: 'Agents', exact: true }).click()
    await page.getByRole('heading', { name: 'Agents', level: 1 }).waitFor()
    await page.goBack()
    await open()
    await stands()
    await page.reload()
    await stands()
    await page.context().clearCookies()
    // A read of the page itself may find the session ended before the form does.
    const ended = page.getByRole('heading', { name: 'Sign in' })
    await Promise.race([dialog().getByRole('button', { name: 'Create key' }).click(), ended.waitFor()])
    await signIn()
    await stands()
    await dialog().getByRole('button', { name: 'Create key' }).click()
    await dialog().getByText('LICTOR_API_KEY=edk_staging').waitFor()
    expect(await kept()).toBe('[]')
    await dialog().getByRole('button', { name: 'I have it' }).click()
  })

  it('a description that was cancelled is gone', async () => {
    page = await world.open('keys?create=true')
    await dialog().getByLabel('Label').fill('never mind')
    await dialog().getByRole('button', { name: 'Cancel' }).click()
    await dialog().waitFor({ state: 'detached' })
    expect(await kept()).toBe('[]')
  })

  it('what was chosen on “Connect an agent” is there again after another page and a reload, and gone after signing out', async () => {
    // Signing out ends the session, which would be that of all other pages.
    page = await world.open('connect', {}, await administrator(world.server.url))
    const field = page.getByLabel('Agent id')
    await field.fill('nightly-agent')
    await page.getByRole('button', { name: /^Environment/ }).click()
    await page.getByRole('menuitemradio', { name: 'staging' }).click()
    await page.getByRole('tab', { name: 'Python' }).click()
    const stands = async () => {
      await page.getByText('agent_id="nightly-agent"').waitFor()
      await page.getByText('env="staging"').waitFor()
      expect(await field.inputValue()).toBe('nightly-agent')
    }
    await stands()
    await page.getByRole('link', { name: 'Agents', exact: true }).click()
    await page.getByRole('heading', { name: 'Agents', level: 1 }).waitFor()
    await page.goBack()
    await stands()
    await page.reload()
    await stands()
    await page.getByRole('button', { name: /admin@example/ }).click()
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    expect(await kept()).toBe('[]')
  })

  it('a key that nobody took yet is shown again after Back; another environment’s key does not replace it', async () => {
    page = await world.open('')
    await page.getByRole('link', { name: 'API keys' }).click()
    await page.getByRole('button', { name: 'Create key' }).first().click()
    await dialog().getByLabel('Label').fill('shown once')
    await dialog().getByRole('button', { name: 'Create key' }).click()
    const shown = dialog().getByText('LICTOR_API_KEY=')
    const key = (await shown.innerText()).slice('LICTOR_API_KEY='.length)
    await page.goBack()
    await dialog().waitFor({ state: 'detached' })
    await page.goForward()
    expect((await shown.innerText()).endsWith(key)).toBe(true)
    await dialog().getByRole('link', { name: 'Use it in a snippet' }).click()
    await page.getByText(`apiKey: '${key}'`).waitFor()
    await page.getByRole('button', { name: /^Environment/ }).click()
    await page.getByRole('menuitemradio', { name: 'staging' }).click()
    await page.getByRole('button', { name: 'Create a staging key' }).click()
    await page.getByText("apiKey: 'edk_staging").waitFor()
    await page.getByRole('button', { name: /^Environment/ }).click()
    await page.getByRole('menuitemradio', { name: 'production' }).click()
    await page.getByText(`apiKey: '${key}'`).waitFor()
  })

  it('closing a tab asks while a key was not taken, and no longer once its snippet was copied', async () => {
    page = await world.open('connect', { permissions: ['clipboard-read', 'clipboard-write'] })
    await page.getByRole('button', { name: 'Create a production key' }).click()
    await page.getByText("apiKey: 'edk_production").waitFor()
    const asked: string[] = []
    page.on('dialog', (asking) => {
      asked.push(asking.type())
      void asking.dismiss()
    })
    await page.evaluate('location.reload()')
    await expect.poll(() => asked).toEqual(['beforeunload'])
    await page.getByRole('button', { name: 'Copy snippet' }).click()
    await page.getByRole('status').getByText('Copied').first().waitFor()
    await page.reload()
    await page.getByText('process.env.LICTOR_API_KEY').waitFor()
    expect(asked).toEqual(['beforeunload'])
  })

  it('a link to a version that there is not opens, and deploys, no other', async () => {
    page = await world.open('contracts/assistant?version=7')
    await page.getByText('There is no version 7').waitFor()
    await page.getByRole('link', { name: /^v1/ }).waitFor()
    expect(await page.getByRole('link', { name: /^Deploy/ }).count()).toBe(0)
    await page.keyboard.press('p')
    await expect.poll(() => page.url()).toMatch(/version=7$/)
    await page.getByRole('link', { name: /^v1/ }).click()
    await page.getByRole('link', { name: 'Deploy v1' }).waitFor()
  })

  it('forms speak in the console’s own words, the set-up of a new server too', async () => {
    const fresh = await startServer()
    try {
      page = await world.open('login')
      /** No form leaves it to the browser to say what is wrong. */
      const own = async () => {
        expect(await page.locator('form').count()).toBeGreaterThan(0)
        expect(await page.locator('form:not([novalidate])').count()).toBe(0)
      }
      await page.getByRole('button', { name: 'Sign in' }).click()
      await page.getByText('Type your e-mail address.').waitFor()
      await page.getByText('Type your password.').waitFor()
      await own()
      await page.goto(`${world.server.url}/dashboard/keys?create=true`)
      await dialog().getByRole('button', { name: 'Create key' }).click()
      await dialog().getByText('Give it a label.').waitFor()
      await own()
      await page.goto(`${world.server.url}/dashboard/approvals?id=${await world.ask()}`)
      await page.getByRole('button', { name: /^Deny/ }).click()
      await page.getByLabel(/Why not/).waitFor()
      await own()
      await page.goto(`${fresh.url}/dashboard/`)
      const create = page.getByRole('button', { name: 'Create administrator' })
      await create.click()
      await page.getByText('Type an e-mail address, like ada@example.com.').waitFor()
      await own()
      await page.getByLabel('E-mail').fill('ada@example.com')
      await page.getByLabel('Password', { exact: true }).fill('short')
      await create.click()
      await page.getByText('Use at least 12 characters.').waitFor()
      await page.getByLabel('Password', { exact: true }).fill('correct horse battery')
      await create.click()
      await page.getByText('The two passwords differ.').waitFor()
    } finally {
      await fresh.stop()
    }
  })

  it('“Connect an agent” tells the truth for Python: both extras, and events that are sent before closing', async () => {
    page = await world.open('connect')
    await page.getByRole('tab', { name: 'Python' }).click()
    await page.getByText("pip install 'edictum[server,yaml]==0.16.0'").waitFor()
    const code = await page.getByRole('region', { name: 'snippet' }).innerText()
    expect(code.indexOf('await sink.flush()')).toBeGreaterThan(code.indexOf('for sink in guard.audit_sink.sinks'))
    expect(code.indexOf('await guard.close()')).toBeGreaterThan(code.indexOf('await sink.flush()'))
  })
})
