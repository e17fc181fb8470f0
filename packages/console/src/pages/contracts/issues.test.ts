import { checkBundle } from '@lictor/contracts/authoring'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ApiError } from '../../api/http.ts'
import { EXAMPLE_BUNDLE } from './example.ts'
import { byPlace, type Issue, issuesOf, rangeOf } from './issues.ts'

const refusal = (problems: ConstructorParameters<typeof ApiError>[2] = {}) => new ApiError(422, 'refused', problems)

test('a problem with a place is shown there, with its path and hint', () => {
  const [issue] = issuesOf(
    refusal({
      problems: [
        {
          loc: ['body', 'yaml_content'],
          msg: 'unknown effect',
          path: 'contracts[1].then.effect',
          line: 14,
          column: 15,
          hint: 'deny?',
        },
      ],
    }),
  )
  expect(issue).toEqual({
    severity: 'error',
    message: 'unknown effect',
    line: 14,
    column: 15,
    path: 'contracts[1].then.effect',
    hint: 'deny?',
  })
})

test('a place that is only in the words is found there; a path may come in loc', () => {
  const [issue] = issuesOf(
    refusal({
      problems: [
        { loc: ['body', 'yaml_content', 'contracts', 2, 'id'], msg: 'Value error, bad id at line 7, column 3' },
      ],
    }),
  )
  expect(issue).toMatchObject({ line: 7, column: 3, path: 'contracts[2].id', message: 'bad id at line 7, column 3' })
})

test('a refusal in one sentence is one issue; other failures are none', () => {
  expect(issuesOf(new ApiError(422, 'Invalid YAML: oops (line 3)'))).toMatchObject([{ line: 3, column: null }])
  expect(issuesOf(new ApiError(500, 'line 3'))).toEqual([])
  expect(issuesOf(new Error('line 3'))).toEqual([])
})

test('the underlined part is the word at the place', () => {
  const text = 'a: 1\n  effect: explode # no\n'
  const { from, to } = rangeOf(text, { line: 2, column: 11 })
  expect(text.slice(from, to)).toBe('explode')
  expect(rangeOf(text, { line: 2, column: null })).toEqual({ from: 7, to: 13 })
})

test('a place outside the text never leaves it', () => {
  fc.assert(
    fc.property(
      fc.string(),
      fc.integer({ min: -5, max: 50 }),
      fc.option(fc.integer({ min: -5, max: 90 })),
      (text, line, column) => {
        const { from, to } = rangeOf(text, { line, column })
        expect(from).toBeGreaterThanOrEqual(0)
        expect(to).toBeGreaterThanOrEqual(from)
        expect(to).toBeLessThanOrEqual(text.length)
      },
    ),
  )
})

test('errors come before warnings, each in order of the text', () => {
  const issue = (severity: Issue['severity'], line: number): Issue => ({
    severity,
    line,
    column: 1,
    message: '',
    path: '',
    hint: null,
  })
  const sorted = byPlace([issue('warning', 1), issue('error', 9), issue('error', 2)])
  expect(sorted.map(({ severity, line }) => `${severity} ${line}`)).toEqual(['error 2', 'error 9', 'warning 1'])
})

test('the example one starts from is a valid bundle', () => {
  const { issues, warnings } = checkBundle(EXAMPLE_BUNDLE)
  expect(issues).toEqual([])
  expect(warnings).toEqual([])
})
