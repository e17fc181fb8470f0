import { describe, expect, it } from 'vitest'
import { buildFindings, classifyFinding } from './findings.ts'

describe('findings', () => {
  it.each([
    ['pii-x', 'm', 'pii_detected'],
    ['x', 'An SSN', 'pii_detected'],
    ['x', 'token of the patient', 'pii_detected'],
    ['leak', 'an API Key', 'secret_detected'],
    ['x', 'over budget', 'limit_exceeded'],
    ['x', 'y', 'policy_violation'],
    ['x', null, 'policy_violation'],
  ])('%s %s is %s', (id, message, type) => {
    expect(classifyFinding(id, message)).toBe(type)
  })

  it('are one per contract that fired, observed ones too', () => {
    const findings = buildFindings({
      toolSuccess: true,
      postconditionsPassed: false,
      warnings: [],
      policyError: false,
      redactedResponse: null,
      replacement: null,
      outputSuppressed: false,
      marks: [],
      contractsEvaluated: [
        { name: 'a', type: 'postcondition', passed: true, message: null },
        { name: 'b', type: 'postcondition', passed: false, message: null, observed: true },
        { name: 'c', type: 'postcondition', passed: false, message: 'pii', metadata: { field: 'body' } },
      ],
    })
    expect(findings).toEqual([
      { type: 'policy_violation', contractId: 'b', field: 'output', message: '', metadata: {} },
      { type: 'pii_detected', contractId: 'c', field: 'body', message: 'pii', metadata: { field: 'body' } },
    ])
  })
})
