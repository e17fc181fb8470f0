import { describe, expect, it } from 'vitest'
import { compileGlob, globMatches, globShape } from './glob.ts'

describe('globs match as Python fnmatch does', () => {
  it.each([
    ['*', 'anything', true],
    ['*', '', true],
    ['Bash', 'Bash', true],
    ['Bash', 'bash', false],
    ['Bash', 'Bashful', false],
    ['mcp_*', 'mcp_x', true],
    ['mcp_*', 'mcp_', true],
    ['mcp_*', 'mcp', false],
    ['mcp_*', 'amcp_x', false],
    ['*_file', 'read_file', true],
    ['*_file', 'read_files', false],
    ['a*c*e', 'abcde', true],
    ['a*c*e', 'ace', true],
    ['a*c*e', 'aec', false],
    ['**', 'x', true],
    ['a?', 'ab', true],
    ['a?', 'a', false],
    ['a?', 'a\u{1f600}', true],
    ['a[0-9]', 'a1', true],
    ['a[0-9]', 'ax', false],
    ['a[!0-9]', 'ax', true],
    ['a[!0-9]', 'a1', false],
    ['[]a]', ']', true],
    ['[]a]', 'a', true],
    ['[!]a]', ']', false],
    ['[!]a]', 'b', true],
    ['[^a]', '^', true],
    ['[^a]', 'b', false],
    ['[a-]', '-', true],
    ['[-a]', '-', true],
    ['[z-a]', 'm', false],
    ['[*]', '*', true],
    ['[*]', 'a', false],
    ['a[', 'a[', true],
    ['a[bc', 'a[bc', true],
    ['a[bc', 'ab', false],
    ['{a,b}', '{a,b}', true],
    ['{a,b}', 'a', false],
    ['*.example.com', 'a.b.example.com', true],
    ['*.example.com', 'example.com', false],
    ['*example.com', 'evil-example.com', true],
    ['a*b', 'a\n/b', true],
    ['a.b', 'axb', false],
    ['constructor', 'constructor', true],
    ['А*', 'Abc', false],
  ])('%j on %j is %j', (pattern, text, expected) => {
    expect(globMatches(pattern, text)).toBe(expected)
  })

  it('a pattern of many stars ends in bounded time', () => {
    expect(compileGlob(`${'a*'.repeat(20)}b`)('a'.repeat(3000))).toBe(false)
  })

  it.each([
    ['*', 'any'],
    ['Bash', 'exact'],
    ['mcp_*', 'prefix'],
    ['*_x', 'general'],
    ['a?', 'general'],
    ['a[b', 'general'],
    ['a[0]*', 'general'],
    ['a**', 'general'],
  ])('%j is indexed as %s', (pattern, kind) => {
    expect(globShape(pattern).kind).toBe(kind)
  })
})
