import fc from 'fast-check'
import { beforeAll, describe, expect, it, test } from 'vitest'
import { evaluate, NoExpression, parseExpression } from './expression.ts'
import { loadTemplates, type Templates } from './renderer.ts'

let templates: Templates
beforeAll(async () => {
  templates = await loadTemplates()
})

const values = {
  n: 2,
  zero: 0,
  name: 'Ada',
  html: '<b>"&',
  long: 'first\nsecond',
  list: [1, 2],
  flags: { skip: false, 'dry-run': true },
  TEST: { output: { 'unit-tests': { stderr: 'no' } }, agents: [{ output: { title: 'T' } }] },
}

test.each([
  ['nothing is escaped', '{{html}}{{{html}}}', '<b>"&<b>"&'],
  ['what is missing is empty', '[{{none}}{{none.of.it}}{{name.x}}]', '[]'],
  ['names with hyphens and indices', '{{TEST.output.unit-tests.stderr}} {{TEST.agents.0.output.title}}', 'no T'],
  ['objects and lists are JSON', '{{TEST.output}} {{list}}', '{"unit-tests":{"stderr":"no"}} [1,2]'],
  ['a mustache may be written out', '\\{{name}}', '{{name}}'],
  ['blocks', '{{#if flags.skip}}a{{else}}b{{/if}}{{#each list}}{{this}};{{/each}}', 'b1;2;'],
  ['arithmetic', '{{n + 1}} {{n*3-1}} {{(n + 1) * 2}} {{n - 3}} {{name + "!"}}', '3 5 6 -1 Ada!'],
  ['comparison in blocks', '{{#if n > 1}}more{{else if n == 1}}one{{else}}less{{/if}}', 'more'],
  ['an else that compares', '{{#if n > 5}}more{{else if n == 2}}two{{/if}}', 'two'],
  ['a loop counts', '{{#each list}}{{@index + 1}}:{{this * n}} {{/each}}', '1:2 2:4 '],
  ['length', '{{length list}} {{length name}} {{length flags}} {{length none}}', '2 3 2 0'],
  ['texts', '{{upper name}} {{lower name}} {{trim "  x "}} {{first_line long}}', 'ADA ada x first'],
  ['default', '{{default none "-"}} {{default name "-"}} {{default zero 7}}', '- Ada 0'],
  ['json and keys', '{{json flags}} {{keys flags}}', '{\n  "skip": false,\n  "dry-run": true\n} ["skip","dry-run"]'],
  ['helpers in helpers', '{{upper (default none name)}}', 'ADA'],
])('%s', (_, template, rendered) => {
  expect(templates.render(template, values)).toBe(rendered)
  expect(templates.problemOf(template)).toBeNull()
})

it.each([
  ...[
    '{{constructor}}',
    '{{constructor.constructor}}',
    '{{__proto__}}',
    '{{name.constructor.name}}',
    '{{list.filter}}',
  ],
  ...[
    '{{lookup name "constructor"}}',
    '{{default constructor ""}}',
    '{{toString}}',
    '{{list.map}}',
    '{{first_line __proto__}}',
  ],
  ...['{{this.constructor}}', '{{@root.constructor}}', '{{#with flags as |f|}}{{f.__proto__.toString}}{{/with}}'],
])('nothing of a prototype is read: %s', (template) => {
  expect(templates.render(template, values)).toBe('')
  expect(templates.valueOf(template, values)).toBe('')
})

it('nothing of a prototype is read by an expression, nor anything called', () => {
  expect(templates.render('{{constructor == null}} {{name.constructor != null}} {{list.map == null}}', values)).toBe(
    'true false true',
  )
  expect(() => parseExpression('name.toString()')).toThrow(NoExpression)
})

