import { expect, it } from 'vitest'
import { type PromptInput, renderPrompt } from './prompt.ts'

const prompt = (template: string | undefined, changes: Partial<PromptInput> = {}) =>
  renderPrompt({
    template,
    instruction: 'Sum the numbers.',
    intent: null,
    input: '1 2',
    context: '',
    overrides: {},
    ...changes,
  })

it('the default prompt is the instruction, the task where there is one, and the input', async () => {
  expect(await prompt(undefined)).toBe('Sum the numbers.\n\nUser: 1 2\nAgent:')
  expect(await prompt('', { intent: 'Quickly' })).toBe('Sum the numbers.\n\nTask: Quickly\n\nUser: 1 2\nAgent:')
})

it('an intent without an input is sent as it is', async () => {
  expect(await prompt('{{instruction}}', { input: null, intent: 'Say {{hello}}.' })).toBe('Say {{hello}}.')
})

it('every variable has its value; unknown ones are empty; nothing is escaped', async () => {
  const template =
    '{{instruction}}|{{intent}}|{{input}}|{{iteration_number}}|{{previous_error}}|{{context}}|{{tone}}|{{x.y}}|{{no}}'
  const values = { intent: '<b>', input: { a: '"&' }, context: "'c'", overrides: { tone: '{{dry}}', x: { y: 1 } } }
  expect(await prompt(template, values)).toBe(`Sum the numbers.|<b>|{"a":"\\"&"}|1||'c'|{{dry}}|1|`)
})

it.each([
  '{{constructor}}',
  '{{constructor.constructor}}',
  '{{__proto__}}',
  '{{input.constructor}}',
  '{{lookup tone "constructor"}}',
  '{{lookup (lookup this "constructor") "name"}}',
  '{{#with tone as |t|}}{{t.__proto__.toString}}{{/with}}',
  '{{toString}}',
])('nothing of a prototype is read: %s', async (template) => {
  expect(await prompt(template, { overrides: { tone: { dry: true } } })).toBe('')
})

it('a prototype that comes with the overrides is a value like others', async () => {
  const overrides = JSON.parse('{"__proto__":{"polluted":"yes"},"list":[1,2]}') as Record<string, unknown>
  expect(await prompt('{{polluted}}{{#each list}}{{this}},{{/each}}', { overrides })).toBe('1,2,')
  expect(({} as { polluted?: string }).polluted).toBeUndefined()
})

it.each([
  ['an open block', '{{#if intent}}', 'Parse error'],
  ['an unknown partial', '{{> header}}', 'partial'],
  ['partials that call each other', '{{#*inline "a"}}{{> a}}{{> a}}{{/inline}}{{> a}}', 'inline'],
  ['an unknown helper', '{{shout input}}', 'shout'],
])('a broken template is an error that says why: %s', async (_name, template, message) => {
  await expect(prompt(template)).rejects.toThrow(message)
})

it('loops in loops end, however many the template nests', async () => {
  const list = Array.from({ length: 1000 }, (_, index) => index)
  const nested = `${'{{#each @root.list}}'.repeat(6)}x${'{{/each}}'.repeat(6)}`
  await expect(prompt(nested, { overrides: { list } })).rejects.toThrow('its loops go round more than')
  const sections = `${'{{#@root.list}}'.repeat(6)}x${'{{/@root.list}}'.repeat(6)}`
  await expect(prompt(sections, { overrides: { list } })).rejects.toThrow('its loops go round more than')
  const long = 'x'.repeat(100_000)
  await expect(prompt('{{#each list}}{{@root.long}}{{/each}}', { overrides: { list, long } })).rejects.toThrow(
    'makes more',
  )
  await expect(prompt('{{long}}'.repeat(200), { overrides: { long } })).rejects.toThrow('makes more')
  await expect(prompt('{{long}}'.repeat(2001))).rejects.toThrow('more than 2000 expressions')
})
