import { afterAll, describe, expect, test } from 'vitest'
import { ASK, bundle, createWorkbench, FILES, NO_RM, PII, WATCH } from './workbench.ts'

const bench = createWorkbench({
  'b.yaml': bundle([NO_RM, ASK, FILES, WATCH, PII]),
  'broken.yaml': bundle(['{id: x, type: pre}']),
  'env.yaml': bundle([
    '{id: only-ci, type: pre, tool: build, when: {not: {env.CI: {equals: true}}}, then: {effect: deny, message: CI only}}',
  ]),
})
afterAll(() => bench.close())

describe('check', () => {
  test.each([
    ['no contract names the tool', 'ls', '{}', [], 0, 'ALLOWED'],
    ['a condition that does not hold', 'bash', '{"command":"ls"}', [], 0, 'ALLOWED'],
    ['a pre contract that fires', 'bash', '{"command":"rm x"}', [], 1, 'DENIED by contract no-rm'],
    ['a glob names the tool', 'deploy_api', '{}', [], 1, 'NEEDS APPROVAL by contract ask-deploy'],
    ['another environment', 'deploy_api', '{}', ['--environment', 'staging'], 0, 'ALLOWED'],
    ['a path outside the sandbox', 'read_file', '{"path":"/etc/passwd"}', [], 1, 'DENIED by contract files'],
    ['a path that climbs out', 'read_file', '{"path":"/workspace/../etc/x"}', [], 1, 'DENIED by contract files'],
    ['an observing contract denies nothing', 'cat', '{"path":"/a/secret"}', [], 0, 'observed: watch would deny'],
  ])('%s', async (_, tool, args, more, code, text) => {
    const ran = await bench.run('check', 'b.yaml', '--tool', tool, '--args', args, ...more)
    expect(ran.code).toBe(code)
    expect(ran.out).toContain(text)
  })

  test('the denial tells message, tags and how many contracts were evaluated', async () => {
    const { out } = await bench.run('check', 'b.yaml', '--tool', 'bash', '--args', '{"command":"rm x"}')
    expect(out.split('\n')).toEqual([
      'DENIED by contract no-rm',
      '  No rm x',
      '  tags: destructive',
      '  1 contract evaluated',
    ])
  })

  test('--json and --output json say the same', async () => {
    const argv = ['check', 'b.yaml', '--tool', 'bash', '--args', '{"command":"rm x"}']
    const answer = {
      tool: 'bash',
      args: { command: 'rm x' },
      verdict: 'deny',
      reason: 'No rm x',
      contracts_evaluated: 1,
      environment: 'production',
      contract_id: 'no-rm',
      effect: 'deny',
      tags: ['destructive'],
    }
    for (const format of [['--json'], ['--output', 'json']])
      expect((await bench.run(...argv, ...format)).json()).toEqual(answer)
    expect((await bench.run('--json', ...argv)).json()).toEqual(answer)
  })

  test('an allowed call has no contract', async () => {
    const ran = await bench.run('check', 'b.yaml', '--tool', 'cat', '--args', '{"path":"secret"}', '--json')
    expect(ran.json()).toEqual({
      tool: 'cat',
      args: { path: 'secret' },
      verdict: 'allow',
      reason: null,
      contracts_evaluated: 1,
      environment: 'production',
      observed: [{ contract_id: 'watch', message: 'looks secret' }],
    })
  })

  test.each([
    ['9007199254740993', 1],
    ['9007199254740992', 0],
    ['9007199254740993.0', 1],
  ])('an integer beyond 2^53 is judged as it is written: %s', async (id, code) => {
    bench.write(
      'b53.yaml',
      bundle([
        '{id: acct, type: pre, tool: acct, when: {args.id: {equals: 9007199254740993}}, then: {effect: deny, message: m}}',
      ]),
    )
    const ran = await bench.run('check', 'b53.yaml', '--tool', 'acct', '--args', `{"id":${id}}`, '--json')
    expect(ran.code).toBe(code)
    expect((await bench.run('explain', 'b53.yaml', '--tool', 'acct', '--args', `{"id":${id}}`)).out).toContain(
      'equals 9007199254740993',
    )
  })

  test('keys may repeat in different objects, and inside of texts', async () => {
    const args = '{"a":{"a":1},"b":[{"a":1},{"a":"\\"a\\":"}],"c":"a"}'
    expect((await bench.run('check', 'b.yaml', '--tool', 'x', '--args', args)).code).toBe(0)
  })

  test('the principal is who the options say', async () => {
    bench.write(
      'who.yaml',
      bundle([
        '{id: sre-only, type: pre, tool: x, when: {any: [{principal.role: {not_equals: sre}}, {principal.user_id: {exists: false}}, {principal.ticket_ref: {exists: false}}]}, then: {effect: deny, message: never}}',
      ]),
    )
    const base = ['check', 'who.yaml', '--tool', 'x', '--args', '{}']
    const full = ['--principal-role', 'sre', '--principal-user', 'u', '--principal-ticket', 'T-1']
    expect((await bench.run(...base, ...full)).code).toBe(0)
    expect((await bench.run(...base, ...full.slice(0, 4))).code).toBe(1)
    expect((await bench.run(...base)).code).toBe(1)
  })

  test('conditions see the environment the command runs in', async () => {
    const inCi = createWorkbench({ 'env.yaml': bench.read('env.yaml') }, { CI: 'true' })
    expect((await bench.run('check', 'env.yaml', '--tool', 'build', '--args', '{}')).code).toBe(1)
    expect((await inCi.run('check', 'env.yaml', '--tool', 'build', '--args', '{}')).code).toBe(0)
    inCi.close()
  })

  test.each([
    ['arguments that are no JSON', ['--tool', 'x', '--args', '{'], '--args: not valid JSON'],
    ['a key given twice', ['--tool', 'x', '--args', '{"a":"ls","a":"rm"}'], 'the key "a" is given twice'],
    ['a key given twice alike, deep down', ['--tool', 'x', '--args', '{"b":[{"a":1,"\\u0061":1}]}'], 'is given twice'],
    ['arguments that are no object', ['--tool', 'x', '--args', '[1]'], '--args: a JSON object is needed'],
    ['a tool name no call can have', ['--tool', 'a/b', '--args', '{}'], 'tool name'],
    ['no tool', ['--args', '{}'], '--tool'],
    ['an unknown option', ['--tool', 'x', '--args', '{}', '--nope'], '--nope'],
  ])('%s: used wrongly', async (_, argv, text) => {
    const ran = await bench.run('check', 'b.yaml', ...argv)
    expect(ran.code).toBe(2)
    expect(ran.err).toContain(text)
    expect(ran.out).toBe('')
  })

  test('with --json, stdout tells in JSON that the command line is wrong', async () => {
    const ran = await bench.run('check', 'b.yaml', '--args', '{}', '--json')
    expect(ran.code).toBe(2)
    expect(ran.json()).toEqual({ error: expect.stringContaining("'--tool <name>'"), code: 'usage' })
  })

  test('no such file: used wrongly', async () => {
    const ran = await bench.run('check', 'gone.yaml', '--tool', 'x', '--args', '{}', '--json')
    expect(ran.code).toBe(2)
    expect(ran.json()).toEqual({ error: 'gone.yaml: there is no such file', code: 'file' })
  })

  test('a bundle that does not load: failed, with every issue and its place', async () => {
    const ran = await bench.run('check', 'broken.yaml', '--tool', 'x', '--args', '{}', '--json')
    expect(ran.code).toBe(1)
    expect(ran.json()).toMatchObject({ code: 'invalid_bundle', issues: [{ line: 6 }, { line: 6 }, { line: 6 }] })
  })

  test('--output takes only forms there are', async () => {
    const ran = await bench.run('check', 'b.yaml', '--tool', 'x', '--args', '{}', '--output', 'xml')
    expect(ran).toMatchObject({ code: 2, err: 'lictor: --output xml: allowed are table, json, yaml' })
  })
})

