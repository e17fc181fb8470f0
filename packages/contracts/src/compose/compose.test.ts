// biome-ignore-all lint/suspicious/noThenProperty: 'then' is a field of the language, and a keyword of JSON Schema
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EdictumConfigError } from '../errors.ts'
import { loadBundle } from '../load/index.ts'
import { parseYaml } from '../load/yaml/parse.ts'
import { plainValue } from '../load/yaml/value.ts'
import type { ContractType } from '../types.ts'
import { type AssemblyItem, assembleBundle, checkContract } from './assemble.ts'
import { emitYaml } from './emit.ts'
import { composeBundles, type Layer, policyVersion } from './layers.ts'

interface LayerText {
  mode?: string
  contracts: [id: string, message: string][]
  tools?: Record<string, string>
  alongside?: boolean
  name?: string
  description?: string
  observability?: unknown
}

function layer(
  source: string,
  { mode = 'enforce', contracts, tools = {}, alongside, name = 'b', description, observability }: LayerText,
): Layer {
  const document = {
    apiVersion: 'edictum/v1',
    kind: 'ContractBundle',
    metadata: { name, description },
    defaults: { mode },
    tools: Object.fromEntries(Object.entries(tools).map(([tool, side_effect]) => [tool, { side_effect }])),
    observe_alongside: alongside,
    observability,
    contracts: contracts.map(([id, message]) => ({
      id,
      type: 'pre',
      tool: '*',
      when: { 'args.x': { exists: true } },
      then: { effect: 'deny', message },
    })),
  }
  return { source, bundle: loadBundle(JSON.stringify(document)) }
}

const summary = (layers: Layer[]) =>
  composeBundles(layers).document.contracts.map((contract) => [
    contract.id,
    'then' in contract ? contract.then.message : '',
    contract.mode,
    contract.candidate,
  ])

describe('composition', () => {
  const base = layer('base.yaml', {
    contracts: [
      ['p1', 'base'],
      ['p2', 'base'],
    ],
    tools: { a: 'read', b: 'write' },
    description: 'd',
    observability: { stdout: true },
  })

  test('no bundle is an error, one is used as it is', () => {
    expect(() => composeBundles([])).toThrow(EdictumConfigError)
    const alone = layer('x', { contracts: [['p', 'm']], alongside: true })
    const composed = composeBundles([alone])
    expect(composed.document).toBe(alone.bundle.document)
    expect(composed.hash).toBe(alone.bundle.hash)
    expect(composed.report).toEqual({ overriddenContracts: [], observeContracts: [] })
  })

  test('a later contract replaces the earlier in its position, a new one is appended', () => {
    const team = layer('team.yaml', {
      contracts: [
        ['p2', 'team'],
        ['p3', 'team'],
      ],
    })
    const last = layer('last.yaml', { contracts: [['p2', 'last']] })
    expect(summary([base, team, last]).map(([id, message]) => [id, message])).toEqual([
      ['p1', 'base'],
      ['p2', 'last'],
      ['p3', 'team'],
    ])
    expect(composeBundles([base, team, last]).report.overriddenContracts).toEqual([
      { contractId: 'p2', overriddenBy: 'team.yaml', originalSource: 'base.yaml' },
      { contractId: 'p2', overriddenBy: 'last.yaml', originalSource: 'team.yaml' },
    ])
  })

  test('mode, tools, metadata and observability: the later wins, each in its own grain', () => {
    const team = layer('team', {
      contracts: [['p3', 't']],
      mode: 'observe',
      tools: { a: 'write', c: 'pure' },
      name: 'team',
      observability: { file: 'x' },
    })
    const { document } = composeBundles([base, team])
    expect(document.defaultMode).toBe('observe')
    expect([...document.tools].map(([name, tool]) => [name, tool.sideEffect])).toEqual([
      ['a', 'write'],
      ['b', 'write'],
      ['c', 'pure'],
    ])
    expect(document.metadata).toEqual({ name: 'team', description: 'd' })
    expect([document.name, document.description]).toEqual(['team', 'd'])
    expect(document.observability).toEqual({ file: 'x' })
    expect(composeBundles([base, layer('t', { contracts: [['q', 'm']] })]).document.observability).toEqual({
      stdout: true,
    })
  })

  test('an observe_alongside layer only adds candidates', () => {
    const next = layer('next', {
      contracts: [
        ['p1', 'next'],
        ['n', 'next'],
      ],
      alongside: true,
      mode: 'observe',
      tools: { a: 'pure' },
      observability: { file: 'x' },
    })
    const { document, report } = composeBundles([base, next])
    expect(summary([base, next])).toEqual([
      ['p1', 'base', null, false],
      ['p2', 'base', null, false],
      ['p1:candidate', 'next', 'observe', true],
      ['n:candidate', 'next', 'observe', true],
    ])
    expect(document.defaultMode).toBe('enforce')
    expect(document.observability).toEqual({ stdout: true })
    expect(document.tools.get('a')?.sideEffect).toBe('pure')
    expect(report.observeContracts).toEqual([
      { contractId: 'p1', enforcedSource: 'base.yaml', observedSource: 'next' },
      { contractId: 'n', enforcedSource: '', observedSource: 'next' },
    ])
  })

  test('the first layer is the base, whatever it says; candidates are replaced by nobody', () => {
    const first = layer('first', { contracts: [['p1', 'first']], alongside: true })
    const next = layer('next', { contracts: [['p1', 'next']], alongside: true })
    expect(summary([first, next, base]).map(([id, message]) => [id, message])).toEqual([
      ['p1', 'base'],
      ['p1:candidate', 'next'],
      ['p2', 'base'],
    ])
    expect(composeBundles([first, base]).document.observeAlongside).toBe(true)
  })

  test('the policy version of the published vectors', () => {
    const a = '37b128c59f1f5097f73f82691cb519f1f568667faab5ced1b4ab979d36837eae'
    const b = 'd4eed209fa44e2eb45f5dbe26726d1985cef0bc7b9a2c923a8d7e8003662234e'
    expect(policyVersion([a])).toBe(a)
    expect(policyVersion([a, b])).toBe('a3ca936c8af448becaee8f9eaaa498bc62eb9bb717eac44d7fce91fb97dc5f22')
  })

  test('standard layers compose associatively', () => {
    const ids = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1 })
    const any = fc.record({ ids, mode: fc.constantFrom('enforce', 'observe'), tool: fc.constantFrom('read', 'write') })
    fc.assert(
      fc.property(any, any, any, (...parts) => {
        const [x, y, z] = parts.map(({ ids, mode, tool }, i) =>
          layer(`${i}`, { contracts: ids.map((id) => [id, `${i}`]), mode, tools: { t: tool } }),
        ) as [Layer, Layer, Layer]
        const pair = (left: Layer, right: Layer): Layer => ({ source: 'pair', bundle: composeBundles([left, right]) })
        const once = composeBundles([x, y, z]).document
        expect(composeBundles([pair(x, y), z]).document).toEqual(once)
        expect(composeBundles([x, pair(y, z)]).document).toEqual(once)
      }),
      { numRuns: 100 },
    )
  })
})

