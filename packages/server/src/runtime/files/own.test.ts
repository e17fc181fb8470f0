import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openUp, removeTree } from './own.ts'

const NOBODY = 65_534
let base: string
let folder: string
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'lictor-own-'))
  folder = join(base, 'workspace')
  mkdirSync(join(folder, 'shut/deep'), { recursive: true })
  writeFileSync(join(folder, 'shut/deep/a.txt'), 'a')
  writeFileSync(join(folder, 'b.txt'), 'b')
  writeFileSync(join(base, 'outside'), 'x')
  symlinkSync('../outside', join(folder, 'link'))
})
afterEach(() => rmSync(base, { recursive: true, force: true }))

function shut(): void {
  for (const path of ['shut/deep/a.txt', 'shut/deep', 'shut', 'b.txt']) chmodSync(join(folder, path), 0)
  chmodSync(join(base, 'outside'), 0o444)
}
const mode = (path: string) => lstatSync(join(base, path)).mode & 0o777

it('what a program closed to everybody is open to its owner, and nothing else is changed', async () => {
  shut()
  await openUp(folder)
  expect(['workspace/shut', 'workspace/shut/deep', 'workspace/shut/deep/a.txt', 'workspace/b.txt'].map(mode)).toEqual([
    0o700, 0o700, 0o600, 0o600,
  ])
  expect(mode('outside')).toBe(0o444)
})

it('what is open already stays as it is, and what is not there is no error', async () => {
  chmodSync(join(folder, 'b.txt'), 0o755)
  await openUp(folder)
  expect(mode('workspace/b.txt')).toBe(0o755)
  await openUp(join(base, 'nowhere'))
  await removeTree(join(base, 'nowhere'))
})

it('closed folders are removed', async () => {
  shut()
  await removeTree(folder)
  expect(existsSync(folder)).toBe(false)
  expect(existsSync(join(base, 'outside'))).toBe(true)
})

// Root reads and removes whatever it likes: only as somebody else is it shown that this is not needed.
describe.runIf(process.getuid?.() === 0)('as a user that is not root', () => {
  it('closed folders are opened and removed', () => {
    shut()
    for (const path of ['.', 'workspace', 'workspace/shut', 'workspace/b.txt', 'workspace/link'])
      if (path !== 'workspace/link') chownSync(join(base, path), NOBODY, NOBODY)
    chmodSync(join(folder, 'shut'), 0o700)
    for (const path of ['shut/deep', 'shut/deep/a.txt']) chownSync(join(folder, path), NOBODY, NOBODY)
    chmodSync(join(folder, 'shut'), 0)
    const script = `
      import { rm } from 'node:fs/promises'
      import { readFileSync, existsSync } from 'node:fs'
      const { openUp, removeTree } = await import(${JSON.stringify(fileURLToPath(new URL('own.ts', import.meta.url)))})
      const [folder] = process.argv.slice(-1)
      const refused = await rm(folder, { recursive: true }).then(() => 'removed', ({ code }) => code)
      await openUp(folder)
      const read = existsSync(folder + '/b.txt') ? readFileSync(folder + '/b.txt', 'utf8') : 'gone'
      await removeTree(folder)
      console.log(JSON.stringify([refused, read, existsSync(folder)]))
    `
    const ran = spawnSync(process.execPath, ['--input-type=module', '-e', script, folder], {
      uid: NOBODY,
      gid: NOBODY,
      encoding: 'utf8',
      env: {},
    })
    expect([ran.stderr, ran.stdout.trim()]).toEqual(['', expect.stringMatching(/^\["EACCES","(b|gone)",false\]$/)])
  })
})
