import { expect, test } from 'vitest'
import { createDrafts, type DraftStorage } from './draft.ts'

function memory(): DraftStorage {
  const kept = new Map<string, string>()
  return {
    getItem: (name) => kept.get(name) ?? null,
    setItem: (name, text) => void kept.set(name, text),
    removeItem: (name) => void kept.delete(name),
    key: (index) => [...kept.keys()][index] ?? null,
    get length() {
      return kept.size
    },
  }
}

test('a draft is there until it is forgotten; signing out forgets drafts and nothing else', () => {
  const storage = memory()
  storage.setItem('lictor.theme', 'dark')
  const drafts = createDrafts(() => storage)
  drafts.write('a', 'text')
  drafts.write('b', 'other')
  drafts.write('b', null)
  expect([drafts.read('a'), drafts.read('b')]).toEqual(['text', null])
  drafts.write('c', 'third')
  drafts.forgetAll()
  expect([drafts.read('a'), drafts.read('c'), storage.getItem('lictor.theme')]).toEqual([null, null, 'dark'])
})

test('where storage is forbidden or full nothing is kept, and nothing breaks', () => {
  const forbidden = createDrafts(() => {
    throw new Error('forbidden')
  })
  forbidden.write('a', 'text')
  expect(forbidden.read('a')).toBeNull()
  forbidden.forgetAll()
})
