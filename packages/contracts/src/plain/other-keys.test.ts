import { expect, it } from 'vitest'
import { pythonEquals } from '../expressions/equality.ts'
import { readYaml } from '../load/yaml/read.ts'

it.each(['{true: x}', '{1: x}', '{null: x}', '{1.5: x}', '{2024-01-01: x}', '{k: {true: x}}'])(
  'the keys of the literal %s are no text, so no argument equals it',
  (literal) => {
    const value = readYaml(literal)
    expect(pythonEquals(JSON.parse(JSON.stringify(value)), value)).toBe(false)
  },
)

it.each(['{"true": x}', "{'1': x}", '{k: x}', '{!!str 1: x}', '{k: {"null": x}}', '{}'])(
  'the keys of the literal %s are text, so the same argument equals it',
  (literal) => {
    const value = readYaml(literal)
    expect(pythonEquals(JSON.parse(JSON.stringify(value)), value)).toBe(true)
  },
)
