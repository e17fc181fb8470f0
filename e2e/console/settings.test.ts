import { execFileSync } from 'node:child_process'
import { createHmac } from 'node:crypto'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { permissions } from '../../packages/server/src/identity/roles.ts'
import { ADMIN, auditEvent, type ConsoleWorld, hasBrowser, startConsole } from '../support/console.ts'
import { join as joinTenant, PASSWORD } from '../support/join.ts'
import { faults, visit } from '../support/looks.ts'

const PAGES = [
  'account',
  'incidents',
  'incidents?tab=storage',
  'secrets',
  'service-accounts',
  'service-accounts?tab=keys',
  'connect',
  'credentials',
  'credentials?tab=providers',
  'keys',
  'seal',
  'seal?tab=sessions',
  'seal?tab=contexts',
  'settings/ai',
  'settings/billing',
  'settings/danger',
  'settings/limits?window=7d',
  'settings/members',
  'settings/members?tab=roles',
  'settings/members?tab=acts',
  'settings/notifications',
  'settings/single-sign-on',
  'settings/single-sign-on?tab=saml',
  'settings/system',
  'settings/tenants',
]
/** Addresses that open a dialog, and what it says. */
const DIALOGS = [
  ['account?factor=true', 'Set up a second factor'],
  ['credentials?create=true', 'Store a key'],
  ['credentials?tab=providers&create=true', 'Set up an OAuth provider'],
  ['seal?create=true', 'Register a workload'],
  ['seal?tab=contexts&create=true', 'Make a security context'],
  ['seal?tab=contexts&context=default', 'default'],
  ['settings/notifications?create=true', 'Add a channel'],
  ['secrets?write=true', 'Write a secret'],
  ['secrets?path=db%2Fpassword', 'db/password'],
  ['service-accounts?create=true', 'Create a service account'],
  ['service-accounts?tab=keys&create=true', 'Create a key of your own'],
  ['settings/limits?set=true', 'Set a limit'],
  ['settings/members?invite=true', 'Invite somebody'],
  ['settings/tenants?create=true', 'Make a tenant'],
  ['settings/tenants?quotas=acme', 'Numbers of Acme'],
] as const

/** The code that an authenticator shows (RFC 6238) for a secret in base32, at a time in milliseconds. */
function codeOf(secret: string, at: number): string {
  const bits = [...secret].map((letter) =>
    'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'),
  )
  const key = Buffer.from((bits.join('').match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)))
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(Math.floor(at / 30_000)))
  const mac = createHmac('sha1', key).update(counter).digest()
  const number = mac.readUInt32BE((mac.at(-1) ?? 0) & 15) & 0x7fffffff
  return String(number % 1_000_000).padStart(6, '0')
}