describe('explain', () => {
  test('tells each leaf and the value it saw', async () => {
    const { code, out } = await bench.run('explain', 'b.yaml', '--tool', 'bash', '--args', '{"command":"rm x"}')
    expect(code).toBe(0)
    expect(out.split('\n')).toEqual([
      'bash {"command":"rm x"} in production: denied by no-rm',
      '  No rm x',
      '',
      '✗ no-rm  pre, deny, enforce: fires',
      '    message  No rm x',
      '    true   args.command matches "\\\\brm\\\\b"  saw "rm x"',
      '',
      '✓ watch  pre, deny, observe: passes',
      '    false  args.path contains "secret"  saw nothing',
    ])
  })

  test('tells what a sandbox saw, and post contracts when the result is given', async () => {
    const argv = ['--tool', 'read_file', '--args', '{"path":"/workspace/a/../../b"}', '--result', 'ssn 123-45-6789']
    const text = await bench.run('explain', 'b.yaml', ...argv)
    expect(text.out).toContain('✗ path "/workspace/a/../../b" (read as /b)')
    expect(text.out).toContain('✗ pii  post, warn, enforce: fires')
    const json = (await bench.run('explain', 'b.yaml', ...argv, '--json')).json()
    expect(json).toMatchObject({
      decision: { action: 'deny', decision_source: 'yaml_sandbox', decision_name: 'files', policy_error: false },
      contracts: [
        { id: 'watch', fired: false },
        { id: 'files', fired: true, sandbox: { paths: [{ path: '/workspace/a/../../b', allowed: false }] } },
        { id: 'pii', fired: true },
      ],
    })
  })

  test('a value of the wrong type is told as the error it is', async () => {
    const { out } = await bench.run('explain', 'b.yaml', '--tool', 'bash', '--args', '{"command":1}')
    expect(out).toContain('no-rm  pre, deny, enforce: fires, because it cannot be judged')
    expect(out).toContain('error  args.command matches')
  })
})

