// biome-ignore-all lint/suspicious/noThenProperty: the language calls it so
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { BundleDocument, ContractDocument, Expression, PreDocument } from '../document.ts'
import { createEnvelope } from '../envelope/create.ts'
import { EdictumConfigError } from '../errors.ts'
import { globMatches } from '../match/glob.ts'
import { compilePolicy } from '../policy/compile.ts'
import { RedactionPolicy, redactArgs } from '../redact/policy.ts'
import type { Envelope } from '../types.ts'
import { dryRun } from './dry-run.ts'
import { decidePost } from './post.ts'
import { decidePre } from './pre.ts'

const COUNTERS = { attempts: 1, executions: 0, toolExecutions: 0 }

function documentOf(contracts: readonly ContractDocument[]): BundleDocument {
  return {
    kind: 'ContractBundle',
    name: 'p',
    description: null,
    metadata: {},
    defaultMode: 'enforce',
    observeAlongside: false,
    contracts,
    tools: new Map(),
    observability: null,
  }
}

/** The slow, obvious evaluator: the rules of the guide, read one after the other. */
function slow(expression: Expression, envelope: Envelope): boolean | 'error' {
  if ('all' in expression) {
    for (const child of expression.all) {
      const outcome = slow(child, envelope)
      if (outcome !== true) return outcome
    }
    return true
  }
  if ('any' in expression) {
    for (const child of expression.any) {
      const outcome = slow(child, envelope)
      if (outcome !== false) return outcome
    }
    return false
  }
  if ('not' in expression) {
    const outcome = slow(expression.not, envelope)
    return outcome === 'error' ? 'error' : !outcome
  }
  let value: unknown = envelope
  if (expression.selector === 'tool.name') value = envelope.toolName
  else if (expression.selector === 'principal.role') value = envelope.principal?.role
  else {
    value = envelope.args
    for (const key of expression.selector.split('.').slice(1)) {
      const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
      value =
        isObject && Object.getOwnPropertyNames(value).includes(key) ? (value as Record<string, unknown>)[key] : null
    }
  }
  value ??= null
  const { operator, value: argument } = expression
  if (operator === 'exists') return (value !== null) === argument
  if (value === null) return false
  switch (operator) {
    case 'equals':
      return same(value, argument)
    case 'not_equals':
      return !same(value, argument)
    case 'in':
      return (argument as unknown[]).some((item) => same(value, item))
    case 'not_in':
      return !(argument as unknown[]).some((item) => same(value, item))
    case 'gt':
    case 'lte': {
      if (typeof value !== 'number' && typeof value !== 'boolean') return 'error'
      return operator === 'gt' ? Number(value) > Number(argument) : Number(value) <= Number(argument)
    }
    default: {
      if (typeof value !== 'string') return 'error'
      const text = value
      if (operator === 'contains') return text.split(argument as string).length > 1 || argument === ''
      if (operator === 'contains_any') return (argument as string[]).some((item) => text.indexOf(item) !== -1)
      if (operator === 'starts_with') return text.slice(0, (argument as string).length) === argument
      return text.slice(Math.max(0, text.length - (argument as string).length)) === argument
    }
  }
}

function same(a: unknown, b: unknown): boolean {
  const number = (value: unknown) => (typeof value === 'boolean' ? Number(value) : value)
  if (typeof number(a) === 'number' && typeof number(b) === 'number') return number(a) === number(b)
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const [left, right] = [Object.entries(a), new Map(Object.entries(b))]
  return left.length === right.size && left.every(([key, value]) => right.has(key) && same(value, right.get(key)))
}

const word = fc.constantFrom('a', 'b', 'ab', '', 'x y', '__proto__', 'constructor', 'é')
const scalar = fc.oneof(word, fc.integer({ min: -1, max: 2 }), fc.boolean(), fc.constant(1.5), fc.constant(null))
const value = fc.letrec<{ v: unknown }>((tie) => ({
  v: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    fc.array(tie('v'), { maxLength: 2 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'constructor'), tie('v'), { maxKeys: 2 }),
  ),
})).v
const selector = fc.constantFrom(
  'args.a',
  'args.b',
  'args.a.b',
  'args.constructor',
  'args.__proto__',
  'tool.name',
  'principal.role',
)
const text = fc.constantFrom('a', 'b', 'ab', '', 'Tool')
const leaf: fc.Arbitrary<Expression> = fc.oneof(
  fc.record({ selector, operator: fc.constant('exists'), value: fc.boolean() }),
  fc.record({ selector, operator: fc.constantFrom('equals', 'not_equals'), value }),
  fc.record({
    selector,
    operator: fc.constantFrom('in', 'not_in'),
    value: fc.array(value, { minLength: 1, maxLength: 3 }),
  }),
  fc.record({ selector, operator: fc.constantFrom('contains', 'starts_with', 'ends_with'), value: text }),
  fc.record({ selector, operator: fc.constant('contains_any'), value: fc.array(text, { minLength: 1, maxLength: 3 }) }),
  fc.record({ selector, operator: fc.constantFrom('gt', 'lte'), value: fc.integer({ min: -1, max: 2 }) }),
)
const expression = fc.letrec<{ e: Expression }>((tie) => ({
  e: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.record({ all: fc.array(tie('e'), { minLength: 1, maxLength: 3 }) }),
    fc.record({ any: fc.array(tie('e'), { minLength: 1, maxLength: 3 }) }),
    fc.record({ not: tie('e') }),
  ),
})).e

