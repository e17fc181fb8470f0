import { afterAll, describe, expect, test } from 'vitest'
import { ASK, bundle, createWorkbench, FILES, NO_RM, PII, WATCH } from './workbench.ts'

const bench = createWorkbench({ 'b.yaml': bundle([NO_RM, ASK, FILES, WATCH, PII]) })
afterAll(() => bench.close())

async function cases(text: string, ...more: string[]) {
  bench.write('cases.yaml', text)
  return bench.run('test', 'b.yaml', '--cases', 'cases.yaml', ...more)
}

describe('test --cases', () => {
  test('every case passes: exit 0', async () => {
    const ran = await cases(`cases:
  - {id: deletes, tool: bash, args: {command: rm x}, expect: DENY, match_contract: no-rm}
  - {tool: bash, args: {command: ls}, expect: allow}
  - {tool: deploy_api, expect: deny, match_contract: ask-deploy}
  - {tool: deploy_api, expect: approve}
  - {tool: deploy_api, environment: staging, expect: Allow}
  - {tool: cat, args: {path: secret}, expect: allow}
`)
    expect(ran.code).toBe(0)
    expect(ran.out.split('\n')).toEqual([
      'pass  deletes  bash: deny by no-rm',
      'pass  case-2  bash: allow',
      'pass  case-3  deploy_api: approve by ask-deploy',
      'pass  case-4  deploy_api: approve by ask-deploy',
      'pass  case-5  deploy_api: allow',
      'pass  case-6  cat: allow',
      '6/6 passed, 0 failed',
    ])
  })

  test('a failing case says what was expected and why it came otherwise', async () => {
    const ran = await cases(`cases:
  - {id: a, tool: bash, args: {command: rm x}, expect: allow}
  - {id: b, tool: bash, args: {command: ls}, expect: deny}
  - {id: c, tool: bash, args: {command: rm x}, expect: deny, match_contract: files}
  - {id: d, tool: bash, args: {command: rm x}, expect: approve}
`)
    expect(ran.code).toBe(1)
    expect(ran.out.split('\n')).toEqual([
      'FAIL  a  bash: expected allow, got deny by no-rm',
      '      No rm x',
      'FAIL  b  bash: expected deny, got allow',
      '      No contract stops the call.',
      'FAIL  c  bash: expected deny, got deny by no-rm',
      '      Expected contract files to decide.',
      'FAIL  d  bash: expected approve, got deny by no-rm',
      '      No rm x',
      '0/4 passed, 4 failed',
    ])
  })

  test('--environment is where cases run that name none; the principal is the case’s', async () => {
    const text = 'cases:\n  - {tool: deploy_api, expect: allow}\n'
    expect((await cases(text)).code).toBe(1)
    expect((await cases(text, '--environment', 'staging')).code).toBe(0)
  })

  test('--json', async () => {
    const ran = await cases('cases:\n  - {tool: bash, args: {command: rm x}, expect: deny}\n', '--json')
    expect(ran.json()).toEqual({
      results: [
        {
          id: 'case-1',
          tool: 'bash',
          passed: true,
          expected: 'deny',
          actual: 'deny',
          contract_id: 'no-rm',
          message: 'No rm x',
          problem: '',
        },
      ],
      total: 1,
      passed: 1,
      failed: 0,
    })
  })

  test.each([
    ['no list of cases', 'casess: []', 1],
    ['no YAML', 'cases: [', 1],
    ['no tool', 'cases: [{expect: allow}]', 2],
    ['no expectation', 'cases: [{tool: x}]', 2],
    ['another expectation', 'cases: [{tool: x, expect: maybe}]', 2],
    ['a key there is not', 'cases: [{tool: x, expect: allow, argz: {}}]', 2],
    ['a case that is no mapping', 'cases: [x]', 2],
    ['an empty list', 'cases: []', 1],
    ['a key given twice', 'cases: [{tool: x, expect: allow, args: {a: 1, a: 2}}]', 1],
    ['a contract that is no text', 'cases: [{tool: x, expect: deny, match_contract: [a]}]', 2],
    ['a principal with a key there is not', 'cases: [{tool: x, expect: allow, principal: {roles: sre}}]', 2],
    ['a principal that is no mapping', 'cases: [{tool: x, expect: allow, principal: sre}]', 2],
    ['a role that is no text', 'cases: [{tool: x, expect: allow, principal: {role: 1}}]', 2],
    ['claims that are no mapping', 'cases: [{tool: x, expect: allow, principal: {claims: [a]}}]', 2],
    ['an environment that is no text', 'cases: [{tool: x, expect: allow, environment: 1}]', 2],
  ])('%s', async (_, text, code) => {
    expect((await cases(text)).code).toBe(code)
  })
})

async function calls(text: string, ...more: string[]) {
  bench.write('calls.json', text)
  return bench.run('test', 'b.yaml', '--calls', 'calls.json', ...more)
}

describe('test --calls', () => {
  test('tells what every contract says of each call, post contracts for calls with output', async () => {
    const ran = await calls(
      '[{"tool":"bash","args":{"command":"rm x"}},{"tool":"cat","output":"ssn 123-45-6789"},{"tool":"cat"}]',
      '--json',
    )
    expect(ran.code).toBe(1)
    expect(ran.json()).toMatchObject([
      { verdict: 'deny', tool_name: 'bash', contracts_evaluated: 2, deny_reasons: ['No rm x'] },
      {
        verdict: 'warn',
        warn_reasons: ['personal data'],
        contracts: [{ contract_id: 'watch' }, { contract_id: 'pii' }],
      },
      { verdict: 'allow', contracts: [{ contract_id: 'watch', contract_type: 'precondition', passed: true }] },
    ])
  })

  test('a warning is no failure', async () => {
    const ran = await calls('[{"tool":"cat","output":"123-45-6789"}]')
    expect(ran.code).toBe(0)
    expect(ran.out).toMatch(/1 +cat +warn +2 +personal data/)
  })

  test('--environment is where calls run that name none', async () => {
    expect((await calls('[{"tool":"deploy_api"}]')).code).toBe(1)
    expect((await calls('[{"tool":"deploy_api"}]', '--environment', 'dev')).code).toBe(0)
    expect((await calls('[{"tool":"deploy_api","environment":"production"}]', '--environment', 'dev')).code).toBe(1)
  })

  test.each([
    ['no JSON', '['],
    ['no array', '{}'],
    ['a call without a tool', '[{"args":{}}]'],
    ['a tool name no call can have', '[{"tool":"a/b"}]'],
    ['a call that is no object', '["x"]'],
    ['arguments that are no object', '[{"tool":"x","args":[1]}]'],
    ['a key there is not', '[{"tool":"x","arguments":{}}]'],
    ['a key given twice', '[{"tool":"x","args":{"a":1,"a":2}}]'],
    ['a principal that is no object', '[{"tool":"x","principal":"sre"}]'],
  ])('%s: used wrongly', async (_, text) => {
    expect((await calls(text)).code).toBe(2)
  })

  test('an empty list fails: nothing was tested', async () => {
    expect(await calls('[]')).toMatchObject({ code: 1, err: expect.stringContaining('nothing was tested') })
  })

  test('exactly one of --cases and --calls', async () => {
    expect((await bench.run('test', 'b.yaml')).code).toBe(2)
    expect((await bench.run('test', 'b.yaml', '--cases', 'cases.yaml', '--calls', 'calls.json')).code).toBe(2)
  })
})
