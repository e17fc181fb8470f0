import { DomainError } from '../../errors.ts'
import type { ModelErrorClass } from '../../ports/model.ts'

/** Why the conversation of an attempt ended without a final answer. */
export type ConversationFailure =
  | { readonly kind: 'model'; readonly errorClass: ModelErrorClass; readonly message: string }
  /** The final text ended at the model's length limit: it is a part of an answer, and no answer. */
  | { readonly kind: 'cut_off' }
  | { readonly kind: 'rounds'; readonly most: number }
  /** A tool cannot work here until somebody changes a setting of this server. */
  | { readonly kind: 'tool'; readonly message: string }
  /** This server failed; its log says how. */
  | { readonly kind: 'server'; readonly cause: unknown }

const upstream: Readonly<Record<ModelErrorClass, readonly [status: number, tag: string]>> = {
  authentication: [502, 'upstream_authentication'],
  model_not_found: [502, 'upstream_model_not_found'],
  invalid_input: [502, 'upstream_invalid_input'],
  network: [502, 'upstream_network'],
  timeout: [502, 'upstream_network'],
  provider: [502, 'upstream_provider'],
  rate_limit: [429, 'upstream_rate_limit'],
  service_unavailable: [503, 'upstream_unavailable'],
}

/** In words, for the iteration's error and for the instance. */
export function describeFailure(failure: ConversationFailure): string {
  switch (failure.kind) {
    case 'model':
      return `${upstream[failure.errorClass][1]}: ${failure.message}`
    case 'cut_off':
      return "upstream_cut_off: The model's final answer was cut off at its length limit. A shorter answer is needed."
    case 'rounds':
      return `Inner loop exceeded max iterations (${failure.most})`
    case 'tool':
      return failure.message
    case 'server':
      return 'This server failed while it answered the agent.'
  }
}

/** What another attempt cannot mend: somebody has to change a setting or the manifest first. */
export const isHopeless = (failure: ConversationFailure): boolean =>
  failure.kind === 'tool' ||
  (failure.kind === 'model' && (failure.errorClass === 'authentication' || failure.errorClass === 'model_not_found'))

/** The failure as the gateway answers it. */
export function errorOf(failure: ConversationFailure): DomainError {
  const status = failure.kind === 'model' ? upstream[failure.errorClass][0] : failure.kind === 'cut_off' ? 502 : 500
  const text = describeFailure(failure)
  return new DomainError(status, text, text)
}
