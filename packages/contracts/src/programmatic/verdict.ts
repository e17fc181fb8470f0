import { MAX_MESSAGE } from '../bounds.ts'
import { cutText } from '../messages/cut.ts'

/** Result of one programmatic check. */
export interface Verdict {
  readonly passed: boolean
  readonly message: string | null
  readonly metadata: Readonly<Record<string, unknown>>
}

const PASSED: Verdict = Object.freeze({ passed: true, message: null, metadata: Object.freeze({}) })

/** Makes verdicts. `fail` cuts its message to the length of a contract's; metadata keys with meaning: `tags`, `field`, `policy_error`. */
export const Verdict = Object.freeze({
  pass: (): Verdict => PASSED,
  pass_: (): Verdict => PASSED,
  fail: (message: string, metadata: Readonly<Record<string, unknown>> = {}): Verdict =>
    Object.freeze({ passed: false, message: cutText(message, MAX_MESSAGE), metadata: Object.freeze({ ...metadata }) }),
})
