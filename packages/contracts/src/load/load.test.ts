// biome-ignore-all lint/suspicious/noThenProperty: 'then' is a field of the language, and a keyword of JSON Schema
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MAX_BUNDLE_BYTES } from '../bounds.ts'
import { EdictumConfigError } from '../errors.ts'
import { checkBundle } from '../lint/check.ts'
import { loadBundle, loadDocument } from './index.ts'
import { parseYaml } from './yaml/parse.ts'
import { plainValue } from './yaml/value.ts'

type Json = Record<string, unknown>

const PRE: Json = {
  id: 'c1',
  type: 'pre',
  tool: '*',
  when: { 'args.x': { equals: 1 } },
  then: { effect: 'deny', message: 'no' },
}
const POST: Json = { ...PRE, type: 'post', then: { effect: 'warn', message: 'no' } }
const SESSION: Json = {
  id: 'c1',
  type: 'session',
  limits: { max_tool_calls: 5 },
  then: { effect: 'deny', message: 'no' },
}
const SANDBOX: Json = { id: 'c1', type: 'sandbox', tool: 'x', within: ['/srv'], message: 'no' }
const BUNDLE: Json = {
  apiVersion: 'edictum/v1',
  kind: 'ContractBundle',
  metadata: { name: 'b' },
  defaults: { mode: 'enforce' },
  contracts: [PRE],
}

const bundle = (changes: Json): Json => ({ ...BUNDLE, ...changes })
const withContract = (base: Json, changes: Json): Json => bundle({ contracts: [{ ...base, ...changes }] })
const withThen = (base: Json, changes: Json): Json =>
  withContract(base, { then: { ...(base.then as Json), ...changes } })
const withWhen = (when: unknown): Json => withContract(PRE, { when })
const without = (object: Json, key: string): Json =>
  Object.fromEntries(Object.entries(object).filter(([name]) => name !== key))
const nested = (levels: number): unknown => (levels === 1 ? { 'args.x': { equals: 1 } } : { not: nested(levels - 1) })

function issuesOf(value: unknown): { code: string; path: string; message: string; hint?: string }[] {
  const { bundle, issues } = checkBundle(JSON.stringify(value))
  expect(bundle === null).toBe(issues.length > 0)
  return [...issues]
}