describe('what came before in the session', () => {
  bench.write(
    'after.yaml',
    bundle([
      '{id: web, type: post, tool: fetch, then: {effect: label, label: untrusted}}',
      '{id: no-mail, type: pre, tool: send_mail, after: {labels: [untrusted], tools: [read_inbox]}, then: {effect: deny, message: Not now}}',
    ]),
  )

  test.each([
    ['nothing', [], 0, 'ALLOWED'],
    ['a label', ['--after-label', 'untrusted'], 1, 'DENIED by contract no-mail'],
    ['a tool', ['--after-tool', 'x', 'read_inbox'], 1, 'DENIED by contract no-mail'],
    ['something else', ['--after-label', 'read_inbox', '--after-tool', 'untrusted'], 0, 'ALLOWED'],
  ])('check goes on after %s', async (_, more, code, text) => {
    const ran = await bench.run('check', 'after.yaml', '--tool', 'send_mail', '--args', '{}', ...more)
    expect([ran.code, ran.out]).toEqual([code, expect.stringContaining(text)])
  })

  test('explain tells what was asked and seen, and which label an output leaves', async () => {
    const asked = await bench.run(
      'explain',
      'after.yaml',
      '--tool',
      'send_mail',
      '--args',
      '{}',
      '--after-tool',
      'read_inbox',
    )
    expect(asked.out).toContain('after label untrusted, tool read_inbox  saw tool read_inbox')
    const fetched = await bench.run('explain', 'after.yaml', '--tool', 'fetch', '--args', '{}', '--result', 'page')
    expect(fetched.out).toContain('labels the session untrusted')
  })

  test('cases and calls may say it, and a slip in it is refused', async () => {
    bench.write(
      'after.cases.yaml',
      'cases:\n  - {tool: send_mail, expect: allow}\n  - {tool: send_mail, after: {labels: [untrusted]}, expect: deny, match_contract: no-mail}\n',
    )
    expect((await bench.run('test', 'after.yaml', '--cases', 'after.cases.yaml')).code).toBe(0)
    bench.write(
      'after.calls.json',
      '[{"tool": "send_mail", "after": {"tools": ["read_inbox"]}}, {"tool": "fetch", "output": "x"}]',
    )
    const calls = await bench.run('test', 'after.yaml', '--calls', 'after.calls.json', '--json')
    expect(calls.json()).toMatchObject([{ verdict: 'deny' }, { verdict: 'allow', labels: ['untrusted'] }])
    bench.write('slip.yaml', 'cases:\n  - {tool: send_mail, after: {label: [untrusted]}, expect: deny}\n')
    const slip = await bench.run('test', 'after.yaml', '--cases', 'slip.yaml')
    expect([slip.code, slip.err]).toEqual([2, expect.stringContaining("'after.label' is unknown")])
  })

  test('replay judges by what the log tells of it, and says where it tells nothing', async () => {
    const call = { tool_name: 'send_mail', tool_args: {}, action: 'call_allowed' }
    const replay = async (event: object) => {
      bench.write('after.jsonl', JSON.stringify(event))
      return bench.run('replay', 'after.yaml', '--audit-log', 'after.jsonl', '--json')
    }
    expect((await replay(call)).json()).toMatchObject({
      events: 0,
      unjudged: [{ line: 1, reason: 'the log does not tell what came before in its session' }],
    })
    const told = await replay({ ...call, past: { labels: ['untrusted'], tools: [] } })
    expect(told.json()).toMatchObject({ events: 1, changed: 1, unjudged: [] })
    expect((await replay({ ...call, tool_name: 'fetch' })).json()).toMatchObject({ events: 1, changed: 0 })
  })

  test('diff finds what only happens after something', async () => {
    bench.write(
      'before.yaml',
      bundle(['{id: m, type: pre, tool: mail, after: {tools: [a, b]}, then: {effect: deny, message: x}}']),
    )
    bench.write(
      'later.yaml',
      bundle(['{id: m, type: pre, tool: mail, after: {tools: [a]}, then: {effect: deny, message: x}}']),
    )
    const ran = await bench.run('diff', 'before.yaml', 'later.yaml', '--json')
    expect(ran.json()).toMatchObject({ changed: ['m'], effects: [{ id: 'm', change: 'loosened' }] })
  })
})
