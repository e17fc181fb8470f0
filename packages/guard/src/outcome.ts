import { type Envelope, type PostDecision, responseText } from '@lictor/contracts'
import { EdictumToolError } from './errors.ts'
import { errorText } from './logger.ts'
import type { SuccessCheck } from './options.ts'

/** How a tool ended. */
export type ToolOutcome =
  | { readonly returned: unknown }
  /** What it threw. */
  | { readonly threw: unknown }

/** How a tool ended, as it is judged. */
export interface JudgedOutcome {
  /** What it returned, or the text of what it threw. */
  readonly response: unknown
  readonly success: boolean
  /** What it, or the check of its success, threw; undefined when nothing was thrown. */
  readonly failure: unknown
}

/** Whether a tool succeeded. A check that throws says that it did not. */
export function judgeOutcome({ toolName }: Envelope, outcome: ToolOutcome, isSuccess: SuccessCheck): JudgedOutcome {
  if ('threw' in outcome) return { response: errorText(outcome.threw), success: false, failure: outcome.threw }
  const response = outcome.returned
  try {
    return { response, success: isSuccess(toolName, response), failure: undefined }
  } catch (error) {
    return { response: `Success check failed: ${errorText(error)}`, success: false, failure: error }
  }
}

/**
 * The error of a tool that failed. Where a contract changed its text, the cause would still carry what was taken out; a result
 * that said it failed is there in its own form, as the contract made it.
 */
export function toolError(post: PostDecision, response: unknown, cause: unknown): EdictumToolError {
  return post.redactedResponse === null
    ? new EdictumToolError(responseText(response) ?? '', { cause, result: response })
    : new EdictumToolError(post.redactedResponse, cause === undefined ? { result: post.replacement?.value } : {})
}