describe('accepted', () => {
  const accepted: [string, unknown][] = [
    ['a minimal pre contract', BUNDLE],
    ['a minimal post contract', withContract(POST, {})],
    ['a minimal session contract', withContract(SESSION, {})],
    ['a minimal sandbox', withContract(SANDBOX, {})],
    ['a description', bundle({ metadata: { name: 'b', description: '' } })],
    ['a name of every allowed sign', bundle({ metadata: { name: '0a._-z' } })],
    ['a name of any length', bundle({ metadata: { name: 'a'.repeat(5000) } })],
    ['no tools', bundle({ tools: {} })],
    [
      'tools',
      bundle({ tools: { Read: { side_effect: 'read', idempotent: true }, constructor: { side_effect: 'pure' } } }),
    ],
    ['observe_alongside', bundle({ observe_alongside: true })],
    [
      'observability',
      bundle({
        observability: {
          otel: { enabled: true, protocol: 'http', resource_attributes: { a: 'b' } },
          stdout: false,
          file: null,
        },
      }),
    ],
    ['a disabled contract', withContract(PRE, { enabled: false })],
    ['a mode of its own', withContract(PRE, { mode: 'observe' })],
    ['a message of 500 characters', withThen(PRE, { message: '😀'.repeat(500) })],
    ['tags twice', withThen(PRE, { tags: ['a', 'a'] })],
    ['no tags', withThen(PRE, { tags: [] })],
    ['free metadata', withThen(PRE, { metadata: { a: [1, { b: null }], __proto__: 1 } })],
    ['a timeout on a denying contract', withThen(PRE, { timeout: 30, timeout_effect: 'allow' })],
    ['an integral float', withThen(PRE, { effect: 'approve', timeout: 30.0 })],
    ['each limit alone', withContract(SESSION, { limits: { max_attempts: 1 } })],
    ['limits per tool', withContract(SESSION, { limits: { max_calls_per_tool: { a: 1, __proto__x: 2 } } })],
    ['a sandbox over tools', withContract(without(SANDBOX, 'tool'), { tools: ['a', 'b*'] })],
    ['a sandbox with an empty allows', withContract(without(SANDBOX, 'within'), { allows: {} })],
    ['an empty not_within', withContract(SANDBOX, { not_within: [] })],
    [
      'not_allows with allows.domains',
      withContract(SANDBOX, { allows: { domains: ['a'] }, not_allows: { domains: ['b'] } }),
    ],
    ['an empty not_allows', withContract(SANDBOX, { allows: {}, not_allows: {} })],
    ['an unknown selector', withWhen({ 'whatever.x': { exists: true } })],
    ['the empty selector', withWhen({ '': { exists: true } })],
    [
      'equals of anything',
      withWhen({ all: [{ a: { equals: null } }, { a: { equals: [] } }, { a: { not_equals: { b: 1 } } }] }),
    ],
    [
      'empty needles',
      withWhen({ any: [{ a: { contains: '' } }, { a: { contains_any: [''] } }, { a: { starts_with: '' } }] }),
    ],
    ['50 levels of not', withWhen(nested(50))],
    ['output.text in a post contract', withContract(POST, { when: { 'output.text': { matches: 'a' } } })],
  ]
  test.each(accepted)('%s', (_, value) => {
    expect(issuesOf(value)).toEqual([])
    expect(() => loadDocument(value)).not.toThrow()
  })
})

