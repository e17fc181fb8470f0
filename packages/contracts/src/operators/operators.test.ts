import { describe, expect, test } from 'vitest'
import { Evaluation } from '../expressions/evaluation.ts'
import { PatternCache } from '../expressions/patterns.ts'
import { checkBundle } from '../lint/check.ts'
import { samplePattern } from '../regex/sample.ts'
import type { Envelope } from '../types.ts'
import type { Demand, Operator } from './operator.ts'
import { OPERATORS } from './operators.ts'

/** What an operator's own compiled test says of a value. */
function judge(operator: Operator, argument: unknown, value: unknown): unknown {
  const counters = { attempts: 0, executions: 0, toolExecutions: 0 }
  const evaluation = new Evaluation([() => value], {} as Envelope, counters)
  return operator.compile(0, argument, new PatternCache())(evaluation)
}

/** Whether a value is among what a demand leaves. */
function meets({ absent, kind, values, begins, ends }: Demand, value: unknown): boolean {
  if (value === null || value === undefined) return absent
  if (kind === 'text' && typeof value !== 'string') return false
  if (kind === 'number' && !['number', 'boolean', 'bigint'].includes(typeof value)) return false
  if (values !== undefined && !values.some((each) => judge(operatorNamed('equals'), each, value) === true)) return false
  return String(value).startsWith(begins ?? '') && String(value).endsWith(ends ?? '')
}

const operatorNamed = (name: string) => OPERATORS.find((each) => each.name === name) as Operator

describe.each(OPERATORS.map((operator) => [operator.name, operator] as const))('%s', (name, operator) => {
  const { examples } = operator

  test('holds for the values its record says, and not for the others', () => {
    for (const { argument, holds, fails } of examples) {
      for (const value of holds)
        expect([argument, value, judge(operator, argument, value)]).toEqual([argument, value, true])
      for (const value of fails)
        expect([argument, value, judge(operator, argument, value) === true]).toEqual([argument, value, false])
    }
  })

  test('the calls that diff tries lie on the side they are meant for', () => {
    for (const { argument } of examples) {
      const { holds, fails } = operator.samples(argument, samplePattern)
      expect(holds.length * fails.length).toBeGreaterThan(0)
      for (const value of holds) expect([value, judge(operator, argument, value)]).toEqual([value, true])
      for (const value of fails) expect([value, judge(operator, argument, value) === true]).toEqual([value, false])
    }
  })

  test('two arguments of its examples differ on a sample of one of them', () => {
    const [first, second] = examples
    const values = [first, second].flatMap(({ argument }) => {
      const { holds, fails } = operator.samples(argument, samplePattern)
      return [...holds, ...fails]
    })
    const differs = values.some(
      (value) => judge(operator, first.argument, value) !== judge(operator, second.argument, value),
    )
    expect(differs).toBe(true)
  })

  test('what it demands of a value leaves every value it holds for, and every one it does not hold for', () => {
    for (const { argument, holds, fails } of examples) {
      for (const value of holds) expect([value, meets(operator.demands(argument, true), value)]).toEqual([value, true])
      for (const value of fails)
        if (judge(operator, argument, value) === false)
          expect([value, meets(operator.demands(argument, false), value)]).toEqual([value, true])
    }
  })

  test('the loader takes the arguments of its examples, and nothing of another shape', () => {
    const load = (argument: unknown) =>
      checkBundle(
        JSON.stringify({
          apiVersion: 'edictum/v1',
          kind: 'ContractBundle',
          metadata: { name: 'b' },
          defaults: { mode: 'enforce' },
          contracts: [
            {
              id: 'c',
              type: 'pre',
              tool: 't',
              when: { 'args.v': { [name]: argument } },
              // biome-ignore lint/suspicious/noThenProperty: a field of the language
              then: { effect: 'deny', message: 'm' },
            },
          ],
        }),
      ).issues
    for (const { argument } of examples) expect(load(argument)).toEqual([])
    if (operator.shape.type !== 'any') expect(load({ no: 'shape' })).not.toEqual([])
    if (operator.patterns !== undefined) {
      const [{ argument }] = examples
      expect(load(Array.isArray(argument) ? ['('] : '(')).toMatchObject([{ code: 'invalid_regex' }])
    }
  })
})

test('each operator has one record', () => {
  const names = OPERATORS.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
})
