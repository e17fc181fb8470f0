import { afterAll, describe, expect, test } from 'vitest'
import { ASK, bundle, createWorkbench, NO_RM } from './workbench.ts'

const bench = createWorkbench({ 'b.yaml': bundle([NO_RM, ASK]) })
afterAll(() => bench.close())

const RM = { tool_name: 'bash', tool_args: { command: 'rm x' } }
const LS = { tool_name: 'bash', tool_args: { command: 'ls' } }
const DEPLOY = { tool_name: 'deploy_api', tool_args: {} }

async function replay(lines: readonly (object | string)[], ...more: string[]) {
  bench.write('log.jsonl', lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'))
  return bench.run('replay', 'b.yaml', '--audit-log', 'log.jsonl', ...more)
}

describe('replay', () => {
  test.each<[string, object[], number]>([
    ['still denied', [{ ...RM, action: 'call_denied' }], 0],
    ['still allowed', [{ ...LS, action: 'call_allowed' }], 0],
    ['an executed call is an allowed one', [{ ...LS, action: 'call_executed' }], 0],
    ['now denied', [{ ...RM, action: 'call_allowed' }], 1],
    ['now denied, and it had run', [{ ...RM, action: 'call_executed' }], 1],
    ['no longer denied', [{ ...LS, action: 'call_denied' }], 1],
    ['the later words', [{ ...RM, action: 'call_blocked' }], 0],
    ['still asked', [{ ...DEPLOY, action: 'call_approval_requested' }], 0],
    ['no longer asked', [{ ...LS, action: 'call_approval_requested' }], 1],
    ['asked in staging, not here', [{ ...DEPLOY, environment: 'staging', action: 'call_approval_granted' }], 1],
    [
      'a call that ran because a human approved it',
      ['call_approval_requested', 'call_approval_granted', 'call_executed'].map((action) => ({
        ...DEPLOY,
        action,
        call_id: 'c1',
      })),
      0,
    ],
    [
      'a denial that an observing guard let pass',
      [
        { ...RM, call_id: 'c2', action: 'call_would_deny', mode: 'observe', decision_source: 'yaml_precondition' },
        { ...RM, call_id: 'c2', action: 'call_executed', mode: 'observe' },
      ],
      0,
    ],
    [
      'what observing contracts and candidates said is no decision',
      [
        { ...LS, call_id: 'c3', action: 'call_would_deny', mode: 'observe', decision_source: 'precondition' },
        { ...LS, call_id: 'c3', action: 'call_allowed' },
        {
          ...LS,
          call_id: 'c3',
          action: 'call_would_deny',
          mode: 'observe',
          decision_source: 'yaml_precondition',
          decision_name: 'x:candidate',
        },
      ],
      0,
    ],
  ])('%s', async (_, events, changed) => {
    const ran = await replay(events)
    expect(ran.code).toBe(Math.min(changed, 1))
    expect(ran.out).toContain(`${changed} would change`)
  })

  test('the report has one line for each event', async () => {
    const ran = await replay(
      [
        { ...RM, action: 'call_allowed' },
        { ...LS, action: 'call_allowed' },
      ],
      '--output',
      'out',
    )
    expect(ran.code).toBe(1)
    expect(ran.out).toContain('Replayed 2 events, 1 would change')
    const lines = bench.read('out').trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      {
        tool_name: 'bash',
        tool_args: { command: 'rm x' },
        environment: 'production',
        original_action: 'call_allowed',
        new_verdict: 'denied',
        changed: true,
        denied_by: 'no-rm',
        message: 'No rm x',
      },
      {
        tool_name: 'bash',
        tool_args: { command: 'ls' },
        environment: 'production',
        original_action: 'call_allowed',
        new_verdict: 'allowed',
        changed: false,
      },
    ])
  })

  test.each<[string, object | string, string]>([
    ['no JSON', '{', 'not valid JSON'],
    ['no object', '[1]', 'no JSON object'],
    ['no tool', { action: 'call_allowed' }, "no 'tool_name'"],
    ['no action', { ...LS, verdict: 'call_allowed' }, "no 'action'"],
    ['no arguments', { tool_name: 'bash', action: 'call_executed' }, 'the arguments are missing'],
    [
      'arguments that are no object',
      { tool_name: 'bash', tool_args: 'ls', action: 'call_allowed' },
      'arguments are missing',
    ],
    ['a word that tells nothing', { ...LS, action: 'call_cancelled' }, "'call_cancelled' does not tell"],
    [
      'a key given twice',
      '{"tool_name":"bash","tool_args":{"command":"ls","command":"rm x"},"action":"call_allowed"}',
      'the key "command" is given twice',
    ],
    ['hidden arguments', { ...LS, tool_args: { a: [{ b: 'x [REDACTED]' }] }, action: 'call_allowed' }, 'were redacted'],
    [
      'a hidden principal',
      { ...LS, principal: { claims: { key: '[REDACTED]' } }, action: 'call_allowed' },
      'its principal',
    ],
    ['cut arguments', { ...LS, tool_args: { a: `${'x'.repeat(997)}...` }, action: 'call_allowed' }, 'were cut'],
    ['unreadable arguments', { ...LS, tool_args: { a: '[unreadable]' }, action: 'call_allowed' }, 'were cut'],
    [
      'arguments that were left out',
      { ...LS, _truncated: true, tool_args: { _redacted: 'payload exceeded 32KB' }, action: 'call_allowed' },
      'too large',
    ],
  ])('a line with %s fails, with its reason', async (_, line, reason) => {
    const ran = await replay([{ ...LS, action: 'call_allowed' }, '', line])
    expect(ran.code).toBe(1)
    expect(ran.out).toBe('Replayed 1 events, 0 would change\n1 line could not be judged')
    expect(ran.err).toMatch(/^log\.jsonl:3: error: /)
    expect(ran.err).toContain(reason)
  })

  test('a short text that ends in dots is whole', async () => {
    expect((await replay([{ ...LS, tool_args: { command: 'ls...' }, action: 'call_allowed' }])).code).toBe(0)
  })

  test.each([
    ['an empty log', []],
    ['blank lines', ['', '  ', '']],
    [
      'a log in which only observing contracts speak',
      [{ ...LS, action: 'call_would_deny', mode: 'observe', decision_source: 'precondition' }],
    ],
  ])('%s fails: nothing was replayed', async (_, lines) => {
    const ran = await replay(lines)
    expect(ran.code).toBe(1)
    expect(ran.err).toContain('log.jsonl: there is no call in this log')
  })

  test('bytes that are no text are refused', async () => {
    bench.write('log.jsonl', Uint8Array.of(0x7b, 0xff, 0x7d))
    const ran = await bench.run('replay', 'b.yaml', '--audit-log', 'log.jsonl')
    expect([ran.code, ran.err]).toEqual([2, expect.stringContaining('not valid UTF-8')])
  })

  test('an integer beyond 2^53 is the one in the log', async () => {
    bench.write(
      'b53.yaml',
      bundle([
        '{id: w, type: pre, tool: acct, when: {args.id: {equals: 9007199254740993}}, then: {effect: deny, message: m}}',
      ]),
    )
    bench.write('log.jsonl', '{"tool_name":"acct","tool_args":{"id":9007199254740993},"action":"call_allowed"}\n')
    const ran = await bench.run('replay', 'b53.yaml', '--audit-log', 'log.jsonl', '--json')
    expect(ran.code).toBe(1)
    expect(ran.out).toContain('"id": 9007199254740993')
  })

  test('the principal of the log counts', async () => {
    bench.write(
      'who.yaml',
      bundle([
        '{id: w, type: pre, tool: bash, when: {principal.claims.team: {not_equals: sre}}, then: {effect: deny, message: never}}',
      ]),
    )
    bench.write(
      'log.jsonl',
      ['sre', 'web']
        .map((team) => JSON.stringify({ ...LS, action: 'call_allowed', principal: { user_id: 'u', claims: { team } } }))
        .join('\n'),
    )
    const ran = await bench.run('replay', 'who.yaml', '--audit-log', 'log.jsonl', '--json')
    expect(ran.json()).toMatchObject({ events: 2, changed: 1, unjudged: [], changes: [{ denied_by: 'w' }] })
  })

  test('a tool name that no call can have would not run', async () => {
    expect((await replay([{ tool_name: 'a/b', tool_args: {}, action: 'call_allowed' }])).code).toBe(1)
  })

  test('no log: used wrongly', async () => {
    expect((await bench.run('replay', 'b.yaml')).code).toBe(2)
    expect((await bench.run('replay', 'b.yaml', '--audit-log', 'gone')).code).toBe(2)
  })
})
