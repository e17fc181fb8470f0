import { globMatches } from '@lictor/contracts'
import type { Approval } from '../approvals/approval.ts'

/** Which requests a channel is told of. Null or empty lists let everything through. */
export interface Filters {
  readonly environments: readonly string[] | null
  readonly agent_patterns: readonly string[] | null
  readonly contract_names: readonly string[] | null
}

/** Whether all dimensions accept; the contract's is skipped when the approval names none. */
export function accepts(
  filters: Filters | null,
  approval: Pick<Approval, 'env' | 'agentId' | 'contractName'>,
): boolean {
  if (!filters) return true
  const { contractName } = approval
  return (
    matches(filters.environments, (env) => env === approval.env) &&
    matches(filters.agent_patterns, (pattern) => globMatches(pattern, approval.agentId)) &&
    (contractName === null || matches(filters.contract_names, (pattern) => globMatches(pattern, contractName)))
  )
}

const matches = (dimension: readonly string[] | null, holds: (one: string) => boolean): boolean =>
  !dimension || dimension.length === 0 || dimension.some(holds)
