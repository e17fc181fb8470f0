import { existsSync, globSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { runConformance } from './run.ts'

const CASE = `
  - id: c1
    description: a case
    contract:
      apiVersion: edictum/v1
      kind: Ruleset
      metadata: {name: x}
      defaults: {mode: enforce}
      rules:
        - {id: p, type: pre, tool: T, when: {args.x: {equals: 1}}, then: {action: block, message: "no", tags: [t]}}
        - {id: ask, type: pre, tool: Ask, when: {tool.name: {exists: true}}, then: {action: ask, message: may I, timeout_action: allow}}
        - {id: o, type: post, tool: "*", when: {result.a: {equals: 1}}, then: {action: redact, message: red}}
        - {id: s, type: session, mode: observe, limits: {max_tool_calls: 2}, then: {action: block, message: s}}
`
const suite = (body: string) => `suite: own\nversion: 1\ndescription: d\nfixtures:${CASE}${body}`
const run = (body: string) => runConformance([{ path: 'own.fixtures.yaml', text: suite(body) }]).results

describe('the conformance runner', () => {
  it.each([
    ['envelope: {tool_name: T, arguments: {x: 1}}', 'verdict: denied, message_contains: "no", tags: [t]'],
    ['envelope: {tool_name: T, arguments: {x: 2}}', 'verdict: allowed'],
    ['envelope: {tool_name: T, arguments: {x: 2}}\n    result: {a: 1}', 'verdict: redacted, message_contains: red'],
    ['envelope: {tool_name: Ask}', 'verdict: allowed'],
    ['envelope: {tool_name: Ask}\n    approval_decision: rejected', 'verdict: denied, message_contains: may I'],
    ['envelope: {tool_name: Ask}\n    approval_pending: true', 'verdict: denied, message_contains: may I'],
    ['envelope: {tool_name: Ask}\n    timeout_expired: true', 'verdict: allowed'],
    ['envelope: {tool_name: T}\n    session: {tool_calls: 2}', 'verdict: allowed, audit_action: observed'],
    ['envelope: {tool_name: T}\n    session: {attempts: 500}', 'verdict: denied, message_contains: limit'],
    ['envelope: {tool_name: a/b}', 'verdict: allowed'],
  ])('%s → %s', (input, expected) => {
    expect(run(`    ${input}\n    expected: {${expected}}`)).toMatchObject([{ status: 'passed' }])
  })

  it.each([
    ['a wrong verdict', 'envelope: {tool_name: T, arguments: {x: 1}}\n    expected: {verdict: allowed}'],
    [
      'a wrong message',
      'envelope: {tool_name: T, arguments: {x: 1}}\n    expected: {verdict: denied, message_contains: yes!}',
    ],
    ['missing tags', 'envelope: {tool_name: T, arguments: {x: 1}}\n    expected: {verdict: denied, tags: [u]}'],
    ['nothing observed', 'envelope: {tool_name: T}\n    expected: {verdict: allowed, audit_action: observed}'],
    ['a missing expectation', 'envelope: {tool_name: T}'],
    ['an unknown expectation', 'envelope: {tool_name: T}\n    expected: {verdict: allowed, colour: red}'],
    ['an unknown key', 'envelope: {tool_name: T}\n    colour: red\n    expected: {verdict: allowed}'],
  ])('%s fails the case', (_, body) => {
    expect(run(`    ${body}`)).toMatchObject([{ status: 'failed', id: 'c1', file: 'own.fixtures.yaml' }])
  })

  it('no files, broken files and files without cases fail', () => {
    expect(runConformance([])).toMatchObject({ failed: 1, passed: 0 })
    expect(runConformance([{ path: 'x', text: 'a: [' }]).failed).toBe(1)
    expect(runConformance([{ path: 'x', text: 'suite: x\nfixtures: []' }]).failed).toBe(1)
  })

  it('rejection cases want a configuration error that names the field', () => {
    const text = `suite: r
fixtures:
  - {id: r1, description: d, bundle: {apiVersion: edictum/v1}, expected: {rejected: true, error_contains: KIND}}
  - {id: r2, description: d, bundle: {apiVersion: edictum/v1}, expected: {rejected: true, error_contains: zebra}}
  - {id: r3, description: d, bundle: {apiVersion: edictum/v1}, expected: {error_contains: kind}}`
    expect(runConformance([{ path: 'r', text }]).results.map(({ status }) => status)).toEqual([
      'passed',
      'failed',
      'failed',
    ])
  })

  it('a contract may be a name that extends another', () => {
    const text = `suite: e
rulesets:
  base: &base {apiVersion: edictum/v1, kind: Ruleset, metadata: {name: b}, defaults: {mode: enforce}, rules: [{id: p, type: pre, tool: T, when: {tool.name: {exists: true}}, then: {action: block, message: inherited}}]}
  child: {apiVersion: edictum/v1, kind: Ruleset, extends: base, metadata: {name: c}, defaults: {mode: enforce}}
  loop: {extends: loop}
fixtures:
  - {id: e1, description: d, contract: child, envelope: {tool_name: T}, expected: {verdict: denied, message_contains: inherited}}
  - {id: e2, description: d, contract: loop, envelope: {tool_name: T}, expected: {verdict: error}}`
    expect(runConformance([{ path: 'e', text }]).results.map(({ status }) => status)).toEqual(['passed', 'passed'])
  })
})

function filesBelow(directory: string) {
  return globSync(`${directory}/**/*.yaml`).map((path) => ({ path, text: readFileSync(path, 'utf8') }))
}

describe('the fixtures of this package', () => {
  it('are all met, at least 400 of them', () => {
    const report = runConformance(filesBelow(`${import.meta.dirname}/../../conformance`))
    expect(report.results.filter(({ status }) => status !== 'passed')).toEqual([])
    expect(report.passed).toBeGreaterThanOrEqual(400)
  })
})

const shared = process.env.LICTOR_CONFORMANCE_DIR

describe.skipIf(shared === undefined || !existsSync(shared))('the fixtures of LICTOR_CONFORMANCE_DIR', () => {
  it('are all met', () => {
    const { results } = runConformance(filesBelow(String(shared)))
    expect(results.filter(({ status }) => status === 'failed')).toEqual([])
  })
})
