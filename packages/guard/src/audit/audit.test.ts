import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { EdictumConfigError, MarkEvictedError } from '../errors.ts'
import { deny, guardFrom } from '../testing/guards.ts'
import { AuditEvent } from './event.ts'
import { FileAuditSink, StdoutAuditSink } from './line-sinks.ts'
import { type AuditSink, CollectingAuditSink, CompositeSink } from './sinks.ts'

const event = (callId: string, toolArgs: unknown = {}) =>
  new AuditEvent({ timestamp: '2026-03-01T12:00:00.000Z', callId, toolArgs })
const callIds = (events: readonly AuditEvent[]) => events.map(({ callId }) => callId)

describe('an event', () => {
  test('as JSON has exactly the documented names', () => {
    const principal = { userId: 'u', serviceId: null, orgId: null, role: null, ticketRef: null, claims: {} }
    const json = JSON.parse(JSON.stringify(new AuditEvent({ timestamp: 't', principal })))
    expect(Object.keys(json)).toEqual([
      'schema_version',
      'timestamp',
      'run_id',
      'call_id',
      'call_index',
      'parent_call_id',
      'tool_name',
      'tool_args',
      'side_effect',
      'environment',
      'principal',
      'action',
      'decision_source',
      'decision_name',
      'reason',
      'hooks_evaluated',
      'contracts_evaluated',
      'tool_success',
      'postconditions_passed',
      'duration_ms',
      'error',
      'result_summary',
      'session_attempt_count',
      'session_execution_count',
      'mode',
      'policy_version',
      'policy_error',
    ])
    expect(json).toMatchObject({ schema_version: '0.3.0', action: 'call_denied', mode: 'enforce' })
    expect(Object.keys(json.principal)).toEqual(['user_id', 'service_id', 'org_id', 'role', 'ticket_ref', 'claims'])
  })

  test('of a contract that only observes tells whether the decision as a whole had a policy error', async () => {
    const { guard, sink } = guardFrom([
      deny('plain', 'read_file', '.env', ', mode: observe'),
      '{ id: broken, type: pre, mode: observe, tool: read_file, when: { args.n: { contains: x } }, then: { effect: deny, message: m } }',
    ])
    await guard.run('read_file', { path: '.env', n: 1 }, () => 1)
    expect(sink.events.map(({ decisionName, policyError }) => [decisionName, policyError])).toEqual([
      ['plain', true],
      ['broken', true],
      [null, true],
      [null, false],
    ])
  })

  test('never carries the secrets of the arguments, at any stage', async () => {
    const { guard, sink } = guardFrom([deny('no-env', 'read_file', '.env')])
    const args = { path: 'a', apiKey: 'k1', nested: { accessToken: 'k2', url: 'https://u:pw@h/' }, max_tokens: 5 }
    await guard.run('read_file', args, () => 1)
    await guard.run('read_file', { ...args, path: '.env' }, () => 1).catch(() => {})
    expect(sink.events).toHaveLength(3)
    for (const { toolArgs } of sink.events) {
      expect(toolArgs).toMatchObject({
        apiKey: '[REDACTED]',
        nested: { accessToken: '[REDACTED]', url: 'https://u:[REDACTED]@h/' },
        max_tokens: 5,
      })
    }
  })
})