describe('rejected, with the field named', () => {
  const rejected: [path: string, says: string, value: unknown][] = [
    ['apiVersion', "'edictum/v1'", bundle({ apiVersion: 'edictum/v2' })],
    ['kind', "'ContractBundle' or 'Ruleset'", bundle({ kind: 'Bundle' })],
    ...['apiVersion', 'kind', 'metadata', 'defaults', 'contracts'].map((key): [string, string, unknown] => [
      key,
      `'${key}' is required`,
      without(BUNDLE, key),
    ]),
    ['unknown_field', 'not a known field', bundle({ unknown_field: 1 })],
    ['extends', 'not a known field', bundle({ extends: 'x' })],
    ['limits', 'not a known field', bundle({ limits: {} })],
    ['metadata', 'must be a mapping', bundle({ metadata: 'x' })],
    ['metadata.name', 'is required', bundle({ metadata: {} })],
    ['metadata.name', 'must be text', bundle({ metadata: { name: 3 } })],
    ['metadata.name', 'small letters', bundle({ metadata: { name: 'Upper' } })],
    ['metadata.name', 'small letters', bundle({ metadata: { name: 'abc\n' } })],
    ['metadata.name', 'must not be empty', bundle({ metadata: { name: '' } })],
    ['metadata.owner', 'not a known field', bundle({ metadata: { name: 'b', owner: 'x' } })],
    ['defaults.mode', 'is required', bundle({ defaults: {} })],
    ['defaults.mode', "'enforce' or 'observe'", bundle({ defaults: { mode: 'permissive' } })],
    ['defaults.environment', 'not a known field', bundle({ defaults: { mode: 'enforce', environment: 'x' } })],
    ['contracts', 'at least 1 item', bundle({ contracts: [] })],
    ['contracts', 'must be a list', bundle({ contracts: {} })],
    ['contracts[0]', 'must be a mapping', bundle({ contracts: ['x'] })],
    ['tools', 'must be a mapping', bundle({ tools: null })],
    ['tools.x.side_effect', 'is required', bundle({ tools: { x: {} } })],
    ['tools.x.side_effect', "'pure' or 'read'", bundle({ tools: { x: { side_effect: 'none' } } })],
    ['tools.x.idempotent', 'true or false', bundle({ tools: { x: { side_effect: 'read', idempotent: 1 } } })],
    ['tools.x.cost', 'not a known field', bundle({ tools: { x: { side_effect: 'read', cost: 1 } } })],
    ['observability.otel.protocol', "'grpc' or 'http'", bundle({ observability: { otel: { protocol: 'tcp' } } })],
    ['observability.sink', 'not a known field', bundle({ observability: { sink: 1 } })],
    ['observe_alongside', 'true or false', bundle({ observe_alongside: 'yes' })],
    ['contracts[0].id', 'is required', bundle({ contracts: [without(PRE, 'id')] })],
    ['contracts[0].id', 'small letters', withContract(PRE, { id: 'a.b' })],
    ['contracts[0].id', 'must be text', withContract(PRE, { id: 1 })],
    ['contracts[0].type', 'is required', bundle({ contracts: [without(PRE, 'type')] })],
    ['contracts[0].type', "'pre' or 'post'", withContract(PRE, { type: 'before' })],
    ['contracts[0].enabled', 'true or false', withContract(PRE, { enabled: 'no' })],
    ['contracts[0].mode', "'enforce' or 'observe', but is null", withContract(PRE, { mode: null })],
    ['contracts[0].tool', 'is required', bundle({ contracts: [without(PRE, 'tool')] })],
    ['contracts[0].tool', 'must not be empty', withContract(PRE, { tool: '' })],
    ['contracts[0].tools', 'not a known field', withContract(PRE, { tools: ['a'] })],
    ['contracts[0].when', 'is required', bundle({ contracts: [without(PRE, 'when')] })],
    ['contracts[0].then', 'is required', bundle({ contracts: [without(PRE, 'then')] })],
    ['contracts[0].then.effect', "'deny' or 'approve'", withThen(PRE, { effect: 'warn' })],
    ['contracts[0].then.effect', "'warn' or 'redact' or 'deny'", withThen(POST, { effect: 'approve' })],
    ['contracts[0].then.effect', "must be 'deny'", withThen(SESSION, { effect: 'warn' })],
    ['contracts[0].then.message', 'must not be empty', withThen(PRE, { message: '' })],
    ['contracts[0].then.message', 'at most 500 characters, but has 501', withThen(PRE, { message: '😀'.repeat(501) })],
    ['contracts[0].then.tags', 'must be a list', withThen(PRE, { tags: null })],
    ['contracts[0].then.tags[0]', 'must not be empty', withThen(PRE, { tags: [''] })],
    ['contracts[0].then.metadata', 'must be a mapping', withThen(PRE, { metadata: [] })],
    ['contracts[0].then.timeout', 'at least 1', withThen(PRE, { timeout: 0 })],
    ['contracts[0].then.timeout', 'whole number', withThen(PRE, { timeout: 1.5 })],
    ['contracts[0].then.timeout', 'whole number', withThen(PRE, { timeout: true })],
    ['contracts[0].then.timeout_effect', "'deny' or 'allow'", withThen(PRE, { timeout_effect: 'approve' })],
    ['contracts[0].then.timeout', 'not a known field', withThen(POST, { timeout: 3 })],
    ['contracts[0].limits', 'is required', bundle({ contracts: [without(SESSION, 'limits')] })],
    ['contracts[0].limits', 'at least one of', withContract(SESSION, { limits: {} })],
    [
      'contracts[0].limits.max_calls',
      'not a known field',
      withContract(SESSION, { limits: { max_calls: 1, max_attempts: 1 } }),
    ],
    ['contracts[0].limits.max_tool_calls', 'at least 1', withContract(SESSION, { limits: { max_tool_calls: 0 } })],
    [
      'contracts[0].limits.max_calls_per_tool',
      'at least 1 entry',
      withContract(SESSION, { limits: { max_calls_per_tool: {} } }),
    ],
    [
      'contracts[0].limits.max_calls_per_tool.x',
      'at least 1',
      withContract(SESSION, { limits: { max_calls_per_tool: { x: 0 } } }),
    ],
    ['contracts[0].tool', 'not a known field', withContract(SESSION, { tool: 'x' })],
    ['contracts[0].when', 'not a known field', withContract(SESSION, { when: {} })],
    ['contracts[0]', "exactly one of 'tool' or 'tools'", withContract(SANDBOX, { tools: ['a'] })],
    ['contracts[0]', "exactly one of 'tool' or 'tools'", bundle({ contracts: [without(SANDBOX, 'tool')] })],
    ['contracts[0]', "at least one of 'within' or 'allows'", bundle({ contracts: [without(SANDBOX, 'within')] })],
    ['contracts[0].within', 'at least 1 item', withContract(SANDBOX, { within: [] })],
    ['contracts[0].within[0]', 'must not be empty', withContract(SANDBOX, { within: [''] })],
    ['contracts[0].allows.commands', 'at least 1 item', withContract(SANDBOX, { allows: { commands: [] } })],
    ['contracts[0].allows.paths', 'not a known field', withContract(SANDBOX, { allows: { paths: ['a'] } })],
    ['contracts[0].outside', "'deny' or 'approve'", withContract(SANDBOX, { outside: 'warn' })],
    ['contracts[0].message', 'is required', bundle({ contracts: [without(SANDBOX, 'message')] })],
    ['contracts[0].then', 'not a known field', withContract(SANDBOX, { then: {} })],
    ['contracts[0].when', 'a condition (a mapping)', withWhen('x')],
    ['contracts[0].when', 'is empty', withWhen({})],
    ['contracts[0].when', "exactly one key, but has 'a', 'b'", withWhen({ a: { exists: true }, b: { exists: true } })],
    [
      'contracts[0].when',
      "exactly one key, but has 'all', 'a'",
      withWhen({ all: [{ a: { exists: true } }], a: { exists: true } }),
    ],
    ['contracts[0].when.all', 'a list of conditions', withWhen({ all: {} })],
    ['contracts[0].when.all', 'at least 1 condition', withWhen({ all: [] })],
    ['contracts[0].when.any', 'at least 1 condition', withWhen({ any: [] })],
    ['contracts[0].when.not', 'a condition', withWhen({ not: [{ a: { exists: true } }] })],
    ['contracts[0].when["args.x"]', 'an operator with its argument', withWhen({ 'args.x': 1 })],
    ['contracts[0].when["args.x"]', 'exactly one operator', withWhen({ 'args.x': {} })],
    ['contracts[0].when["args.x"]', 'exactly one operator', withWhen({ 'args.x': { gt: 1, lt: 3 } })],
    ['contracts[0].when.a.exists', 'true or false', withWhen({ a: { exists: 1 } })],
    ['contracts[0].when.a.in', 'at least 1 item', withWhen({ a: { in: [] } })],
    ['contracts[0].when.a.not_in', 'must be a list', withWhen({ a: { not_in: 'x' } })],
    ['contracts[0].when.a.contains', 'must be text', withWhen({ a: { contains: 1 } })],
    ['contracts[0].when.a.contains_any', 'must be a list', withWhen({ a: { contains_any: 'x' } })],
    ['contracts[0].when.a.contains_any[1]', 'must be text', withWhen({ a: { contains_any: ['x', 1] } })],
    ['contracts[0].when.a.matches', 'must not be empty', withWhen({ a: { matches: '' } })],
    ['contracts[0].when.a.matches_any', 'at least 1 item', withWhen({ a: { matches_any: [] } })],
    ['contracts[0].when.a.gt', 'must be a number', withWhen({ a: { gt: '1' } })],
    ['contracts[0].when.a.lte', 'must be a number', withWhen({ a: { lte: true } })],
  ]
  test.each(rejected)('%s: %s', (path, says, value) => {
    const [first] = issuesOf(value)
    expect(first).toMatchObject({ code: 'schema', path })
    expect(first?.message).toMatch(/^Schema validation failed: /)
    expect(first?.message).toContain(says)
    expect(() => loadDocument(value)).toThrow(says)
  })

  test('51 levels of not', () => {
    expect(issuesOf(withWhen(nested(51)))[0]?.message).toContain('nested deeper than 50 levels')
  })
})

