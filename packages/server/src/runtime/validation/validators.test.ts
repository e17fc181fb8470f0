import { describe, expect, it } from 'vitest'
import { UnreadableAnswer } from './answer.ts'
import { checksOf, toolChecksOf, UnusableCheck } from './checks.ts'
import { type Answered, JudgeFailed, type Judges, type Question } from './judges.ts'
import { judgeCall } from './tool-judge.ts'
import { type Means, validate } from './validators.ts'

const answer = (score: number, confidence = 0.8): Answered => ({
  judgeId: `id-${score}`,
  answer: {
    score,
    confidence,
    reasoning: `It is ${score}.`,
    signals: [],
    suggestions: [],
    verdict: null,
    metadata: {},
  },
})

/** Judges that answer by their names: a number is a score, anything else fails. */
function judgesNoting(asked: Question[] = []): Judges {
  return {
    async ask(questions) {
      asked.push(...questions)
      return questions.map(({ judge }) => {
        const name = judge.kind === 'agent' ? judge.agent : judge.alias
        if (name === 'prose') return new UnreadableAnswer('The judge answered no JSON.')
        return Number.isNaN(Number(name)) ? new JudgeFailed(`There is no agent '${name}'.`) : answer(Number(name))
      })
    },
  }
}

const attempt = {
  exitCode: 0,
  output: 'Done.',
  stderr: '',
  iteration: 1,
  task: 'Do it.',
  trajectory: [],
  policyViolations: [],
}
const means = (changes: Partial<Means> = {}): Means => ({
  judges: judgesNoting(),
  read: async (path) => {
    throw new Error(`There is no file '${path}'.`)
  },
  runScript: async () => ({ exitCode: 0, said: '' }),
  signal: new AbortController().signal,
  ...changes,
})
type Validation = NonNullable<Parameters<typeof checksOf>[0]>['validation']
const run = (validation: Validation, of: object = {}, by: Partial<Means> = {}) =>
  validate(checksOf({ validation } as object), { ...attempt, ...of }, means(by))
const reasonOf = async (...given: Parameters<typeof run>) => {
  const result = await run(...given)
  return result.accepted ? null : result.reason
}

