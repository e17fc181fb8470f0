import { describe, expect, test } from 'vitest'
import { EXAMPLE_BUNDLE } from '../example.ts'
import { type CallText, NO_CALL, readCall } from './call.ts'
import { tryCall } from './trial.ts'

const read = (change: Partial<CallText>) => readCall({ ...NO_CALL, ...change })
const trial = (text: string, change: Partial<CallText>) => {
  const { call } = read(change)
  if (!call) throw new Error('no call')
  return tryCall(text, call)
}

describe('a call as a person writes it', () => {
  test('is read whole', () => {
    expect(
      read({
        tool: ' x ',
        args: '{"a": 1}',
        env: 'staging',
        role: 'admin',
        user: 'u',
        claims: '{"t": 2}',
        ran: 'a, b',
        labels: 'l',
      }),
    ).toEqual({
      problems: {},
      call: {
        tool: 'x',
        args: { a: 1 },
        environment: 'staging',
        principal: { role: 'admin', userId: 'u', claims: { t: 2 } },
        past: { labels: ['l'], tools: ['a', 'b'] },
        output: null,
      },
    })
    expect(read({ tool: 'x' }).call).toMatchObject({ args: {}, environment: 'production', principal: null })
  })

  test('is none without a tool, or with what is no object', () => {
    expect(read({}).call).toBeNull()
    expect(read({ tool: 'x', args: '[1]' })).toMatchObject({ call: null, problems: { args: /object/ } })
    expect(read({ tool: 'x', claims: '{' })).toMatchObject({ call: null, problems: { claims: /JSON/ } })
  })
})

describe('trying a call', () => {
  test('says the verdict, the contract that decides, and what each condition saw', () => {
    expect(trial(EXAMPLE_BUNDLE, { tool: 'read_file', args: '{"path": "/srv/.env"}' })).toMatchObject({
      kind: 'judged',
      action: 'deny',
      contract: 'no-secrets',
      reason: '/srv/.env holds secrets and may not be read.',
      contracts: expect.arrayContaining([
        expect.objectContaining({
          id: 'no-secrets',
          fired: true,
          leaves: [expect.objectContaining({ value: '/srv/.env' })],
        }),
      ]),
    })
    expect(trial(EXAMPLE_BUNDLE, { tool: 'read_file', args: '{"path": "a"}' })).toMatchObject({ action: 'allow' })
    expect(trial(EXAMPLE_BUNDLE, { tool: 'delete_x' })).toMatchObject({
      action: 'pending_approval',
      contract: 'ask-before-delete',
    })
    expect(trial(EXAMPLE_BUNDLE, { tool: 'delete_x', env: 'staging' })).toMatchObject({ action: 'allow' })
  })

  test('sees what came before, and what the tool returns', () => {
    const text = `apiVersion: edictum/v1
kind: ContractBundle
metadata: { name: a }
defaults: { mode: enforce }
contracts:
  - { id: after-web, type: pre, tool: mail, after: { tools: [web] }, then: { effect: deny, message: Not after the web. } }
  - { id: hide, type: post, tool: mail, when: { output.text: { contains: key } }, then: { effect: redact, message: m } }
`
    expect(trial(text, { tool: 'mail' })).toMatchObject({ action: 'allow' })
    expect(trial(text, { tool: 'mail', ran: 'web' })).toMatchObject({ action: 'deny', contract: 'after-web' })
    expect(trial(text, { tool: 'mail', output: 'a key' })).toMatchObject({
      contracts: expect.arrayContaining([expect.objectContaining({ id: 'hide', fired: true })]),
    })
  })

  test('says why it cannot be: a text that does not load, a name that no tool has', () => {
    expect(trial('kind: x', { tool: 'x' })).toMatchObject({ kind: 'refused' })
    expect(trial(EXAMPLE_BUNDLE, { tool: 'a/b' })).toMatchObject({
      kind: 'refused',
      message: expect.stringMatching(/a\/b/),
    })
  })
})
