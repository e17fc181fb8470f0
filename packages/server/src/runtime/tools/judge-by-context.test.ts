import { resolve } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Capability, SecurityContext } from '../contexts/security-contexts.ts'
import { commandTool } from './commands.ts'
import { fileTools } from './file-tools.ts'
import { type JudgedTool, judgeByContext, patternMatches } from './judge-by-context.ts'

const context = (capabilities: Capability[], denyList: string[] = []): SecurityContext => ({
  name: 'test',
  capabilities,
  denyList,
})
/** Tools of the catalogue, and some that it does not have yet. */
const toolOf = (name: string): JudgedTool =>
  [...fileTools, commandTool].find((tool) => tool.name === name) ?? {
    name,
    arguments: name === 'web.fetch' ? { url: { is: 'url', schema: { type: 'string' } } } : {},
  }
const verdict = (capability: Capability, tool: string, args: Record<string, unknown> = {}) => {
  const judged = judgeByContext(context([capability]), toolOf(tool), args)
  return judged.allowed ? 'allowed' : judged.violation.kind
}

describe('security contexts', () => {
  it('paths: inside by component, never by prefix of a name, and never through ..', () => {
    const capability = { toolPattern: 'fs.*', pathAllowlist: ['/workspace'] }
    for (const path of ['/workspace/a', 'a', './a', '/workspace'])
      expect([path, verdict(capability, 'fs.read', { path })]).toEqual([path, 'allowed'])
    expect(verdict(capability, 'fs.read', { path: '/workspacex/a' })).toBe('PathOutsideBoundary')
    expect(verdict(capability, 'fs.read', { path: '/etc/passwd' })).toBe('PathOutsideBoundary')
    expect(verdict(capability, 'fs.read', { path: '/workspace/../etc/passwd' })).toBe('PathTraversalAttempt')
    expect(verdict(capability, 'fs.read', { path: '../a' })).toBe('PathTraversalAttempt')
    expect(verdict(capability, 'fsx.read', { path: 'a' })).toBe('ToolNotAllowed')
  })

  it('commands: the first word, and the first argument where one is listed', () => {
    const words = { toolPattern: 'cmd.run', commandAllowlist: ['ls', 'git'] }
    expect(verdict(words, 'cmd.run', { command: 'ls -l' })).toBe('allowed')
    expect(verdict(words, 'cmd.run', { command: 'rm' })).toBe('CommandNotAllowed')
    expect(verdict(words, 'cmd.run')).toBe('MissingRequiredArgument')
    const git = { toolPattern: 'cmd.run', subcommandAllowlist: { git: ['status'], ls: [] } }
    expect(verdict(git, 'cmd.run', { command: 'git', args: ['status'] })).toBe('allowed')
    expect(verdict(git, 'cmd.run', { command: 'git', args: ['push'] })).toBe('SubcommandNotAllowed')
    expect(verdict(git, 'cmd.run', { command: 'git' })).toBe('SubcommandNotAllowed')
    expect(verdict(git, 'cmd.run', { command: 'ls', args: ['-l'] })).toBe('allowed')
    expect(verdict(git, 'cmd.run', { command: 'constructor' })).toBe('CommandNotAllowed')
  })

  it('domains: the host or a subdomain of it, on label boundaries', () => {
    const web = { toolPattern: 'web.*', domainAllowlist: ['example.com'] }
    const fetch = (url: string) => verdict(web, 'web.fetch', { url })
    expect(fetch('https://API.example.com./x')).toBe('allowed')
    expect(fetch('https://badexample.com')).toBe('DomainNotAllowed')
    expect(fetch('https://example.com.evil.io')).toBe('DomainNotAllowed')
    expect(fetch('not a url')).toBe('DomainNotAllowed')
  })

  it('the deny list wins over every capability; without capabilities nothing is allowed', () => {
    const judged = judgeByContext(context([{ toolPattern: '*' }], ['fs.read']), toolOf('fs.read'), {})
    expect(judged).toMatchObject({ allowed: false, violation: { kind: 'ToolExplicitlyDenied' } })
    expect(judgeByContext(context([]), toolOf('fs.read'), {})).toMatchObject({ violation: { kind: 'ToolNotAllowed' } })
  })

  it('the first capability that accepts wins; else the first of that name says why not', () => {
    const narrow = { toolPattern: 'fs.read', pathAllowlist: ['/workspace/a'] }
    const wide = { toolPattern: 'fs.*', pathAllowlist: ['/workspace/b'] }
    const judge = (path: string) => judgeByContext(context([narrow, wide]), toolOf('fs.read'), { path })
    expect(judge('/workspace/b/x')).toEqual({ allowed: true, capability: wide })
    expect(judge('/workspace/c')).toMatchObject({ violation: { details: expect.stringContaining('/workspace/a') } })
  })

  it('a pattern ends at a dot', () => {
    expect(patternMatches('fs.*', 'fs.read')).toBe(true)
    expect(patternMatches('fs.*', 'fs.')).toBe(false)
    expect(patternMatches('fs.*', 'fsx')).toBe(false)
    expect(patternMatches('fs.read', 'fs.read')).toBe(true)
  })

  it('the deny list takes patterns, and the name that a call used', () => {
    const judge = (denyList: string[], calledAs?: string) =>
      judgeByContext(context([{ toolPattern: '*' }], denyList), toolOf('fs.read'), { path: 'a' }, calledAs).allowed
    expect([judge(['fs.*']), judge(['*']), judge(['fsx.*']), judge(['read_file'], 'read_file')]).toEqual([
      false,
      false,
      true,
      false,
    ])
  })

  it('an empty list allows nothing; none at all bounds nothing', () => {
    expect(verdict({ toolPattern: 'fs.*', pathAllowlist: [] }, 'fs.read', { path: 'a' })).toBe('PathOutsideBoundary')
    expect(verdict({ toolPattern: '*', commandAllowlist: [] }, 'cmd.run', { command: 'ls' })).toBe('CommandNotAllowed')
    expect(verdict({ toolPattern: '*', domainAllowlist: [] }, 'web.fetch', { url: 'https://a.b' })).toBe(
      'DomainNotAllowed',
    )
    expect(verdict({ toolPattern: '*', subcommandAllowlist: [] }, 'cmd.run', { command: 'ls', args: ['a'] })).toBe(
      'SubcommandNotAllowed',
    )
    expect(verdict({ toolPattern: '*' }, 'fs.read', { path: '/etc/passwd' })).toBe('allowed')
  })

  it('a subcommand is the second word, or the first argument; one list is for every program', () => {
    const git = { toolPattern: '*', subcommandAllowlist: { git: ['status'] } }
    expect(verdict(git, 'cmd.run', { command: 'git status' })).toBe('allowed')
    expect(verdict(git, 'cmd.run', { command: 'git push', args: ['status'] })).toBe('SubcommandNotAllowed')
    const any = { toolPattern: '*', subcommandAllowlist: ['status'] }
    expect(verdict(any, 'cmd.run', { command: 'svn', args: ['status'] })).toBe('allowed')
    expect(verdict(any, 'cmd.run', { command: 'svn', args: ['commit'] })).toBe('SubcommandNotAllowed')
  })

  it('refusals of different kinds are told as such', () => {
    const judged = judgeByContext(
      context([
        { toolPattern: 'cmd.run', commandAllowlist: ['git'] },
        { toolPattern: '*', pathAllowlist: ['/workspace/x'] },
      ]),
      toolOf('cmd.run'),
      { command: 'ls', cwd: '/etc' },
    )
    expect(judged).toMatchObject({ violation: { kind: 'CommandNotAllowed', isMixed: true } })
  })

  it('a host of a million dots is none, and takes no longer to refuse than another', () => {
    const capability = { toolPattern: '*', domainAllowlist: ['a.test', '*.b.test'] }
    expect(verdict(capability, 'web.fetch', { url: `http://a${'.'.repeat(1_000_000)}a/` })).toBe('DomainNotAllowed')
  })

  it('only proper subdomains of *.x, and no domain of an empty entry', () => {
    const fetch = (entry: string, url: string) =>
      verdict({ toolPattern: 'web.*', domainAllowlist: [entry] }, 'web.fetch', { url })
    expect([fetch('*.x.org', 'https://a.x.org'), fetch('*.x.org', 'https://x.org')]).toEqual([
      'allowed',
      'DomainNotAllowed',
    ])
    for (const entry of ['.', '..', '*.', ' ']) expect(fetch(entry, 'https://x.org')).toBe('DomainNotAllowed')
  })

  it('never throws, and allows nothing by odd arguments that it refuses by ordinary ones', () => {
    const capabilities = fc.array(
      fc.record(
        {
          toolPattern: fc.constantFrom('*', 'fs.*', 'cmd.run', 'web.fetch', 'x'),
          pathAllowlist: fc.array(fc.constantFrom('/workspace', '/workspace/a/*', '/', '')),
          commandAllowlist: fc.array(fc.string()),
          subcommandAllowlist: fc.oneof(fc.array(fc.string()), fc.dictionary(fc.string(), fc.array(fc.string()))),
          domainAllowlist: fc.array(fc.string()),
        },
        { requiredKeys: ['toolPattern'] },
      ),
    )
    const args = fc.dictionary(
      fc.constantFrom('path', 'command', 'args', 'url', 'cwd', '__proto__'),
      fc.anything({ withNullPrototype: true }),
    )
    fc.assert(
      fc.property(
        capabilities,
        fc.array(fc.constantFrom('*', 'fs.*', 'cmd.run')),
        fc.constantFrom('fs.read', 'cmd.run', 'web.fetch', 'fsx.read'),
        args,
        (given, denyList, tool, sent) => {
          const judged = judgeByContext(context(given as Capability[], denyList), toolOf(tool), sent)
          const isDenied = denyList.some((pattern) => patternMatches(pattern, tool))
          const isNamed = given.some(({ toolPattern }) => patternMatches(toolPattern, tool))
          if (isDenied || !isNamed) expect(judged.allowed).toBe(false)
          if (judged.allowed) expect(given).toContain(judged.capability)
        },
      ),
      { numRuns: 2000 },
    )
  })

  it('a path that is allowed stays below an allowed folder, however it is written', () => {
    const segment = fc.constantFrom('a', 'b', '..', '.', '', 'workspace', '...', ' ', 'a\\b', '%2e%2e', '\0')
    fc.assert(
      fc.property(fc.array(segment, { maxLength: 6 }), fc.boolean(), (segments, isAbsolute) => {
        const path = `${isAbsolute ? '/' : ''}${segments.join('/')}`
        if (verdict({ toolPattern: '*', pathAllowlist: ['/workspace/a'] }, 'fs.read', { path }) !== 'allowed') return
        const leads = resolve('/workspace', path)
        expect(`${leads}/`).toMatch(/^\/workspace\/a\//)
      }),
      { numRuns: 3000 },
    )
  })
})
