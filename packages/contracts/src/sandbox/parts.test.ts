import { describe, expect, it } from 'vitest'
import { createEnvelope } from '../envelope/create.ts'
import { CallReach } from './call-reach.ts'
import { COMPOUND } from './command.ts'
import { pythonHostname } from './hosts.ts'
import { realForms as formsOf, isInside, normalised, type ResolvePath } from './paths.ts'
import { shellWords } from './shell-words.ts'

describe('shell words are split as shlex does', () => {
  it.each([
    ['a b  c', ['a', 'b', 'c']],
    ['"git" status', ['git', 'status']],
    ['g"i"t', ['git']],
    ["'a b' c", ['a b', 'c']],
    ['"a\\"b"', ['a"b']],
    ['"a\\b"', ['a\\b']],
    ['"a\\\\b"', ['a\\b']],
    ["'a\\b'", ['a\\b']],
    ['a\\ b', ['a b']],
    ['a "" b', ['a', 'b']],
    ['# not a comment', ['#', 'not', 'a', 'comment']],
    ['>/etc/x', ['/etc/x']],
    ['2>>/etc/x', ['/etc/x']],
    ['cat </etc/x', ['cat', '/etc/x']],
    ['cat > /etc/x', ['cat', '/etc/x']],
    ['"open quote', ['open', 'quote']],
    ["it's", ["it's"]],
    ['\'"x"', ['x']],
    ['trailing \\', ['trailing', '\\']],
    ['', []],
  ])('%j is %j', (text, words) => {
    expect(shellWords(text)).toEqual(words)
  })
})

const reachOf = (tool: string, args: Record<string, unknown>) => new CallReach(createEnvelope(tool, args), undefined)
const realForms = (text: string, resolve: ResolvePath | undefined) =>
  formsOf({ text, base: null, isExpanded: false }, resolve, undefined)

describe('the command of a call', () => {
  const command = (text: unknown) => {
    const { commands, unreadable } = reachOf('exec', { command: text })
    const [line] = commands
    return line === undefined ? (unreadable === null ? 'none' : 'unreadable') : line.command
  }

  it.each([
    'git status; rm -rf /',
    'git status | sh',
    'git status & rm x',
    'git status && rm x',
    'git\nrm x',
    'git\rrm x',
    'git `rm x`',
    'git $(rm x)',
    `echo $\{X}`,
    "git $'rm'",
    'git <(rm x)',
    'tee >(sh)',
    'cat <<EOF',
    'cat <<<x',
    'echo "a;b"',
    "echo 'a|b'",
    'git 2>&1',
    '>x rm',
    '2>x rm',
    '<x rm',
    '>>x rm',
  ])('%j is more than one plain command', (text) => {
    expect(command(text)).toBe(COMPOUND)
  })

  it.each([
    ['git status', 'git'],
    ['  git status  ', 'git'],
    ['"git" status', 'git'],
    ['g"i"t status', 'git'],
    ['/usr/bin/git status', '/usr/bin/git'],
    ['sudo git', 'sudo'],
    ['FOO=1 git', 'FOO=1'],
    ['git>file', 'git>file'],
    ['echo $HOME', 'echo'],
    ['(ls)', '(ls)'],
    ['env rm -rf /', 'env'],
    ['xargs rm', 'xargs'],
    ['git log > x', 'git'],
    ['""', null],
    ['', 'none'],
    ['  ', 'none'],
    [undefined, 'none'],
    [null, 'none'],
    [['rm', '-rf'], 'unreadable'],
    [5, 'unreadable'],
  ])('%j is %j', (text, expected) => {
    expect(command(text)).toBe(expected)
  })

  it('prefers the command of Bash and falls back to the argument', () => {
    expect(reachOf('Bash', { command: 'ls' }).commands).toMatchObject([{ command: 'ls' }])
    expect(reachOf('Bash', { command: ['ls'] }).unreadable).toBe('the command is no text')
  })
})

