import { InvalidInput } from '../../errors.ts'
import type { Values } from '../interpreter/run.ts'

/** Of what a run or a signal is given, as JSON in UTF-16 units, and how deep objects and arrays may lie in each other. */
const MOST_GIVEN = 1024 ** 2
const DEEPEST = 64

/** What a run is started with, however its client spells it. */
export interface Given {
  readonly input: unknown
  readonly overrides: unknown
  readonly intent: string | null
  /** What it asks for that no run is given here; null when it asks for nothing such. */
  readonly refused: string | null
}

/** Keys of a body that is more than an input. `workflow_id` and `workflow_name` name the workflow. */
const known = [
  ...['workflow_id', 'workflow_name', 'input', 'context_overrides', 'blackboard', 'intent', 'version'],
  ...['timeout', 'attachments', 'security_context_name', 'tenant_id'],
]

/**
 * @param isWhole the body is the input where it has none of the known keys
 * @throws InvalidInput for what is too large or too deep
 */
export function givenBy(body: Values, isWhole: boolean): Given {
  requireBounded(body)
  if (isWhole && !known.some((key) => Object.hasOwn(body, key)))
    return { input: body, overrides: {}, intent: null, refused: null }
  const { input = null, context_overrides, blackboard, intent, timeout, attachments, security_context_name } = body
  return {
    input: input ?? {},
    overrides: merged(context_overrides, blackboard),
    intent: typeof intent === 'string' && intent.trim() !== '' ? intent : null,
    refused:
      timeout !== undefined && timeout !== null
        ? 'timeout is not kept for a whole workflow. Give its states a timeout.'
        : Array.isArray(attachments) && attachments.length > 0
          ? 'attachments are not given to workflows yet. Name the files in the input.'
          : typeof security_context_name === 'string'
            ? 'security_context_name is not heeded for workflows: each agent runs in the context of its own manifest. Leave it out.'
            : null,
  }
}

/** Both names of the caller's entries of the blackboard; those of `blackboard` win. What is no object stays, to be refused. */
function merged(first: unknown, second: unknown): unknown {
  if (second === undefined || second === null) return first ?? {}
  if (first === undefined || first === null) return second
  const areObjects = [first, second].every((one) => typeof one === 'object' && !Array.isArray(one))
  return areObjects ? { ...(first as object), ...(second as object) } : second
}

/** @throws InvalidInput for what would not be carried through a whole run */
export function requireBounded(value: unknown): void {
  let level: unknown[] = [value]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > DEEPEST) refuse(`Objects and arrays may lie in each other at most ${DEEPEST} deep.`)
    level = level.flatMap((one) => (typeof one === 'object' && one !== null ? Object.values(one) : []))
  }
  const size = JSON.stringify(value)?.length ?? 0
  if (size > MOST_GIVEN) refuse(`A workflow is given at most ${MOST_GIVEN} characters of JSON, and this has ${size}.`)
}

function refuse(message: string): never {
  throw new InvalidInput(message, message)
}
