import { expect, test } from 'vitest'
import { below, nameProblem, orderly, parentOf, wayTo } from './paths.ts'

test('paths of a volume lead up, down, and back to the whole', () => {
  expect(below('/', 'a.txt')).toBe('/a.txt')
  expect(below('/in/b', 'a.txt')).toBe('/in/b/a.txt')
  expect([parentOf('/'), parentOf('/a'), parentOf('/a/b')]).toEqual([null, '/', '/a'])
  expect(wayTo('/')).toEqual([])
  expect(wayTo('/a/b')).toEqual([
    { name: 'a', path: '/a' },
    { name: 'b', path: '/a/b' },
  ])
  expect(['', 'a//b/', '/a'].map(orderly)).toEqual(['/', '/a/b', '/a'])
})

test('a name that would be another path is refused before it is sent', () => {
  expect(['', '.', '..', 'a/b'].every((name) => nameProblem(name) !== null)).toBe(true)
  expect(nameProblem('a..b')).toBeNull()
})
