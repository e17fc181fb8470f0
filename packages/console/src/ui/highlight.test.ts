import fc from 'fast-check'
import { expect, test } from 'vitest'
import { highlight, languageOf } from './highlight.ts'

test('colours never change what is read: the pieces are the text', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'\'"`$#{}()-;|&\n\\ aS1:') }), (text) => {
      for (const language of ['sql', 'shell', 'json', 'plain'] as const)
        expect(
          highlight(text, language)
            .map((token) => token.text)
            .join(''),
        ).toBe(text)
    }),
  )
})

test('statements, words in quotes, and remarks of SQL are told apart', () => {
  const kinds = highlight("DELETE FROM orders WHERE name = 'it''s' -- all", 'sql').filter(
    ({ kind }) => kind !== 'plain',
  )
  expect(kinds.map(({ kind, text }) => `${kind} ${text}`)).toEqual([
    'keyword DELETE',
    'keyword FROM',
    'keyword WHERE',
    "string 'it''s'",
    'comment -- all',
  ])
})

test('pipes, options, variables and what destroys stand out in a command', () => {
  const kinds = highlight('cat "$HOME/a b" | sudo rm -rf $DIR', 'shell').filter(({ kind }) => kind !== 'plain')
  expect(kinds.map(({ kind, text }) => `${kind} ${text}`)).toEqual([
    'string "$HOME/a b"',
    'keyword |',
    'keyword sudo',
    'number -rf',
    'name $DIR',
  ])
})

test('the language is told by the name of the argument, or by how the text begins', () => {
  expect(languageOf('command', 'ls')).toBe('shell')
  expect(languageOf('q', 'select * from users')).toBe('sql')
  expect(languageOf('message', 'Update the ticket')).toBe('plain')
  expect(languageOf('query', 'drop everything')).toBe('sql')
  expect(languageOf('query', 'cheap hotels')).toBe('plain')
  expect(languageOf('message', 'hello')).toBe('plain')
})
