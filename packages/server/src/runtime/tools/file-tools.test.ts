import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { type FilePolicy, isAllowed } from '../files/file-policy.ts'
import { PathRefused } from '../files/path.ts'
import { wildcardMatches } from '../files/search.ts'
import { prepareCall, requireShape } from './arguments.ts'
import { fileTools } from './file-tools.ts'
import { type Tool, ToolFailed, type ToolRun } from './tool.ts'

const home = mkdtempSync(join(tmpdir(), 'lictor-file-tools-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))
let root: string
beforeEach(() => {
  root = mkdtempSync(join(home, 'w-'))
})

const toolOf = (name: string): Tool => {
  const tool = fileTools.find((one) => one.name === name)
  if (!tool) throw new Error(`no tool ${name}`)
  return tool
}

/** Judge a call and run it, as an execution does; `between` happens after it was judged. */
async function call(name: string, raw: object, options: { policy?: FilePolicy; between?: () => void } = {}) {
  const { policy, between } = options
  const tool = toolOf(name)
  const shaped = requireShape(tool, { ...raw })
  const { args, paths } = await prepareCall(tool, shaped, { root, policy, diskLimit: 100_000 })
  between?.()
  return tool.run?.({
    args,
    path: (key) => paths.get(key) ?? expect.fail(`no path ${key}`),
    diskLimit: 100_000,
    mayRead: (components) => isAllowed(policy, 'read', components),
    touched: () => {},
  } as Partial<ToolRun> as ToolRun)
}
const put = (path: string, content: string | Buffer) => {
  mkdirSync(join(root, path, '..'), { recursive: true })
  writeFileSync(join(root, path), content)
}
const text = (path: string) => readFileSync(join(root, path), 'utf8')
/** Everything in the workspace; links are named and not followed. */
const all = (below = ''): string[] =>
  readdirSync(join(root, below), { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(below, entry.name)
      return entry.isDirectory() ? [path, ...all(path)] : [path]
    })
    .sort()

const escapes = [
  '../x',
  'a/../b',
  '..%2fx',
  '%2e%2e/x',
  'a\\..\\b',
  '/../x',
  'a\0b',
  `${'a/'.repeat(2048)}b`,
  '/etc/passwd',
]
const withPath: Readonly<Record<string, object>> = {
  'fs.read': {},
  'fs.write': { content: 'x' },
  'fs.list': {},
  'fs.create_dir': {},
  'fs.delete': { recursive: true },
  'fs.edit': { target_content: 'root', replacement_content: 'x' },
  'fs.multi_edit': { edits: [{ target_content: 'root', replacement_content: 'x' }] },
  'fs.grep': { pattern: 'root' },
  'fs.glob': { pattern: '*' },
}

describe.each(Object.entries(withPath))('%s', (name, rest) => {
  it.each(escapes)('refuses the path %j before anything is judged or changed', async (path) => {
    await expect(call(name, { ...rest, path })).rejects.toBeInstanceOf(PathRefused)
    expect(all()).toEqual([])
  })

  it('refuses a path below a link that leads out', async () => {
    symlinkSync('/etc', join(root, 'out'))
    await expect(call(name, { ...rest, path: 'out/passwd' })).rejects.toMatchObject({ problem: 'outside' })
    expect(existsSync('/etc/passwd')).toBe(true)
    expect(all()).toEqual(['out'])
  })

  it('refuses another file or folder that comes to stand at the path after it was judged', async () => {
    put('a/b/f', 'root')
    put('other/b/f', 'root of another')
    const isOfFolder = /list|grep|glob/.test(name)
    const between = () => {
      renameSync(join(root, 'a'), join(root, 'moved'))
      symlinkSync('other', join(root, 'a'))
    }
    await expect(call(name, { ...rest, path: isOfFolder ? 'a/b' : 'a/b/f' }, { between })).rejects.toMatchObject({
      problem: 'changed',
    })
    expect(text('other/b/f')).toBe('root of another')
    expect(text('moved/b/f')).toBe('root')
  })

  it('says what is missing', async () => {
    await expect(call(name, rest)).rejects.toThrow(`required field 'path' is missing or null for tool '${name}'`)
  })

  it('does not do what the manifest forbids', async () => {
    put('closed/f', 'root')
    const policy = { read: ['/workspace/open/**'], write: ['/workspace/open/**'] }
    await expect(call(name, { ...rest, path: 'closed/f' }, { policy })).rejects.toMatchObject({ problem: 'policy' })
    expect(text('closed/f')).toBe('root')
  })
})

describe('fs.create_dir', () => {
  it('makes the folders above it, and is content with one that is there', async () => {
    expect(await call('fs.create_dir', { path: 'a/b/c' })).toEqual({ status: 'success', path: '/workspace/a/b/c' })
    await call('fs.create_dir', { path: 'a/b' })
    expect(all()).toEqual(['a', 'a/b', 'a/b/c'])
  })
  it('a file in the way is named', async () => {
    put('a', '')
    await expect(call('fs.create_dir', { path: 'a/b' })).rejects.toThrow("'/workspace/a/b' is not a folder")
    await expect(call('fs.create_dir', { path: 'a' })).rejects.toThrow("'/workspace/a' is not a folder")
  })
})

describe('fs.delete', () => {
  it('a file goes; a folder only with recursive, and with all that is in it', async () => {
    put('f', '')
    put('d/e/g', '')
    await call('fs.delete', { path: 'f' })
    await expect(call('fs.delete', { path: 'd' })).rejects.toThrow('recursive: true')
    expect(all()).toEqual(['d', 'd/e', 'd/e/g'])
    await call('fs.delete', { path: 'd', recursive: true })
    expect(all()).toEqual([])
  })
  it('a link goes itself, wherever it leads, and nothing it leads to', async () => {
    put('kept/f', 'kept')
    symlinkSync('kept', join(root, 'link'))
    symlinkSync('/etc', join(root, 'out'))
    symlinkSync('/nowhere', join(root, 'dangling'))
    mkdirSync(join(root, 'd'))
    symlinkSync('../kept', join(root, 'd/link'))
    for (const path of ['link', 'out', 'dangling']) await call('fs.delete', { path })
    await call('fs.delete', { path: 'd', recursive: true })
    expect(all()).toEqual(['kept', 'kept/f'])
  })
  it('what is not there, and the workspace itself, are refused', async () => {
    await expect(call('fs.delete', { path: 'missing' })).rejects.toThrow("'/workspace/missing' does not exist")
    await expect(call('fs.delete', { path: '.', recursive: true })).rejects.toThrow('cannot be deleted')
  })
})

describe('fs.edit and fs.multi_edit', () => {
  it('the one place where the text stands is replaced, and the file has its new length', async () => {
    put('f', 'one two three')
    expect(await call('fs.edit', { path: 'f', target_content: 'two three', replacement_content: '$&' })).toEqual({
      status: 'success',
      path: '/workspace/f',
      bytes_written: 6,
      size_bytes: 6,
    })
    expect(text('f')).toBe('one $&')
  })
  it.each([
    ['missing', 'does not occur'],
    ['a', 'more than once'],
    ['aa', 'more than once'],
    ['', 'is empty'],
  ])('the target %j changes nothing: it %s', async (target, why) => {
    put('f', 'aaa b')
    await expect(call('fs.edit', { path: 'f', target_content: target, replacement_content: 'x' })).rejects.toThrow(why)
    expect(text('f')).toBe('aaa b')
  })
  it('several are made in their order, or none', async () => {
    put('f', 'one two')
    const edit = (target_content: string, replacement_content: string) => ({ target_content, replacement_content })
    expect(
      await call('fs.multi_edit', { path: 'f', edits: [edit('one', 'two three'), edit('three', '3')] }),
    ).toMatchObject({ edits_applied: 2, size_bytes: 9 })
    expect(text('f')).toBe('two 3 two')
    await expect(call('fs.multi_edit', { path: 'f', edits: [edit('3', '4'), edit('two', 'x')] })).rejects.toThrow(
      "edits[1].target_content occurs more than once in '/workspace/f'",
    )
    expect(text('f')).toBe('two 3 two')
  })
  it('what is no text, too large, or would not fit is left as it is', async () => {
    put('bytes', Buffer.from([0x61, 0xff]))
    put('full', `${'x'.repeat(90_000)}end`)
    const edit = { target_content: 'a', replacement_content: 'b' }
    await expect(call('fs.edit', { path: 'bytes', ...edit })).rejects.toThrow('no UTF-8')
    await expect(
      call('fs.edit', { path: 'full', target_content: 'end', replacement_content: 'y'.repeat(20_000) }),
    ).rejects.toThrow('The workspace is full')
    expect(text('full')).toHaveLength(90_003)
  })
  it('bad edits are named', async () => {
    put('f', 'x')
    for (const edits of [[], 'x', [{ target_content: 'x' }], [{ target_content: 1, replacement_content: 'x' }]])
      await expect(call('fs.multi_edit', { path: 'f', edits })).rejects.toBeInstanceOf(ToolFailed)
  })
})

describe('fs.grep', () => {
  it('finds lines with their file and number, below a folder or in one file', async () => {
    put('src/a.ts', 'const a = 1\r\nlet b = 2\nconst c = 3')
    put('src/deep/b.ts', 'const d = 4\n')
    put('src/image', Buffer.from('const\0'))
    symlinkSync('/etc', join(root, 'src/out'))
    const found = (await call('fs.grep', { pattern: '^const \\w', path: 'src' })) as { matches: unknown[] }
    expect(found).toEqual({
      status: 'success',
      path: '/workspace/src',
      matches: [
        { file: '/workspace/src/a.ts', line_number: 1, line: 'const a = 1' },
        { file: '/workspace/src/a.ts', line_number: 3, line: 'const c = 3' },
        { file: '/workspace/src/deep/b.ts', line_number: 1, line: 'const d = 4' },
      ],
    })
    expect(await call('fs.grep', { pattern: 'let', path: 'src/a.ts' })).toMatchObject({
      matches: [{ file: '/workspace/src/a.ts', line_number: 2, line: 'let b = 2' }],
    })
  })
  it('stops at a thousand matches, and says so', async () => {
    put('f', 'x\n'.repeat(1500))
    const found = (await call('fs.grep', { pattern: 'x', path: '.' })) as { matches: unknown[]; truncated?: true }
    expect([found.matches.length, found.truncated]).toEqual([1000, true])
  })
  it('passes over what the manifest does not let the agent read', async () => {
    put('open/f', 'secret')
    put('open/deep/f', 'secret')
    const policy = { read: ['/workspace/open/*'], write: [] }
    put('open/deep/er/f', 'secret')
    expect(await call('fs.grep', { pattern: 'secret', path: 'open/deep' }, { policy })).toMatchObject({ matches: [] })
  })
  it('a pattern that is none is refused, and one made to block ends', async () => {
    put('f', `${'a'.repeat(5_000)}!\n`.repeat(20))
    await expect(call('fs.grep', { pattern: '(', path: '.' })).rejects.toThrow('no regular expression')
    expect(await call('fs.grep', { pattern: '(a+)+$', path: '.' })).toMatchObject({ matches: [] })
    await expect(call('fs.grep', { pattern: '(?=(a+)+$)\\1b', path: '.' })).rejects.toThrow('too much work')
  })
})

describe('fs.glob', () => {
  it('compares names, and whole paths where the pattern has a slash', async () => {
    for (const path of ['a.ts', 'b.js', 'src/c.ts', 'src/deep/d.ts', 'src/e.tsx']) put(path, '')
    const glob = async (pattern: string, path = '.') =>
      ((await call('fs.glob', { pattern, path })) as { matches: string[] }).matches
    expect(await glob('*.ts')).toEqual(['/workspace/a.ts', '/workspace/src/c.ts', '/workspace/src/deep/d.ts'])
    expect(await glob('?.js')).toEqual(['/workspace/b.js'])
    expect(await glob('src/*.ts')).toEqual(['/workspace/src/c.ts', '/workspace/src/deep/d.ts'])
    expect(await glob('deep/?.ts', 'src')).toEqual(['/workspace/src/deep/d.ts'])
    expect(await glob('.ts')).toEqual([])
  })
  it('matches as the regular expression of the same meaning does', () => {
    const letters = (from: string) => fc.string({ unit: fc.constantFrom(...from), maxLength: 12 })
    fc.assert(
      fc.property(letters('ab*?/'), letters('ab/'), (pattern, name) => {
        const meaning = new RegExp(`^${pattern.replaceAll('*', '[^]*').replaceAll('?', '[^]')}$`)
        expect(wildcardMatches(pattern, name)).toBe(meaning.test(name))
      }),
    )
  })
})

it('another name of a file that is edited keeps its content', async () => {
  put('a', 'before')
  linkSync(join(root, 'a'), join(root, 'b'))
  await call('fs.edit', { path: 'b', target_content: 'before', replacement_content: 'after' })
  expect([text('a'), text('b')]).toEqual(['before', 'after'])
})
