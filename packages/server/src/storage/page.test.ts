import { expect, it } from 'vitest'
import { rowsOfPage } from './page.ts'

const sizes = (...bytes: number[]) => bytes.map((each) => ({ bytes: each }))

it.each([
  [sizes(), 0],
  [sizes(5, 5), 2],
  [sizes(5, 5, 1), 2],
  [sizes(11), 1],
  [sizes(11, 1), 1],
  [sizes(1, 11, 1), 1],
  [sizes(10, 0, 0), 3],
])('a page of at most 10 bytes of %j has %i rows', (rows, count) => {
  expect(rowsOfPage(rows, 10)).toBe(count)
})