describe('the later steps', () => {
  test('6: ids are unique, disabled contracts count', () => {
    const [first] = issuesOf(bundle({ contracts: [PRE, { ...POST, enabled: false }] }))
    expect(first).toMatchObject({ code: 'duplicate_id', path: 'contracts[1].id' })
    expect(first?.message).toContain("Duplicate contract id 'c1'")
  })
  test('7: every pattern compiles, also of disabled contracts', () => {
    const [first] = issuesOf(withContract(PRE, { enabled: false, when: { not: { a: { matches_any: ['ok', '(a'] } } } }))
    expect(first).toMatchObject({ code: 'invalid_regex', path: 'contracts[0].when.not.a.matches_any[1]' })
    expect(first?.message).toBe(`Contract 'c1': invalid regex "(a": missing ), unterminated subpattern at position 0`)
  })
  test('8: no pre contract looks at output.text', () => {
    const [first] = issuesOf(withWhen({ any: [{ not: { 'output.text': { contains: 'x' } } }] }))
    expect(first).toMatchObject({ code: 'output_in_pre' })
    expect(first?.message).toContain("'c1'")
    expect(first?.message).toContain("'output.text'")
  })
  test.each([
    ['not_within', 'within', { within: undefined, allows: {}, not_within: ['/a'] }],
    ['not_allows', 'allows', { not_allows: {} }],
    ['not_allows.domains', 'allows.domains', { allows: {}, not_allows: { domains: ['a'] } }],
  ])('9: %s requires %s', (field, needs, changes) => {
    const [first] = issuesOf(withContract(SANDBOX, changes))
    expect(first).toMatchObject({ code: 'sandbox_dependency' })
    expect(first?.message).toBe(`Contract 'c1': '${field}' requires '${needs}'`)
  })
  test('10: operators are known, custom ones by their names; plain loading does not ask', () => {
    const value = withContract(PRE, { enabled: false, when: { a: { contain_any: ['x'] } } })
    const [first] = issuesOf(value)
    expect(first).toMatchObject({ code: 'unknown_operator', hint: "did you mean 'contains_any'?" })
    expect(first?.message).toBe("Contract 'c1': unknown operator 'contain_any'")
    expect(() => loadDocument(value, { operators: new Set(['contain_any']) })).not.toThrow()
    expect(() => loadDocument(value, { compileChecks: false })).not.toThrow()
  })
  test('all issues come at once, ordered by step', () => {
    const value = bundle({
      defaults: { mode: 'x' },
      contracts: [
        { ...PRE, when: { a: { nope: 1 } } },
        { ...PRE, when: { a: { matches: '(' } } },
        { ...PRE, tool: 3 },
      ],
    })
    expect(issuesOf(value).map(({ code }) => code)).toEqual([
      'schema',
      'schema',
      'duplicate_id',
      'duplicate_id',
      'invalid_regex',
      'unknown_operator',
    ])
  })
})

