import { expect, test } from 'vitest'
import { bucketWords, resourceWords } from './words.ts'

test('what is counted has words, also what this console does not know yet', () => {
  expect(resourceWords('llm_token')).toBe('Tokens of language models')
  expect(resourceWords('seal_tool:fs_*')).toBe('Calls of the tools fs_*')
  expect(resourceWords('something_new')).toBe('something_new')
  expect(bucketWords('hourly')).toBe('an hour')
})
