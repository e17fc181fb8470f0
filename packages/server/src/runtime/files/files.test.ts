import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { listWorkspaceFolder, readWorkspaceFile, writeWorkspaceFile } from '../tools/files.ts'
import { requireByPolicy, ruleCovers } from './file-policy.ts'
import { openFile, replaceFile, requireFolder } from './open.ts'
import { componentsOf, PathRefused, shownPath } from './path.ts'
import { type JudgedPath, resolvePath } from './resolve.ts'

const home = mkdtempSync(join(tmpdir(), 'lictor-workspace-'))
let root: string
beforeEach(() => {
  root = mkdtempSync(join(home, 'w-'))
})
/** A path as a call names it, as it is judged. */
const judged = (path: string): Promise<JudgedPath> => resolvePath(root, componentsOf(path))
const read = async (path: string) => readWorkspaceFile(await judged(path))
const write = async (path: string, content: string) => writeWorkspaceFile(await judged(path), content, 1000)
const list = async (path: string) => listWorkspaceFolder(await judged(path))

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
    expect((await judged('inner/file')).components).toEqual(['real', 'file'])
    expect((await judged('inner/new')).components).toEqual(['real', 'new'])
    expect((await read('inner/file')).content).toBe('inside')
    for (const path of ['outer', 'dangling', 'up']) {
      await expect(judged(`${path}/x`)).rejects.toMatchObject({ problem: 'outside' })
      await expect(write(`${path}/x`, 'y')).rejects.toBeInstanceOf(PathRefused)
    }
  })
})

describe('what stands at a path when it is opened is what stood there when it was judged', () => {
  const changed = { name: 'PathRefused', problem: 'changed' }
  beforeEach(() => {
    mkdirSync(join(root, 'a'))
    mkdirSync(join(root, 'secret'))
    writeFileSync(join(root, 'a/note'), 'note')
    writeFileSync(join(root, 'secret/note'), 'secret')
    writeFileSync(join(root, 'secret/list'), 'secret')
  })
  const swaps: Readonly<Record<string, () => void>> = {
    'a link in the place of the file': () => {
      rmSync(join(root, 'a/note'))
      symlinkSync('../secret/note', join(root, 'a/note'))
    },
    'a hard link in the place of the file': () => {
      rmSync(join(root, 'a/note'))
      linkSync(join(root, 'secret/note'), join(root, 'a/note'))
    },
    'another file moved over the file': () => renameSync(join(root, 'secret/note'), join(root, 'a/note')),
    'a link in the place of the folder': () => {
      renameSync(join(root, 'a'), join(root, 'b'))
      symlinkSync('secret', join(root, 'a'))
    },
    'another folder in the place of the folder': () => {
      renameSync(join(root, 'a'), join(root, 'b'))
      renameSync(join(root, 'secret'), join(root, 'a'))
    },
  }
  describe.each(Object.entries(swaps))('%s', (_name, swap) => {
    it('is neither read nor written', async () => {
      const path = await judged('a/note')
      swap()
      await expect(openFile(path)).rejects.toMatchObject(changed)
      await expect(replaceFile(path, Buffer.from('x'))).rejects.toMatchObject(changed)
      for (const place of ['secret/note', 'a/note', 'b/note'])
        if (existsSync(join(root, place))) expect(readFileSync(join(root, place), 'utf8')).not.toBe('x')
    })
  })

  it.each(Object.entries(swaps).slice(3))('%s: it is not entered, listed or added to', async (_name, swap) => {
    const [folder, made] = [await judged('a'), await judged('a/new/file')]
    swap()
    await expect(requireFolder(folder)).rejects.toMatchObject(changed)
    await expect(listWorkspaceFolder(folder)).rejects.toMatchObject(changed)
    await expect(replaceFile(made, Buffer.from('x'))).rejects.toMatchObject(changed)
    expect(readdirSync(root, { recursive: true })).not.toContain('a/new')
  })

  it('what did not exist when it was judged must not exist when it is made', async () => {
    const [file, below] = [await judged('new'), await judged('fresh/note')]
    linkSync(join(root, 'secret/note'), join(root, 'new'))
    renameSync(join(root, 'secret'), join(root, 'fresh'))
    await expect(replaceFile(file, Buffer.from('x'))).rejects.toMatchObject(changed)
    await expect(replaceFile(below, Buffer.from('x'))).rejects.toMatchObject(changed)
    expect(readFileSync(join(root, 'fresh/note'), 'utf8')).toBe('secret')
  })

  it('another name of a file that is written keeps its content', async () => {
    linkSync(join(root, 'secret/note'), join(root, 'a/other'))
    await write('a/other', 'x')
    expect(readFileSync(join(root, 'secret/note'), 'utf8')).toBe('secret')
    expect(readFileSync(join(root, 'a/other'), 'utf8')).toBe('x')
  })

  it('a file that is replaced keeps its mode, and nothing is left beside it', async () => {
    chmodSync(join(root, 'a/note'), 0o750)
    await write('a/note', 'x')
    expect(statSync(join(root, 'a/note')).mode & 0o777).toBe(0o750)
    expect(readdirSync(join(root, 'a'))).toEqual(['note'])
  })
})

describe('file tools', () => {
  it('write makes folders and replaces the whole file', async () => {
    await write('a/b/c.txt', 'long content')
    await write('/workspace/a/b/c.txt', 'short')
    expect(readFileSync(join(root, 'a/b/c.txt'), 'utf8')).toBe('short')
    expect(await read('a/b/c.txt')).toEqual({
      status: 'success',
      path: '/workspace/a/b/c.txt',
      content: 'short',
      size_bytes: 5,
    })
    expect((await list('a')).entries).toEqual([{ name: 'b', file_type: 'Directory' }])
  })

  it('what does not fit is not written at all, and a replaced file gives its room back', async () => {
    await write('a', 'x'.repeat(800))
    await expect(write('b', 'x'.repeat(300))).rejects.toThrow('200 are available')
    expect((await list('.')).entries).toEqual([{ name: 'a', file_type: 'File' }])
    await write('a', 'y'.repeat(1000))
    expect(readFileSync(join(root, 'a'), 'utf8')).toBe('y'.repeat(1000))
  })

  it('at most 10 MiB are read of a file, and its size is told', async () => {
    writeFileSync(join(root, 'big'), Buffer.alloc(11 * 1024 ** 2, 'x'))
    const { content, size_bytes, total_bytes } = await read('big')
    expect([content.length, size_bytes, total_bytes]).toEqual([10 * 1024 ** 2, 10 * 1024 ** 2, 11 * 1024 ** 2])
  })

  it('bytes that are no UTF-8 are replaced', async () => {
    writeFileSync(join(root, 'bytes'), Buffer.from([0x61, 0xff, 0x62]))
    expect((await read('bytes')).content).toBe('a\ufffdb')
  })

  it('errors name the path as the agent sees it, and nothing of this machine', async () => {
    for (const attempt of [() => read('missing'), () => read('.'), () => list('missing')]) {
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
    // A folder means it and all below, however it is written.
    for (const rule of ['/workspace', '/workspace/', '.', './', 'data', './data/', '/workspace//data/**'])
      expect([rule, ruleCovers(rule, '/workspace/data/a/b')]).toEqual([rule, true])
  })
})
