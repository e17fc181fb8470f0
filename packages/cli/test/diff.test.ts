import { afterAll, describe, expect, test } from 'vitest'
import { ASK, bundle, createWorkbench, FILES, LIMITS, NO_RM, PII } from './workbench.ts'

const bench = createWorkbench()
afterAll(() => bench.close())

interface Judgement {
  readonly verdict: string
  readonly contract_id: string | null
}

interface Answer {
  readonly added: { id: string; type: string }[]
  readonly removed: { id: string; type: string }[]
  readonly changed: string[]
  readonly unchanged: string[]
  readonly has_changes: boolean
  readonly effects: {
    id: string
    change: string
    examples: { call: { tool: string; args: object }; before: Judgement; after: Judgement }[]
  }[]
}

async function diff(before: string, after: string) {
  bench.write('before.yaml', before)
  bench.write('after.yaml', after)
  const ran = await bench.run('diff', 'before.yaml', 'after.yaml', '--json')
  return { code: ran.code, answer: ran.json() as Answer }
}

describe('diff of two bundles', () => {
  test('the same contracts: exit 0', async () => {
    const { code, answer } = await diff(bundle([NO_RM, ASK]), `# a comment\n${bundle([ASK, NO_RM])}`)
    expect(code).toBe(0)
    expect(answer).toMatchObject({ added: [], removed: [], changed: [], unchanged: ['ask-deploy', 'no-rm'] })
    expect(answer.has_changes).toBe(false)
  })

  test('added, removed, changed, unchanged: exit 1', async () => {
    const { code, answer } = await diff(
      bundle([NO_RM, ASK, PII]),
      bundle([NO_RM, PII.replace('warn', 'redact'), FILES]),
    )
    expect(code).toBe(1)
    expect(answer).toMatchObject({
      added: [{ id: 'files', type: 'sandbox' }],
      removed: [{ id: 'ask-deploy', type: 'pre' }],
      changed: ['pii'],
      unchanged: ['no-rm'],
      has_changes: true,
    })
  })

  const swap = (contract: string, from: string, to: string): [string, string] => [contract, contract.replace(from, to)]
  const range = (operator: string, limit: number) =>
    `{id: c, type: pre, tool: pay, when: {args.amount: {${operator}: ${limit}}}, then: {effect: deny, message: m}}`
  const roles = (list: string) =>
    `{id: c, type: pre, tool: pay, when: {all: [{environment: {equals: production}}, {principal.role: {not_in: [${list}]}}]}, then: {effect: deny, message: m}}`

  test.each<[string, [string, string], string, string, string]>([
    ['a narrower pattern', swap(NO_RM, '\\brm\\b', '\\brm -rf\\b'), 'loosened', 'deny', 'allow'],
    ['a wider pattern', swap(NO_RM, '\\brm\\b', '\\brm\\b|\\bdd\\b'), 'tightened', 'allow', 'deny'],
    ['ask instead of deny', swap(NO_RM, 'deny', 'approve'), 'loosened', 'deny', 'approve'],
    ['deny instead of ask', swap(ASK, 'approve', 'deny'), 'tightened', 'approve', 'deny'],
    ['a higher bound', [range('gt', 100), range('gt', 200)], 'loosened', 'deny', 'allow'],
    ['a lower bound', [range('gte', 100), range('gte', 50)], 'tightened', 'allow', 'deny'],
    ['one more role may', [roles('sre'), roles('sre, admin')], 'loosened', 'deny', 'allow'],
    ['one role fewer may', [roles('sre, admin'), roles('sre')], 'tightened', 'allow', 'deny'],
    [
      'one more environment',
      swap(ASK, '{equals: production}', '{in: [production, staging]}'),
      'tightened',
      'allow',
      'approve',
    ],
    ['fewer tools', swap(ASK, 'deploy_*', 'deploy_api'), 'loosened', 'approve', 'allow'],
    ['observe only', swap(NO_RM, 'type: pre', 'type: pre, mode: observe'), 'loosened', 'deny', 'allow'],
    ['switched off', swap(NO_RM, 'type: pre', 'type: pre, enabled: false'), 'loosened', 'deny', 'allow'],
    ['one more folder', swap(FILES, '[/workspace]', '[/workspace, /tmp/x]'), 'loosened', 'deny', 'allow'],
    [
      'a folder taken out',
      swap(FILES, 'message', 'not_within: [/workspace/.git], message'),
      'tightened',
      'allow',
      'deny',
    ],
    ['a post effect', swap(PII, 'effect: warn', 'effect: redact'), 'tightened', 'warn', 'redact'],
    ['a higher limit', swap(LIMITS, 'max_tool_calls: 5', 'max_tool_calls: 9'), 'loosened', 'deny', 'allow'],
    ['a lower limit for one tool', swap(LIMITS, 'deploy_api: 1', 'deploy_web: 1'), 'other', 'allow', 'deny'],
  ])('%s', async (_, [before, after], change, was, is) => {
    const { code, answer } = await diff(bundle([before]), bundle([after]))
    expect(code).toBe(1)
    const [effect] = answer.effects
    expect(effect).toMatchObject({ change })
    expect(effect?.examples[0]).toMatchObject({ before: { verdict: was }, after: { verdict: is } })
  })

  test('another message decides nothing otherwise', async () => {
    const { code, answer } = await diff(bundle([NO_RM]), bundle([NO_RM.replace('No {', 'Never {')]))
    expect(code).toBe(1)
    expect(answer).toMatchObject({ changed: ['no-rm'], effects: [{ change: 'other', examples: [] }] })
  })

  test('stricter for some calls and laxer for others', async () => {
    const { answer } = await diff(bundle([range('gt', 100)]), bundle([range('lt', 100)]))
    expect(answer.effects[0]?.change).toBe('other')
    expect(answer.effects[0]?.examples).toHaveLength(2)
  })

  test('a new default mode changes every contract that names none', async () => {
    const { answer } = await diff(bundle([NO_RM, ASK]), bundle([NO_RM, ASK], 'observe'))
    expect(answer.changed).toEqual(['no-rm', 'ask-deploy'])
    expect(answer.effects.map(({ change }) => change)).toEqual(['loosened', 'loosened'])
  })

  test('a tool that is classified otherwise is a change', async () => {
    const { code, answer } = await diff(bundle([PII]), bundle([PII], 'enforce', 'tools: {cat: {side_effect: read}}\n'))
    expect(code).toBe(1)
    expect(answer).toMatchObject({ tools_changed: ['cat'], has_changes: true, unchanged: ['pii'] })
  })

  test('for people: what, how, and a call that shows it', async () => {
    bench.write('before.yaml', bundle([NO_RM, ASK]))
    bench.write('after.yaml', bundle([NO_RM.replace('\\brm\\b', 'rm -r'), FILES]))
    const { out } = await bench.run('diff', 'before.yaml', 'after.yaml')
    expect(out.split('\n')).toEqual([
      '~ no-rm  pre, changed: loosened',
      '    bash {"command":"rm"}: deny (no-rm), now allow',
      '+ files  sandbox, added: tightened',
      '    read_file {"path":"/elsewhere/file"}: allow, now deny (files)',
      '- ask-deploy  pre, removed: loosened',
      '    deploy_x {}: approve (ask-deploy), now allow',
      '',
      '1 added, 1 removed, 1 changed, 0 unchanged',
      '',
      'Composed from left to right:',
      '  no-rm: after.yaml replaces the one of before.yaml',
    ])
  })

  test('the two vocabularies are compared as one language', async () => {
    bench.write('before.yaml', bundle([NO_RM, ASK]))
    bench.write('after.yaml', `${(await bench.run('convert', 'before.yaml', '--to', 'Ruleset')).out}\n`)
    expect(await bench.run('diff', 'before.yaml', 'after.yaml')).toMatchObject({ code: 0 })
  })
})

describe('diff of three bundles and more', () => {
  test('tells only what composing overrides', async () => {
    bench.write('1.yaml', bundle([NO_RM]))
    bench.write('2.yaml', bundle([ASK]))
    bench.write('3.yaml', bundle([NO_RM]))
    expect((await bench.run('diff', '1.yaml', '2.yaml', '3.yaml', '--json')).json()).toEqual({
      has_changes: true,
      composition: {
        overrides: [{ contract_id: 'no-rm', overridden_by: '3.yaml', original_source: '1.yaml' }],
        observe_contracts: [],
      },
    })
    bench.write('4.yaml', bundle([FILES]))
    expect(await bench.run('diff', '1.yaml', '2.yaml', '4.yaml')).toMatchObject({
      code: 0,
      out: 'Composing the files overrides nothing.',
    })
  })
})

test('fewer than two files: used wrongly; a bundle that does not load: failed', async () => {
  bench.write('ok.yaml', bundle([NO_RM]))
  bench.write('bad.yaml', 'x: 1\n')
  expect((await bench.run('diff', 'ok.yaml')).code).toBe(2)
  expect((await bench.run('diff', 'ok.yaml', 'bad.yaml')).code).toBe(1)
})
