import { expect, test } from 'vitest'
import { match } from './match.ts'

test('an entry is named by whole pieces of its words, never by scattered letters', () => {
  expect(match('Create an API key', 'create', ['new'])).toBe(1)
  expect(match('Create an API key', 'key new', ['new'])).toBe(0.8)
  expect(match('corporate-agent', 'create')).toBe(0)
  expect(match('support-bot', 'port')).toBe(0.5)
})

test('nothing typed names everything', () => {
  expect(match('Overview', '  ')).toBeGreaterThan(0)
})
