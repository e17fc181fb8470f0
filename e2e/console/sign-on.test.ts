import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createSamlProvider, type SamlProvider, type Wrongs } from '../../packages/server/test/saml-provider.ts'
import { type ConsoleWorld, hasBrowser, startConsole } from '../support/console.ts'
import { faults } from '../support/looks.ts'

const listening = async (server: Server): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, resolve))
  return (server.address() as AddressInfo).port
}

/** A provider with a page of its own, at another site than the console: it lets the browser post its answer. */
async function startProviderPage(metadata: () => Promise<string>) {
  let provider: SamlProvider | null = null
  let wrongs: Wrongs = {}
  const http = createServer(async (request, response) => {
    // Browsers ask for an icon, too.
    if (!request.url?.startsWith('/sso?')) return void response.writeHead(404).end()
    const url = `http://localhost${request.url}`
    const person = { nameId: 'sam@example.com', email: 'sam@example.com' }
    const server = await metadata()
    const acs = / Location="([^"]+)"/.exec(server)?.[1]
    const answer = await provider?.answer(url, server, person, wrongs)
    response.setHeader('content-type', 'text/html')
    response.end(
      `<form method="post" action="${acs}"><input type="hidden" name="SAMLResponse" value="${answer}"><input type="hidden" name="RelayState" value="https://evil.example/"><button>I am Sam</button></form>`,
    )
  })
  const port = await listening(http)
  const made = createSamlProvider(`http://localhost:${port}/metadata`, `http://localhost:${port}/sso?idpid=1`)
  provider = made
  return {
    metadata: made.metadata,
    answerWith(wrong: Wrongs) {
      wrongs = wrong
    },
    close: () => new Promise((resolve) => http.close(resolve)),
  }
}

describe.skipIf(!hasBrowser)('single sign-on in the console', { timeout: 240_000 }, () => {
  let world: ConsoleWorld
  let provider: Awaited<ReturnType<typeof startProviderPage>>
  let page: Page
  beforeAll(async () => {
    // The provider is told the public address, so it stands before the server does.
    const placeholder = createServer()
    const port = await listening(placeholder)
    await new Promise((resolve) => placeholder.close(resolve))
    world = await startConsole({ LICTOR_PORT: String(port), LICTOR_BASE_URL: `http://127.0.0.1:${port}` })
    provider = await startProviderPage(async () =>
      (await fetch(`${world.server.url}/api/v1/auth/saml/default/metadata`)).text(),
    )
  })
  afterAll(async () => {
    await world?.close()
    await provider?.close()
  })
  afterEach(() => page?.context().close())

  /** A browser in which nobody is signed in. */
  const stranger = async (path: string): Promise<Page> => {
    const context = await world.browser.newContext({ viewport: { width: 1280, height: 800 } })
    context.setDefaultTimeout(60_000)
    const made = await context.newPage()
    await made.goto(`${world.server.url}/dashboard/${path}`)
    return made
  }

  it('an owner pastes the provider’s metadata; the login page offers it, and somebody comes in as who they are', async () => {
    page = await world.open('settings/single-sign-on')
    await page.getByRole('tab', { name: 'SAML 2.0' }).click()
    await page.getByText('/api/v1/auth/saml/default/acs').waitFor()
    await page.getByRole('button', { name: 'Put into force' }).click()
    await page.getByText('Paste its metadata, or give').waitFor()
    await page.getByRole('textbox', { name: 'Entity id' }).fill('x')
    await page.getByLabel('Sign-on address').fill('https://idp.example.com')
    await page.getByLabel('Certificate', { exact: true }).fill('nothing')
    await page.getByRole('button', { name: 'Put into force' }).click()
    await page.getByText('is no X.509 certificate').waitFor()
    await page.getByLabel('Metadata of the provider').fill(provider.metadata)
    await page.getByLabel('On the sign-in page').fill('Acme')
    await page.getByLabel('Who is no member yet').selectOption('viewer')
    await page.getByRole('button', { name: 'Put into force' }).click()
    await page.getByRole('list', { name: 'Certificates' }).getByText('CN=idp.example.com').waitFor()
    expect(await faults(page, 'SAML')).toEqual([])
    await page.context().close()

    page = await stranger('login?next=%2Fapprovals')
    await page.getByRole('link', { name: 'Sign in with Acme' }).click()
    await page.getByRole('button', { name: 'I am Sam' }).click()
    await page.waitForURL(`${world.server.url}/dashboard/approvals`)
    await page.getByRole('heading', { name: 'Approvals' }).waitFor()
    const me = await page.evaluate<{ email: string; role: string }>("fetch('/api/v1/auth/me').then((it) => it.json())")
    expect(me).toMatchObject({ email: 'sam@example.com', role: 'viewer' })
  })

  it('an answer that is not right is said on the login page, and whoever types a tenant’s name learns what it offers alone', async () => {
    provider.answerWith({ signed: 'none' })
    page = await stranger('login')
    await page.getByRole('link', { name: 'Sign in with Acme' }).click()
    await page.getByRole('button', { name: 'I am Sam' }).click()
    await page.getByRole('alert').getByText('not signed with a key of the certificates').waitFor()
    expect(new URL(page.url()).pathname).toBe('/dashboard/login')
    expect(await faults(page, 'login with a problem')).toEqual([])
    await page.getByLabel('Short name of the tenant').fill('No such tenant')
    await page.getByRole('button', { name: 'Show' }).click()
    await page.getByText('Type its short name').waitFor()
    await page.getByLabel('Short name of the tenant').fill('Nobody')
    await page.getByRole('button', { name: 'Show' }).click()
    await page.getByText('There is no single sign-on for nobody.').waitFor()
    expect(await page.getByRole('link', { name: 'Sign in with' }).count()).toBe(0)
    expect(await faults(page, 'login')).toEqual([])
  })

  it('it ends when an owner says so', async () => {
    page = await world.open('settings/single-sign-on?tab=saml')
    await page.getByRole('button', { name: 'End it' }).click()
    await page.getByRole('alertdialog').getByRole('button', { name: 'End it' }).click()
    await page.getByText('off', { exact: true }).waitFor()
    await page.context().close()
    page = await stranger('login')
    await page.getByRole('button', { name: 'Single sign-on of another tenant' }).click()
    await page.getByLabel('Short name of the tenant').waitFor()
    expect(await page.getByRole('link', { name: 'Sign in with' }).count()).toBe(0)
  })
})
