import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type DiffRow, diffLines, foldSame } from './diff.ts'

const written = (rows: readonly DiffRow[]) =>
  rows
    .map((row) =>
      row.kind === 'gap' ? `~${row.count}` : `${{ same: ' ', added: '+', removed: '-' }[row.kind]}${row.text}`,
    )
    .join('|')

test('a changed line is one removed and one added, at its numbers', () => {
  const lines = diffLines('a\nb\nc', 'a\nB\nc')
  expect(written(lines)).toBe(' a|-b|+B| c')
  expect(lines.filter(({ kind }) => kind !== 'same').map(({ line }) => line)).toEqual([2, 2])
})

test('a moved block is not the end of all likeness', () => {
  expect(written(diffLines('x\na\nb\ny', 'x\nnew\na\nb\nz'))).toBe(' x|+new| a| b|-y|+z')
})

test('both texts can be read back from a comparison', () => {
  const text = fc.array(fc.constantFrom('a', 'b', 'c', '')).map((lines) => lines.join('\n'))
  fc.assert(
    fc.property(text, text, (before, after) => {
      const lines = diffLines(before, after)
      const read = (without: string) =>
        lines
          .filter(({ kind }) => kind !== without)
          .map((line) => line.text)
          .join('\n')
      expect(read('added')).toBe(before)
      expect(read('removed')).toBe(after)
    }),
  )
})

test('two large texts without likeness are compared at once', () => {
  const many = (letter: string) => Array.from({ length: 5_000 }, (_, i) => letter + i).join('\n')
  expect(diffLines(many('a'), many('b'))).toHaveLength(10_000)
})

test('what did not change is folded away, but for the lines around a change', () => {
  const before = ['1', '2', '3', '4', '5', '6', '7'].join('\n')
  expect(written(foldSame(diffLines(before, before.replace('4', 'X')), 1))).toBe('~2| 3|-4|+X| 5|~2')
  expect(written(foldSame(diffLines(before, before), 2))).toBe('~7')
})