describe('validators in the order of the manifest', () => {
  it('none accept the first attempt', async () => {
    expect(await run(undefined)).toEqual({ accepted: true, gradients: [] })
    expect(await run([])).toEqual({ accepted: true, gradients: [] })
  })

  it('the first that is not satisfied ends it: no judge is asked after it', async () => {
    const asked: Question[] = []
    const validation: Validation = [
      { type: 'json_schema', schema: { type: 'object' } },
      { type: 'semantic', judge_agent: '1' },
    ]
    expect(await reasonOf(validation, {}, { judges: judgesNoting(asked) })).toContain('Output is no JSON')
    expect(asked).toEqual([])
    const fenced = 'Here:\n```json\n{"a": 1}\n```\nthat is all.'
    expect(await run(validation, { output: fenced }, { judges: judgesNoting(asked) })).toMatchObject({ accepted: true })
    expect(asked).toHaveLength(1)
  })

  it('exit codes and what is written on stderr', async () => {
    const check = (more: object = {}): Validation => [{ type: 'exit_code', ...more }]
    expect(await reasonOf(check())).toBeNull()
    expect(await reasonOf(check(), { stderr: 'warning' })).toBeNull()
    expect(await reasonOf(check({ min_score: 1 }), { stderr: 'warning' })).toContain('score 0.85 below minimum 1')
    expect(await reasonOf(check({ min_score: 1 }), { stderr: '[BOOTSTRAP info] x\n' })).toBeNull()
    expect(await reasonOf(check(), { exitCode: 3 })).toBe(
      'Validation score 0 below minimum 0.85: Exit code 3, expected 0',
    )
    expect(await reasonOf(check({ expected: 3 }), { exitCode: 3 })).toBeNull()
    expect(await reasonOf({ system: {} }, { stderr: 'x' })).toContain('0.85 below minimum 1')
    expect(await reasonOf({ system: { allow_stderr: true } }, { stderr: 'x' })).toBeNull()
    expect(await reasonOf({ system: { must_succeed: false } }, { exitCode: 1 })).toBeNull()
  })

  it('patterns look at what they name, in bounded time', async () => {
    const check = (pattern: string, target?: 'stdout' | 'stderr' | 'json' | 'yaml'): Validation => [
      { type: 'regex', pattern, ...(target ? { target } : {}) },
    ]
    expect(await reasonOf(check('^Done'))).toBeNull()
    expect(await reasonOf(check('^Done', 'stderr'))).toContain('Standard error does not match')
    expect(await reasonOf(check('(?<word>Do)ne'))).toBeNull()
    expect(await reasonOf(check('(?P<word>Do)ne'))).toBeNull()
    expect(await reasonOf(check('.', 'json'))).toContain('Output is no JSON')
    expect(await reasonOf(check('1', 'json'), { output: '{"a":1}' })).toBeNull()
    expect(await reasonOf(check('a', 'yaml'), { output: 'a: [' })).toContain('Output is no YAML')
    expect(await reasonOf(check('(a+)+$'), { output: `${'a'.repeat(50_000)}!` })).toContain('does not match')
  })

  it('schemas of several drafts, from files and for files, with patterns in bounded time', async () => {
    const files: Record<string, string> = {
      'schema.json': '{"required":["b"]}',
      'made.json': '{"a":1}',
      'bad.json': '{',
    }
    const read = async (path: string) => {
      const text = files[path]
      if (text === undefined) throw new Error(`There is no file '${path}'.`)
      return text
    }
    const check = (more: object): Validation => [{ type: 'json_schema', ...more }]
    expect(await reasonOf(check({ schema_path: 'schema.json', target_path: 'made.json' }), {}, { read })).toContain(
      "made.json does not fit the schema: value must have required property 'b'",
    )
    expect(await reasonOf(check({ schema_path: 'bad.json' }), { output: '1' }, { read })).toContain('validation error')
    expect(await reasonOf(check({ target_path: 'nowhere' }), {}, { read })).toBe(
      "validation error: There is no file 'nowhere'.",
    )
    for (const draft of ['http://json-schema.org/draft-07/schema#', 'https://json-schema.org/draft/2020-12/schema'])
      expect(await reasonOf(check({ schema: { $schema: draft, type: 'number' } }), { output: '1' })).toBeNull()
    const slow = { type: 'string', pattern: '^(a+)+$' }
    expect(await reasonOf(check({ schema: slow }), { output: `"${'a'.repeat(50_000)}!"` })).toContain(
      'must match pattern',
    )
  })

  it('formats and scripts of the older form', async () => {
    expect(await reasonOf({ output: { format: 'yaml' } }, { output: 'a: 1' })).toBeNull()
    expect(await reasonOf({ output: { format: 'yaml' } }, { output: 'a: [' })).toContain('no YAML')
    expect(await reasonOf({ output: { format: 'text' } }, { output: ' ' })).toContain('empty')
    expect(await reasonOf({ output: { format: 'json', regex: 'a' } }, { output: '{"b":1}' })).toContain(
      'does not match',
    )
    const runScript: Means['runScript'] = async (check, output) => ({
      exitCode: output === 'Done.' ? 0 : 2,
      said: `${check.path} for ${check.timeoutSeconds}s`,
    })
    const script: Validation = { script: { path: 'check.py' } }
    expect(await reasonOf(script, {}, { runScript })).toBeNull()
    expect(await reasonOf(script, { output: 'No.' }, { runScript })).toBe(
      'Validation score 0 below minimum 1: check.py for 30s',
    )
    const broken = { runScript: async () => Promise.reject(new Error('No sandbox.')) }
    expect(await reasonOf(script, {}, broken)).toBe('validation error: No sandbox.')
  })
})

