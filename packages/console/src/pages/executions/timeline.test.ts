import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { JournalEvent } from '../../live/journal.ts'
import { type Call, filesOf, isLastOfExecution, sumsOf, timelineOf } from './timeline.ts'

/** Events in their order, as streams carry them. */
const journal = (...events: readonly (readonly [type: string, fields?: object])[]): readonly JournalEvent[] =>
  events.map(([type, fields], index) => ({
    type,
    sequence: index + 1,
    timestamp: new Date(1_000 * index).toISOString(),
    ...fields,
  }))
const requested = (id: string, tool: string, args: object = {}) =>
  ['tool_invocation_requested', { invocation_id: id, tool_name: tool, arguments: args }] as const
const callsOf = (events: readonly JournalEvent[]) =>
  timelineOf(events).filter((item): item is typeof item & Call => item.kind === 'call')

test('a call that is denied, asked about or let through says so at the call, with what came of it', () => {
  const calls = callsOf(
    journal(
      requested('1', 'read_file'),
      ['tool_policy_violation', { tool_name: 'read_file' }],
      ['tool_invocation_failed', { invocation_id: '1', error: { message: 'Denied: secrets' } }],
      requested('2', 'run_command'),
      ['approval_requested', { approval_id: 'a', tool_name: 'run_command', prompt: 'Run rm?', contract_name: 'c' }],
      ['approval_resolved', { approval_id: 'a', outcome: 'approved', decided_by: 'ada' }],
      ['tool_invocation_completed', { invocation_id: '2', result: { exit_code: 0 }, duration_ms: 12 }],
      requested('3', 'write_file'),
      ['file_created', { path: '/workspace/a' }],
      ['file_written', { path: '/workspace/a', bytes_written: 3 }],
      ['tool_invocation_completed', { invocation_id: '3', result: 'ok', duration_ms: 1 }],
      requested('4', 'run_command'),
      ['approval_requested', { approval_id: 'b', tool_name: 'run_command', prompt: 'Again?' }],
    ),
  )
  expect(calls.map(({ verdict, isOver }) => [verdict, isOver])).toEqual([
    ['call_denied', true],
    ['call_approval_granted', true],
    ['call_allowed', true],
    ['call_approval_requested', false],
  ])
  expect(calls[0]?.error).toBe('Denied: secrets')
  expect(calls[1]).toMatchObject({
    took: 12,
    approvals: [{ id: 'a', outcome: 'approved', decidedBy: 'ada', contract: 'c' }],
  })
  expect(calls[2]?.files).toEqual([{ what: 'created', path: '/workspace/a', bytes: 3 }])
  expect(calls[3]?.approvals).toMatchObject([{ id: 'b', outcome: null }])
})

test('a refusal by a person, and one by time, are denied calls', () => {
  for (const outcome of ['denied', 'timeout']) {
    const items = timelineOf(
      journal(
        requested('1', 'x'),
        ['approval_requested', { approval_id: 'a', tool_name: 'x' }],
        ['approval_resolved', { approval_id: 'a', outcome }],
        ['tool_invocation_failed', { invocation_id: '1', error: 'no' }],
      ),
    )
    expect(sumsOf(items)).toMatchObject({ calls: 1, denied: 1 })
  }
})

test('a model that only asks for tools says nothing, and one that answers asks for none', () => {
  const [asks, says] = timelineOf(
    journal(
      ['llm_interaction', { response: '[{"id":"1","name":"a","arguments":{}},{"id":"2","name":"b","arguments":{}}]' }],
      ['llm_interaction', { response: '[{"not": "calls"}]', input_tokens: 5, output_tokens: 2 }],
    ),
  )
  expect(asks).toMatchObject({ text: '', asksFor: ['a', 'b'] })
  expect(says).toMatchObject({ text: '[{"not": "calls"}]', asksFor: [] })
})

test('tokens are summed where somebody counted, and unknown where nobody did', () => {
  const turn = (input: number | null) =>
    ['llm_interaction', { response: 'x', input_tokens: input, output_tokens: null }] as const
  expect(sumsOf(timelineOf(journal(turn(null), turn(null))))).toMatchObject({
    turns: 2,
    inputTokens: null,
    outputTokens: null,
  })
  expect(sumsOf(timelineOf(journal(turn(null), turn(7), turn(3))))).toMatchObject({
    inputTokens: 10,
    outputTokens: null,
  })
})

test('files that were left behind are those that nobody deleted', () => {
  const items = timelineOf(
    journal(
      requested('1', 'fs'),
      ['file_created', { path: 'a' }],
      ['file_written', { path: 'b' }],
      ['file_read', { path: 'c' }],
      ['file_deleted', { path: 'a' }],
    ),
  )
  expect(filesOf(items)).toEqual(['b'])
})

test('output that comes in pieces is one, and what ends a run is its last word', () => {
  const items = timelineOf(
    journal(
      ['console_output', { stream: 'stdout', content: 'Hel' }],
      ['console_output', { stream: 'stdout', content: 'lo' }],
      ['console_output', { stream: 'stderr', content: '!' }],
      ['execution_failed', { reason: 'no' }],
    ),
  )
  expect(items).toMatchObject([
    { kind: 'output', stream: 'stdout', text: 'Hello' },
    { kind: 'output', stream: 'stderr', text: '!' },
    { kind: 'end', status: 'failed', text: 'no' },
  ])
  expect(isLastOfExecution('execution_failed')).toBe(true)
})

test('no event breaks the timeline, whatever it holds, and a beginning of it is never taken back', () => {
  const known = [
    'tool_invocation_requested',
    'tool_invocation_failed',
    'approval_requested',
    'approval_resolved',
    'file_written',
    'llm_interaction',
    'console_output',
    'iteration_started',
    'execution_completed',
  ]
  const event = fc.tuple(
    fc.oneof(fc.constantFrom(...known), fc.string()),
    fc.dictionary(
      fc.constantFrom('invocation_id', 'tool_name', 'approval_id', 'path', 'response', 'error', 'outcome', 'arguments'),
      fc.jsonValue(),
    ),
  )
  fc.assert(
    fc.property(fc.array(event), (list) => {
      const events = journal(...list)
      const whole = timelineOf(events)
      const half = timelineOf(events.slice(0, Math.ceil(events.length / 2)))
      expect(whole.slice(0, half.length).map(({ key, kind }) => [key, kind])).toEqual(
        half.map(({ key, kind }) => [key, kind]),
      )
    }),
  )
})
