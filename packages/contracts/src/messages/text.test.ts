import { expect, it } from 'vitest'
import { decidePre } from '../decide/pre.ts'
import { createEnvelope } from '../envelope/create.ts'
import { environmentText } from '../expressions/environment.ts'
import { loadPolicy } from '../policy/load.ts'
import { floatText, valueText } from './text.ts'

it.each([
  [1e-5, '1e-05'],
  [1.5e-7, '1.5e-07'],
  [-2.5e-12, '-2.5e-12'],
  [0.0001, '0.0001'],
  [0.1, '0.1'],
  [0, '0'],
  [123456.789, '123456.789'],
])('writes %d as Python does', (value, text) => {
  expect(valueText(value)).toBe(text)
  expect(valueText([value])).toBe(`[${text}]`)
})

it.each([
  ['\u007f', '\\x7f'],
  ['\u0000', '\\x00'],
  ['\u00a0', '\\xa0'],
  ['\u0085', '\\x85'],
  ['\ufeff', '\\ufeff'],
  ['\u200b', '\\u200b'],
  ['\u2028', '\\u2028'],
  ['\u3000', '\\u3000'],
  ['\u{e0001}', '\\U000e0001'],
  ['\t', '\\t'],
  [' ', ' '],
  ['é', 'é'],
  ['😀', '😀'],
])('writes %j inside a list as Python does', (character, text) => {
  expect(valueText([`a${character}`])).toBe(`['a${text}']`)
})

it.each([
  [1000, '1000.0'],
  [-0, '-0.0'],
  [1e16, '1e+16'],
  [1.5e16, '1.5e+16'],
  [1e15, '1000000000000000.0'],
  [0.5, '0.5'],
  [1e-5, '1e-05'],
  [Number.POSITIVE_INFINITY, 'inf'],
])('writes %d, where it is a float, as Python does', (value, text) => {
  expect(floatText(value)).toBe(text)
})

it.each([
  ['1e3', '1000.0'],
  [' 1_000 ', '1000'],
  ['5.', '5.0'],
  ['-0', '0'],
  ['-0.0', '-0.0'],
  ['1e22', '1e+22'],
  ['123456789012345678', '123456789012345678'],
  ['-12345678901234567890', '-12345678901234567890'],
  ['TRUE', 'True'],
  ['NaN', 'nan'],
  ['-inf', '-inf'],
  ['1e400', 'inf'],
  ['x', 'x'],
  ['', ''],
])('writes the environment variable %j in a message as %j', (raw, text) => {
  expect(environmentText(raw)).toBe(text)
  const policy = loadPolicy(`apiVersion: edictum/v1
kind: ContractBundle
metadata: {name: test}
defaults: {mode: enforce}
contracts:
  - {id: c, type: pre, tool: t, when: {tool.name: {exists: true}}, then: {effect: deny, message: "{env.X}|{env.Y}"}}
`)
  const counters = { attempts: 0, executions: 0, toolExecutions: 0 }
  const { reason } = decidePre(policy, createEnvelope('t'), counters, { env: { X: raw } })
  expect(reason).toBe(`${text}|{env.Y}`)
})
