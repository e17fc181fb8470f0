import { expect, test } from 'vitest'
import { partsOf, startingView, stretchesOf } from './argument-parts.ts'

test('every argument is there, in its order, with its type', () => {
  const parts = partsOf({ path: 'a.txt', count: 3, force: true, tags: ['x'], nothing: null })
  expect(parts.map((part) => part.kind === 'value' && [part.name, part.type, part.text])).toEqual([
    ['path', 'text', 'a.txt'],
    ['count', 'number', '3'],
    ['force', 'boolean', 'true'],
    ['tags', 'list', '[\n  "x"\n]'],
    ['nothing', 'null', 'null'],
  ])
  expect(startingView(parts)).toBe('table')
})

test('line breaks are line breaks, and such a text opens as text', () => {
  const parts = partsOf({ body: 'one\ntwo' })
  expect(parts[0]).toMatchObject({ text: 'one\ntwo' })
  expect(startingView(parts)).toBe('text')
})

test('an edit is one comparison, however its halves are called', () => {
  for (const [before, after] of [
    ['old_string', 'new_string'],
    ['old_str', 'new_str'],
    ['search', 'replace'],
  ] as const) {
    const parts = partsOf({ path: 'a', [before]: 'x', [after]: 'y' })
    expect(parts[1]).toMatchObject({ kind: 'edit', before: { text: 'x' }, after: { text: 'y' } })
    expect(parts).toHaveLength(2)
  }
  expect(partsOf({ search: 'x' })).toMatchObject([{ kind: 'value', name: 'search' }])
})

test('a command and a statement open as text, in their language', () => {
  expect(partsOf({ command: 'rm -rf /' })[0]).toMatchObject({ language: 'shell' })
  expect(startingView(partsOf({ sql: 'DROP TABLE a' }))).toBe('text')
})

test('short values that follow each other stand together, everything else by itself, and nothing is left out', () => {
  const parts = partsOf({
    path: 'a',
    dry: false,
    sql: 'DROP TABLE a',
    limit: 10,
    body: 'one\ntwo',
    last: 'x'.repeat(81),
    z: 1,
  })
  expect(stretchesOf(parts).map((stretch) => stretch.map(({ name }) => name))).toEqual([
    ['path', 'dry'],
    ['sql'],
    ['limit'],
    ['body'],
    ['last'],
    ['z'],
  ])
})
