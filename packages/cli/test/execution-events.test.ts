import { expect, it } from 'vitest'
import { describeEvent } from '../src/terminal/execution-events.ts'

const event = (event_type: string, data: Record<string, unknown>) =>
  describeEvent({ event_type, data: { timestamp: '2026-03-01T12:00:00Z', ...data } } as never)

it("a failed model call is told in the provider's words", () => {
  expect(
    event('llm_call_failed', { message: 'llm call failed', llm_call_failed: { message: 'Invalid API key' } }),
  ).toEqual([expect.stringContaining('Invalid API key')])
})

it('an event that says no more than its name is named once', () => {
  expect(event('approval_requested', { message: 'approval requested' })).toEqual(['  12:00:00  approval requested'])
})
