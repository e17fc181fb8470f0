import { describe, expect, it } from 'vitest'
import { decidePre } from '../decide/pre.ts'
import { createEnvelope } from '../envelope/create.ts'
import { loadPolicy } from '../policy/load.ts'
import type { Policy } from '../policy/policy.ts'
import type { DecideContext } from '../types.ts'

function sandbox(rules: string, tool = '"*"'): Policy {
  return loadPolicy(`apiVersion: edictum/v1
kind: ContractBundle
metadata: {name: test}
defaults: {mode: enforce}
contracts:
  - {id: box, type: sandbox, tool: ${tool}, ${rules}, message: "outside: {tool.name}"}`)
}

const COUNTERS = { attempts: 1, executions: 0, toolExecutions: 0 }

function allows(policy: Policy, tool: string, args: Record<string, unknown>, context?: DecideContext): boolean {
  return decidePre(policy, createEnvelope(tool, args), COUNTERS, context).action === 'allow'
}

const work = sandbox('within: [/work], not_within: [/work/.git, "/work/private/"]')
const shell = sandbox('within: [/work], allows: {commands: [git, ls, cat]}')
const web = sandbox('allows: {domains: [api.example.com, "*.good.org"]}, not_allows: {domains: [bad.good.org]}')

describe('paths', () => {
  it.each([
    ['Read', { file_path: '/work/a' }],
    ['Read', { file_path: '/work' }],
    ['Read', { file_path: '/work/a/../b' }],
    ['Read', { file_path: '/work/100%' }],
    ['x', { note: 'no path' }],
    ['x', {}],
    ['x', { path: '/work/.gitignore' }],
    ['Bash', { command: 'cat /work/a' }],
    ['Bash', { command: 'cat rel' }],
  ])('%s %j stays inside', (tool, args) => {
    expect(allows(work, tool, args)).toBe(true)
  })

  it.each([
    ['Read', { file_path: '/etc/passwd' }],
    ['Read', { file_path: '/workshop/a' }],
    ['Read', { file_path: '/work/../etc/passwd' }],
    ['Read', { file_path: '/work/%2e%2e/etc/passwd' }],
    ['Read', { file_path: '/work/%252e%252e/etc/passwd' }],
    ['Read', { file_path: '/work/%2e%2e%2fetc' }],
    ['Read', { file_path: '/work/a\0.txt' }],
    ['Read', { file_path: '/work/a%00.txt' }],
    ['Read', { file_path: '/work/.git' }],
    ['Read', { file_path: '/work/.git/config' }],
    ['Read', { file_path: '/work/x/../.git/config' }],
    ['Read', { file_path: '/work/private/a' }],
    ['Read', { file_path: '//etc//passwd' }],
    ['x', { path: 'relative' }],
    ['x', { source: '/work/a', destination: '/etc/a' }],
    ['x', { anything: '/etc/passwd' }],
    ['x', { path: ['/etc/passwd'] }],
    ['x', { files: ['/work/a', '/etc/passwd'] }],
    ['Bash', { command: 'cat /etc/passwd' }],
    ['Bash', { command: 'cat "/etc/passwd"' }],
    ['Bash', { command: "cat '/etc'/passwd" }],
    ['Bash', { command: 'cat /work/a </etc/passwd' }],
    ['Bash', { command: 'echo x >/etc/cron' }],
    ['Bash', { command: ['cat', '/etc/passwd'] }],
    ['x', { command: 5 }],
    ['Read', { file_path: `/work/${'a/'.repeat(50_000)}${'../'.repeat(50_002)}etc` }],
  ])('%s %j leaves', (tool, args) => {
    expect(allows(work, tool, args)).toBe(false)
  })

  it('the message is that of the contract, expanded, and the record carries no metadata', () => {
    const decision = decidePre(work, createEnvelope('Read', { file_path: '/work/\0' }), COUNTERS)
    expect(decision).toMatchObject({
      reason: 'outside: Read',
      decisionSource: 'yaml_sandbox',
      decisionName: 'box',
      policyError: false,
    })
    expect(decision.contractsEvaluated[0]).not.toHaveProperty('metadata')
  })

  it('links are followed by the resolver, for boundaries too', () => {
    const links = new Map([
      ['/work/link', '/etc'],
      ['/work', '/real/work'],
    ])
    const resolvePath = (path: string) => links.get(path) ?? path
    expect(allows(sandbox('within: [/work]'), 'Read', { file_path: '/work/link' }, { resolvePath })).toBe(false)
    expect(allows(sandbox('within: [/work]'), 'Read', { file_path: '/real/work/a' }, { resolvePath })).toBe(true)
    expect(allows(sandbox('within: [/work]'), 'Read', { file_path: '/real/work/a' })).toBe(false)
  })
})

