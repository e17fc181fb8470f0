import { expect, test } from 'vitest'
import type { AuditEvent } from '../../api/types.ts'
import { NO_CALL } from '../contracts/shared/call.ts'
import { callOf } from './recorded.ts'

const event = (payload: AuditEvent['payload']) => ({ tool_name: 'read_file', payload }) as AuditEvent

test('a recorded call fills the fields, whatever its agent left out', () => {
  expect(
    callOf(
      event({
        tool_args: { path: 'a' },
        environment: 'staging',
        principal: { role: 'admin', user_id: 'u', claims: { team: 'x' } },
      }),
    ),
  ).toEqual({
    ...NO_CALL,
    tool: 'read_file',
    args: '{\n  "path": "a"\n}',
    env: 'staging',
    role: 'admin',
    user: 'u',
    claims: '{\n  "team": "x"\n}',
  })
  expect(callOf(event(null))).toEqual({ ...NO_CALL, tool: 'read_file' })
  expect(callOf(event({ tool_args: [1], principal: 'x' }))).toEqual({ ...NO_CALL, tool: 'read_file' })
})