describe.skipIf(!hasBrowser)('settings and connect', { timeout: 240_000 }, () => {
  let world: ConsoleWorld
  let page: Page
  beforeAll(async () => {
    world = await startConsole({ LICTOR_LIMITS: 'on' })
    const { admin } = world
    await admin.call('PUT', '/v1/secrets/db/password', { value: 'horse' })
    await admin.call('POST', '/v1/admin/tenants', { slug: 'acme', display_name: 'Acme', tier: 'free' })
    await admin.call('POST', '/api/v1/service-accounts', { name: 's'.repeat(200), role: 'aegis:readonly' })
    await admin.call('POST', '/v1/api-keys', { name: 'k'.repeat(60), scopes: ['agent:read'] })
    await admin.call('POST', '/api/v1/invitations', { email: `${'e'.repeat(60)}@example.com`, role: 'viewer' })
    const volume = await admin.call<{ id: string }>('POST', '/v1/volumes', { name: 'v', size_limit_bytes: 1_000_000 })
    await admin
      .call('POST', `/v1/volumes/${volume.id}/files/mkdir`, { path: '../x' })
      .catch((refusal: Error) => expect(refusal.message).toContain('contains'))
    await world.report([auditEvent(), auditEvent({ verdict: 'call_denied' })])
  })
  afterAll(() => world?.close())
  afterEach(() => page?.context().close())

  const go = (path: string) => visit(page, world.server.url, path)
  const dialog = () => page.getByRole('dialog')
  /** Says yes to what is asked, and waits until it was done: what lies behind a question is hidden from roles. */
  const confirm = async (button: string) => {
    const question = page.getByRole('alertdialog')
    await question.getByRole('button', { name: button }).click()
    await question.waitFor({ state: 'detached' })
  }
  const join = (email: string, role: string, tenant?: string) => joinTenant(world, email, role, tenant)

  describe('in every look axe finds nothing, and nothing is too wide', () => {
    it('on any page', async () => {
      page = await world.open('connect')
      const found: string[] = []
      for (const path of PAGES) {
        await go(path)
        found.push(...(await faults(page, path)))
      }
      expect(found).toEqual([])
    })

    it('in any dialog', async () => {
      page = await world.open('connect')
      const found: string[] = []
      for (const [path, title] of DIALOGS) {
        await page.goto(`${world.server.url}/dashboard/${path}`)
        await dialog().getByText(title, { exact: true }).waitFor()
        found.push(...(await faults(page, path)))
      }
      expect(found).toEqual([])
    })
  })

  it('the table of roles is the server’s', async () => {
    page = await world.open('settings/members?tab=roles')
    for (const [name, { least, means }] of Object.entries(permissions)) {
      const row = page.getByRole('row').filter({ hasText: means })
      await row.waitFor()
      const cells = await row.getByRole('cell').allInnerTexts()
      expect([name, cells.map((cell) => cell.trim())]).toEqual([
        name,
        ['viewer', 'member', 'admin', 'owner'].map((_role, at, all) => (at >= all.indexOf(least) ? 'yes' : 'no')),
      ])
    }
  })

  it('an invitation’s link is lost neither by Escape nor by Back, and lets somebody in', async () => {
    page = await world.open('settings/system')
    await page.getByRole('heading', { name: 'System', level: 1 }).waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('p')
    await page.getByRole('button', { name: 'Invite' }).click()
    await dialog().getByRole('button', { name: 'Invite' }).click()
    await dialog().getByText('Give an e-mail address.').waitFor()
    await dialog().getByLabel('E-mail').fill('new@example.com')
    await dialog().getByLabel('Role').selectOption('viewer')
    await dialog().getByRole('button', { name: 'Invite' }).click()
    const link = dialog().getByText(/invitation#/)
    await link.waitFor()
    await page.keyboard.press('Escape')
    await page.mouse.click(5, 5)
    await link.waitFor()
    await page.goBack()
    await page.waitForURL(/settings\/system/)
    await page.goForward()
    const href = await link.innerText()
    await dialog().getByRole('button', { name: 'I have it' }).click()
    await dialog().waitFor({ state: 'detached' })
    await page.getByRole('list', { name: 'Invitations' }).getByText('new@example.com').first().waitFor()
    const theirs = await (await world.browser.newContext()).newPage()
    // A server of a port that it chose itself knows no address of its own.
    await theirs.goto(`${world.server.url}${href.slice(new URL(href).origin.length)}`)
    await theirs.getByLabel('Choose a password').fill(PASSWORD)
    await theirs.getByLabel('The same again').fill(PASSWORD)
    await theirs.getByRole('button', { name: 'Accept' }).click()
    await theirs.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
    await theirs.context().close()
    await page.reload()
    await page.getByRole('list', { name: 'Members' }).getByText('new@example.com').first().waitFor()
  })

  it('a role is changed and somebody removed; the only owner can be neither', async () => {
    const bob = await join('bob@example.com', 'member')
    page = await world.open('settings/members')
    const rowOf = (email: string) =>
      page.getByRole('list', { name: 'Members' }).getByRole('listitem').filter({ hasText: email })
    await rowOf('bob@example.com').getByLabel('Role of bob@example.com').selectOption('admin')
    await page.getByText('bob@example.com is admin now.').first().waitFor()
    const owner = rowOf(ADMIN.email)
    await owner.getByText('the only owner').waitFor()
    expect(await owner.getByRole('combobox').count()).toBe(0)
    expect(await owner.getByRole('button').count()).toBe(0)
    await rowOf('bob@example.com').getByRole('button', { name: /^More/ }).click()
    await page.getByRole('menuitem', { name: 'Remove from the tenant' }).click()
    await confirm('Remove member')
    await rowOf('bob@example.com').waitFor({ state: 'detached' })
    const answer = await fetch(`${world.server.url}/api/v1/members`, { headers: { cookie: bob.cookie } })
    expect(answer.ok).toBe(false)
  })

  it('a viewer sees who is there, can change nothing, and is told why', async () => {
    const viewer = await join('viewer@example.com', 'viewer')
    page = await world.open('settings/members', {}, viewer)
    await page.getByText('your role is viewer', { exact: false }).first().waitFor()
    expect(await page.getByRole('button', { name: 'Invite' }).count()).toBe(0)
    expect(await page.getByRole('main').getByRole('combobox').count()).toBe(0)
    await page.goto(`${world.server.url}/dashboard/settings/tenants`)
    await page.getByText(/takes somebody who looks after the installation/).waitFor()
    await page.goto(`${world.server.url}/dashboard/secrets`)
    await page.getByText(/takes the role admin or a higher one/).waitFor()
    await go('settings/system')
    await page.getByText(/Draining: .*role is viewer/).waitFor()
    await go('settings/billing')
    await page.getByText('This installation takes no money').waitFor()
  })

  it('a second factor is set up with a code of the phone, its codes shown until they were taken, and removed', async () => {
    const carol = await join('carol@example.com', 'member')
    page = await world.open('account', {}, carol)
    await page.getByRole('button', { name: 'Set it up' }).click()
    await dialog()
      .getByRole('img', { name: /code for the camera/ })
      .waitFor()
    const secret = (await dialog().locator('code').innerText()).replaceAll(/\s/g, '')
    await dialog().getByLabel('Code', { exact: true }).fill('000000')
    await dialog().getByRole('button', { name: 'Put into force' }).click()
    await expect.poll(() => dialog().getByRole('alert').innerText()).not.toBe('')
    await dialog().getByLabel('Code', { exact: true }).fill(codeOf(secret, Date.now()))
    await dialog().getByRole('button', { name: 'Put into force' }).click()
    await dialog().getByText('Codes for a lost device').waitFor()
    await page.keyboard.press('Escape')
    const codes = (await dialog().locator('code').innerText()).split('\n')
    expect(codes.length).toBeGreaterThan(5)
    await dialog().getByRole('button', { name: 'I have it' }).click()
    await page.getByText('in force').waitFor()
    await page.getByRole('button', { name: 'Remove it' }).click()
    await dialog()
      .getByLabel('Code', { exact: true })
      .fill(codes[0] ?? '')
    await dialog().getByRole('button', { name: 'Remove it' }).click()
    await page.getByRole('button', { name: 'Set it up' }).waitFor()
  })

  it('a password is changed, and other sessions are seen and ended', async () => {
    const dave = await join('dave@example.com', 'member')
    const headers = { 'content-type': 'application/json', 'x-requested-with': 'e2e' }
    const signIn = (password: string) =>
      fetch(`${world.server.url}/api/v1/auth/login`, {
        method: 'POST',
        headers,
        body: JSON.stringify({ email: 'dave@example.com', password }),
      })
    await signIn(PASSWORD)
    page = await world.open('account', {}, dave)
    const sessions = page.getByRole('list', { name: 'Sessions' }).getByRole('listitem')
    // The one that the invitation began, that of this page, and the other.
    await expect.poll(() => sessions.count()).toBe(3)
    await page
      .getByRole('button', { name: /^End the session/ })
      .first()
      .click()
    await confirm('End session')
    await expect.poll(() => sessions.count()).toBe(2)
    await page.getByLabel('Present password').fill('not the present one')
    await page.getByLabel('New password').fill(`${PASSWORD} 2`)
    await page.getByLabel('The same again').fill(`${PASSWORD} 2`)
    await page.getByRole('button', { name: 'Change password' }).click()
    // A wrong one is no session that ended.
    await page.getByText('The present password is wrong.').waitFor()
    await page.getByLabel('Present password').fill(PASSWORD)
    await page.getByLabel('New password').fill('short')
    await page.getByLabel('The same again').fill('short')
    await page.getByRole('button', { name: 'Change password' }).click()
    await page.getByText('Use at least 12 characters.').waitFor()
    await page.getByLabel('New password').fill(`${PASSWORD} 2`)
    await page.getByLabel('The same again').fill(`${PASSWORD} 2`)
    await page.getByRole('button', { name: 'Change password' }).click()
    await page.getByText('Password changed').first().waitFor()
    expect((await signIn(PASSWORD)).status).toBe(401)
    expect((await signIn(`${PASSWORD} 2`)).status).toBe(200)
  })

  it('a tenant is made, its owner invited, suspended, resumed, and deleted by typing its name', async () => {
    page = await world.open('settings/tenants')
    await page.getByRole('heading', { name: 'Tenants', level: 1 }).waitFor()
    await page.keyboard.press('c')
    await dialog().getByLabel('Name', { exact: true }).fill('New Co.')
    expect(await dialog().getByLabel('Short name').inputValue()).toBe('new-co')
    await dialog().getByRole('button', { name: 'Make it' }).click()
    await dialog().getByText('Invite into new-co').waitFor()
    await page.keyboard.press('Escape')
    const row = page.getByRole('list', { name: 'Tenants' }).getByRole('listitem').filter({ hasText: 'new-co' })
    const choose = async (action: string) => {
      await row.getByRole('button', { name: /^More/ }).click()
      await page.getByRole('menuitem', { name: action }).click()
    }
    await choose('Suspend')
    await confirm('Suspend')
    await row.getByText('suspended').waitFor()
    await choose('Resume')
    await confirm('Resume')
    await row.getByText('active').waitFor()
    await choose('Delete')
    expect(await page.getByRole('button', { name: 'Delete tenant' }).isDisabled()).toBe(true)
    await page.getByLabel(/^Type/).fill('new-co')
    await confirm('Delete tenant')
    await row.waitFor({ state: 'detached' })
    const own = page.getByRole('list', { name: 'Tenants' }).getByRole('listitem').filter({ hasText: 'yours' })
    await own.getByRole('button', { name: /^More/ }).click()
    expect(await page.getByRole('menuitem').allInnerTexts()).toEqual(['Invite somebody', 'Set its numbers'])
  })

  it('whoever is in a suspended tenant is told so on every page', async () => {
    const erin = await join('erin@example.com', 'owner', 'acme')
    page = await world.open('', {}, erin)
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
    await world.admin.call('POST', '/v1/admin/tenants/acme/suspend')
    await page.reload()
    await page.getByRole('alert').getByText('The tenant Acme is suspended.').waitFor()
    await page.goto(`${world.server.url}/dashboard/account`)
    await page.getByRole('alert').getByText('The tenant Acme is suspended.').waitFor()
    await page.getByRole('list', { name: 'Tenants' }).getByText('suspended').waitFor()
  })

  it('usage is drawn by what comes with the page alone, and a limit set by hand holds', async () => {
    page = await world.open('settings/limits')
    await page
      .getByRole('img', { name: /Governed calls over 24 hours: \d+, of which 1 were denied/ })
      .locator('canvas')
      .waitFor()
    await page.getByRole('button', { name: /^Over/ }).click()
    await page.getByRole('menuitemradio', { name: '30 days' }).click()
    await page.waitForURL(/window=30d/)
    await page.getByRole('button', { name: 'Set a limit' }).click()
    await dialog().getByLabel('How many').fill('7')
    await dialog().getByRole('button', { name: 'Set it' }).click()
    await page.getByRole('list', { name: 'Limits set by hand' }).getByText('Agent executions: 7 an hour').waitFor()
    await page.getByRole('button', { name: /^Take back/ }).click()
    await confirm('Take it back')
    await page.getByText('None, so the tier’s numbers hold').waitFor()
  })

  it('a secret is written, shown when asked for, written anew, and deleted by typing its path', async () => {
    page = await world.open('secrets')
    await page.getByRole('button', { name: 'Write a secret' }).click()
    await dialog().getByLabel('Path').fill('api/token')
    await dialog().getByLabel('Value').fill('first value')
    await dialog().getByRole('button', { name: 'Write' }).click()
    await page
      .getByRole('list', { name: 'Secrets' })
      .getByRole('button', { name: /api\/token/ })
      .click()
    await page.waitForURL(/path=/)
    expect(await page.getByText('first value').count()).toBe(0)
    await dialog().getByRole('button', { name: 'Show the value' }).click()
    await dialog().getByText('first value').waitFor()
    await page.clock.runFor(61_000)
    await dialog().getByText('first value').waitFor({ state: 'detached' })
    await dialog().getByRole('button', { name: 'Write a new version' }).click()
    await dialog().getByLabel('Value').fill('second value')
    await dialog().getByRole('button', { name: 'Write', exact: true }).click()
    await dialog().getByRole('button', { name: 'Show the value' }).click()
    await dialog().getByText('second value').waitFor()
    await dialog().getByRole('button', { name: 'Delete' }).click()
    await page.getByLabel(/^Type/).fill('api/token')
    await confirm('Delete secret')
    await page.getByRole('list', { name: 'Secrets' }).getByText('api/token').waitFor({ state: 'detached' })
  })

  it('a service account’s secret stays until it was taken, signs in, and is revoked', async () => {
    page = await world.open('settings/system')
    await page.getByRole('heading', { name: 'System', level: 1 }).waitFor()
    await page.keyboard.press('Control+k')
    await page.getByPlaceholder('Where to, or what to do?').fill('create a service')
    await page.keyboard.press('Enter')
    await dialog().getByLabel('Name').fill('pipeline')
    await dialog().getByRole('button', { name: 'Create it' }).click()
    await dialog().getByText('Client secret').waitFor()
    await page.goBack()
    await page.waitForURL(/settings\/system/)
    await page.goForward()
    await dialog().getByText('Client secret').waitFor()
    const [client_id = '', client_secret = '', command = ''] = await dialog().locator('code').allInnerTexts()
    expect(command).toContain(client_secret)
    const token = () =>
      fetch(/https?:\S+token/.exec(command)?.[0] ?? '', {
        method: 'POST',
        body: new URLSearchParams({ grant_type: 'client_credentials', client_id, client_secret }),
      })
    expect((await token()).status).toBe(200)
    await dialog().getByRole('button', { name: 'I have it' }).click()
    await page.getByRole('button', { name: 'Revoke pipeline' }).click()
    await confirm('Revoke account')
    await page.getByRole('list', { name: 'Service accounts' }).getByText('pipeline').waitFor({ state: 'detached' })
    expect((await token()).status).toBe(401)
  })

  it('a key of one’s own has the scopes of its preset, and says when it was last used', async () => {
    page = await world.open('service-accounts?tab=keys&create=true')
    await dialog().getByLabel('Name').fill('watcher')
    await dialog().getByLabel('It may').selectOption('watch')
    await dialog().getByRole('button', { name: 'Create key' }).click()
    const key = await dialog().locator('code').innerText()
    await dialog().getByRole('button', { name: 'I have it' }).click()
    const row = page.getByRole('list', { name: 'Keys' }).getByRole('listitem').filter({ hasText: 'watcher' })
    await row.getByText('never used').waitFor()
    const get = (path: string) => fetch(`${world.server.url}${path}`, { headers: { authorization: `Bearer ${key}` } })
    expect((await get('/v1/agents')).status).toBe(200)
    expect((await get('/v1/volumes')).status).toBe(403)
    await page.reload()
    await row.getByText('last used').waitFor()
  })

  it('a file operation that was refused is among the incidents, and opens by its address', async () => {
    page = await world.open('incidents?tab=storage')
    await page
      .getByRole('button', { name: /path traversal blocked/ })
      .first()
      .click()
    await page.waitForURL(/id=/)
    await dialog().getByText('../x', { exact: true }).waitFor()
    await page.goBack()
    await dialog().waitFor({ state: 'detached' })
    await go('incidents?tab=storage&id=unknown')
    await dialog().getByText('This incident is not among the newest').waitFor()
  })

  it('a server is drained and takes what is new again', async () => {
    page = await world.open('settings')
    await page.waitForURL(/settings\/system/)
    const choose = async (action: string, button: string) => {
      await page.getByRole('list', { name: 'Servers' }).getByRole('button', { name: /^More/ }).click()
      await page.getByRole('menuitem', { name: action }).click()
      await confirm(button)
    }
    await choose('Drain', 'Drain')
    await page.getByRole('list', { name: 'Servers' }).getByText('draining').waitFor()
    await choose('Take what is new again', 'Let it')
    await page.getByRole('list', { name: 'Servers' }).getByText('active').waitFor()
  })

  it('j and k go through rows, and / to the filter', async () => {
    page = await world.open('settings/tenants')
    const rows = page.getByRole('list', { name: 'Tenants' }).getByRole('listitem')
    await rows.first().waitFor()
    const focused = () => page.evaluate('document.activeElement.closest("[data-row]")?.textContent ?? ""')
    await page.keyboard.press('j')
    expect(await focused()).toContain('default')
    await page.keyboard.press('j')
    expect(await focused()).toContain('acme')
    await page.keyboard.press('k')
    expect(await focused()).toContain('default')
    await page.keyboard.press('/')
    await page.keyboard.type('acm')
    await expect.poll(() => rows.count()).toBe(1)
    await page.waitForURL(/q=acm/)
  })

  it('a credential is stored, let agents use, given a new value, and revoked', async () => {
    page = await world.open('credentials?create=true')
    await dialog().getByLabel('Service').fill('github')
    await dialog().getByLabel('Key').fill('ghp_first')
    await dialog().getByRole('button', { name: 'Store it' }).click()
    await page
      .getByRole('list', { name: 'Credentials' })
      .getByRole('button', { name: /github.*nobody may use it/ })
      .click()
    await page.waitForURL(/id=/)
    await dialog().getByRole('button', { name: 'Allow' }).click()
    await dialog().getByRole('button', { name: 'Take back the grant for all agents' }).waitFor()
    await dialog().getByRole('button', { name: 'Give it a new value' }).click()
    await dialog().getByLabel('Key').fill('ghp_second')
    await dialog().getByRole('button', { name: 'Store it' }).click()
    await page.getByText('New value stored').first().waitFor()
    await dialog().getByRole('button', { name: 'Revoke' }).click()
    await confirm('Revoke credential')
    await page.getByText('No credential yet').waitFor()
    expect(await page.content()).not.toContain('ghp_')
  })

  it('an OAuth provider is set up with the console’s own address, and a sign-in that was refused says so', async () => {
    page = await world.open('credentials?tab=providers&create=true')
    await dialog()
      .getByText(/\/dashboard\/credentials\/callback/)
      .waitFor()
    await dialog().getByLabel('Name').fill('github')
    await dialog().getByLabel('Client id').fill('lictor')
    await dialog().getByLabel('Client secret').fill('s')
    await dialog().getByRole('button', { name: 'Set it up' }).click()
    await page.getByRole('list', { name: 'OAuth providers' }).getByText('github').first().waitFor()
    const { providers } = await world.admin.call<{ providers: { redirect_uris: string[] }[] }>(
      'GET',
      '/v1/credentials/providers',
    )
    expect(providers[0]?.redirect_uris).toEqual([`${world.server.url}/dashboard/credentials/callback`])
    await page.goto(`${world.server.url}/dashboard/credentials/callback?state=unknown&code=c`)
    await page.getByText('The sign-in was not finished').waitFor()
    await page.getByRole('link', { name: 'Begin again' }).click()
    await page.waitForURL(/credentials$/)
  })

  it('a workload’s address is shown until it was taken; a context is made, changed and removed', async () => {
    page = await world.open('seal?tab=contexts&create=true')
    await dialog().getByLabel('As JSON').fill('{')
    await dialog().getByRole('button', { name: 'Save' }).click()
    await dialog()
      .getByText(/^This is not JSON/)
      .waitFor()
    await dialog()
      .getByLabel('As JSON')
      .fill('{"name":"reader","capabilities":[{"tool_pattern":"fs.read"}],"deny_list":[]}')
    await dialog().getByRole('button', { name: 'Save' }).click()
    await page.getByRole('tab', { name: 'Workloads' }).click()
    await page.keyboard.press('c')
    await dialog().getByLabel('Name of the workload').fill('wl-7')
    await dialog().getByLabel('Security context').selectOption('reader')
    await dialog().getByRole('button', { name: 'Register' }).click()
    await dialog().getByText(/\/x\//).waitFor()
    await page.keyboard.press('Escape')
    await dialog().getByRole('button', { name: 'I have it' }).click()
    await page.getByRole('list', { name: 'Workloads' }).getByText('wl-7').waitFor()
    await page.getByRole('button', { name: 'Revoke wl-7' }).click()
    await confirm('Revoke workload')
    await page.getByText('No workload is registered').waitFor()
    await go('seal?tab=contexts&context=reader')
    await dialog().getByRole('button', { name: 'Remove' }).click()
    await confirm('Remove context')
    await page.getByRole('list', { name: 'Security contexts' }).getByText('default').waitFor()
    await page.getByText('reader', { exact: true }).waitFor({ state: 'detached' })
  })

  it('a channel is added, switched off, tested, and deleted', async () => {
    page = await world.open('settings/notifications?create=true')
    await dialog().getByLabel('Name').fill('on call')
    await dialog().getByLabel('Kind').selectOption('webhook')
    await dialog().getByRole('button', { name: 'Add it' }).click()
    await dialog().getByText('Address is needed.').waitFor()
    await dialog().getByLabel('Address').fill('https://93.184.215.14/lictor')
    await dialog().getByLabel('in production').check()
    await dialog().getByRole('button', { name: 'Add it' }).click()
    const row = page.getByRole('list', { name: 'Channels' }).getByRole('listitem').filter({ hasText: 'on call' })
    await row.getByText('only production').waitFor()
    await row.getByRole('switch').click()
    await expect
      .poll(() => world.admin.call<{ enabled: boolean }[]>('GET', '/api/v1/notifications/channels'))
      .toMatchObject([{ enabled: false }])
    await page.route('**/notifications/channels/*/test', (route) =>
      route.fulfill({ json: { success: false, message: 'Connection error: refused' } }),
    )
    await row.getByRole('button', { name: /^Test/ }).click()
    await page.getByText('Connection error: refused').first().waitFor()
    await row.getByRole('button', { name: /^More/ }).click()
    await page.getByRole('menuitem', { name: 'Delete' }).click()
    await confirm('Delete channel')
    await page.getByText('No channel yet').waitFor()
  })

  it('the signing key is rotated only by typing the word, and its new public half is shown', async () => {
    page = await world.open('settings?section=danger')
    await page.waitForURL(/settings\/danger/)
    await page.getByRole('button', { name: 'Rotate' }).first().click()
    const rotate = page.getByRole('alertdialog').getByRole('button', { name: 'Rotate key' })
    expect(await rotate.isDisabled()).toBe(true)
    await page.getByLabel(/^Type/).fill('rotate')
    await confirm('Rotate key')
    await expect.poll(() => page.getByRole('status').locator('code').innerText()).toMatch(/^[0-9a-f]{64}$/)
    await page.getByText('it cannot be deleted').waitFor()
  })

  it('who owns no tenant sees its single sign-on and changes nothing; a provider that does not answer is said', async () => {
    page = await world.open('settings/single-sign-on')
    await page.getByLabel('Issuer').fill('https://127.0.0.1:1')
    await page.getByLabel('Client id').fill('lictor')
    await page.getByRole('button', { name: 'Put into force' }).click()
    await expect.poll(() => page.locator('form').getByRole('alert').innerText()).not.toBe('')
    await page.context().close()
    page = await world.open('settings/single-sign-on', {}, await join('frank@example.com', 'admin'))
    await page.getByText('This takes an owner; your role is admin.').waitFor()
    expect(await page.getByLabel('Issuer').count()).toBe(0)
  })

  it('the assistant’s settings keep the key that is there, and its test says what went wrong', async () => {
    page = await world.open('settings/ai')
    await page.getByLabel('Key').fill('sk-ant-an-example-of-a-key')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('configured', { exact: true }).waitFor()
    expect(await page.getByLabel('Key').inputValue()).toBe('')
    await page.getByLabel('Model').fill('some-model')
    await page.getByRole('button', { name: 'Save' }).click()
    await expect
      .poll(() => world.admin.call('GET', '/api/v1/settings/ai'))
      .toMatchObject({ configured: true, model: 'some-model', api_key_masked: expect.stringMatching(/./) })
    await page.route('**/settings/ai/test', (route) =>
      route.fulfill({ json: { ok: false, model: null, latency_ms: null, error: 'No such model.' } }),
    )
    await page.getByRole('button', { name: 'Test' }).click()
    await page.getByText('No such model.').waitFor()
    await page.getByRole('button', { name: 'Switch off' }).click()
    await confirm('Switch off')
    await page.getByText('off', { exact: true }).waitFor()
  })

  it('what curl and Go are told to do turns the light green', async () => {
    page = await world.open('connect')
    await page.getByRole('button', { name: /^Create a production key/ }).click()
    await page.getByRole('tab', { name: 'curl' }).click()
    const text = await page.getByRole('region', { name: 'snippet' }).innerText()
    const [, record = ''] = text.split('\n\n')
    expect(execFileSync('sh', ['-c', record], { encoding: 'utf8' })).toContain('"accepted":1')
    await page.getByRole('status', { name: 'Connection' }).getByText('Events are arriving').waitFor()
    await page.getByRole('tab', { name: 'Python' }).click()
    await page.getByText('The extra yaml is needed').waitFor()
  })
})