describe('the earlier steps', () => {
  test('1: 1,048,576 bytes are accepted, one more is not', () => {
    const text = JSON.stringify(BUNDLE)
    expect(() => loadBundle(text + ' '.repeat(MAX_BUNDLE_BYTES - text.length))).not.toThrow()
    const { issues } = checkBundle(text + ' '.repeat(MAX_BUNDLE_BYTES - text.length + 1))
    expect(issues[0]).toMatchObject({
      code: 'too_large',
      message: 'The bundle is too large: 1048577 bytes, the limit is 1048576',
    })
  })
  test('2: the hash is over the exact bytes', () => {
    const text = JSON.stringify(BUNDLE)
    const bytes = new TextEncoder().encode(text)
    expect(loadBundle(text).hash).toBe(loadBundle(bytes).hash)
    expect(loadBundle(`${text}\n`).hash).not.toBe(loadBundle(text).hash)
    expect(loadBundle(`\ufeff${text}`).hash).not.toBe(loadBundle(text).hash)
  })
  test('3: what is no YAML says where', () => {
    const { issues } = checkBundle('a: 1\nb: [c\n')
    expect(issues[0]).toMatchObject({ code: 'yaml_parse', line: 3, column: 1 })
    expect(issues[0]?.message).toMatch(/^YAML parse error: /)
  })
  test.each(['', '- a', 'text', '# nothing'])('4: a mapping is required, %j is none', (text) => {
    expect(checkBundle(text).issues[0]).toMatchObject({
      code: 'not_a_mapping',
      message: expect.stringContaining('mapping'),
    })
  })
})

