import { describe, expect, it } from 'vitest'
import { type Capability, judgeByContext, patternMatches, type SecurityContext } from './security-contexts.ts'

const context = (capabilities: Capability[], denyList: string[] = []): SecurityContext => ({
  name: 'test',
  capabilities,
  denyList,
})
const verdict = (capability: Capability, tool: string, args: Record<string, unknown> = {}) => {
  const judged = judgeByContext(context([capability]), tool, args)
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
    const judged = judgeByContext(context([{ toolPattern: '*' }], ['fs.read']), 'fs.read', {})
    expect(judged).toMatchObject({ allowed: false, violation: { kind: 'ToolExplicitlyDenied' } })
    expect(judgeByContext(context([]), 'fs.read', {})).toMatchObject({ violation: { kind: 'ToolNotAllowed' } })
  })

  it('the first capability that accepts wins; else the first of that name says why not', () => {
    const narrow = { toolPattern: 'fs.read', pathAllowlist: ['/workspace/a'] }
    const wide = { toolPattern: 'fs.*', pathAllowlist: ['/workspace/b'] }
    const judge = (path: string) => judgeByContext(context([narrow, wide]), 'fs.read', { path })
    expect(judge('/workspace/b/x')).toEqual({ allowed: true, capability: wide })
    expect(judge('/workspace/c')).toMatchObject({ violation: { details: expect.stringContaining('/workspace/a') } })
  })

  it('a pattern ends at a dot', () => {
    expect(patternMatches('fs.*', 'fs.read')).toBe(true)
    expect(patternMatches('fs.*', 'fs.')).toBe(false)
    expect(patternMatches('fs.*', 'fsx')).toBe(false)
    expect(patternMatches('fs.read', 'fs.read')).toBe(true)
  })
})
