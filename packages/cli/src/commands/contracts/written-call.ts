import type { PastInput, PrincipalInput } from '@lictor/contracts'
import { isMapping, type Mapping } from './mapping.ts'

/** What a file says of a call. */
export interface WrittenCall {
  readonly tool: string
  readonly args: Mapping
  readonly principal: PrincipalInput | null
  readonly environment: string | null
  /** What came before in the session. */
  readonly after: PastInput
}

const CALL_KEYS = ['tool', 'args', 'principal', 'environment', 'after']
const PRINCIPAL_TEXTS = [
  'user_id',
  'service_id',
  'org_id',
  'role',
  'ticket_ref',
  'userId',
  'serviceId',
  'orgId',
  'ticketRef',
]

/**
 * A call of a file. What it does not know it refuses: a slip that is passed over would make another call of it, and its case
 * would prove nothing.
 *
 * @param more keys that stand beside the call
 * @param wrong makes the error of a sentence
 */
export function writtenCall(given: unknown, more: readonly string[], wrong: (what: string) => Error): WrittenCall {
  if (!isMapping(given)) throw wrong(`a mapping with 'tool' is needed`)
  const known = [...CALL_KEYS, ...more]
  const stray = Object.keys(given).find((key) => !known.includes(key))
  if (stray !== undefined) throw wrong(`'${stray}' is unknown; there are ${known.join(', ')}`)
  const { tool, args, principal, environment, after } = given
  if (typeof tool !== 'string') throw wrong("'tool' is missing")
  if (isGiven(args) && !isMapping(args)) throw wrong("'args' is no mapping")
  if (isGiven(environment) && typeof environment !== 'string') throw wrong("'environment' is no text")
  return {
    tool,
    args: isMapping(args) ? args : {},
    principal: isGiven(principal) ? writtenPrincipal(principal, wrong) : null,
    environment: typeof environment === 'string' ? environment : null,
    after: isGiven(after) ? writtenPast(after, wrong) : {},
  }
}

function writtenPast(given: unknown, wrong: (what: string) => Error): PastInput {
  if (!isMapping(given)) throw wrong("'after' is no mapping")
  for (const [key, value] of Object.entries(given)) {
    if (key !== 'labels' && key !== 'tools') throw wrong(`'after.${key}' is unknown; there are labels, tools`)
    if (!Array.isArray(value) || value.some((each) => typeof each !== 'string'))
      throw wrong(`'after.${key}' is no list of texts`)
  }
  return given
}

function writtenPrincipal(given: unknown, wrong: (what: string) => Error): PrincipalInput {
  if (!isMapping(given)) throw wrong("'principal' is no mapping")
  for (const [key, value] of Object.entries(given)) {
    if (key === 'claims') {
      if (isGiven(value) && !isMapping(value)) throw wrong("'principal.claims' is no mapping")
    } else if (!PRINCIPAL_TEXTS.includes(key)) {
      throw wrong(`'principal.${key}' is unknown; what else is known of them stands under 'claims'`)
    } else if (isGiven(value) && typeof value !== 'string') throw wrong(`'principal.${key}' is no text`)
  }
  return given
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null
}