const pre = (
  id: string,
  tool: string,
  when: Expression,
  effect: 'deny' | 'approve',
  mode: 'enforce' | 'observe',
): PreDocument => ({
  type: 'pre',
  id,
  enabled: true,
  mode,
  candidate: false,
  tool,
  when,
  then: { effect, message: id, tags: [], metadata: {}, timeout: 300, timeoutEffect: 'deny' },
})

describe('the compiled evaluator', () => {
  it('agrees with the slow one, contract by contract', () => {
    fc.assert(
      fc.property(
        expression,
        fc.dictionary(fc.constantFrom('a', 'b', 'constructor'), value, { maxKeys: 3 }),
        scalar,
        (when, args, role) => {
          const envelope = createEnvelope('Tool', args, { principal: typeof role === 'string' ? { role } : null })
          const decision = decidePre(
            compilePolicy(documentOf([pre('c', '*', when, 'deny', 'enforce')]), { version: '' }),
            envelope,
            COUNTERS,
          )
          const got = decision.policyError ? 'error' : decision.action === 'deny'
          expect(got).toBe(slow(when, envelope))
        },
      ),
      { numRuns: 2000 },
    )
  })

  it('agrees with a walk through the whole bundle on who decides, whatever the tools are called', () => {
    const tool = fc.constantFrom('*', 'Tool', 'To*', '*ol', 'T??l', 'Other', '[ST]ool', 'Ot*')
    const contract = fc.tuple(
      tool,
      expression,
      fc.constantFrom('deny' as const, 'approve' as const),
      fc.constantFrom('enforce' as const, 'observe' as const),
    )
    fc.assert(
      fc.property(
        fc.array(contract, { maxLength: 12 }),
        fc.dictionary(fc.constantFrom('a', 'b'), value, { maxKeys: 2 }),
        (parts, args) => {
          const contracts = parts.map(([name, when, effect, mode], i) => pre(`c${i}`, name, when, effect, mode))
          const envelope = createEnvelope('Tool', args)
          const firing = contracts.filter(
            (c) => globMatches(c.tool, 'Tool') && slow(c.when, envelope) !== false && c.mode === 'enforce',
          )
          const denier = firing.find((c) => c.then.effect === 'deny')
          const asker = firing.find((c) => c.then.effect === 'approve')
          const decision = decidePre(compilePolicy(documentOf(contracts), { version: '' }), envelope, COUNTERS)
          expect(decision.action).toBe(denier ? 'deny' : asker ? 'pending_approval' : 'allow')
          expect(decision.decisionName).toBe((denier ?? asker)?.id ?? null)
        },
      ),
      { numRuns: 1000 },
    )
  })
})

const hostile = fc.anything({
  withBigInt: true,
  withBoxedValues: true,
  withDate: true,
  withMap: true,
  withNullPrototype: true,
  withObjectString: true,
  withSet: true,
  withSparseArray: true,
  withTypedArray: true,
})
const traps = fc.constantFrom<() => unknown>(
  () => {
    const cycle: Record<string, unknown> = {}
    cycle.cycle = cycle
    return cycle
  },
  () =>
    new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error('trap')
        },
        get: () => {
          throw new Error('trap')
        },
      },
    ),
  () => ({
    get a() {
      throw new Error('getter')
    },
  }),
  () => ({
    toString: () => {
      throw new Error('toString')
    },
    toJSON: () => {
      throw new Error('toJSON')
    },
  }),
  () => '\ud800',
  () => 'x'.repeat(100_000),
  () => '\0',
  () => () => 1,
  () => Symbol('s'),
  () => JSON.parse('{"__proto__":{"a":1},"constructor":{"prototype":{}}}'),
)