describe('CollectingAuditSink', () => {
  test('keeps the last events, never more than its maximum', () => {
    const sink = new CollectingAuditSink(3)
    for (const id of ['a', 'b', 'c', 'd', 'e']) sink.emit(event(id))
    expect(callIds(sink.events)).toEqual(['c', 'd', 'e'])
    expect(sink.last().callId).toBe('e')
    expect(sink.filter('call_denied')).toHaveLength(3)
    expect(sink.filter('call_allowed')).toEqual([])
    sink.events.pop()
    expect(sink.events).toHaveLength(3)
    expect(() => new CollectingAuditSink(0)).toThrow(EdictumConfigError)
    expect(() => new CollectingAuditSink().last()).toThrow(EdictumConfigError)
  })

  test('sinceMark returns only later events; evicted and future marks throw', () => {
    const sink = new CollectingAuditSink(3)
    const start = sink.mark()
    for (const id of ['a', 'b']) sink.emit(event(id))
    const mark = sink.mark()
    for (const id of ['c', 'd']) sink.emit(event(id))
    expect(callIds(sink.sinceMark(mark))).toEqual(['c', 'd'])
    expect(() => sink.sinceMark(start)).toThrow(MarkEvictedError)
    expect(() => sink.sinceMark(5)).toThrow(EdictumConfigError)
  })

  test('clear evicts earlier marks, not one taken at the end', () => {
    const sink = new CollectingAuditSink()
    const early = sink.mark()
    sink.emit(event('a'))
    const end = sink.mark()
    sink.clear()
    expect(() => sink.sinceMark(early)).toThrow(MarkEvictedError)
    sink.emit(event('b'))
    expect(callIds(sink.sinceMark(end))).toEqual(['b'])
  })
})

describe('CompositeSink', () => {
  test('tries every sink, then throws all that went wrong', async () => {
    const seen: string[] = []
    const good = (name: string): AuditSink => ({ emit: () => void seen.push(name) })
    const bad = (later: boolean): AuditSink => ({
      emit: () => {
        if (later) return Promise.reject(new Error('later'))
        throw new Error('now')
      },
    })
    expect(() => new CompositeSink([bad(false), good('a')]).emit(event('x'))).toThrow(AggregateError)
    const error = await Promise.resolve(
      new CompositeSink([bad(true), good('b'), bad(false), good('c')]).emit(event('x')),
    ).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      message: 'CompositeSink: one or more sinks failed',
      errors: [{ message: 'later' }, { message: 'now' }],
    })
    expect(seen).toEqual(['a', 'b', 'c'])
    expect(() => new CompositeSink([])).toThrow(EdictumConfigError)
  })

  test('closes and flushes all its sinks', async () => {
    const seen: string[] = []
    const sink = new CompositeSink([
      { emit: () => {}, flush: () => void seen.push('flush 1') },
      { emit: () => {}, flush: () => void seen.push('flush 2'), close: async () => void seen.push('close 2') },
    ])
    await sink.flush()
    await sink.close()
    expect(seen).toEqual(['flush 1', 'flush 2', 'flush 1', 'close 2'])
  })
})

describe('line sinks', () => {
  test('many events at once become whole lines of a file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'audit-'))
    try {
      const sink = new FileAuditSink(join(folder, 'audit.jsonl'))
      await Promise.all(
        Array.from({ length: 200 }, (_, index) => sink.emit(event(`c${index}`, { text: 'x'.repeat(500) }))),
      )
      sink.emit(event('last'))
      await sink.close()
      const lines = readFileSync(sink.path, 'utf8').trim().split('\n')
      expect(lines.map((line) => JSON.parse(line).call_id)).toEqual([
        ...Array.from({ length: 200 }, (_, index) => `c${index}`),
        'last',
      ])
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test('a folder that is not there is an error of the emit', async () => {
    await expect(new FileAuditSink(join(tmpdir(), 'none', 'none', 'a.jsonl')).emit(event('a'))).rejects.toMatchObject({
      code: 'ENOENT',
    })
  })

  test('a payload above 32,768 characters is replaced and marked', () => {
    const lines: string[] = []
    const sink = new StdoutAuditSink(undefined, (line) => lines.push(line))
    sink.emit(event('a', { text: 'x'.repeat(40_000) }))
    sink.emit(event('b', { text: 'x' }))
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      _truncated: true,
      tool_args: { _redacted: 'payload exceeded 32KB' },
    })
    expect(JSON.parse(lines[0] ?? '')).not.toHaveProperty('result_summary')
    expect(JSON.parse(lines[1] ?? '')).toMatchObject({ call_id: 'b', tool_args: { text: 'x' } })
  })
})
