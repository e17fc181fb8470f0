import { expect, it } from 'vitest'
import { classifyBash } from '../envelope/bash.ts'
import { readCommand } from '../sandbox/command.ts'
import { withoutBlanks } from './blanks.ts'

it.each(['\u001c', '\u001d', '\u001e', '\u001f', '\u0085', '\u00a0', '\u3000', '\t', ' '])(
  'takes %j for a blank, as Python does',
  (blank) => {
    expect(withoutBlanks(`${blank}a b${blank}`)).toBe('a b')
    expect(readCommand(`${blank}git status`, undefined)?.command).toBe('git')
    expect(classifyBash(`${blank}ls`)).toBe('read')
  },
)

it.each(['\ufeff', '\u200b'])('takes %j for a part of the command, as Python does', (character) => {
  expect(withoutBlanks(`${character}ls`)).toBe(`${character}ls`)
  expect(classifyBash(`${character}ls`)).toBe('irreversible')
})

it('a long run of blanks within takes no longer than any other text', () => {
  const text = `a${' '.repeat(1_000_000)}b`
  expect(withoutBlanks(` ${text}\t`)).toBe(text)
})