describe('whatever the arguments', () => {
  const everything = compilePolicy(
    documentOf([
      pre(
        'a',
        '*',
        {
          any: [
            { selector: 'args.a', operator: 'contains', value: 'q' },
            { selector: 'args.a.b', operator: 'gt', value: 3 },
          ],
        },
        'deny',
        'observe',
      ),
      pre('b', '*', { not: { selector: 'args.a', operator: 'equals', value: [{ a: 1 }] } }, 'deny', 'observe'),
      pre('c', '*', { selector: 'args.path', operator: 'matches', value: '^(a+)+$' }, 'deny', 'observe'),
      {
        ...pre('d', '*', { selector: 'args.command', operator: 'exists', value: true }, 'deny', 'observe'),
        then: {
          effect: 'deny',
          message: '{args.a} {args.command}',
          tags: [],
          metadata: {},
          timeout: 1,
          timeoutEffect: 'deny',
        },
      },
      {
        type: 'sandbox',
        id: 's',
        enabled: true,
        mode: 'observe',
        candidate: false,
        tools: ['*'],
        within: ['/w'],
        notWithin: ['/w/x'],
        allowsCommands: ['ls'],
        allowsDomains: ['a.com'],
        notAllowsDomains: ['b.com'],
        outside: 'deny',
        message: '{args.path}',
        timeout: 1,
        timeoutEffect: 'deny',
      },
      {
        type: 'post',
        id: 'o',
        enabled: true,
        mode: null,
        candidate: false,
        tool: '*',
        when: {
          any: [
            { selector: 'output.text', operator: 'matches', value: 'a' },
            { selector: 'result.a.b', operator: 'gt', value: 1 },
          ],
        },
        then: { effect: 'redact', message: '{output.text}', tags: [], metadata: {} },
      },
    ]),
    { version: '' },
  )
  const anything = fc.oneof(
    hostile,
    traps.map((make) => make()),
    fc.string({ unit: 'binary' }),
  )
  const args = fc.dictionary(fc.constantFrom('a', 'path', 'command', 'url', '__proto__'), anything)

  /** Null where an argument can be no argument. */
  const envelopeOrNull = (tool: string, given: Record<string, unknown>) => {
    try {
      return createEnvelope(tool, given, { sideEffect: 'read' })
    } catch (error) {
      expect(error).toBeInstanceOf(EdictumConfigError)
      return null
    }
  }

  it('deciding never throws', () => {
    fc.assert(
      fc.property(args, anything, fc.constantFrom('Bash', 'Read', 'constructor', 'x y'), (given, response, tool) => {
        redactArgs(given)
        const envelope = envelopeOrNull(tool, given)
        decidePost(everything, envelope ?? createEnvelope(tool, {}, { sideEffect: 'read' }), response, true)
        if (envelope === null) return
        decidePre(everything, envelope, COUNTERS)
        dryRun(everything, { toolName: tool, args: given, output: response })
      }),
      { numRuns: 1500 },
    )
  })

  it('an envelope is made, or refused with a typed error', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), anything, (name, given) => {
        try {
          createEnvelope(name, given as Record<string, unknown>)
        } catch (error) {
          expect(error).toBeInstanceOf(EdictumConfigError)
        }
      }),
      { numRuns: 1000 },
    )
  })

  it('ten megabytes in one argument are judged', () => {
    const huge = 'a'.repeat(10_000_000)
    const envelope = createEnvelope('Bash', { command: `echo "${huge}"`, path: `/w/${huge}`, a: huge })
    expect(() => decidePre(everything, envelope, COUNTERS)).not.toThrow()
    expect((redactArgs(envelope.args) as { a: string }).a).toHaveLength(1000)
  })
})

describe('redaction', () => {
  it('lets no planted secret through, wherever it is planted', () => {
    const secret = `sk-${'S3cr3tS3cr3tS3cr3tS3cr3t'}`
    const key = fc.constantFrom('password', 'api-key', 'X-Auth-Token', 'accessToken', 'client_secret', 'MY_KEY')
    const plain = fc.constantFrom('a', 'note', 'list', 'max_tokens')
    const planted = fc.oneof(
      key.map((name) => ({ [name]: { deep: [secret] } })),
      plain.map((name) => ({ [name]: secret })),
      plain.map((name) => ({ [name]: `export MY_TOKEN=${secret}` })),
      plain.map((name) => ({ [name]: `mysql -p${secret} x` })),
      plain.map((name) => ({ [name]: `tool --password=${secret}` })),
      plain.map((name) => ({ [name]: `postgres://user:${secret}@host/db` })),
      plain.map((name) => ({ [name]: [secret, { b: secret }] })),
    )
    const nested = fc.letrec<{ n: unknown }>((tie) => ({
      n: fc.oneof(
        { depthSize: 'small' },
        planted,
        fc.array(tie('n'), { maxLength: 3 }),
        fc.dictionary(plain, tie('n'), { maxKeys: 3 }),
      ),
    })).n
    fc.assert(
      fc.property(nested, (given) => {
        expect(JSON.stringify(new RedactionPolicy().redactArgs(given))).not.toContain('S3cr3t')
      }),
      { numRuns: 1000 },
    )
  })
})