describe('places and hints', () => {
  const text = `apiVersion: edictum/v1
kind: ContractBundle
metadata: {name: b}
defaults: {mode: enforc}
contracts:
  - id: c1
    type: pre
    tool: "*"
    when: {args.é😀: {equal: 1}}
    then: {effekt: deny, message: 12}
`
  test('line and column count characters from 1', () => {
    const places = checkBundle(text).issues.map(({ path, line, column, hint }) => [path, line, column, hint])
    expect(places).toEqual([
      ['defaults.mode', 4, 18, "did you mean 'enforce'?"],
      ['contracts[0].then.effekt', 10, 12, "did you mean 'effect'?"],
      ['contracts[0].then.effect', 10, 11, undefined],
      ['contracts[0].then.message', 10, 35, 'put it in quotes: "12"'],
      ['contracts[0].when["args.é😀"].equal', 9, 22, "did you mean 'equals'?"],
    ])
  })
  test('a word of the other vocabulary is explained', () => {
    expect(issuesOf(withThen(PRE, { effect: 'block' }))[0]?.hint).toBe(
      "a ContractBundle says 'deny'; 'block' belongs to kind: Ruleset",
    )
    expect(issuesOf(bundle({ contracts: undefined, kind: 'ContractBundle', rules: [PRE] }))[0]?.hint).toContain(
      "says 'contracts'",
    )
  })
  test('a key that YAML 1.1 does not read as text is explained', () => {
    const { issues } = checkBundle(text.replace('args.é😀: {equal: 1}', 'on: {exists: true}'))
    expect(issues.find(({ line }) => line === 9)).toMatchObject({ hint: 'put it in quotes: "on"' })
  })
})

describe('what a loaded document holds', () => {
  test('defaults are filled in, the text keeps its order', () => {
    const { document } = loadBundle(
      JSON.stringify(
        bundle({
          contracts: [PRE, { ...SESSION, id: 's' }, { ...SANDBOX, id: 'x' }],
          tools: { a: { side_effect: 'read' } },
        }),
      ),
    )
    expect(document.contracts).toEqual([
      {
        id: 'c1',
        enabled: true,
        mode: null,
        candidate: false,
        type: 'pre',
        tool: '*',
        when: { selector: 'args.x', operator: 'equals', value: 1 },
        then: { effect: 'deny', message: 'no', tags: [], metadata: {}, timeout: 300, timeoutEffect: 'deny' },
      },
      {
        id: 's',
        enabled: true,
        mode: null,
        candidate: false,
        type: 'session',
        limits: { maxToolCalls: 5, maxAttempts: null, maxCallsPerTool: new Map() },
        then: { effect: 'deny', message: 'no', tags: [], metadata: {} },
      },
      {
        id: 'x',
        enabled: true,
        mode: null,
        candidate: false,
        type: 'sandbox',
        tools: ['x'],
        within: ['/srv'],
        notWithin: [],
        allowsCommands: null,
        allowsDomains: null,
        notAllowsDomains: [],
        outside: 'deny',
        message: 'no',
        timeout: 300,
        timeoutEffect: 'deny',
      },
    ])
    expect(document.tools).toEqual(new Map([['a', { sideEffect: 'read', idempotent: false }]]))
    expect(document).toMatchObject({
      kind: 'ContractBundle',
      name: 'b',
      description: null,
      defaultMode: 'enforce',
      observeAlongside: false,
    })
  })
  test('it is frozen all through', () => {
    const frozen = (value: unknown): boolean => {
      if (typeof value !== 'object' || value === null || value instanceof Map) return true
      return Object.isFrozen(value) && Object.values(value).every(frozen)
    }
    expect(frozen(loadDocument(bundle({ observability: { otel: { enabled: true } } })))).toBe(true)
  })
  test('of duplicate keys the last counts, merge keys come in below', () => {
    const text = JSON.stringify(BUNDLE).replace('"tool":"*"', '"tool":"a","tool":"b"')
    expect(loadBundle(text).document.contracts[0]).toMatchObject({ tool: 'b' })
  })
})

