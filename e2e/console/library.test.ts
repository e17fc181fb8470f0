import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { auditEvent, type ConsoleWorld, hasBrowser, startConsole } from '../support/console.ts'
import { faults, visit } from '../support/looks.ts'
import { type Administrator, readExample } from '../support/server.ts'

const PASSWORD = 'a long enough password'

describe.skipIf(!hasBrowser)('writing contracts', { timeout: 240_000 }, () => {
  let world: ConsoleWorld
  let page: Page
  let viewer: Administrator
  let recorded: string
  const bundle = readExample('bundles/assistant.yaml')
  beforeAll(async () => {
    world = await startConsole()
    const { admin } = world
    await admin.deploy(bundle)
    await admin.call('POST', '/api/v1/contracts/import', { yaml_content: bundle })
    await world.report([
      auditEvent({
        payload: {
          tool_args: { path: 'a/.env' },
          environment: 'production',
          bundle_name: 'assistant',
          principal: { role: 'intern' },
        },
      }),
      auditEvent({ agent_id: 'loner', tool_name: 'unheard_of', payload: { tool_args: { city: 'Rome', days: 3 } } }),
    ])
    const events = await admin.call<{ id: string; tool_name: string }[]>('GET', '/api/v1/events')
    recorded = events.find(({ tool_name }) => tool_name === 'read_file')?.id ?? ''
    viewer = await join('viewer@example.com', 'viewer')
  })
  afterAll(() => world?.close())
  afterEach(() => page?.context().close())

  const go = (path: string) => visit(page, world.server.url, path)
  /** Somebody who accepted an invitation. */
  const join = async (email: string, role: string): Promise<Administrator> => {
    const { link } = await world.admin.call<{ link: string }>('POST', '/api/v1/invitations', { email, role })
    const headers = { 'content-type': 'application/json', 'x-requested-with': 'e2e' }
    const post = (path: string, body: object) =>
      fetch(`${world.server.url}/api/v1/auth/${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
    await post('invitation/accept', { token: link.split('#')[1], password: PASSWORD })
    const login = await post('login', { email, password: PASSWORD })
    expect(login.status).toBe(200)
    return { ...world.admin, cookie: login.headers.getSetCookie()[0]?.split(';')[0] ?? '' }
  }
  const editor = (name = 'Bundle YAML') => page.getByRole('textbox', { name })
  /** The offered entry of a name; what is offered arrives a moment after the key. */
  const offered = (name: string) => page.getByRole('listbox', { name: 'Completions' }).getByRole('option', { name })
  const choose = async (name: string) => {
    await offered(name).first().waitFor()
    // Right after a list opens, a key is still that of who writes on.
    await page.clock.runFor(200)
    const chosen = page.getByRole('listbox', { name: 'Completions' }).getByRole('option', { selected: true })
    for (let step = 0; step < 60 && !(await chosen.innerText()).startsWith(name); step++)
      await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await offered(name).first().waitFor({ state: 'hidden' })
  }

  it('a contract is written by keyboard alone, of what is offered: keys, words, tools that were called and their arguments', async () => {
    page = await world.open('contracts/new')
    await editor().waitFor()
    await page.getByText('Valid', { exact: true }).waitFor()
    await editor().focus()
    await page.keyboard.press('Control+End')
    await page.keyboard.type('  - id: not-rome\nty')
    await choose('type')
    await page.keyboard.type('pr')
    await choose('pre')
    await page.keyboard.press('Enter')
    await page.keyboard.type('tool: ')
    await page.keyboard.press('Control+ ')
    await choose('unheard_of')
    await page.keyboard.press('Enter')
    await page.keyboard.type('whe')
    await choose('when')
    await choose('args.city')
    await choose('equals')
    await page.keyboard.type('Rome')
    const text = await editor().innerText()
    expect(text.replaceAll(/\s+/g, ' ')).toContain(
      'id: not-rome type: pre tool: unheard_of when: args.city: equals: Rome',
    )
  })

  it('what stands at the cursor is explained, on the screen and to a screen reader', async () => {
    page = await world.open('contracts/new')
    await editor().waitFor()
    await page.getByText('Valid', { exact: true }).waitFor()
    await editor().focus()
    await page.keyboard.press('Control+Home')
    await page.keyboard.press('ArrowDown')
    await expect
      .poll(async () => {
        await page.keyboard.press('Control+i')
        return page.locator('.cm-explained').count()
      })
      .toBe(1)
    expect(await page.locator('.cm-explained').innerText()).toContain('Which vocabulary')
    expect(await page.locator('.cm-announced').innerText()).toContain('kind: Which vocabulary')
    // Each press before it was there may bring one more.
    await expect
      .poll(async () => {
        await page.keyboard.press('Escape')
        return page.locator('.cm-explained').count()
      })
      .toBe(0)
    expect(await editor().getAttribute('aria-description')).toContain('Control and Space')
  })

  it('what a hint offers is done by a click, and by a key in the text', async () => {
    page = await world.open('contracts/new')
    await editor().waitFor()
    const wrong = bundle.replace('effect: deny', 'effekt: deny').replace('type: pre', 'type: prr')
    await page.getByLabel('Bundle file').setInputFiles({
      name: 'a.yaml',
      mimeType: 'application/yaml',
      buffer: Buffer.from(wrong),
    })
    const problems = page.getByRole('list', { name: 'Problems' })
    await problems.getByRole('button', { name: 'Replace with pre' }).click()
    await problems.getByText("did you mean 'effect'?").click()
    await page.keyboard.press('Control+.')
    await page.getByText('Valid', { exact: true }).waitFor()
    expect(await problems.count()).toBe(0)
    // And it can be taken back.
    await page.keyboard.press('Control+z')
    await problems.getByRole('button', { name: 'Replace with effect' }).waitFor()
  })

  it('a call is tried on the text as it stands, unsaved', async () => {
    page = await world.open('contracts/new')
    const panel = page.getByRole('region', { name: 'Try a call' })
    await panel.getByLabel('Tool', { exact: true }).fill('read_file')
    await panel.getByLabel('Arguments (JSON)').fill('{"path": "/srv/.env"')
    await panel.getByText('This is not JSON yet').waitFor()
    await panel.getByLabel('Arguments (JSON)').fill('{"path": "/srv/.env"}')
    await panel.getByRole('status').getByText('Denied by no-secrets').waitFor()
    await panel.getByText('it is "/srv/.env"').first().waitFor()
    await editor().focus()
    await page.keyboard.press('Control+a')
    await page.keyboard.insertText(bundle.replace(/^ {2}- id: no-secrets[\s\S]*?(?=^ {2}- id)/m, ''))
    await panel.getByRole('status').getByText('Allowed').waitFor()
    await page.keyboard.press('Control+a')
    await page.keyboard.insertText('kind: x')
    await panel.getByRole('status').getByText('Not tried').waitFor()
  })

  it('a contract of the library is written, found, made anew and deleted; what a composition uses stays', async () => {
    page = await world.open('library')
    await page.getByRole('link', { name: /^No Secrets/ }).waitFor()
    await page.keyboard.press('n')
    await page.getByLabel('Name', { exact: true }).fill('No Rome')
    await page.getByLabel('Id', { exact: true }).fill('no-rome')
    await page.getByLabel('Tags').fill('travel, cities')
    await editor('Contract YAML').focus()
    await page.keyboard.press('Control+a')
    await page.keyboard.insertText(
      'tool: unheard_of\nwhen:\n  args.city: { equal: Rome }\nthen:\n  effect: deny\n  message: "Not {args.city}."\n',
    )
    const problems = page.getByRole('list', { name: 'Problems' })
    await problems.getByRole('button', { name: 'Replace with equals' }).click()
    await page.getByText('Valid', { exact: true }).waitFor()
    await page.getByLabel('Tool', { exact: true }).fill('unheard_of')
    await page.getByLabel('Arguments (JSON)').fill('{"city": "Rome"}')
    await page.getByText('Denied by no-rome').waitFor()
    await page.getByRole('button', { name: /^Save/ }).click()
    await page.getByRole('heading', { name: 'No Rome', level: 1 }).waitFor()

    await page.keyboard.press('e')
    await page.getByRole('heading', { name: 'New version of no-rome' }).waitFor()
    await editor('Contract YAML').getByText('unheard_of').waitFor()
    await page.getByLabel('Description').fill('Of the one city.')
    await page.getByRole('button', { name: /^Save version/ }).click()
    await page.getByRole('list', { name: 'Versions' }).getByText('v2').waitFor()
    await page.keyboard.press('j')
    await page.waitForURL(/version=1/)

    await go('library')
    await page.getByRole('button', { name: 'Tag', exact: true }).click()
    await page.getByRole('menuitemradio', { name: /^travel/ }).click()
    await page.waitForURL(/tag=travel/)
    await page.getByRole('link', { name: /^No Secrets/ }).waitFor({ state: 'hidden' })
    await page.keyboard.press('j')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'No Rome', level: 1 }).waitFor()
    await page.getByRole('button', { name: 'Delete', exact: true }).click()
    await page.getByRole('alertdialog').getByRole('textbox').fill('no-rome')
    await page.getByRole('alertdialog').getByRole('button', { name: 'Delete contract' }).click()
    await page.getByRole('heading', { name: 'Library', level: 1 }).waitFor()
    const left = await world.admin.call<{ contract_id: string }[]>('GET', '/api/v1/contracts')
    expect(left.map(({ contract_id }) => contract_id)).not.toContain('no-rome')

    await go('library/no-secrets')
    await page.getByRole('region', { name: 'Used in' }).getByRole('link', { name: 'assistant' }).waitFor()
    await page.getByRole('button', { name: 'Delete', exact: true }).click()
    await page.getByRole('alertdialog').getByRole('textbox').fill('no-secrets')
    await page.getByRole('alertdialog').getByRole('button', { name: 'Delete contract' }).click()
    await page
      .getByRole('alertdialog')
      .getByText(/referenced by compositions: assistant/)
      .waitFor()
  })

  it('a template is imported: its contracts, and a composition of them', async () => {
    page = await world.open('library?import=true')
    await page.getByRole('dialog').getByLabel('Template').selectOption('research-agent')
    await page.getByRole('dialog').getByRole('button', { name: 'Import', exact: true }).click()
    await page.getByText('The composition research-agent is made of them.').first().waitFor()
    const compositions = await world.admin.call<{ name: string; contract_count: number }[]>(
      'GET',
      '/api/v1/compositions',
    )
    expect(compositions.find(({ name }) => name === 'research-agent')?.contract_count).toBeGreaterThan(0)
  })

  it('a composition is put together in an order, seen as the bundle it makes, tried, and deployed', async () => {
    page = await world.open('compositions')
    await page.getByRole('button', { name: 'Make a composition' }).first().waitFor()
    await page.keyboard.press('n')
    await page.getByRole('dialog').getByLabel('Name').fill('two-rules')
    await page.getByRole('dialog').getByRole('button', { name: 'Make', exact: true }).click()
    await page.getByRole('heading', { name: 'two-rules', level: 1 }).waitFor()
    await page.getByLabel('Add a contract').selectOption('no-downloads')
    await page.getByLabel('Add a contract').selectOption('no-secrets')
    const members = page.getByRole('list', { name: 'Contracts, in their order' })
    await members.getByRole('button', { name: 'Move no-secrets up' }).click()
    await members.getByLabel('Mode of no-downloads').selectOption('observe')
    await page.getByRole('button', { name: /^Save/ }).click()
    await page.getByText('two-rules saved').first().waitFor()
    const kept = await world.admin.call<{ contracts: { contract_id: string; mode_override: string | null }[] }>(
      'GET',
      '/api/v1/compositions/two-rules',
    )
    expect(kept.contracts.map(({ contract_id, mode_override }) => [contract_id, mode_override])).toEqual([
      ['no-secrets', null],
      ['no-downloads', 'observe'],
    ])
    const assembled = page.getByRole('region', { name: 'As a bundle' })
    await assembled.getByRole('textbox', { name: 'two-rules as a bundle' }).getByText('no-secrets').waitFor()
    await assembled.getByRole('link', { name: 'Try a call' }).click()
    await page.getByRole('heading', { name: 'Playground', level: 1 }).waitFor()
    await editor().getByText('two-rules').waitFor()

    await page.goBack()
    await page.getByRole('button', { name: 'Deploy', exact: true }).click()
    const dialog = page.getByRole('dialog')
    expect(await dialog.getByRole('radio', { checked: true }).count()).toBe(0)
    await dialog.getByRole('button', { name: 'Deploy', exact: true }).click()
    await dialog.getByText('Choose where.').waitFor()
    await dialog.getByRole('radio', { name: 'staging' }).click()
    await dialog.getByRole('button', { name: 'Deploy to staging' }).click()
    await page.getByRole('heading', { name: 'two-rules v1 in staging', level: 1 }).waitFor()
  })

  it('a recorded call is tried again from its event, changed, and the address holds all of it', async () => {
    page = await world.open(`events?event=${recorded}`)
    await page.getByRole('link', { name: 'Try', exact: true }).click()
    await page.getByRole('heading', { name: 'Playground', level: 1 }).waitFor()
    const outcome = page.getByRole('region', { name: 'What would happen' }).getByRole('status')
    await outcome.getByText('Denied by no-secrets').waitFor()
    expect(await page.getByLabel('Role of the principal').inputValue()).toBe('intern')
    await page.getByLabel('Arguments (JSON)').fill('{"path": "a.txt"}')
    await outcome.getByText('Allowed').waitFor()
    await page.getByLabel('Role of the principal').fill('')
    await page.waitForURL(/role=/)
    await page.reload()
    await outcome.getByText('Allowed').waitFor()
    expect(await page.getByLabel('Arguments (JSON)').inputValue()).toBe('{"path": "a.txt"}')
    expect(await page.getByLabel('Role of the principal').inputValue()).toBe('')
    expect(await page.getByLabel('Tool', { exact: true }).inputValue()).toBe('read_file')

    await page.getByRole('button', { name: 'Edit', exact: true }).click()
    await editor().getByText('no-secrets').waitFor()
    expect(await page.getByLabel('Arguments (JSON)').inputValue()).toBe('{"path": "a.txt"}')
    await outcome.getByText('Allowed').waitFor()
  })

  it('who may only look sees it all, may try calls, and is told why there is no more', async () => {
    page = await world.open('library', {}, viewer)
    await page.getByText(/Writing: This takes the role member/).waitFor()
    expect(await page.getByRole('button', { name: 'Import' }).count()).toBe(0)
    await go('library/no-secrets')
    await page.getByRole('textbox', { name: 'no-secrets version 1' }).getByText('args.path').first().waitFor()
    expect(await page.getByRole('button', { name: 'Delete' }).count()).toBe(0)
    await go('library/no-secrets/edit')
    await page.getByText(/This takes the role member/).waitFor()
    await go('compositions/assistant')
    await page.getByText(/Changing and deploying: This takes the role member/).waitFor()
    expect(await page.getByRole('button', { name: /Deploy|Move|Save/ }).count()).toBe(0)
    await go('contracts/new')
    await page.getByText(/Uploading: This takes the role member/).waitFor()
    expect(await page.getByRole('button', { name: /^Upload/ }).count()).toBe(0)
    await go('playground?bundle=assistant&tool=read_file&args=%7B%22path%22%3A%22.env%22%7D')
    await page.getByText('Denied by no-secrets').waitFor()
  })

  it('the palette leads to contracts and compositions of the library', async () => {
    page = await world.open('')
    await page.getByRole('heading', { level: 1 }).waitFor()
    await page.keyboard.press('Control+k')
    await page.getByPlaceholder('Where to, or what to do?').fill('no downloads')
    await page.getByRole('option', { name: 'No Downloads' }).click()
    await page.getByRole('heading', { name: 'No Downloads', level: 1 }).waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('q')
    await page.getByRole('heading', { name: 'Playground', level: 1 }).waitFor()
  })

  it.each([
    'library',
    'library?q=nothing-like-it',
    'library?import=true',
    'library/new',
    'library/no-secrets',
    'library/no-secrets/edit',
    'library/nowhere',
    'compositions',
    'compositions?create=true',
    'compositions/assistant',
    'compositions/assistant?deploy=true',
    'compositions/nowhere',
    'playground',
    'playground?bundle=assistant&tool=read_file&args=%7B%22path%22%3A%22.env%22%7D&role=admin&ran=a',
    'playground?bundle=assistant&version=9',
  ])('in every look axe finds nothing, and nothing is too wide: %s', async (path) => {
    page = await world.open('connect')
    await go(path)
    expect(await faults(page, path)).toEqual([])
  })

  it('nor in an editor with problems, beside a call that is tried', async () => {
    page = await world.open('contracts/new')
    await editor().waitFor()
    await page.getByText('Valid', { exact: true }).waitFor()
    await editor().focus()
    await page.keyboard.press('Control+a')
    await page.keyboard.insertText(bundle.replace('effect: deny', 'effekt: deny').replace('type: pre', 'type: prr'))
    await page.getByRole('button', { name: 'Replace with pre' }).waitFor()
    await page.getByLabel('Tool', { exact: true }).fill('read_file')
    expect(await faults(page, 'an editor with problems')).toEqual([])
  })
})
