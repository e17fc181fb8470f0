// biome-ignore-all lint/suspicious/noThenProperty: 'then' is a field of the contract language
import { checkBundle, templates } from '@lictor/contracts/authoring'
import { describe, expect, test } from 'vitest'
import { framed } from '../contracts/language/frame.ts'
import { NO_CALL, readCall } from '../contracts/shared/call.ts'
import { tryCall } from '../contracts/shared/trial.ts'
import { BEGINNINGS, frameOf } from './beginnings.ts'
import { bundleOf, definitionOf, importable, textOf } from './text.ts'

const NOW = new Date('2026-03-01T12:00:00Z')

describe('the text of a library contract', () => {
  test('is its definition, there and back; id and type stand beside it', () => {
    const definition = {
      tool: 'x',
      when: { 'args.a': { in: [1, 'no', null] } },
      then: { effect: 'deny', message: 'No.' },
    }
    expect(definitionOf(textOf({ id: 'a', type: 'pre', ...definition }))).toEqual(definition)
    expect(() => definitionOf('type: pre\ntool: x\n')).toThrow(/type stand/)
    expect(() => definitionOf('- a\n')).toThrow(/fields with values/)
    expect(definitionOf('')).toEqual({})
  })

  test.each(Object.entries(BEGINNINGS))('what a new %s contract begins as loads', (type, text) => {
    const { issues, warnings } = checkBundle(framed(text, frameOf('', type as keyof typeof BEGINNINGS)))
    expect([issues, warnings]).toEqual([[], []])
  })

  test('is tried as the bundle that it alone would be, several tools with it', () => {
    const text = 'tools: [a, b]\nwhen: { args.x: { equals: 1 } }\nthen: { effect: deny, message: "Not so." }\n'
    const bundle = bundleOf('no-one', 'pre', text)
    const { call } = readCall({ ...NO_CALL, tool: 'b', args: '{"x": 1}' })
    expect(bundle && call && tryCall(bundle, call)).toMatchObject({ action: 'deny', reason: 'Not so.' })
    expect(bundleOf('a', 'pre', '- x')).toBeNull()
  })
})

describe('what can be imported', () => {
  test('a bundle as it is', () => {
    for (const text of templates.values()) expect(importable(text, NOW)).toBe(text)
  })

  test('a contract and a list of them, as a bundle named by the time', () => {
    const contract = {
      id: 'a',
      type: 'pre',
      tool: 'x',
      when: { environment: { exists: true } },
      then: { effect: 'deny', message: 'No.' },
    }
    for (const text of [JSON.stringify(contract), JSON.stringify([contract])]) {
      const bundle = importable(text, NOW)
      expect(bundle).toContain('name: "imported-20260301120000"'.replaceAll('"', ''))
      expect(checkBundle(bundle).issues).toEqual([])
    }
  })

  test('nothing else', () => {
    for (const text of ['a', '{}', '[]', 'tool: x']) expect(() => importable(text, NOW)).toThrow(/no bundle/)
  })
})