describe('what a server cannot carry', () => {
  const long = 'x'.repeat(256)
  const text = (name: string, id: string, tool: string, timeout: number) => `apiVersion: edictum/v1
kind: ContractBundle
metadata: {name: ${name}}
defaults: {mode: enforce}
contracts:
  - id: ${id}
    type: pre
    tool: ${tool}
    when: {args.a: {equals: 1}}
    then: {effect: approve, message: m, timeout: ${timeout}}
`
  test.each([
    ['a name', text(long, 'a', 't', 1), 'metadata.name', 3],
    ['an id', text('b', long, 't', 1), 'contracts[0].id', 6],
    ['a tool', text('b', 'a', long, 1), 'contracts[0].tool', 8],
    ['a time', text('b', 'a', 't', 2_592_001), 'contracts[0].then.timeout', 10],
  ])('is refused when it is loaded for one, and fine elsewhere: %s', (_, source, path, line) => {
    expect(checkBundle(source, { forServer: true }).issues).toMatchObject([{ code: 'schema', path, line }])
    expect(checkBundle(source).issues).toEqual([])
  })

  test('the longest are carried', () => {
    const name = long.slice(1)
    expect(checkBundle(text(name, name, name, 2_592_000), { forServer: true }).issues).toEqual([])
  })
})

describe('both vocabularies', () => {
  const later = {
    apiVersion: 'edictum/v1',
    kind: 'Ruleset',
    metadata: { name: 'b' },
    defaults: { mode: 'enforce' },
    rules: [
      { ...PRE, then: { action: 'ask', message: 'no', timeout_action: 'block' } },
      { ...PRE, id: 'c2', then: { effect: 'deny', message: 'no', timeout_effect: 'block' } },
      { ...SANDBOX, id: 'c3', outside: 'approve' },
      { ...SANDBOX, id: 'c4', outside: 'block', timeout_effect: 'allow' },
    ],
  }
  test('a Ruleset means what its ContractBundle means', () => {
    const { kind, contracts } = loadDocument(later)
    expect(kind).toBe('Ruleset')
    expect(contracts.map((contract) => ('then' in contract ? contract.then.effect : contract.outside))).toEqual([
      'approve',
      'deny',
      'approve',
      'deny',
    ])
    expect(contracts[0]).toMatchObject({ then: { timeoutEffect: 'deny' } })
  })
  test('errors speak the words of the document', () => {
    const [first] = issuesOf({ ...later, rules: [{ ...PRE, then: { message: 'no' } }] })
    expect(first?.message).toBe("Schema validation failed: rule 'c1': 'then.action' is required")
    const [second] = issuesOf({ ...later, rules: [{ ...PRE, then: { action: 'warn', message: 'no' } }] })
    expect(second).toMatchObject({ path: 'rules[0].then.action', message: expect.stringContaining("'block' or 'ask'") })
  })
  test.each([
    ['contracts', { ...later, contracts: [PRE] }],
    ['effect', { ...later, rules: [{ ...PRE, then: { action: 'block', effect: 'deny', message: 'no' } }] }],
    ['timeout_effect', { ...later, rules: [{ ...SANDBOX, timeout_effect: 'deny', timeout_action: 'block' }] }],
  ])('%s in both spellings is refused', (field, value) => {
    const [first] = issuesOf(value)
    expect(first?.message).toContain(field)
    expect(first?.message).toContain('same field')
  })
  test('a ContractBundle is strict', () => {
    for (const value of [
      bundle({ contracts: undefined, rules: [PRE] }),
      withThen(without(PRE, 'x'), { effect: undefined, action: 'deny' }),
    ]) {
      expect(issuesOf(value).length).toBeGreaterThan(0)
    }
  })
})

