import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Edictum } from './edictum.ts'
import { EdictumDenied } from './errors.ts'
import { realPath } from './real-path.ts'
import { bundle, ScriptedApprovals } from './testing/guards.ts'

let root: string
let box: string
let outside: string
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'paths-')))
  box = join(root, 'box')
  outside = join(root, 'outside')
  mkdirSync(join(box, 'sub'), { recursive: true })
  mkdirSync(join(outside, 'deep'), { recursive: true })
  writeFileSync(join(outside, 'secret'), '')
  symlinkSync(join(outside, 'deep'), join(box, 'link'))
  symlinkSync('../outside/new', join(box, 'dangling'))
  symlinkSync('loop', join(box, 'loop'))
})
afterEach(() => rmSync(root, { recursive: true }))

describe('realPath', () => {
  test('follows links, keeps what is missing, and goes up from where a link led', () => {
    const cases: [string, string][] = [
      [`${box}/sub/./../sub//x/y`, `${box}/sub/x/y`],
      [`${box}/link`, `${outside}/deep`],
      [`${box}/link/../secret`, `${outside}/secret`],
      [`${box}/link/../none`, `${outside}/none`],
      [`${box}/none/../link/../x`, `${outside}/x`],
      [`${box}/dangling`, `${outside}/new`],
      [`${box}/dangling/x`, `${outside}/new/x`],
      ['/', '/'],
      ['/../..', '/'],
    ]
    for (const [path, real] of cases) expect(realPath(path)).toBe(real)
    expect(realPath(`${relative(process.cwd(), box)}/link/../secret`)).toBe(`${outside}/secret`)
  })

  test('never throws: loops and NUL are only normalised', () => {
    expect(realPath(`${box}/loop/../x`)).toBe(`${box}/x`)
    expect(realPath('/a\0b')).toContain('\0')
  })
})

describe('a sandbox on the real file system', () => {
  const guardOf = (outsideEffect: string) =>
    Edictum.fromYamlString(
      bundle([
        `{ id: box, type: sandbox, tool: read_file, within: ["${box}"], outside: ${outsideEffect}, message: "Stay in the box." }`,
      ]),
    )

  test('is not left by dots, by a link the agent made, or by a link to what is not there yet', async () => {
    const guard = guardOf('deny')
    expect(await guard.run('read_file', { path: `${box}/sub/new.txt` }, () => 'text')).toBe('text')
    for (const path of [
      `${box}/../outside/secret`,
      `${box}/link/x`,
      `${box}/link/../secret`,
      `${box}/dangling`,
      '/etc/passwd',
    ]) {
      await expect(guard.run('read_file', { path }, () => 'text')).rejects.toBeInstanceOf(EdictumDenied)
    }
  })

  test('may ask instead of denying, with its own time-out', async () => {
    const approvalBackend = new ScriptedApprovals({ approved: true, status: 'approved' })
    const text = bundle([
      `{ id: box, type: sandbox, tool: read_file, within: ["${box}"], outside: approve, message: "Leave the box?", timeout: 30, timeout_effect: allow }`,
    ])
    const guard = Edictum.fromYamlString(text, { approvalBackend })
    await guard.run('read_file', { path: '/etc/passwd' }, () => 'text')
    expect(approvalBackend.asked).toMatchObject([
      {
        message: 'Leave the box?',
        options: { timeout: 30, timeoutEffect: 'allow', decisionSource: 'yaml_sandbox', contractName: 'box' },
      },
    ])
  })
})