it('a template that is one path or expression alone has a value', () => {
  expect(templates.valueOf(' {{TEST.output}} ', values)).toEqual(values.TEST.output)
  expect(templates.valueOf('{{n + 1}}', values)).toBe(3)
  expect(templates.valueOf('{{none}}', values)).toBe('')
  expect(templates.valueOf('n: {{n}}', values)).toBe('n: 2')
  expect(templates.valueOf('{{upper name}}', values)).toBe('ADA')
})

test.each([
  ['{{#if a}}', 'Parse error'],
  ['{{> header}}', 'partial'],
  ['{{#*inline "a"}}x{{/inline}}', 'decorators'],
  ['{{* x}}', 'decorators'],
  ['{{shout name}}', "no helper 'shout'"],
  ['{{upper (shout name)}}', "no helper 'shout'"],
  ['{{name}'.repeat(2), 'Parse error'],
  ['{{a}}'.repeat(2001), 'more than 2000'],
])('a broken template is found before it is used: %s', (template, said) => {
  expect(templates.problemOf(template)).toContain(said)
  expect(() => templates.render(template, values)).toThrow()
})

it('a template is counted anew each time it is rendered', () => {
  const list = Array.from({ length: 60_000 }, (_, n) => n)
  for (let time = 0; time < 3; time++)
    expect(templates.render('{{#each list}}x{{/each}}', { list })).toHaveLength(60_000)
  expect(() => templates.render('{{#each list}}{{#each @root.list}}x{{/each}}{{/each}}', { list })).toThrow('go round')
})

it('a template of many open braces is read in time that grows with its length', () => {
  for (const hostile of [
    `{{a${' '.repeat(200_000)}`,
    '{'.repeat(200_000),
    '{{ ~ '.repeat(1_900),
    `{{#if ${'('.repeat(100_000)}}}`,
  ])
    expect(() => templates.render(hostile, values)).toThrow()
})

describe('expressions', () => {
  const resultOf = (source: string) => evaluate(parseExpression(source), [values])

  test.each<[string, unknown]>([
    ['1 + 2 * 3', 7],
    ['-n + 5', 3],
    ['n % 2 == 0 && !flags.skip', true],
    ['flags.dry-run', true],
    ['n >= 2', true],
    ['n < none', false],
    ['n > none', false],
    ['none == null', true],
    ['none != null', false],
    ['zero == false', false],
    ["name == 'Ada'", true],
    ['"10" > "9"', true],
    ['"b" > "a"', true],
    ['list == list', true],
    ['none || "x"', 'x'],
    ['{{n}} > 1 && ({{name}} == "Ada")', true],
  ])('%s', (source, expected) => {
    expect(resultOf(source)).toEqual(expected)
  })

  test.each([
    '',
    'a b',
    '1 +',
    '(1',
    'a = 1',
    'f(x)',
    'a;b',
    '`x`',
    '"open',
    `${'('.repeat(60)}1${')'.repeat(60)}`,
    `${'!'.repeat(100)}1`,
  ])('is none: %s', (source) => {
    expect(() => parseExpression(source)).toThrow(NoExpression)
  })

  it('agree with JavaScript on whole numbers', () => {
    const { tree } = fc.letrec<{ tree: string }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        fc.integer({ min: 0, max: 9 }).map(String),
        fc
          .tuple(tie('tree'), fc.constantFrom('+', '-', '*', '<', '<=', '>', '>='), tie('tree'))
          .map(([a, operator, b]) =>
            operator.length === 1 && '+-*'.includes(operator) ? `(${a} ${operator} ${b})` : `(0 + ${a}) * 1 - ${b}`,
          ),
      ),
    }))
    fc.assert(
      fc.property(tree, (source) => {
        expect(evaluate(parseExpression(source), [])).toBe(new Function(`return ${source}`)() as number)
      }),
    )
  })

  it('whatever is given, it is an expression or NoExpression', () => {
    fc.assert(
      fc.property(fc.string(), (source) => {
        try {
          evaluate(parseExpression(source), [values])
        } catch (error) {
          expect(error).toBeInstanceOf(NoExpression)
        }
      }),
    )
  })
})
