import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DispatchMessageError, parseAgentMessage, parseOrchestratorMessage } from './parse.ts'

const generate = { type: 'generate', execution_id: 'e1', iteration_number: 1, prompt: 'p' }
const result = { type: 'dispatch_result', execution_id: 'e1', dispatch_id: 'd1', exit_code: 0, stdout: '' }

describe('messages of the agent', () => {
  test('are read with their defaults', () => {
    expect(parseAgentMessage(generate)).toEqual({ ...generate, agent_id: '', model_alias: 'default', messages: [] })
    expect(parseAgentMessage(result)).toEqual({ ...result, stderr: '', duration_ms: 0, truncated: false })
  })

  test('unknown fields and null for a default are harmless', () => {
    expect(parseAgentMessage({ ...generate, model_alias: null, extra: 1 })).not.toHaveProperty('extra')
  })

  const refused: [value: unknown, message: string][] = [
    [null, 'the document must be an object, not nothing'],
    ['generate', 'the document must be an object, not a string'],
    [[generate], 'the document must be an object, not a list'],
    [{}, 'type is required: one of generate, dispatch_result'],
    [{ type: 'final' }, "type must be one of generate, dispatch_result, not 'final'"],
    [{ type: 7 }, 'type must be one of generate, dispatch_result, not a number'],
    [{ type: 'generate' }, 'execution_id is required; iteration_number is required; prompt is required'],
    [{ ...generate, iteration_number: 0 }, 'iteration_number must be 1 or more, not 0'],
    [{ ...generate, iteration_number: 1.5 }, 'iteration_number must be a whole number, not 1.5'],
    [{ ...generate, messages: ['hi'] }, 'messages[0] must be an object, not a string'],
    [{ ...generate, prompt: { a: 1 } }, 'prompt must be a string, not an object'],
    [{ ...result, exit_code: '0' }, 'exit_code must be a whole number, not a string'],
    [{ ...result, duration_ms: -1 }, 'duration_ms must be 0 or more, not -1'],
    [{ ...result, truncated: 'yes' }, 'truncated must be true or false, not a string'],
    [{ ...result, dispatch_id: undefined }, 'dispatch_id is required'],
  ]
  test.each(refused)('%j is refused', (value, message) => {
    expect(() => parseAgentMessage(value)).toThrow(`not a dispatch message: ${message}`)
  })
})

describe('messages of the orchestrator', () => {
  test('are read with their defaults', () => {
    expect(parseOrchestratorMessage({ type: 'dispatch', dispatch_id: 'd1', action: 'exec', command: 'ls' })).toEqual({
      type: 'dispatch',
      dispatch_id: 'd1',
      action: 'exec',
      command: 'ls',
      args: [],
      cwd: '/workspace',
      env_additions: {},
      timeout_secs: 60,
      max_output_bytes: 524_288,
    })
  })

  test('a final message without type, as published orchestrators send it, is understood', () => {
    expect(parseOrchestratorMessage({ content: 'x', tool_calls_executed: 1 })).toEqual({
      type: 'final',
      content: 'x',
      tool_calls_executed: 1,
      conversation: [],
    })
  })

  test('an action of the future is read, so that it can be answered', () => {
    expect(parseOrchestratorMessage({ type: 'dispatch', dispatch_id: 'd', action: 'upload' })).toMatchObject({
      action: 'upload',
      command: null,
    })
  })

  const refused: [value: unknown, message: string][] = [
    [{}, 'type is required: one of final, dispatch'],
    [{ type: 'final' }, 'content is required'],
    [{ type: 'dispatch', dispatch_id: 'd', action: 'exec', args: 'ls' }, 'args must be a list, not a string'],
    [
      { type: 'dispatch', dispatch_id: 'd', action: 'exec', env_additions: { A: 1 } },
      'env_additions.A must be a string, not a number',
    ],
    [{ type: 'dispatch', dispatch_id: 'd', action: 'exec', timeout_secs: 0 }, 'timeout_secs must be 1 or more, not 0'],
  ]
  test.each(refused)('%j is refused', (value, message) => {
    expect(() => parseOrchestratorMessage(value)).toThrow(`not a dispatch message: ${message}`)
  })
})

test('no value whatever makes reading fail with anything but a DispatchMessageError', () => {
  const shaped = fc.record(
    {
      type: fc.constantFrom('generate', 'dispatch_result', 'final', 'dispatch'),
      execution_id: fc.anything(),
      prompt: fc.anything(),
      messages: fc.anything(),
      content: fc.anything(),
      args: fc.anything(),
    },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(fc.oneof(fc.anything(), shaped), (value) => {
      for (const parse of [parseAgentMessage, parseOrchestratorMessage]) {
        try {
          parse(value)
        } catch (error) {
          expect(error).toBeInstanceOf(DispatchMessageError)
        }
      }
    }),
    { numRuns: 500 },
  )
})
