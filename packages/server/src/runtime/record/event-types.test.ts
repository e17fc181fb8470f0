import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { eventTypes } from './event-types.ts'

/** The text of the files below a folder whose path `isWanted`. */
function textBelow(folder: string, isWanted: (path: string) => boolean): string {
  const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'))
  return sources
    .filter((path) => isWanted(path) && !path.includes('record/event'))
    .map((path) => readFileSync(join(folder, path), 'utf8'))
    .join('\n')
}
const room = join(import.meta.dirname, '..')
const isTest = (path: string) => path.endsWith('.test.ts')
const code = textBelow(room, (path) => !isTest(path))
/** Of every room: what tells of people is tried where people are. */
const tests = textBelow(join(room, '..'), isTest)

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
