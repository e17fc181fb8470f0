import { expect, it } from 'vitest'
import type { RunRecord } from '../runs/run-record.ts'
import { endOf } from './pipeline.ts'

const run = (state: Partial<RunRecord['state']>) =>
  ({ state: { reason: null, blackboard: {}, finalOutput: null, ...state }, endedAt: 7, updatedAt: 5 }) as never

it('a pipeline is as its run is, and failed where nothing was written that may be run', () => {
  const at = { endedAt: 7, finalResult: null }
  expect(endOf(run({ status: 'running', current: 'WRITE_CODE' }))).toBeNull()
  expect(endOf(run({ status: 'completed', current: 'EXECUTE_CODE', finalOutput: 'forty-two' }))).toEqual({
    status: 'completed',
    endedAt: 7,
    finalResult: 'forty-two',
    failedAtState: null,
    reason: null,
  })
  expect(endOf(run({ status: 'completed', current: 'EXECUTE_CODE', finalOutput: { n: 1 } }))?.finalResult).toBe(
    '{"n":1}',
  )
  expect(endOf(run({ status: 'failed', current: 'EXECUTE_CODE', reason: 'no image' }))).toEqual({
    ...at,
    status: 'failed',
    failedAtState: 'EXECUTE_CODE',
    reason: 'no image',
  })
  const blackboard = { WRITE_CODE: { status: 'success' }, VALIDATE_CODE: { status: 'failed', error: 'no model' } }
  expect(endOf(run({ status: 'completed', current: 'WRITE_FAILED', blackboard }))).toEqual({
    ...at,
    status: 'failed',
    failedAtState: 'WRITE_FAILED',
    reason: 'VALIDATE_CODE: no model',
  })
  expect(endOf(run({ status: 'cancelled', current: 'WRITE_CODE' }))).toMatchObject({
    status: 'cancelled',
    failedAtState: 'WRITE_CODE',
  })
})