describe('judges', () => {
  const semantic = (judge_agent: string, more: object = {}): Validation => [{ type: 'semantic', judge_agent, ...more }]

  it('are told the work, its evidence and what they look for', async () => {
    const asked: Question[] = []
    const trajectory = [{ tool: 'fs.read', argumentsJson: '{}', status: 'succeeded', resultJson: '"x"' }]
    await run(
      semantic('1', { criteria: 'It is short.', timeout_seconds: 7 }),
      { trajectory, policyViolations: ['cmd.run'], stderr: 'oh' },
      { judges: judgesNoting(asked) },
    )
    expect(asked).toEqual([
      {
        key: 'judge:1:0',
        judge: { kind: 'agent', agent: '1' },
        timeoutSeconds: 7,
        input: {
          task: 'Do it.',
          output: 'Done.',
          generation_evidence: { iteration_number: 1, exit_code: 0, stderr: 'oh' },
          tool_audit_history: [{ tool_name: 'fs.read', arguments_json: '{}', status: 'succeeded', result_json: '"x"' }],
          worker_mounts: [{ mount_path: '/workspace', access_mode: 'read-only' }],
          criteria: 'It is short.',
          policy_violations: ['cmd.run'],
          validation_context: 'semantic_judge',
        },
      },
    ])
  })

  it('pass at their minimum, and are refused below it, confidence first', async () => {
    expect(await reasonOf(semantic('0.7'))).toBeNull()
    expect(await reasonOf(semantic('0.69'))).toBe('Validation score 0.69 below minimum 0.7: It is 0.69.')
    expect(await reasonOf(semantic('0.5', { min_score: 0.5, min_confidence: 0.8 }))).toBeNull()
    expect(await reasonOf(semantic('0.1', { min_confidence: 0.81 }))).toBe(
      'Validation confidence 0.8 below minimum 0.81: It is 0.1.',
    )
  })

  it('that fail, or answer prose, never accept', async () => {
    expect(await reasonOf(semantic('nobody'))).toBe("validation error: There is no agent 'nobody'.")
    expect(await reasonOf(semantic('prose'))).toBe('validation error: The judge answered no JSON.')
    const model = (more: object) => ({ semantic: { prompt: 'Is it short?', ...more } })
    expect(await reasonOf(model({ model: '0.79' }))).toContain('score 0.79 below minimum 0.8')
    expect(await reasonOf(model({ model: 'away' }))).toContain('validation error')
    expect(await reasonOf(model({ model: 'away', fallback_on_unavailable: 'skip' }))).toBeNull()
    expect(await reasonOf(model({ model: 'prose', fallback_on_unavailable: 'skip' }))).toContain('validation error')
    expect(await reasonOf(model({ model: 'away', enabled: false }))).toBeNull()
  })

  const several = (judges: string[], more: object = {}): Validation => [{ type: 'multi_judge', judges, ...more }]
  it('of several make a consensus; those that fail are left out, as long as enough are left', async () => {
    const result = await run(several(['0.9', '0.9', '0.2'], { min_score: 0.6 }))
    expect(result).toMatchObject({
      accepted: true,
      gradients: [{ validator: 'multi_judge', confidence: expect.closeTo(0.6351, 3) }],
    })
    expect(result.gradients[0]?.score).toBeCloseTo(2 / 3, 9)
    expect(result.gradients[0]?.judgements?.map((one) => one.judgeId)).toEqual(['id-0.9', 'id-0.9', 'id-0.2'])
    expect(await reasonOf(several(['0.9', '0.9', '0.2'], { consensus: 'unanimous' }))).toContain('score 0 below')
    expect(await reasonOf(several(['0.9', '0.9', '0.2'], { consensus: 'majority', min_score: 1 }))).toBeNull()
    expect(await reasonOf(several(['0.9', 'nobody', 'prose']))).toBeNull()
    expect(await reasonOf(several(['0.9', 'nobody', 'prose'], { min_judges_required: 2 }))).toBe(
      "validation error: Insufficient judges succeeded: 1 of 2 required (total: 3); There is no agent 'nobody'.; The judge answered no JSON.",
    )
    expect(await reasonOf(several(['nobody']))).toContain('0 of 1 required (total: 1)')
  })

  it('an execution that ends while they are asked ends the validation', async () => {
    const controller = new AbortController()
    const judges: Judges = {
      async ask() {
        controller.abort(new Error('cancelled'))
        return [new JudgeFailed('cut off')]
      },
    }
    await expect(run(semantic('1'), {}, { judges, signal: controller.signal })).rejects.toThrow('cancelled')
  })
})