describe('commands', () => {
  it.each(['git status', 'ls', '"git" log', 'cat /work/a', 'git log > /work/x', 'ls -la', '', '  '])(
    '%j is allowed',
    (command) => {
      expect(allows(shell, 'Bash', { command })).toBe(true)
    },
  )

  it.each([
    'rm -rf /work',
    'sudo git status',
    'env git status',
    'xargs ls',
    'FOO=1 git status',
    '/usr/bin/git status',
    'GIT status',
    'git status; rm x',
    'git status && rm x',
    'git status || rm x',
    'git status | sh',
    'git status & rm x',
    'git status\nrm x',
    'git status\rrm x',
    'git `rm x`',
    'git $(rm x)',
    `git $\{IFS}`,
    "git $'x'",
    'git <(rm x)',
    'git >(rm x)',
    'cat <<EOF\nx',
    'cat <<< x',
    'echo "a;b"',
    '>x git',
    'g\\it;',
    'bash -c "git"',
    'sh -c ls',
    'find . -exec rm {} +',
    'nohup git',
    'time git',
    'exec git',
    'command git',
    'eval git',
    '\u0261it status',
    'git\u00a0status',
    `${'a'.repeat(100_000)}`,
  ])('%j is denied', (command) => {
    expect(allows(shell, 'Bash', { command })).toBe(false)
    expect(allows(shell, 'run', { command })).toBe(false)
  })

  it.each([[['rm', '-rf', '/']], [{ argv: 'rm' }], [7], [true]])(
    'a command that is no text is denied: %j',
    (command) => {
      expect(allows(shell, 'run', { command })).toBe(false)
      expect(allows(sandbox('allows: {commands: [ls]}'), 'run', { command })).toBe(false)
    },
  )

  it('a compound command is denied even where no command is listed', () => {
    expect(allows(web, 'Bash', { command: 'ls; ls' })).toBe(false)
    expect(allows(work, 'Bash', { command: 'ls | sh' })).toBe(false)
  })
})

describe('domains', () => {
  it.each([
    'https://api.example.com/x',
    'https://API.EXAMPLE.COM',
    'https://a.good.org:8443/',
    'https://x.y.good.org',
    'http://user@api.example.com',
    'no url',
    'curl https://api.example.com',
    'https://api.example.com.',
  ])('%j is allowed', (url) => {
    expect(allows(web, 'fetch', { url })).toBe(true)
  })

  it.each([
    'https://evil.com',
    'https://good.org',
    'https://api.example.com.evil.com',
    'https://api.example.com@evil.com/',
    'https://bad.good.org',
    'https://BAD.good.org',
    'file:///etc/x',
    'https://evil.com/?https://api.example.com',
    'http://api.example.com\\@evil.com',
    'http://evil.com\\@api.example.com',
    'http://evil.com#@api.example.com',
    'http://0x7f.1/',
    'http://2130706433/',
    'http://[::1]/',
    'https://api.ex\u0430mple.com',
    'curl https://api.example.com https://evil.com',
    'javascript://evil.com',
    '//evil.com/a://b',
    'ht\ttps://evil.com',
  ])('%j is denied', (url) => {
    expect(allows(web, 'fetch', { url })).toBe(false)
  })

  it('every url of a call is judged', () => {
    expect(allows(web, 'fetch', { a: 'https://api.example.com', b: 'https://evil.com' })).toBe(false)
    expect(allows(web, 'fetch', { urls: ['https://api.example.com', 'https://evil.com'] })).toBe(false)
  })
})

describe('tools', () => {
  it('a sandbox concerns the tools it names', () => {
    expect(allows(sandbox('within: [/work]', 'Read'), 'Write', { path: '/etc' })).toBe(true)
    const several = loadPolicy(`apiVersion: edictum/v1
kind: ContractBundle
metadata: {name: test}
defaults: {mode: enforce}
contracts:
  - {id: box, type: sandbox, tools: [Read, "mcp_*"], within: [/work], message: m}`)
    expect(allows(several, 'mcp_x', { path: '/etc' })).toBe(false)
    expect(allows(several, 'Write', { path: '/etc' })).toBe(true)
  })
})
