/** Who decides for a gateway: a guard, as whoever builds the gateway hands it in. */
export interface Judge {
  /** A call that is about to be judged. @throws anything: the call is refused then */
  begin(call: CallToJudge): JudgedCall | Promise<JudgedCall>
  /** What may be shown of a text that belongs to no call: a log message, an instruction, a description. */
  redact(text: string): string
}

export interface CallToJudge {
  /** The tool's name; `mcp.resources.read` and the like for what is no tool. */
  readonly tool: string
  readonly args: Readonly<Record<string, unknown>>
  readonly metadata: Readonly<Record<string, unknown>>
  /** Takes the call back while it is judged, or while a person is asked. */
  readonly signal: AbortSignal
}

/** How a call ended that was carried out, or may have been. */
export type CallOutcome = { readonly returned: unknown } | { readonly threw: Error }

export type JudgedOutcome =
  | { readonly kind: 'unchanged' }
  /** What may be shown instead: a value of the same shape, or a text in its place. */
  | { readonly kind: 'replaced'; readonly value: unknown }

export interface JudgedCall {
  /** Waits for a person where contracts say so. @throws Refused, the signal's reason, or anything: the call must not run */
  authorize(): void | Promise<void>
  /** Once, after `authorize`. @throws when it could not be recorded: nothing of the outcome may be shown then */
  complete(outcome: CallOutcome): JudgedOutcome | Promise<JudgedOutcome>
  /** An authorized call that will not run. */
  cancel(reason: string): Promise<void>
  /** What may be shown of a text that this call brings before its result, such as the message of its progress. */
  redact(text: string): string
}

/** A contract, a limit or a person said no. */
export class Refused extends Error {
  override readonly name = 'Refused'
}
