import { expect, test } from 'vitest'
import { createEnvironmentChoices, type Keeping } from './environment.ts'

const keepingIn = (kept: Map<string, string>) => (): Keeping => ({
  getItem: (key) => kept.get(key) ?? null,
  setItem: (key, value) => void kept.set(key, value),
  removeItem: (key) => void kept.delete(key),
})

test('each person has a choice of their own, which outlives the page', () => {
  const kept = new Map<string, string>()
  const first = createEnvironmentChoices(keepingIn(kept))
  first.choose('ada', 'production')
  first.choose('bob', 'staging')
  const later = createEnvironmentChoices(keepingIn(kept))
  expect([later.of('ada'), later.of('bob'), later.of('eve')]).toEqual(['production', 'staging', undefined])
  later.choose('ada', undefined)
  expect([...kept.keys()]).toEqual(['lictor.environment.bob'])
})

test('what no environment is called is no choice', () => {
  const kept = new Map([['lictor.environment.ada', 'moon']])
  expect(createEnvironmentChoices(keepingIn(kept)).of('ada')).toBeUndefined()
})

test('a browser that keeps nothing has the choice until the page is gone', () => {
  const refusing = () => {
    throw new DOMException('Access is denied.', 'SecurityError')
  }
  const choices = createEnvironmentChoices(refusing)
  expect(choices.of('ada')).toBeUndefined()
  choices.choose('ada', 'staging')
  expect(choices.of('ada')).toBe('staging')
})

test('who listens is told of a choice, and of what goes by it', () => {
  const choices = createEnvironmentChoices(keepingIn(new Map()))
  let told = 0
  const leave = choices.subscribe(() => told++)
  choices.choose('ada', 'production')
  const release = choices.take()
  expect([told, choices.takers()]).toEqual([2, 1])
  release()
  leave()
  choices.choose('ada', 'staging')
  expect([told, choices.takers()]).toEqual([3, 0])
})