/** Integers beyond 2^53 are read digit by digit; JSON knows only the nearest double. */
function asNumbers(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? Number(each) : each)))
}

describe('assembly of library contracts', () => {
  const item = (
    contractId: string,
    definition: Record<string, unknown>,
    more: Partial<AssemblyItem> = {},
  ): AssemblyItem => ({ contractId, type: 'pre' as ContractType, definition, ...more })
  const rest = { when: { 'args.x': { equals: 'on' } }, then: { message: 'No: "x"', effect: 'deny' } }
  const assemble = (items: AssemblyItem[]) => assembleBundle({ name: 'prod', defaultsMode: 'enforce', items })

  test('the text is exactly this', () => {
    expect(
      assembleBundle({
        name: 'prod',
        description: 'All of it',
        defaultsMode: 'observe',
        items: [item('a', { tools: ['read_file'], ...rest }, { mode: 'enforce' })],
        tools: { read_file: { side_effect: 'read' } },
        observability: { stdout: false },
      }),
    ).toBe(`apiVersion: edictum/v1
kind: ContractBundle
metadata:
  name: prod
  description: All of it
defaults:
  mode: observe
tools:
  read_file:
    side_effect: read
observability:
  stdout: false
contracts:
  - id: a
    type: pre
    mode: enforce
    tool: read_file
    when:
      args.x:
        equals: "on"
    then:
      effect: deny
      message: "No: \\"x\\""
`)
  })

  test('several tools become several contracts, with ids that nobody has', () => {
    const { document } = loadBundle(
      assemble([item('a', { tools: ['r', 'w', 'x*'], ...rest }), item('a-2', { tool: 'q', ...rest })]),
    )
    expect(document.contracts.map((contract) => [contract.id, 'tool' in contract && contract.tool])).toEqual([
      ['a', 'r'],
      ['a-3', 'w'],
      ['a-4', 'x*'],
      ['a-2', 'q'],
    ])
  })

  test('a sandbox keeps its tools; disabled items are left out; the mode of the item wins', () => {
    const sandbox = item(
      's',
      { tools: ['a', 'b'], within: ['/srv'], message: 'm', mode: 'observe' },
      { type: 'sandbox' },
    )
    const { document } = loadBundle(
      assemble([
        sandbox,
        item('off', { tool: 'x', ...rest }, { enabled: false }),
        { ...sandbox, contractId: 't', mode: 'enforce' },
      ]),
    )
    expect(document.contracts).toMatchObject([
      { id: 's', tools: ['a', 'b'], mode: 'observe' },
      { id: 't', mode: 'enforce' },
    ])
  })

  test('equal input gives equal bytes, whatever the order of keys', () => {
    const reversed = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(reversed)
      if (typeof value !== 'object' || value === null) return value
      return Object.fromEntries(
        Object.entries(value)
          .reverse()
          .map(([key, each]) => [key, reversed(each)]),
      )
    }
    const definition = { tools: ['r'], ...rest, enabled: true }
    expect(assemble([item('a', reversed(definition) as Record<string, unknown>)])).toBe(
      assemble([item('a', definition)]),
    )
  })

  test('a library contract is checked on its own, with paths from its definition', () => {
    expect(checkContract({ contractId: 'a', type: 'pre', definition: { tools: ['r', 'w'], ...rest } })).toEqual([])
    const issues = checkContract({
      contractId: 'a',
      type: 'pre',
      definition: { tools: ['r'], ...rest, when: { x: { matches: '(' } } },
    })
    expect(issues).toMatchObject([{ code: 'invalid_regex', path: 'when.x.matches' }])
  })

  test('what is emitted reads back as it was', () => {
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { maxDepth: 4 },
        fc.string({ unit: 'grapheme' }),
        fc.string({ unit: 'binary' }),
        fc.constantFrom('on', '017', '2024-01-01', '=', '<<', 'a: b', '- x', '#', ' x ', '1e3', 'null', ''),
        fc.integer(),
        fc.double({ noNaN: true }),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('any')),
        fc.dictionary(fc.string({ maxLength: 20 }), tie('any')),
      ),
    })).any
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'binary', maxLength: 20 }), value, { minKeys: 1 }), (object) => {
        expect(asNumbers(plainValue(parseYaml(emitYaml(object))))).toEqual(JSON.parse(JSON.stringify(object)))
      }),
      { numRuns: 1_000 },
    )
  })
})
