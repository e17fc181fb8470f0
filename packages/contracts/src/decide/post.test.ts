import { describe, expect, it } from 'vitest'
import { createEnvelope } from '../envelope/create.ts'
import { ToolRegistry } from '../envelope/registry.ts'
import { loadPolicy } from '../policy/load.ts'
import type { Policy } from '../policy/policy.ts'
import { decidePost } from './post.ts'

function bundle(contracts: string, mode = 'enforce'): Policy {
  return loadPolicy(`apiVersion: edictum/v1
kind: ContractBundle
metadata: {name: test}
defaults: {mode: ${mode}}
tools: {Look: {side_effect: read}, Pure: {side_effect: pure}, Send: {side_effect: write}}
contracts:
${contracts}`)
}

const post = (id: string, when: string, effect: string, more = '') =>
  `  - {id: ${id}, type: post, tool: "*", ${more} when: {${when}}, then: {effect: ${effect}, message: "${id} fired"}}\n`

const ssn = 'output.text: {matches: "\\\\d{3}-\\\\d{2}-\\\\d{4}"}'

function judge(policy: Policy, response: unknown, tool = 'Look', success = true) {
  return decidePost(policy, createEnvelope(tool, {}, { registry: new ToolRegistry(policy.tools) }), response, success)
}

describe('effects of post contracts', () => {
  it('warn: a warning; the response stays', () => {
    const decision = judge(bundle(post('w', ssn, 'warn')), 'ssn 123-45-6789')
    expect(decision).toMatchObject({ postconditionsPassed: false, redactedResponse: null, outputSuppressed: false })
    expect(decision.warnings).toHaveLength(1)
    expect(decision.warnings[0]).toMatch(/^\u26a0\ufe0f w fired/)
  })

  it('redact: every match is replaced, on pure and read tools', () => {
    const policy = bundle(post('r', ssn, 'redact'))
    for (const tool of ['Look', 'Pure']) {
      expect(judge(policy, 'a 123-45-6789 b 987-65-4321', tool).redactedResponse).toBe('a [REDACTED] b [REDACTED]')
    }
  })

  it('redact takes the patterns of the whole condition, those below not and of branches that did not match too', () => {
    const policy = bundle(
      post(
        'r',
        'all: [{output.text: {contains: a}}, {any: [{output.text: {matches_any: ["b+", "c"]}}, {not: {output.text: {matches: d}}}]}]',
        'redact',
      ),
    )
    expect(judge(policy, 'a bb c d').redactedResponse).toBe('a [REDACTED] [REDACTED] [REDACTED]')
  })

  it('redact without a pattern hides what is known to be secret, uncut', () => {
    const policy = bundle(post('r', 'output.text: {contains: "://"}', 'redact'))
    const long = 'x'.repeat(2000)
    expect(judge(policy, `db://u:pw@h ${long}`).redactedResponse).toBe(`db://u:[REDACTED]@h ${long}`)
  })

  it('two redactions compose; a later one works on the text of a suppression', () => {
    expect(
      judge(
        bundle(post('a', 'output.text: {matches: x}', 'redact') + post('b', 'output.text: {matches: y}', 'redact')),
        'x y',
      ).redactedResponse,
    ).toBe('[REDACTED] [REDACTED]')
    const decision = judge(
      bundle(
        post('a', 'output.text: {contains: x}', 'deny') + post('b', 'output.text: {matches: "x|fired"}', 'redact'),
      ),
      'x',
    )
    expect(decision).toMatchObject({ redactedResponse: '[OUTPUT SUPPRESSED] a [REDACTED]', outputSuppressed: true })
  })

  it('deny: the response gives way to the message', () => {
    const decision = judge(bundle(post('d', ssn, 'deny')), '123-45-6789')
    expect(decision).toMatchObject({ redactedResponse: '[OUTPUT SUPPRESSED] d fired', outputSuppressed: true })
    expect(decision.warnings[0]).toContain("'d'")
  })

  it.each(['Send', 'Unknown', 'Task'])('redact and deny only warn for %s, whose work is done', (tool) => {
    for (const effect of ['redact', 'deny']) {
      const decision = judge(bundle(post('p', ssn, effect)), '123-45-6789', tool)
      expect(decision).toMatchObject({ redactedResponse: null, outputSuppressed: false, postconditionsPassed: false })
      expect(decision.warnings[0]).toMatch(/^\u26a0\ufe0f p fired .*already run/)
    }
  })

  it('observe: a warning only, and the contract does not count', () => {
    const policy = bundle(
      post('o', ssn, 'deny', 'mode: observe,') + post('ok', 'output.text: {contains: zzz}', 'warn', 'mode: observe,'),
    )
    expect(judge(policy, '123-45-6789')).toMatchObject({
      postconditionsPassed: true,
      redactedResponse: null,
      warnings: ['\u26a0\ufe0f [observe] o fired'],
      contractsEvaluated: [
        { name: 'o', passed: false, observed: true },
        { name: 'ok', passed: true, observed: true },
      ],
    })
  })

  it('all contracts are evaluated against the original response', () => {
    const policy = bundle(
      post('a', 'output.text: {matches: secret}', 'redact') + post('b', 'output.text: {contains: secret}', 'warn'),
    )
    expect(judge(policy, 'secret').contractsEvaluated.map(({ passed }) => passed)).toEqual([false, false])
  })

  it('nothing fired: the same decision every time', () => {
    const policy = bundle(post('w', ssn, 'warn'))
    expect(judge(policy, 'fine')).toBe(judge(policy, 'fine too'))
    expect(judge(policy, 'fine', 'Look', false)).toMatchObject({ toolSuccess: false, postconditionsPassed: true })
  })
})

describe('what post contracts see', () => {
  it.each([
    ['output.text: {equals: hello}', 'hello', true],
    ['output.text: {exists: false}', null, true],
    ['output.text: {exists: false}', undefined, true],
    ['output.text: {exists: true}', '', true],
    ['output.text: {contains: "\\"a\\":1"}', { a: 1 }, true],
    ['output.text: {equals: "[1,2]"}', [1, 2], true],
    ['output.text: {equals: "5"}', 5, true],
    ['result.a.b: {equals: 1}', { a: { b: 1 } }, true],
    ['result.a: {exists: true}', '{"a":1}', false],
    ['result.0: {exists: true}', [1], false],
    ['result.constructor: {exists: true}', {}, false],
    ['tool.name: {equals: Look}', null, true],
  ])('%s on %j', (when, response, fired) => {
    expect(judge(bundle(post('c', when, 'warn')), response).postconditionsPassed).toBe(!fired)
  })

  it('placeholders of the output work in their messages', () => {
    const policy = bundle(
      '  - {id: c, type: post, tool: "*", when: {output.text: {contains: a}}, then: {effect: warn, message: "saw {output.text}"}}',
    )
    expect(judge(policy, 'abc').contractsEvaluated[0]?.message).toBe('saw abc')
  })

  it('a pattern on result.* redacts the text of the response as well', () => {
    expect(
      judge(bundle(post('c', 'result.note: {matches: "s3cr.t"}', 'redact')), { note: 's3cret' }).redactedResponse,
    ).toBe('{"note":"[REDACTED]"}')
  })

  it('a response that cannot be read fires the contract; it never throws', () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    expect(judge(bundle(post('c', 'result.a: {equals: 1}', 'warn')), proxy)).toMatchObject({
      policyError: true,
      postconditionsPassed: false,
    })
    expect(() => judge(bundle(post('c', 'output.text: {matches: "x"}', 'redact')), proxy)).not.toThrow()
  })
})