describe('the paths of a call', () => {
  const paths = (tool: string, args: Record<string, unknown>) => {
    return reachOf(tool, args).paths.map(({ text }) => text)
  }

  it.each([
    ['Read', { file_path: '/a' }, ['/a']],
    ['x', { path: 'relative' }, ['relative']],
    ['x', { target: 'hello' }, []],
    ['x', { target: 'hello', path: 'p' }, ['hello', 'p']],
    [
      'x',
      { src: '/a', dst: '/b', directory: 'd', dir: 'e', folder: 'f', source: 'g', destination: 'h' },
      '/a /b d e f g h'.split(' '),
    ],
    ['x', { other: '/abs' }, ['/abs']],
    ['x', { other: 'rel', note: 'see /etc' }, []],
    ['x', { path: '' }, []],
    ['x', { nested: { path: '/etc' } }, ['/etc']],
    ['x', { depth: 5 }, []],
    ['x', { files: 5 }, []],
    ['x', { path: ['/etc/passwd', 'rel'], list: ['/a', 'b', 5] }, ['/etc/passwd', 'rel', '/a']],
    ['Bash', { command: 'cat /etc/passwd rel --out=/x' }, ['/etc/passwd', '/x']],
    ['Bash', { command: 'cat </etc/passwd 2>/b' }, ['/etc/passwd', '/b']],
    ['x', { command: 'cat "/a b"' }, ['/a b']],
    ['x', { path: '/a', other: '/a' }, ['/a']],
  ])('%s %j names %j', (tool, args, expected) => {
    expect(paths(tool, args)).toEqual(expected)
  })
})

describe('paths are judged in every form they may take', () => {
  it.each([
    ['/a/../b', ['/b']],
    ['//a///b/./', ['/a/b']],
    ['../../x', ['/x']],
    ['rel/x', ['/rel/x']],
    ['/a/%2e%2e/b', ['/a/%2e%2e/b', '/b']],
    ['/a/%252e%252e/b', ['/a/%252e%252e/b', '/a/%2e%2e/b', '/b']],
    ['/a/%2E%2E%2Fb', ['/a/%2E%2E%2Fb', '/b']],
    ['/100%', ['/100%']],
    ['/a%zz', ['/a%zz']],
    ['/%ff', ['/%ff', '/\ufffd']],
    ['/a\0b', null],
    ['/a%00b', null],
    ['/a%2500b', null],
  ])('%j', (path, forms) => {
    expect(realForms(path, undefined)).toEqual(forms)
  })

  it('links are followed by the resolver of the caller; one that throws leaves the text', () => {
    expect(realForms('/work/link', (path) => (path === '/work/link' ? '/etc' : path))).toEqual(['/etc'])
    expect(
      realForms('/a/../b', () => {
        throw new Error('ELOOP')
      }),
    ).toEqual(['/b'])
  })

  it.each([
    ['/a', '/a', true],
    ['/a/b', '/a', true],
    ['/ab', '/a', false],
    ['/', '/a', false],
    ['/a', '/', true],
    ['/', '/', true],
  ])('%s inside %s is %j', (path, boundary, expected) => {
    expect(isInside(path, boundary)).toBe(expected)
  })

  it('normalises without ever leaving the root', () => {
    expect(normalised('/../../..')).toBe('/')
    expect(normalised('')).toBe('/')
  })
})

describe('the hosts of a call', () => {
  it.each([
    ['http://a.com/x', 'a.com'],
    ['https://A.COM:8080', 'a.com'],
    ['https://user:pw@a.com', 'a.com'],
    ['https://good.com@evil.com/', 'evil.com'],
    ['https://a@b@c.com', 'c.com'],
    ['http://[::1]:80/x', '::1'],
    ['https://evil.com.', 'evil.com.'],
    ['//a.com/x', 'a.com'],
    ['see https://a.com', null],
    ['file:///etc/x', null],
    ['javascript://a', 'a'],
    ['http://a b', 'a b'],
    ['http://a.com?x=http://b', 'a.com'],
    ['http://a.com#@b.com', 'a.com'],
    ['http://a.com\\@b.com', 'b.com'],
    ['ht\ntp://a.com', 'a.com'],
    ['  http://a.com', 'a.com'],
    ['http://', null],
  ])('Python reads the host of %j as %j', (url, host) => {
    expect(pythonHostname(url)).toBe(host)
  })

  it.each([
    [{ url: 'http://a.com\\@b.com' }, [['a.com', 'b.com']]],
    [{ url: 'http://0x7f.1/' }, [['127.0.0.1']]],
    [{ url: 'http://exämple.com' }, [['xn--exmple-cua.com']]],
    [{ url: 'http://[::ffff:7f00:1]/' }, [['127.0.0.1']]],
    [{ url: 'http://[0:0:0:0:0:ffff:7f00:1]/' }, [['127.0.0.1']]],
    [{ url: 'http://A.com./x' }, [['a.com']]],
    [{ url: 'file://a.com/x' }, [[]]],
    [{ list: ['https://a.com', 5], nested: { url: 'https://b.com' } }, [['a.com'], ['b.com']]],
    [{ text: 'no url: //' }, []],
  ])('%j reaches for %j', (args, hosts) => {
    expect(reachOf('x', args).addresses.map((address) => address.hosts)).toEqual(hosts)
  })
})