describe('judges of tool calls', () => {
  const call = { name: 'fs.write', args: { path: '/workspace/a' } }
  const situation = {
    executionId: 'e1',
    call: '2:1',
    task: 'Do it.',
    tools: ['fs.write'],
    history: [{ tool: 'fs.read', argumentsJson: '{}', status: 'failed', error: 'no' }],
  }
  const judge = (tool_validation: object[], judges: Judges = judgesNoting()) =>
    judgeCall(toolChecksOf({ tool_validation } as never), call, situation, judges, new AbortController().signal)

  it('accept only when all of them do, and are told what the call is', async () => {
    const asked: Question[] = []
    const both = [
      { type: 'semantic', judge_agent: '0.9', criteria: 'Harmless.' },
      { type: 'semantic', judge_agent: '0.8' },
    ]
    expect(await judge(both, judgesNoting(asked))).toEqual({ accepted: true })
    expect(asked[0]?.input).toEqual({
      execution_id: 'e1',
      task: 'Do it.',
      proposed_tool_call: { name: 'fs.write', arguments: { path: '/workspace/a' } },
      available_tools: ['fs.write'],
      worker_mounts: [{ mount_path: '/workspace', access_mode: 'read-only' }],
      tool_audit_history: [{ tool_name: 'fs.read', arguments_json: '{}', status: 'failed', error: 'no' }],
      criteria: 'Harmless.',
      validation_context: 'semantic_judge_pre_execution_inner_loop',
    })
    expect(new Set(asked.map((one) => one.key)).size).toBe(2)
    expect(await judge([both[0] as object, { type: 'semantic', judge_agent: '0.2' }])).toEqual({
      accepted: false,
      reason: 'Validation score 0.2 below minimum 0.7: It is 0.2.',
    })
  })

  it.each([
    ['fail', 'nobody', "it could not be judged: There is no agent 'nobody'."],
    ['answer prose', 'prose', 'it could not be judged: The judge answered no JSON.'],
  ])('that %s refuse the call', async (_what, judge_agent, reason) => {
    expect(await judge([{ type: 'semantic', judge_agent }])).toEqual({ accepted: false, reason })
  })

  it('several of them refuse by their consensus', async () => {
    const several = { type: 'multi_judge', judges: ['0.9', '0.1'], consensus: 'unanimous' }
    expect(await judge([several])).toMatchObject({ accepted: false })
  })

  it('other validators judge no calls, and are no way around judging', () => {
    expect(() => toolChecksOf({ tool_validation: [{ type: 'exit_code' }] } as never)).toThrow(
      "spec.execution.tool_validation[0]: 'exit_code' judges no tool calls",
    )
  })
})

describe('what cannot be run is refused with its place', () => {
  it.each<[string, object, string]>([
    ['a schema', { validation: [{ type: 'json_schema', schema: { type: 'nothing' } }] }, 'the schema of'],
    ['a pattern', { validation: [{ type: 'regex', pattern: '(?<=a+)b' }] }, 'the pattern'],
    ['no judge', { validation: [{ type: 'semantic', judge_agent: ' ' }] }, 'validation[0].judge_agent is empty'],
    [
      'more judges than there are',
      { validation: [{ type: 'multi_judge', judges: ['a'], min_judges_required: 2 }] },
      'validation[0].judges names 1 judges, and min_judges_required asks for 2',
    ],
    ['a script of another kind', { validation: { script: { path: 'check.sh' } } }, "script.path 'check.sh' is neither"],
    ['a format', { validation: { output: { format: 'pdf' } } }, "output.format: 'pdf' is not checked"],
  ])('%s', (_name, execution, message) => {
    expect(() => checksOf(execution as never)).toThrow(UnusableCheck)
    expect(() => checksOf(execution as never)).toThrow(message)
  })
})
