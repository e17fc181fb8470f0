import { describe, expect, it } from 'vitest'
import { decidePost } from '../decide/post.ts'
import { createEnvelope } from '../envelope/create.ts'
import { loadPolicy } from '../policy/load.ts'
import { judgedText } from './text.ts'

const read = createEnvelope('read', {}, { sideEffect: 'read' })
const policy = (effect: string, when = `{matches: '(?:AK)IA[A-Z0-9]{16}'}`) =>
  loadPolicy(`apiVersion: edictum/v1
kind: ContractBundle
metadata: {name: test}
defaults: {mode: enforce}
contracts:
  - {id: keys, type: post, tool: "*", when: {output.text: ${when}}, then: {effect: ${effect}, message: keys}}`)

const redacting = policy('redact')
const key = `AK${'IA'}${'ABCDEFGH12345678'}`
const after = (response: unknown) => decidePost(redacting, read, response, true)

describe('what the caller gets is what is judged', () => {
  it.each<[string, object]>([
    ['a symbol', { [Symbol('hidden')]: key, n: 1 }],
    ['a property that JSON leaves out', Object.defineProperty({ n: 1 }, 'hidden', { value: key })],
    ['a prototype of its own', Object.create({ hidden: key })],
    ['what a list carries beside its items', Object.assign(['n'], { hidden: key })],
    ['what a pattern matched', `n ${key}`.match(/n/) as object],
  ])('nothing stays readable behind %s', (_, response) => {
    const { replacement } = after(response)
    const seen = replacement === null ? response : replacement.value
    const reachable: unknown[] = []
    for (let at: unknown = seen; typeof at === 'object' && at !== null; at = Object.getPrototypeOf(at))
      for (const name of Reflect.ownKeys(at)) reachable.push(Object.getOwnPropertyDescriptor(at, name)?.value)
    expect(reachable.some((value) => typeof value === 'string' && value.includes(key))).toBe(false)
  })

  it.each<[string, unknown, unknown]>([
    ['text', `a ${key} b`, 'a [REDACTED] b'],
    ['text behind ten thousand characters', `${'x'.repeat(20_000)}${key}`, `${'x'.repeat(20_000)}[REDACTED]`],
    ['a Buffer', Buffer.from(`a ${key}`), Buffer.from('a [REDACTED]')],
    ['bytes', new TextEncoder().encode(key), new TextEncoder().encode('[REDACTED]')],
    ['an object', { a: [key, 1, null], b: { c: 'x' } }, { a: ['[REDACTED]', 1, null], b: { c: 'x' } }],
    ['a Buffer in an object', { data: Buffer.from(key), n: 1 }, { data: Buffer.from('[REDACTED]'), n: 1 }],
    ['a map', new Map([['k', `x ${key}`]]), new Map([['k', 'x [REDACTED]']])],
    ['a set', new Set([key, 'b']), new Set(['[REDACTED]', 'b'])],
    ['a map in a list', [new Map([['k', [key]]])], [new Map([['k', ['[REDACTED]']]])]],
    ['an address', new URL(`https://a.test/?q=${key}`), 'https://a.test/?q=[REDACTED]'],
  ])('%s is redacted and keeps its shape', (_, response, expected) => {
    const decision = after(response)
    expect(decision.replacement?.value).toEqual(expected)
    expect(decision.outputSuppressed).toBe(false)
    expect(decision.redactedResponse).not.toContain(key)
  })

  it('an instance of a class without methods is read by its properties, and an error by its own', () => {
    class Page {
      content: string
      constructor(content: string) {
        this.content = content
      }
    }
    expect(after(new Page(key)).replacement?.value).toEqual({ content: '[REDACTED]' })
    expect(after(new Page('x')).replacement).toBeNull()
    expect(after(new Error(`failed with ${key}`)).redactedResponse).not.toContain(key)
  })

  it('what is found in names, in numbers or across texts makes the whole a redacted text', () => {
    expect(after({ [key]: 1 }).replacement?.value).toBe('{"[REDACTED]":1}')
    const digits = policy('redact', `{matches: '\\d{6}'}`)
    expect(decidePost(digits, read, { code: 123456 }, true).replacement?.value).toBe('{"code":[REDACTED]}')
    const across = policy('redact', `{matches: '"user":"[a-z]+","x":"[a-z]+"'}`)
    expect(decidePost(across, read, { user: 'ann', x: 'b' }, true).replacement?.value).toBe('{[REDACTED]}')
  })

  it('nothing found changes nothing: the caller gets the very object', () => {
    const response = { a: Buffer.from('x') }
    expect(after(response)).toMatchObject({ replacement: null, redactedResponse: null, postconditionsPassed: true })
  })

  it('the built-in patterns serve a contract without patterns, in objects too', () => {
    const contains = policy('redact', '{contains: AK}')
    expect(decidePost(contains, read, { env: `API_KEY=abc ${key}` }, true).replacement?.value).toEqual({
      env: 'API_KEY=[REDACTED] [REDACTED]',
    })
  })
})

