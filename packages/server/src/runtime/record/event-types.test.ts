import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { eventTypes } from './event-types.ts'

const room = join(import.meta.dirname, '..')
const sources = readdirSync(room, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'))
const textOf = (isWanted: (path: string) => boolean): string =>
  sources
    .filter((path) => isWanted(path) && !path.startsWith('record/event'))
    .map((path) => readFileSync(join(room, path), 'utf8'))
    .join('\n')
const isTest = (path: string) => path.endsWith('.test.ts')
const code = textOf((path) => !isTest(path))
const tests = textOf(isTest)

it('every type is made somewhere: nothing is promised that nobody tells', () => {
  expect(Object.keys(eventTypes).filter((type) => !code.includes(`'${type}'`))).toEqual([])
})

/** Only consumers have volumes of their own, and there is no way yet to make one. */
const unseen = ['user_volume_created', 'user_volume_renamed', 'user_volume_deleted']

it('every type is named by a test', () => {
  const named = (name: string) => new RegExp(`\\b${name}\\b`).test(tests)
  const types = Object.entries(eventTypes).filter(([type]) => !unseen.includes(type))
  // Logs of runs tell a type by its variant.
  expect(types.flatMap(([type, { variant }]) => (named(type) || named(variant) ? [] : [type]))).toEqual([])
})

it('every type has its variant, and no two of a category share one', () => {
  const variants = Object.values(eventTypes).map(({ category, variant }) => `${category}.${variant}`)
  expect(new Set(variants).size).toBe(variants.length)
})
