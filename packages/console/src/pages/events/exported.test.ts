import { expect, test } from 'vitest'
import type { AuditEvent } from '../../api/types.ts'
import { exported } from './exported.ts'

const event: AuditEvent = {
  id: 'e1',
  seq: 1,
  call_id: 'c1',
  agent_id: '=cmd()',
  tool_name: 'read, "file"',
  verdict: 'call_denied',
  mode: 'enforce',
  timestamp: '2026-03-01T12:00:00Z',
  payload: { decision_name: 'no-env', reason: 'two\nlines', tool_args: { path: '.env' } },
  payload_bytes: 10,
  payload_shortened: false,
  created_at: '2026-03-01T12:00:00Z',
}

test('JSON holds everything', () => {
  expect(JSON.parse(exported([event], 'json'))).toEqual([event])
})

test('a table quotes what it must, and no cell is a formula', () => {
  expect(exported([event], 'csv')).toBe(
    'timestamp,verdict,mode,agent_id,tool_name,call_id,id,environment,decision_name,reason,policy_version,tool_args\r\n' +
      '2026-03-01T12:00:00Z,call_denied,enforce,\'=cmd(),"read, ""file""",c1,e1,,no-env,"two\nlines",,"{""path"":"".env""}"\r\n',
  )
})

test('text is one line for each event', () => {
  expect(exported([event, event], 'text').split('\n')).toHaveLength(3)
  expect(exported([event], 'text')).toContain('two lines')
})
