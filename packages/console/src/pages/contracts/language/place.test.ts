import { describe, expect, test } from 'vitest'
import { ITEM, placeAt } from './place.ts'

/** The place of `¦` in a text. */
const at = (text: string) => {
  const place = placeAt(text.replace('¦', ''), text.indexOf('¦'))
  return (
    place && {
      path: place.path.map((step) => (step === ITEM ? '-' : step)).join(' '),
      what: place.what,
      written: place.written,
      beside: Object.fromEntries(place.beside.at(place.what === 'value' ? -2 : -1) ?? []),
    }
  )
}

describe('where in a bundle one writes', () => {
  test('a key of the document', () => {
    expect(at('kind: Ruleset\nmeta¦')).toEqual({
      path: '',
      what: 'key',
      written: 'meta',
      beside: { kind: 'Ruleset' },
    })
  })

  test('a key of an item, with what stands before it and after it, and nothing of its neighbours', () => {
    expect(
      at('contracts:\n  - id: a\n    type: post\n  - id: b\n    type: pre\n    to¦\n    mode: observe\n  - id: c\n'),
    ).toEqual({ path: 'contracts -', what: 'key', written: 'to', beside: { id: 'b', type: 'pre', mode: 'observe' } })
  })

  test('an item whose dash stands below its key', () => {
    expect(at('contracts:\n- id: a\n  type: pre\n  when:\n    ¦')).toEqual({
      path: 'contracts - when',
      what: 'key',
      written: '',
      beside: {},
    })
    expect(at('contracts:\n- ¦')).toMatchObject({ path: 'contracts -', what: 'key' })
  })

  test('a value, also one in quotes', () => {
    expect(at('contracts:\n  - type: p¦')).toMatchObject({ path: 'contracts - type', what: 'value', written: 'p' })
    expect(at('contracts:\n  - type: pre\n    tool: "read¦"')).toMatchObject({
      path: 'contracts - tool',
      what: 'value',
      written: 'read',
      beside: { type: 'pre' },
    })
  })

  test('in brackets, on one line and on several', () => {
    expect(at('contracts:\n  - type: pre\n    when: { args.path: { st¦ } }')).toMatchObject({
      path: 'contracts - when args.path',
      what: 'key',
      written: 'st',
    })
    expect(at('contracts:\n  - { id: a, type: post, then: { effect: ¦')).toMatchObject({
      path: 'contracts - then effect',
      what: 'value',
      written: '',
    })
    expect(at('contracts:\n  - type: sandbox\n    tools: [a,\n      b¦')).toMatchObject({
      path: 'contracts - tools -',
      what: 'key',
      written: 'b',
    })
    expect(at('contracts:\n  - { id: a, type: post, ¦ }')).toMatchObject({
      path: 'contracts -',
      what: 'key',
      beside: { id: 'a', type: 'post' },
    })
    expect(at('a: { b: c }\nd¦')).toMatchObject({ path: '', what: 'key', written: 'd' })
  })

  test('in a text of several lines it is the value of its key', () => {
    expect(at('then:\n  message: |\n    What {args.¦')).toMatchObject({ path: 'then message', what: 'value' })
    expect(at('then:\n  message: |\n    What\n  ef¦')).toMatchObject({ path: 'then', what: 'key', written: 'ef' })
  })

  test('in a list of conditions', () => {
    expect(at('when:\n  all:\n    - args.path: { equals: a }\n    - ¦')).toMatchObject({
      path: 'when all -',
      beside: {},
    })
    expect(at('when:\n  all:\n    - args.path:\n        ¦')).toMatchObject({ path: 'when all - args.path' })
  })

  test('in a comment nothing is written', () => {
    expect(at('kind: Ruleset # as ¦')).toBeNull()
    expect(at('# ¦')).toBeNull()
  })
})