// Present where the project's shared specification is; the cases above hold the same rules.
const folder = new URL('../../../../../shared/conformance/rejection/', import.meta.url)
const fixtureFiles = existsSync(folder) ? readdirSync(folder) : []
describe.skipIf(fixtureFiles.length === 0)('rejection fixtures', () => {
  for (const file of fixtureFiles) {
    const suite = plainValue(parseYaml(readFileSync(new URL(file, folder), 'utf8'))) as {
      fixtures: { id: string; bundle: unknown; expected: { rejected: boolean; error_contains: string } }[]
    }
    test.each(suite.fixtures)(`${file} $id`, ({ bundle: value, expected }) => {
      expect(expected.rejected).toBe(true)
      const [first] = issuesOf(value)
      expect(first?.message.toLowerCase()).toContain(expected.error_contains.toLowerCase())
    })
  }
})

describe('loading throws nothing but the configuration error', () => {
  const onlyConfigErrors = (load: () => unknown) => {
    try {
      load()
    } catch (error) {
      expect(error).toBeInstanceOf(EdictumConfigError)
    }
  }
  test('on any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => onlyConfigErrors(() => loadBundle(bytes))),
      { numRuns: 2_000 },
    )
  })
  test('on any text', () => {
    const piece = fc.constantFrom(
      'a',
      ': ',
      '- ',
      '\n',
      '  ',
      '[',
      ']',
      '{',
      '}',
      ',',
      '"',
      "'",
      '&a ',
      '*a',
      '!!str ',
      '|',
      '>',
      '#',
      '<<: *a',
      '---',
      '\t',
      '\ud800',
      '=',
      '017',
      '2024-01-01',
      '? ',
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.array(piece, { maxLength: 30 }).map((parts) => parts.join('')),
        ),
        (text) => {
          onlyConfigErrors(() => loadBundle(text))
          const { bundle: loaded, issues } = checkBundle(text)
          expect(loaded === null).toBe(issues.length > 0)
        },
      ),
      { numRuns: 3_000 },
    )
  })
  test('on a valid text with pieces taken out, put in and exchanged', () => {
    const text = JSON.stringify(withWhen({ all: [{ 'args.x': { matches: '^a+$' } }, { not: { b: { in: [1] } } }] }))
    fc.assert(
      fc.property(fc.nat(text.length), fc.nat(20), fc.string({ maxLength: 5 }), (at, length, inserted) => {
        onlyConfigErrors(() => loadBundle(text.slice(0, at) + inserted + text.slice(at + length)))
      }),
      { numRuns: 3_000 },
    )
  })
  test('on any value, also one that resists being read', () => {
    const cycle: Json = {}
    cycle.self = cycle
    const thrower = new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error('no')
        },
      },
    )
    for (const value of [
      null,
      1,
      'x',
      [],
      cycle,
      thrower,
      () => 1,
      Symbol('x'),
      { kind: Symbol('x') },
      new Map(),
      new Date(Number.NaN),
    ]) {
      expect(() => loadDocument(value)).toThrow(EdictumConfigError)
    }
    fc.assert(
      fc.property(fc.anything(), (value) => onlyConfigErrors(() => loadDocument(value))),
      { numRuns: 1_000 },
    )
  })
})
