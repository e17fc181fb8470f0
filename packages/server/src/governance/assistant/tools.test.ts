import { describe, expect, it } from 'vitest'
import { DomainError } from '../../errors.ts'
import type { Evaluation } from '../evaluate/evaluate.ts'
import type { TrialCall } from '../evaluate/judge.ts'
import { assistantTools, createToolRunner } from './tools.ts'

const CONTRACT = `id: block-env
type: pre
tool: read_file
when: {args.path: {contains: .env}}
then: {effect: deny, message: "No {args.path}"}`
const BUNDLE = `apiVersion: edictum/v1
kind: ContractBundle
metadata: {name: mine}
defaults: {mode: observe}
contracts:
  - ${CONTRACT.replaceAll('\n', '\n    ')}
`

/** The assistant, as its clients see it. */
describe('the tools of the assistant', () => {
  const tried: TrialCall[] = []
  const run = createToolRunner({
    async evaluate(call) {
      tried.push(call)
      if (call.toolName === 'busy')
        throw new DomainError(429, 'x', 'Too many concurrent evaluations. Try again shortly.')
      return {
        verdict: 'deny',
        decidingContract: 'block-env',
        milliseconds: 1.23456,
        contracts: [{ id: 'block-env', passed: false, effect: 'deny', message: 'No .env' }],
      } as unknown as Evaluation
    },
  })
  const validate = (yaml_content: unknown) => run('validate_contract', { yaml_content })

  it('are two', () => {
    expect(assistantTools.map(({ name }) => name)).toEqual(['validate_contract', 'evaluate_contract'])
  })

  it('a contract and a whole bundle are valid or tell each error', async () => {
    expect(await validate(CONTRACT)).toEqual({ valid: true, errors: [] })
    expect(await validate(BUNDLE)).toEqual({ valid: true, errors: [] })
    expect(await validate('')).toEqual({ valid: false, errors: ['Empty YAML content'] })
    for (const broken of [
      '{',
      '- a',
      'text',
      'name: no id',
      CONTRACT.replace('deny', 'explode'),
      'apiVersion: other/v9\nid: x',
    ])
      expect([broken, await validate(broken)]).toEqual([
        broken,
        { valid: false, errors: expect.arrayContaining([expect.any(String)]) },
      ])
  })

  it('a single contract is tried in a bundle that enforces; a bundle as it is', async () => {
    tried.length = 0
    const args = { tool_name: 'read_file', tool_args: { path: '.env' } }
    const single = await run('evaluate_contract', { yaml_content: CONTRACT, ...args })
    expect(single).toEqual({
      verdict: 'deny',
      deciding_contract: 'block-env',
      contracts_evaluated: [{ id: 'block-env', matched: false, effect: 'deny', message: 'No .env' }],
      evaluation_time_ms: 1.23,
    })
    await run('evaluate_contract', { yaml_content: BUNDLE, ...args, environment: 'staging' })
    expect(
      tried.map(({ toolName, toolArgs, environment, principal }) => [toolName, toolArgs, environment, principal]),
    ).toEqual([
      ['read_file', { path: '.env' }, 'production', null],
      ['read_file', { path: '.env' }, 'staging', null],
    ])
    expect(tried[0]?.yaml).toContain('name: validation-check')
    expect(tried[0]?.yaml).toContain('mode: enforce')
    expect(tried[1]?.yaml).toBe(BUNDLE)
  })

  it('what cannot be tried is an error to the model, never an exception', async () => {
    const evaluate = (over: object) => run('evaluate_contract', { yaml_content: CONTRACT, tool_name: 't', ...over })
    expect(await evaluate({ yaml_content: ' ' })).toEqual({ error: 'Empty YAML content' })
    expect(await evaluate({ yaml_content: '{' })).toEqual({ error: expect.stringMatching(/^Invalid contract YAML: /) })
    expect(await evaluate({ tool_name: 'busy' })).toEqual({
      error: 'Too many concurrent evaluations. Try again shortly.',
    })
    for (const over of [
      { tool_name: 'x'.repeat(201) },
      { tool_name: undefined },
      { tool_args: [] },
      { environment: 'moon' },
      { yaml_content: 'x'.repeat(50_001) },
    ])
      expect(await evaluate(over)).toEqual({ error: expect.stringMatching(/^Invalid arguments: /) })
    expect(await validate('x'.repeat(50_001))).toEqual({ error: expect.stringMatching(/^Invalid arguments: /) })
    expect(await validate(7)).toEqual({ error: expect.stringMatching(/^Invalid arguments: /) })
    expect(await run('rm', {})).toEqual({ error: "Unknown tool: 'rm'" })
    expect(await run('validate_contract', { _raw: '{"yaml' })).toEqual({
      error: expect.stringMatching(/^Invalid arguments: /),
    })
  })
})
