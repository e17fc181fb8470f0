import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, open as openFile, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join as pathOf } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type ConsoleWorld, hasBrowser, startConsole } from '../support/console.ts'
import { join } from '../support/join.ts'
import { faults, visit } from '../support/looks.ts'

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const MIB = 1024 ** 2
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)
/** Whatever of it ran would leave its mark on the page, or change its title. */
const HOSTILE = `<!doctype html><title>taken</title><script>window.ran = true; document.title = 'taken'</script>
<img src=x onerror="window.ran = true"><svg onload="window.ran = true"></svg>`

describe.skipIf(!hasBrowser)('files of volumes in the console', { timeout: 240_000 }, () => {
  let world: ConsoleWorld
  let page: Page
  let folder: string
  beforeAll(async () => {
    // The smallest tier: two volumes, and files of 50 MiB.
    world = await startConsole({ LICTOR_VOLUME_TIER: 'free' })
    folder = await mkdtemp(pathOf(tmpdir(), 'lictor-files-'))
  })
  afterAll(async () => {
    await world?.close()
    await rm(folder, { recursive: true, force: true })
  })
  afterEach(async () => {
    await page?.context().close()
    const { volumes } = await world.admin.call<{ volumes: { id: string }[] }>('GET', '/v1/volumes')
    for (const { id } of volumes) await world.admin.call('DELETE', `/v1/volumes/${id}`)
  })

  const make = async (name: string, size = 100 * MIB) =>
    (await world.admin.call<{ id: string }>('POST', '/v1/volumes', { name, size_limit_bytes: size })).id
  const put = async (id: string, path: string, content: string | Uint8Array<ArrayBuffer>) => {
    const answer = await fetch(`${world.server.url}/v1/volumes/${id}/files/upload?path=${encodeURIComponent(path)}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/octet-stream',
        'x-requested-with': 'e2e',
        cookie: world.admin.cookie,
      },
      body: content,
    })
    expect(answer.status).toBe(200)
  }
  const stat = (id: string, path: string) =>
    world.admin.call<{ sha256: string; size: number }>(
      'GET',
      `/v1/volumes/${id}/files/stat?path=${encodeURIComponent(path)}`,
    )
  const files = () => page.getByRole('list', { name: 'Folders and files' })
  const uploads = () => page.getByRole('list', { name: 'Uploads' })
  /** Drops files, as the desktop would, on what is listed. */
  const drop = async (dropped: readonly { name: string; text: string }[]) => {
    const transfer = await page.evaluateHandle(`(() => {
      const made = new DataTransfer()
      for (const { name, text } of ${JSON.stringify(dropped)}) made.items.add(new File([text], name))
      return made
    })()`)
    const card = page.getByRole('region', { name: 'Files', exact: true })
    await card.dispatchEvent('dragover', { dataTransfer: transfer })
    await page.getByText('Drop them here').waitFor()
    await card.dispatchEvent('drop', { dataTransfer: transfer })
  }

  it('a volume is made, filled by a drop of several files into a folder, and deleted only by its name, all by clicks', async () => {
    page = await world.open('volumes')
    await page.getByText('No volume yet').waitFor()
    await page.keyboard.press('c')
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Name').fill('data')
    await dialog.getByLabel('Size').fill('none')
    await dialog.getByRole('button', { name: 'Make it' }).click()
    await dialog.getByText('Give a size above 0, as a number.').waitFor()
    await dialog.getByLabel('Size').fill('10')
    await dialog.getByLabel('Unit').selectOption('MiB')
    await dialog.getByRole('button', { name: 'Make it' }).click()
    await page.getByRole('heading', { name: 'data', level: 1 }).waitFor()
    await page.getByText('Nothing is in here').waitFor()
    await page.keyboard.press('n')
    await dialog.getByLabel('Name').fill('a/b')
    await dialog.getByRole('button', { name: 'Make it' }).click()
    await dialog.getByText('A name has no slash.').waitFor()
    await dialog.getByLabel('Name').fill('in')
    await dialog.getByRole('button', { name: 'Make it' }).click()
    await files().getByRole('link', { name: /in/ }).click()
    await page.waitForURL(/path=%2Fin/)
    await page.getByText('Nothing is in here').waitFor()
    await drop([
      { name: 'one.txt', text: 'the first' },
      { name: 'zwei ü.txt', text: 'the second' },
      { name: 'empty', text: '' },
    ])
    for (const name of ['one.txt', 'zwei ü.txt', 'empty']) await uploads().getByLabel(`in/${name} is kept`).waitFor()
    await files().getByText('zwei ü.txt').waitFor()
    // A bar is there only while something is sent.
    expect(await page.getByRole('progressbar').count()).toBe(0)
    const id = page.url().match(/volumes\/([0-9a-f-]{36})/)?.[1] ?? ''
    expect((await stat(id, '/in/zwei ü.txt')).sha256).toBe(sha256(Buffer.from('the second')))
    expect((await stat(id, '/in/empty')).size).toBe(0)
    // The address leads to the same folder, and Escape out of it.
    await page.reload()
    await files().getByText('one.txt').waitFor()
    await page.keyboard.press('Escape')
    await page.waitForURL((url) => !url.search.includes('path'))
    await page.getByRole('button', { name: 'More about this volume' }).click()
    await page.getByRole('menuitem', { name: 'Delete the volume' }).click()
    const question = page.getByRole('alertdialog')
    expect(await question.getByRole('button', { name: 'Delete volume' }).isDisabled()).toBe(true)
    await question.getByLabel(/Type/).fill('data')
    await question.getByRole('button', { name: 'Delete volume' }).click()
    await page.waitForURL(/\/volumes$/)
    await page.getByText('No volume yet').waitFor()
  })

  it('what is downloaded is what was uploaded, byte for byte', async () => {
    const id = await make('data')
    const bytes = randomBytes(3 * MIB + 17)
    await writeFile(pathOf(folder, 'random.bin'), bytes)
    page = await world.open(`volumes/${id}`)
    const chosen = page.waitForEvent('filechooser')
    await page.getByRole('button', { name: /^Upload/ }).click()
    await (await chosen).setFiles(pathOf(folder, 'random.bin'))
    await uploads().getByLabel('random.bin is kept').waitFor()
    expect((await stat(id, '/random.bin')).sha256).toBe(sha256(bytes))
    await files()
      .getByRole('link', { name: /random\.bin/ })
      .click()
    await page.waitForURL(/file=%2Frandom\.bin/)
    await page.getByRole('dialog').getByText('No preview').waitFor()
    const saved = page.waitForEvent('download')
    await page.getByRole('dialog').getByRole('button', { name: 'Download' }).click()
    const download = await saved
    expect(download.suggestedFilename()).toBe('random.bin')
    expect(sha256(await readFile(await download.path()))).toBe(sha256(bytes))
  })

  it('each upload that is refused says why, with the limit and its setting, and leaves no bar behind', async () => {
    const id = await make('small', 60 * MIB)
    const large = await openFile(pathOf(folder, 'large.bin'), 'w')
    await large.truncate(51 * MIB)
    await large.close()
    page = await world.open(`volumes/${id}`)
    await page.getByLabel('Files to upload').setInputFiles(pathOf(folder, 'large.bin'))
    await uploads().getByText('The file has 51 MiB; LICTOR_VOLUME_TIER allows 50 MiB.').waitFor()
    const limit = 50 * MIB
    // The server has the last word, where somebody wants to hear it.
    await page.getByRole('button', { name: 'Send large.bin again' }).click()
    await uploads()
      .getByText(`The file is larger than the ${limit} bytes that LICTOR_VOLUME_TIER allows.`)
      .waitFor({ timeout: 60_000 })
    await page.getByRole('button', { name: 'Clear' }).click()
    const full = await make('full', 10)
    await visit(page, world.server.url, `volumes/${full}`)
    await drop([
      { name: 'fits', text: 'abc' },
      { name: 'does-not', text: 'abcdefghijklmnop' },
    ])
    await uploads().getByLabel('fits is kept').waitFor()
    await uploads()
      .getByText(/The volume 'full' may hold 10 bytes: .* Delete files, or make a larger volume/)
      .waitFor()
    expect(await page.getByRole('progressbar').count()).toBe(0)
    // What was refused is among the refusals of the volume, which lead to the page of incidents.
    await page.getByRole('list', { name: 'What was refused' }).getByText('quota exceeded').waitFor()
    await page.getByRole('link', { name: 'Incidents', exact: true }).last().click()
    await page.waitForURL(new RegExp(`volume=${full}`))
    await page.getByRole('list', { name: 'Incidents' }).getByText('does-not', { exact: true }).waitFor()
  })

  it('an upload that is under way is cancelled: it is not kept, and its bar is gone', async () => {
    const id = await make('data')
    page = await world.open(`volumes/${id}`)
    let letGo = () => {}
    const held = new Promise<void>((resolve) => {
      letGo = resolve
    })
    await page.route('**/files/upload**', async (route) => {
      await held
      await route.continue().catch(() => {})
    })
    await drop([{ name: 'held.txt', text: 'never' }])
    await page.getByRole('progressbar', { name: 'Upload of held.txt' }).waitFor()
    await page.getByRole('button', { name: 'Cancel the upload of held.txt' }).click()
    await uploads().getByText('not sent').waitFor()
    expect(await page.getByRole('progressbar').count()).toBe(0)
    letGo()
    await page.unroute('**/files/upload**')
    const { entries } = await world.admin.call<{ entries: object[] }>('GET', `/v1/volumes/${id}/files?path=/`)
    expect(entries).toEqual([])
    await page.getByRole('button', { name: 'Send held.txt again' }).click()
    await uploads().getByLabel('held.txt is kept').waitFor()
  })

  it('a file is never replaced unseen: a name that is taken asks first', async () => {
    const id = await make('data')
    await put(id, '/a.txt', 'before')
    page = await world.open(`volumes/${id}`)
    await files().getByText('a.txt').waitFor()
    // Also one that came after the folder was read.
    await page.route('**/files?**', (route) => route.abort())
    await put(id, '/b.txt', 'meanwhile')
    await drop([
      { name: 'b.txt', text: 'after' },
      { name: 'a.txt', text: 'after' },
    ])
    await page.getByRole('button', { name: 'Skip b.txt' }).click()
    expect((await stat(id, '/b.txt')).sha256).toBe(sha256(Buffer.from('meanwhile')))
    await page.unroute('**/files?**')
    await uploads().getByText('The name is taken.').waitFor()
    expect((await stat(id, '/a.txt')).sha256).toBe(sha256(Buffer.from('before')))
    await page.getByRole('button', { name: 'Replace a.txt' }).click()
    await uploads().getByLabel('a.txt is kept').waitFor()
    expect((await stat(id, '/a.txt')).sha256).toBe(sha256(Buffer.from('after')))
  })

  it('the preview of a hostile page runs nothing: it is shown as the text that it is', async () => {
    const id = await make('data')
    await put(id, '/hostile.html', HOSTILE)
    await put(id, '/drawing.svg', '<svg xmlns="http://www.w3.org/2000/svg" onload="window.ran = true"></svg>')
    await put(id, '/lies.png', HOSTILE)
    page = await world.open(`volumes/${id}`)
    for (const name of ['hostile.html', 'drawing.svg', 'lies.png']) {
      await visit(page, world.server.url, `volumes/${id}?file=${encodeURIComponent(`/${name}`)}`)
      await page
        .getByRole('region', { name: `Content of ${name}` })
        .getByText('window.ran = true')
        .waitFor()
      expect(await page.evaluate('window.ran')).toBeUndefined()
      expect(await page.title()).toContain('data')
      expect(await page.locator('iframe, object, embed').count()).toBe(0)
    }
  })

  it('images and JSON are shown as what they are, a long text up to a bound, by keys alone', async () => {
    const id = await make('data')
    await put(id, '/dot.png', new Uint8Array(PNG))
    await put(id, '/facts.json', '{"name":"Ada","langs":["en"]}')
    await put(id, '/long.log', 'x'.repeat(300_000))
    page = await world.open(`volumes/${id}`)
    const dialog = page.getByRole('dialog')
    const close = async () => {
      await page.keyboard.press('Escape')
      await dialog.waitFor({ state: 'detached' })
      expect(page.url()).not.toContain('file=')
    }
    await files().getByText('long.log').waitFor()
    await page.keyboard.press('j')
    await page.keyboard.press('Enter')
    const image = dialog.getByRole('img', { name: 'dot.png' })
    await image.waitFor()
    await expect.poll(() => page.evaluate('document.querySelector("[role=dialog] img").naturalWidth')).toBe(1)
    await close()
    await page.keyboard.press('j')
    await page.keyboard.press('Enter')
    await dialog.getByText('"langs"').waitFor()
    await close()
    await page.keyboard.press('j')
    await page.keyboard.press('Enter')
    await dialog.getByText('Its first 256 KiB.').waitFor()
    await close()
    const question = page.getByRole('alertdialog')
    // A key that is pressed before the list has the keys again is nobody's.
    await expect
      .poll(async () => {
        if ((await question.count()) === 0) await page.keyboard.press('x')
        return question.count()
      })
      .toBe(1)
    await question.getByRole('button', { name: 'Delete file' }).click()
    await question.waitFor({ state: 'detached' })
    await expect.poll(() => files().getByText('long.log').count()).toBe(0)
  })

  it('who may only look sees the files, and why there is nothing to change them with', async () => {
    const id = await make('data')
    await put(id, '/a.txt', 'text')
    const viewer = await join(world, 'viewer@example.com', 'viewer')
    page = await world.open(`volumes/${id}`, {}, viewer)
    await files()
      .getByRole('link', { name: /a\.txt/ })
      .click()
    await page.getByRole('region', { name: 'Content of a.txt' }).getByText('text').waitFor()
    await page.keyboard.press('Escape')
    await page.getByText(/Uploading and changing: This takes the role member/).waitFor()
    await page.getByText(/This takes the role admin/).waitFor()
    expect(await page.getByRole('button', { name: /Upload|New folder|More about/ }).count()).toBe(0)
    expect(await page.getByLabel('Files to upload').count()).toBe(0)
  })

  it('axe finds nothing on any of these pages, in any look, and none is wider than 320 pixels', async () => {
    const id = await make('v'.repeat(120))
    await put(id, '/in/deep/er/a.txt', 'text')
    await put(id, `/${'long-name-'.repeat(12)}.txt`, 'text')
    await put(id, '/facts.json', '{"name":"Ada"}')
    await put(id, '/dot.png', new Uint8Array(PNG))
    page = await world.open('volumes')
    const found: string[] = []
    for (const path of [
      'volumes',
      'volumes?create=true',
      `volumes/${id}`,
      `volumes/${id}?path=${encodeURIComponent('/in/deep/er')}`,
      `volumes/${id}?file=${encodeURIComponent('/facts.json')}`,
      `volumes/${id}?file=${encodeURIComponent('/dot.png')}`,
      'volumes/00000000-0000-4000-8000-000000000000',
      `incidents?tab=storage&volume=${id}`,
    ]) {
      await visit(page, world.server.url, path)
      found.push(...(await faults(page, path)))
    }
    await visit(page, world.server.url, `volumes/${id}`)
    await drop([
      { name: 'facts.json', text: 'asks' },
      { name: 'new.txt', text: 'done' },
    ])
    await uploads().getByLabel('new.txt is kept').waitFor()
    found.push(...(await faults(page, 'uploads')))
    await page.getByRole('button', { name: 'More about in', exact: true }).click()
    await page.getByRole('menuitem', { name: 'Delete folder' }).click()
    await page.getByRole('alertdialog').waitFor()
    found.push(...(await faults(page, 'deleting a folder')))
    expect(found).toEqual([])
  })
})
