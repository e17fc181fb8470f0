import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { requireByPolicy, ruleCovers } from './file-policy.ts'
import { type FilesContext, listWorkspaceFolder, readWorkspaceFile, writeWorkspaceFile } from './files.ts'
import { componentsOf, openWithin, PathRefused, resolveLinks, shownPath } from './workspace.ts'

const home = mkdtempSync(join(tmpdir(), 'lictor-workspace-'))
let root: string
let context: FilesContext
beforeEach(() => {
  root = mkdtempSync(join(home, 'w-'))
  context = { root, policy: undefined, diskLimit: 1000 }
})
afterAll(() => rmSync(home, { recursive: true, force: true }))

describe('paths of the workspace', () => {
  it('whatever a path says, its components never climb and never are absolute', () => {
    const piece = fc.oneof(fc.constantFrom('..', '.', '/', '\\', '%2e%2e', '%2f', 'a', '\0', ' '), fc.string())
    fc.assert(
      fc.property(
        fc.array(piece).map((pieces) => pieces.join('/')),
        fc.boolean(),
        (path, rooted) => {
          let components: string[]
          try {
            components = componentsOf(path, rooted)
          } catch (error) {
            expect(error).toBeInstanceOf(PathRefused)
            return
          }
          expect(components.filter((one) => one === '' || one === '.' || one === '..' || one.includes('/'))).toEqual([])
          expect(join(root, ...components).startsWith(root)).toBe(true)
        },
      ),
    )
  })

  it.each([
    ['../x', 'traversal'],
    ['a/../b', 'traversal'],
    ['..%2fx', 'traversal'],
    ['%2e%2e/x', 'traversal'],
    ['a\\..\\b', 'traversal'],
    ['/../x', 'traversal'],
    ['a\0b', 'invalid'],
    ['%00', 'invalid'],
    [`${'a/'.repeat(2048)}b`, 'too_long'],
    ['/etc/passwd', 'outside'],
    ['/workspacex', 'outside'],
  ])('%s is refused', (path, problem) => {
    expect(() => componentsOf(path)).toThrow(expect.objectContaining({ problem }))
  })

  it('names that only look odd are files like any other', () => {
    for (const path of ['a..b', '...', 'a b', '%41', 'ünï/côde', '/workspace/a/./b//c'])
      expect(shownPath(componentsOf(path)).startsWith('/workspace/')).toBe(true)
  })

  it('links that stay inside lead to where they point; those that leave are refused', async () => {
    mkdirSync(join(root, 'real'))
    writeFileSync(join(root, 'real/file'), 'inside')
    symlinkSync('real', join(root, 'inner'))
    symlinkSync('/etc', join(root, 'outer'))
    symlinkSync('/nowhere/at/all', join(root, 'dangling'))
    symlinkSync('../../..', join(root, 'up'))
    expect(await resolveLinks(root, ['inner', 'file'])).toEqual(['real', 'file'])
    expect(await resolveLinks(root, ['inner', 'new'])).toEqual(['real', 'new'])
    for (const path of ['outer', 'dangling', 'up']) {
      await expect(resolveLinks(root, [path, 'x'])).rejects.toMatchObject({ problem: 'outside' })
      await expect(writeWorkspaceFile(context, `${path}/x`, 'y')).rejects.toBeInstanceOf(PathRefused)
    }
  })

  it('a link put in place after the path was judged is not followed', async () => {
    symlinkSync('/etc', join(root, 'folder'))
    symlinkSync('/etc/passwd', join(root, 'file'))
    for (const components of [['folder', 'passwd'], ['file']]) {
      await expect(openWithin(root, components, { write: false })).rejects.toThrow()
      await expect(openWithin(root, components, { write: true })).rejects.toThrow()
    }
  })
})

describe('file tools', () => {
  it('write makes folders and replaces the whole file', async () => {
    await writeWorkspaceFile(context, 'a/b/c.txt', 'long content')
    await writeWorkspaceFile(context, '/workspace/a/b/c.txt', 'short')
    expect(readFileSync(join(root, 'a/b/c.txt'), 'utf8')).toBe('short')
    expect(await readWorkspaceFile(context, 'a/b/c.txt')).toEqual({
      status: 'success',
      path: '/workspace/a/b/c.txt',
      content: 'short',
      size_bytes: 5,
    })
    expect((await listWorkspaceFolder(context, 'a')).entries).toEqual([{ name: 'b', file_type: 'Directory' }])
  })

  it('what does not fit is not written at all, and a replaced file gives its room back', async () => {
    await writeWorkspaceFile(context, 'a', 'x'.repeat(800))
    await expect(writeWorkspaceFile(context, 'b', 'x'.repeat(300))).rejects.toThrow('200 are available')
    expect((await listWorkspaceFolder(context, '.')).entries).toEqual([{ name: 'a', file_type: 'File' }])
    await writeWorkspaceFile(context, 'a', 'y'.repeat(1000))
    expect(readFileSync(join(root, 'a'), 'utf8')).toBe('y'.repeat(1000))
  })

  it('at most 10 MiB are read of a file, and its size is told', async () => {
    writeFileSync(join(root, 'big'), Buffer.alloc(11 * 1024 ** 2, 'x'))
    const { content, size_bytes, total_bytes } = await readWorkspaceFile(context, 'big')
    expect([content.length, size_bytes, total_bytes]).toEqual([10 * 1024 ** 2, 10 * 1024 ** 2, 11 * 1024 ** 2])
  })

  it('bytes that are no UTF-8 are replaced', async () => {
    writeFileSync(join(root, 'bytes'), Buffer.from([0x61, 0xff, 0x62]))
    expect((await readWorkspaceFile(context, 'bytes')).content).toBe('a\ufffdb')
  })

  it('errors name the path as the agent sees it, and nothing of this machine', async () => {
    for (const attempt of [
      () => readWorkspaceFile(context, 'missing'),
      () => readWorkspaceFile(context, '.'),
      () => listWorkspaceFolder(context, 'missing'),
    ]) {
      const error = (await attempt().catch((caught: unknown) => caught)) as Error
      expect(error.message).toContain('/workspace')
      expect(error.message).not.toContain(root)
    }
  })

  it('the manifest says what may be read and written', () => {
    const policy = { read: ['/workspace/data/**'], write: ['out/*'], read_only: false }
    const attempt = (operation: 'read' | 'write', ...components: string[]) => {
      try {
        requireByPolicy(policy, operation, components)
        return true
      } catch {
        return false
      }
    }
    expect(attempt('read', 'data', 'a', 'b')).toBe(true)
    expect(attempt('read', 'other')).toBe(false)
    expect(attempt('write', 'out', 'a')).toBe(true)
    expect(attempt('write', 'out', 'a', 'b')).toBe(false)
    expect(() => requireByPolicy({ read_only: true }, 'write', ['a'])).toThrow('read_only')
    expect(() => requireByPolicy({ read: [], write: [] }, 'write', ['a'])).not.toThrow()
    expect(ruleCovers('/**', '/workspace/a')).toBe(true)
    expect(ruleCovers('/workspace/data', '/workspace/database')).toBe(false)
  })
})
