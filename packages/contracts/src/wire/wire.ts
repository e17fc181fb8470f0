import type { DryRunResult } from '../decide/dry-run.ts'
import type { Finding } from '../findings/findings.ts'
import type { ContractRecord, Principal } from '../types.ts'

/** A contract record as it travels. Optional keys appear only when they say something. */
export interface RecordWire {
  readonly name: string
  readonly type: string
  readonly passed: boolean
  readonly message: string | null
  readonly metadata?: Readonly<Record<string, unknown>>
  readonly observed?: true
}

export function recordToWire(record: ContractRecord): RecordWire {
  const { name, type, passed, message, metadata, observed } = record
  return {
    name,
    type,
    passed,
    message,
    ...(metadata !== undefined && Object.keys(metadata).length > 0 ? { metadata } : {}),
    ...(observed ? { observed } : {}),
  }
}

/** A principal as it travels: always all six keys. */
export interface PrincipalWire {
  readonly user_id: string | null
  readonly service_id: string | null
  readonly org_id: string | null
  readonly role: string | null
  readonly ticket_ref: string | null
  readonly claims: Readonly<Record<string, unknown>>
}

export function principalToWire(principal: Principal): PrincipalWire
export function principalToWire(principal: Principal | null): PrincipalWire | null
export function principalToWire(principal: Principal | null): PrincipalWire | null {
  if (principal === null) return null
  return {
    user_id: principal.userId,
    service_id: principal.serviceId,
    org_id: principal.orgId,
    role: principal.role,
    ticket_ref: principal.ticketRef,
    claims: principal.claims,
  }
}

/** A dry run as it travels. */
export function dryRunToWire(result: DryRunResult) {
  return {
    verdict: result.verdict,
    tool_name: result.toolName,
    contracts: result.contracts.map((contract) => ({
      contract_id: contract.contractId,
      contract_type: contract.contractType,
      passed: contract.passed,
      message: contract.message,
      tags: contract.tags,
      observed: contract.observed,
      effect: contract.effect,
      policy_error: contract.policyError,
    })),
    deny_reasons: result.denyReasons,
    warn_reasons: result.warnReasons,
    labels: result.labels,
    contracts_evaluated: result.contractsEvaluated,
    policy_error: result.policyError,
  }
}

export function findingToWire(finding: Finding) {
  const { type, contractId, field, message, metadata } = finding
  return { type, contract_id: contractId, field, message, metadata }
}
