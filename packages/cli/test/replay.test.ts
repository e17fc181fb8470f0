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

  test('lines that are no events are skipped with a warning, and counted', async () => {
    const ran = await replay(['{', '', '[1]', { ...LS, action: 'call_allowed' }])
    expect(ran.code).toBe(0)
    expect(ran.out).toBe('Replayed 1 events, 0 would change\n2 lines skipped')
    expect(ran.err.split('\n')).toEqual([
      'log.jsonl:1: warning: not an audit event, skipped',
      'log.jsonl:3: warning: not an audit event, skipped',
    ])
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
    expect(ran.json()).toMatchObject({ events: 2, changed: 1, skipped_lines: 0, changes: [{ denied_by: 'w' }] })
  })

  test('a tool name that no call can have would not run', async () => {
    expect((await replay([{ tool_name: 'a/b', action: 'call_allowed' }])).code).toBe(1)
  })

  test('no log: used wrongly', async () => {
    expect((await bench.run('replay', 'b.yaml')).code).toBe(2)
    expect((await bench.run('replay', 'b.yaml', '--audit-log', 'gone')).code).toBe(2)
  })
})
