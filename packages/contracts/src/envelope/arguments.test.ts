import { describe, expect, it } from 'vitest'
import { decidePre } from '../decide/pre.ts'
import { EdictumConfigError } from '../errors.ts'
import { loadPolicy } from '../policy/load.ts'
import type { ToolArguments } from '../types.ts'
import { createEnvelope } from './create.ts'
import { ToolRegistry } from './registry.ts'

const args = (value: Record<string, unknown>) => createEnvelope('tool', value).args
const declaring = (described: ToolArguments) => new ToolRegistry([['tool', { arguments: described }]])
const COUNTERS = { attempts: 1, executions: 0, toolExecutions: 0 }

describe('values that can be seen whole are copied and judged', () => {
  it.each<[string, unknown]>([
    ['text', 'a'],
    ['a number', 1.5],
    ['a boolean', false],
    ['null', null],
    ['nothing', undefined],
    ['a big integer', 9007199254740993n],
    ['an object', { a: [1, { b: 2 }] }],
    ['a list', [1, 'a', null]],
    ['a date', new Date(0)],
    ['a map', new Map<unknown, unknown>([['a', { b: 1 }]])],
    ['a set', new Set<unknown>([1, 'a'])],
    ['a Buffer', Buffer.from('hi')],
    ['bytes', new Uint8Array([1, 2])],
    ['numbers in a row', new Float64Array([1.5, 2])],
    ['a buffer', new ArrayBuffer(2)],
    ['a view', new DataView(new ArrayBuffer(4), 1, 2)],
    ['an address', new URL('https://a.test/x?y=1')],
    ['an object without prototype', Object.assign(Object.create(null), { a: 1 })],
  ])('%s', (_, value) => {
    const copy = args({ value }).value
    expect(copy).toEqual(
      typeof value === 'object' && value !== null && !Object.getPrototypeOf(value) ? { a: 1 } : value,
    )
    if (typeof value === 'object' && value !== null) expect(copy).not.toBe(value)
  })

  it('a Buffer stays one, with memory of its own', () => {
    const original = Buffer.from('hi')
    const copy = args({ original }).original as Buffer
    original[0] = 0
    expect(Buffer.isBuffer(copy)).toBe(true)
    expect(copy.toString()).toBe('hi')
  })

  it('what was judged cannot be changed: objects, lists, dates, maps, sets, addresses', () => {
    const copy = args({
      list: [1],
      date: new Date(0),
      map: new Map([[1, 2]]),
      set: new Set([1]),
      url: new URL('https://a.test/?q=1'),
    }) as { list: number[]; date: Date; map: Map<number, number>; set: Set<number>; url: URL }
    expect(() => copy.list.push(2)).toThrow(TypeError)
    expect(() => copy.date.setTime(5)).toThrow('cannot be changed')
    expect(() => copy.map.set(3, 4)).toThrow('cannot be changed')
    expect(() => copy.set.clear()).toThrow('cannot be changed')
    expect(() => {
      copy.url.href = 'https://b.test/'
    }).toThrow(TypeError)
    expect(() => copy.url.searchParams.set('q', '2')).toThrow('cannot be changed')
    expect(copy.url.href).toBe('https://a.test/?q=1')
    expect(copy.map.get(1)).toBe(2)
  })

  it('a subclass is read by what it holds, not by what it says', () => {
    class Sly extends URL {
      override toJSON() {
        return 'https://good.test/'
      }
    }
    Object.defineProperty(Sly.prototype, 'href', { get: () => 'https://good.test/' })
    expect((args({ url: new Sly('https://evil.test/') }).url as URL).href).toBe('https://evil.test/')
  })

  it('one object in two places, and a cycle, stay that', () => {
    const shared = { a: 1 }
    const copy = args({ one: shared, two: shared })
    expect(copy.one).toBe(copy.two)
  })
})