describe('what cannot be judged', () => {
  class Sealed {
    #secret = key
    reveal() {
      return this.#secret
    }
  }
  class Sly {
    toJSON() {
      return 'fine'
    }
  }
  const unjudgeable: readonly [string, unknown][] = [
    ['a function', () => key],
    ['an object with a function', { get: () => key }],
    ['an instance with methods', new Sealed()],
    ['an instance with toJSON', new Sly()],
    ['an object with toJSON', { real: key, toJSON: () => 'fine' }],
    ['a getter', Object.defineProperty({}, 'a', { enumerable: true, get: () => key })],
    ['a Proxy', new Proxy({ a: key }, {})],
    ['a Response', new Response(key)],
    ['a stream', new Response(key).body],
    [
      'a generator',
      (function* () {
        yield key
      })(),
    ],
    ['a promise in an object', { later: Promise.resolve(key) }],
    ['a text beyond the limit', 'x'.repeat(1_048_577)],
  ]

  it.each(unjudgeable)('%s: redact and deny withhold it', (_, response) => {
    for (const effect of ['redact', 'deny']) {
      const decision = decidePost(policy(effect), read, response, true)
      expect(decision).toMatchObject({ policyError: true, outputSuppressed: true })
      expect(decision.replacement).toEqual({ value: '[OUTPUT SUPPRESSED] keys' })
    }
  })

  it.each(unjudgeable)('%s: warn warns', (_, response) => {
    const decision = decidePost(policy('warn'), read, response, true)
    expect(decision).toMatchObject({ policyError: true, outputSuppressed: false, replacement: null })
    expect(decision.warnings).toHaveLength(1)
  })

  it('a pattern that needs backtracking withholds what is beyond 10,000 characters', () => {
    const backtracking = policy('redact', `{matches: '(ab)\\1'}`)
    expect(decidePost(backtracking, read, `${'x'.repeat(9000)}abab`, true).redactedResponse).toMatch(/x\[REDACTED\]$/)
    expect(decidePost(backtracking, read, 'x'.repeat(10_001), true)).toMatchObject({ outputSuppressed: true })
  })

  it('a contract that does not look at the output passes', () => {
    const other = policy('redact').contracts.length
    expect(other).toBe(1)
    const byArgs = loadPolicy(`apiVersion: edictum/v1
kind: ContractBundle
metadata: {name: test}
defaults: {mode: enforce}
contracts:
  - {id: c, type: post, tool: "*", when: {args.a: {equals: b}}, then: {effect: deny, message: m}}`)
    expect(decidePost(byArgs, read, new Response('x'), true)).toMatchObject({ replacement: null, policyError: false })
  })
})

describe('the text of an output', () => {
  it.each<[unknown, string | null]>([
    ['a', 'a'],
    [null, null],
    [undefined, null],
    [5, '5'],
    [5n, '5'],
    [{ a: 5n }, '{"a":5}'],
    [[1, 'a'], '[1,"a"]'],
    [
      new Map<unknown, unknown>([
        ['a', 1],
        [2, 'b'],
      ]),
      '{"2":"b","a":1}',
    ],
    [new Set([1, 'a']), '[1,"a"]'],
    [{ at: new Date(0), to: new URL('https://a.test') }, '{"at":"1970-01-01T00:00:00.000Z","to":"https://a.test/"}'],
    [Buffer.from('é'), 'é'],
    [{ a: Buffer.from('é') }, '{"a":"é"}'],
  ])('%o is %j', (output, text) => {
    expect(judgedText(output)).toBe(text)
  })

  it('a cycle becomes a word', () => {
    const cycle: Record<string, unknown> = { a: 1 }
    cycle.self = cycle
    expect(judgedText(cycle)).toBe('{"a":1,"self":"[circular]"}')
  })
})
