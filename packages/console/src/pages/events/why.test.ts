import { expect, test } from 'vitest'
import type { AuditEvent } from '../../api/types.ts'
import { whyOf } from './why.ts'

const event = {
  tool_name: 'read_file',
  payload: { tool_args: { path: '/etc/passwd' }, environment: 'staging' },
} as unknown as AuditEvent

const bundle = (when: string) => `apiVersion: edictum/v1
kind: ContractBundle
metadata: {name: b}
defaults: {mode: enforce}
contracts:
  - {id: c, type: pre, tool: read_file, when: ${when}, then: {effect: deny, message: m}}
  - {id: other, type: pre, tool: send, when: {args.to: {exists: true}}, then: {effect: deny, message: m}}
`

test('each condition of each contract that concerns the call says what it saw and what it made of it', () => {
  const reasons = whyOf(event, bundle('{all: [{args.path: {starts_with: /etc}}, {environment: {equals: production}}]}'))
  expect(reasons.map(({ id, fired }) => [id, fired])).toEqual([['c', false]])
  expect(reasons[0]?.leaves.map(({ selector, value, result }) => [selector, value, result])).toEqual([
    ['args.path', '/etc/passwd', true],
    ['environment', 'staging', false],
  ])
  expect(whyOf(event, bundle('{args.path: {contains: passwd}}'))[0]?.fired).toBe(true)
})
