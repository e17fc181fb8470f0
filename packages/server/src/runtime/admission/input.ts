import { InvalidInput } from '../../errors.ts'
import { compileSchema } from '../validation/json-schema.ts'

/** What a caller wants an agent to do. */
export interface StartRequest {
  readonly input?: unknown
  /** The input under the name that workflows give it; it comes before `input`. */
  readonly workflow_input?: unknown
  readonly intent?: string | null | undefined
  readonly context_overrides?: unknown
  readonly attachments?: readonly unknown[] | null | undefined
}

const reserved = ['instruction', 'iteration_number', 'previous_error']

export function refuse(message: string): never {
  throw new InvalidInput(message, message)
}

/**
 * What the agent is given: `workflow_input`, else `input`; over the manifest's `input_data`. Null when there is nothing but an
 * intent.
 * @throws InvalidInput when there is neither
 */
export function userInputOf(request: StartRequest, inputData: unknown): unknown {
  const given = request.workflow_input === undefined ? request.input : request.workflow_input
  const input = given === undefined || given === '' ? null : given
  if (isObject(input) && isObject(inputData)) return { ...inputData, ...input }
  if (input !== null || request.intent?.trim()) return input
  return inputData ?? refuse('Input is null or empty')
}

/** Variables of the prompt template beside its own. @throws InvalidInput */
export function overridesOf(value: unknown): Record<string, unknown> {
  if (value === undefined || value === null) return {}
  if (!isObject(value)) refuse('Context overrides must be a JSON object')
  for (const key of reserved) {
    if (Object.hasOwn(value, key)) refuse(`Context override key '${key}' is reserved and cannot be overridden`)
  }
  return value
}

/** The input with the attachments in it: beside the fields of an object, or beside a `value`. */
export function withAttachments(input: unknown, attachments: readonly unknown[]): unknown {
  if (attachments.length === 0) return input
  return isObject(input) ? { ...input, attachments } : { value: input, attachments }
}

/** @throws InvalidInput with everything that is wrong with it */
export function requireFits(schema: Record<string, unknown> | undefined, input: unknown): void {
  if (schema === undefined) return
  let judge: ReturnType<typeof compileSchema>
  try {
    judge = compileSchema(schema, 'input')
  } catch (error) {
    refuse(`Agent input_schema is invalid: ${(error as Error).message}`)
  }
  const problems = judge(input)
  if (problems.length > 0) refuse(`Input validation failed: ${problems.join('; ')}`)
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
