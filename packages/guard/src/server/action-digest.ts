import { createHash } from 'node:crypto'
import { responseText } from '@lictor/contracts'
import { canonicalJson } from './canonical-json.ts'

/** What a human is asked to approve, in full. */
export interface Action {
  readonly agentId: string
  readonly toolName: string
  /** As `jsonArguments` makes them. */
  readonly toolArgs: unknown
  readonly contractName: string | null
  readonly policyVersion: string | null
}

/** SHA-256, in lower-case hex, of an action: an approval of one is no approval of any other. */
export function actionDigest(action: Action): string {
  const text = canonicalJson({
    agent_id: action.agentId,
    tool_name: action.toolName,
    tool_args: action.toolArgs,
    contract_name: action.contractName,
    policy_version: action.policyVersion,
  })
  return createHash('sha256').update(text, 'utf8').digest('hex')
}

/**
 * Arguments as JSON carries them: exactly these are shown to the human and bound by the digest. A big integer keeps all its
 * digits, as text; what JSON cannot hold is a bracketed word.
 */
export function jsonArguments(toolArgs: Readonly<Record<string, unknown>>): unknown {
  let text: string | null
  try {
    text = JSON.stringify(toolArgs, (_key, value) => (typeof value === 'bigint' ? value.toString() : value))
  } catch {
    text = responseText(toolArgs)
  }
  return JSON.parse(text ?? '{}')
}
