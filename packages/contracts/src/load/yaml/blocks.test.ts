import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { templates } from '../../templates/templates.ts'
import { readBlocks } from './blocks.ts'
import { composeYaml } from './compose.ts'

const fixtures = join(import.meta.dirname, '../../../conformance')
const vectors: { t: string }[] = JSON.parse(readFileSync(join(import.meta.dirname, 'pyyaml.vectors.json'), 'utf8'))
const documents = [
  ...templates.values(),
  ...globSync('**/*.yaml', { cwd: fixtures }).map((file) => readFileSync(join(fixtures, file), 'utf8')),
]
/** Some lines of each document, as far left as they stand in a bundle and as far as they can. */
const excerpts = documents.flatMap((text) => {
  const lines = text.split('\n')
  return lines.flatMap((_, at) => {
    if (at % 7 !== 0) return []
    const some = lines.slice(at, at + 6)
    const margin = Math.min(...some.filter((line) => line !== '').map((line) => line.search(/\S/)))
    return [some.join('\n'), some.map((line) => line.slice(margin)).join('\n')]
  })
})

/** Whether a text is read by blocks, after seeing that what is read is what the whole reader makes of it. */
function isReadAlike(text: string): boolean {
  const read = readBlocks(text)
  if (read === null) return false
  expect(read).toStrictEqual(composeYaml(text))
  return true
}

/** How many of so many texts are read by blocks, all of them alike. */
function readAlike(texts: fc.Arbitrary<string>, numRuns: number): number {
  let count = 0
  fc.assert(
    fc.property(texts, (text) => {
      if (isReadAlike(text)) count++
    }),
    { numRuns },
  )
  return count
}

const SIGNS = [
  ...[' ', '  ', '\n', '\n\n', '\n  ', '\n    ', '\n- ', '\n  - ', '\nb: ', '\t', '\r', '\0', '\u00a0', '\u2028', 'é'],
  ...[
    '- ',
    '-',
    ':',
    ': ',
    '?',
    '? ',
    '#',
    ' #',
    ',',
    ', ',
    '[',
    ']',
    '{',
    '}',
    '"',
    "'",
    "''",
    '\\',
    '\\n',
    '|',
    '>',
    '|-',
  ],
  ...[
    '&a ',
    '*a',
    '!!str ',
    '!',
    '%',
    '@',
    '`',
    '~',
    '=',
    '<<: ',
    '---\n',
    '...\n',
    'key:',
    'key: ',
    'a: b',
    '[a, b]',
    '{a: 1}',
  ],
  ...['null', 'yes', '0', '-1', '1.5', '0x1', '010', '1:30', '.nan', '1_000', '12345678901234567', '2020-01-01'],
]

describe('what is read by blocks is what the whole reader reads', () => {
  it('reads the bundles of templates by blocks', () => {
    expect([...templates.values()].filter((text) => !isReadAlike(text))).toEqual([])
  })

  it('reads documents as people write them', () => {
    expect(documents.filter(isReadAlike).length).toBeGreaterThan(documents.length / 2)
    expect(excerpts.filter(isReadAlike).length).toBeGreaterThan(excerpts.length / 4)
  })

  it('reads no corner of YAML otherwise', () => {
    expect(vectors.filter(({ t }) => isReadAlike(t)).length).toBeGreaterThan(30)
  })

  it('reads documents with any signs put in or taken out', () => {
    const edit = fc.record({ at: fc.nat(600), cut: fc.nat(4), sign: fc.constantFrom('', ...SIGNS) })
    const edited = fc
      .tuple(fc.constantFrom(...excerpts), fc.array(edit, { minLength: 1, maxLength: 3 }))
      .map(([text, edits]) =>
        edits.reduce((so, { at, cut, sign }) => so.slice(0, at) + sign + so.slice(at + cut), text),
      )
    expect(readAlike(edited, 20_000)).toBeGreaterThan(1_000)
  })

  it('reads any lines below each other', () => {
    const line = fc
      .record({
        indent: fc.constantFrom(0, 0, 2, 2, 4, 3),
        item: fc.constantFrom('', '', '- ', '-  ', '- - '),
        key: fc.constantFrom('', 'a:', 'b:', 'args.path:', 'yes:', '1:', '"q":', "'s':", '<<:'),
        gap: fc.constantFrom(' ', ' ', '', '  '),
        value: fc.constantFrom(
          ...['', '', 'x', 'x y', 'x: y', "it's", '"q"', '"\\t"', "'s'", "'it''s'", '[a, b]', '{a: 1, "b": [x]}'],
          ...['|', '>-', '|2', 'true', '-1', '1.0', '0o7', '~', '*a', '&a x', '- x'],
        ),
        end: fc.constantFrom('', '', '', ' ', ' # said', '#', '\n', '\n  # alone'),
      })
      .map(({ indent, item, key, gap, value, end }) => `${' '.repeat(indent)}${item}${key}${gap}${value}${end}`)
    const lines = fc.array(line, { minLength: 1, maxLength: 6 })
    expect(
      readAlike(
        fc.tuple(lines, fc.constantFrom('', '\n')).map(([all, end]) => all.join('\n') + end),
        40_000,
      ),
    ).toBeGreaterThan(1_000)
  })

  it('leaves to the whole reader what it could lose itself in', () => {
    for (const text of [
      '- '.repeat(50_000),
      '['.repeat(50_000),
      `a: ${'{a: '.repeat(1_000)}`,
      `${'k'.repeat(2_000)}: 1`,
    ]) {
      isReadAlike(text)
    }
  })
})