describe('anything else makes the call throw, with the name of the argument', () => {
  class Point {
    x = 1
  }
  const { proxy: revoked, revoke } = Proxy.revocable({}, {})
  revoke()
  it.each<[string, unknown, string]>([
    ['a function', () => 1, 'a function'],
    ['a class', Point, 'a function'],
    ['an instance', new Point(), 'an instance of Point'],
    ['an AbortSignal', new AbortController().signal, 'an instance of AbortSignal'],
    ['a stream', new ReadableStream(), 'an instance of ReadableStream'],
    ['a promise', Promise.resolve(), 'an instance of Promise'],
    ['an error', new Error('x'), 'an instance of Error'],
    ['a regular expression', /x/, 'an instance of RegExp'],
    ['a boxed text', new String('x'), 'an instance of String'],
    ['a symbol', Symbol('x'), 'a symbol'],
    ['a Proxy', new Proxy({ a: 1 }, {}), 'a Proxy'],
    ['a revoked Proxy', revoked, 'a Proxy'],
    ['a Proxy of a list', new Proxy([1], {}), 'a Proxy'],
    ['a generator', (function* () {})(), 'which no contract can judge'],
    ['an heir of an object', Object.create({ path: '/etc' }), 'which no contract can judge'],
  ])('%s', (_, value, what) => {
    const create = () => createEnvelope('tool', { deep: [{ value }] })
    expect(create).toThrow(EdictumConfigError)
    expect(create).toThrow("The argument 'deep[0].value' of tool 'tool' is ")
    expect(create).toThrow(what)
    expect(create).toThrow("arguments: { passThrough: ['deep.value'] }")
  })

  it('a getter, also one that answers the same each time', () => {
    expect(() =>
      createEnvelope('tool', {
        get path() {
          return '/tmp/x'
        },
      }),
    ).toThrow("The argument 'path' of tool 'tool' is a getter")
  })

  it('toJSON, which tells JSON something else', () => {
    expect(() => createEnvelope('tool', { path: { real: '/etc', toJSON: () => '/tmp' } })).toThrow("'path.toJSON'")
  })

  it('a symbol for a name', () => {
    expect(() => createEnvelope('tool', { [Symbol('x')]: 1 })).toThrow('has a symbol for a name')
  })

  it.each([[['/etc']], ['/etc'], [5], [new Point()], [new Proxy({}, {})], [new Map()]])(
    'arguments that are no object: %o',
    (value) => {
      expect(() => createEnvelope('tool', value as never)).toThrow('they must be a plain object')
    },
  )

  it('endless nesting', () => {
    let deep: unknown = 'end'
    for (let i = 0; i < 100_000; i++) deep = { deep }
    expect(() => createEnvelope('tool', { deep })).toThrow('lies deeper than 1000 levels')
  })
})

describe('an argument that the record declares pass-through', () => {
  const { signal } = new AbortController()
  const registry = declaring({ passThrough: ['signal', 'options.onData'] })
  const call = () =>
    createEnvelope('tool', { signal, options: { onData: decidePre, path: 'a' }, path: 'b' }, { registry })

  it('is handed on as it is', () => {
    const envelope = call()
    expect(envelope.args.signal).toBe(signal)
    expect(envelope.args.options).toEqual({ onData: decidePre, path: 'a' })
    expect(envelope.passedThrough).toEqual(new Set([signal, decidePre]))
  })

  it('no other argument of the tool is', () => {
    expect(() => createEnvelope('tool', { other: signal }, { registry })).toThrow("The argument 'other'")
  })

  const policy = (contract: string) =>
    loadPolicy(`apiVersion: edictum/v1
kind: ContractBundle
metadata: {name: test}
defaults: {mode: enforce}
contracts:
  - {id: c, tool: "*", ${contract}}`)

  it.each([
    'args.signal: {exists: true}',
    'args.signal: {exists: false}',
    'args.signal.aborted: {equals: true}',
    'args.options.onData: {equals: x}',
  ])('a contract that selects it cannot be judged, and fires: %s', (when) => {
    const decision = decidePre(policy(`type: pre, when: {${when}}, then: {effect: deny, message: m}`), call(), COUNTERS)
    expect(decision).toMatchObject({ action: 'deny', policyError: true })
  })

  it('a contract about other arguments is judged as ever', () => {
    const other = policy('type: pre, when: {args.path: {equals: b}}, then: {effect: deny, message: m}')
    expect(decidePre(other, call(), COUNTERS)).toMatchObject({ action: 'deny', policyError: false })
    const none = policy('type: pre, when: {args.options.path: {equals: b}}, then: {effect: deny, message: m}')
    expect(decidePre(none, call(), COUNTERS).action).toBe('allow')
  })

  it('no sandbox contract can judge a call with one', () => {
    const sandbox = policy('type: sandbox, within: [/], message: m')
    expect(decidePre(sandbox, call(), COUNTERS)).toMatchObject({ action: 'deny', policyError: true })
  })
})

describe('what a contract sees', () => {
  const denies = (when: string, value: unknown) =>
    decidePre(
      loadPolicy(`apiVersion: edictum/v1
kind: ContractBundle
metadata: {name: test}
defaults: {mode: enforce}
contracts:
  - {id: c, type: pre, tool: "*", when: {${when}}, then: {effect: deny, message: m}}`),
      createEnvelope('tool', { value }),
      COUNTERS,
    )

  it.each<[string, unknown]>([
    ['args.value: {contains: /etc}', Buffer.from('/etc/passwd')],
    ['args.value: {contains: /etc}', new TextEncoder().encode('/etc/passwd').buffer],
    ['args.value: {contains: /etc}', new URL('file:///etc/passwd')],
    ['args.value: {starts_with: "https://evil.test"}', new URL('HTTPS://EVIL.test')],
    ['args.value: {starts_with: "1970-"}', new Date(0)],
    ['args.value.path: {contains: /etc}', new Map([['path', '/etc/x']])],
    ['args.value.a.path: {contains: /etc}', { a: new Map([['path', Buffer.from('/etc/x')]]) }],
    ['args.value: {gt: 9007199254740992}', 9007199254740993n],
    ['args.value: {in: [[1, 2]]}', new Set([1, 2])],
  ])('%s holds for what is in it', (when, value) => {
    expect(denies(when, value)).toMatchObject({ action: 'deny', policyError: false })
  })
})
