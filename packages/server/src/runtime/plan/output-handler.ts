import type { AgentManifestDocument } from '@lictor/aegis'
import { requireHeaderReferences } from '../references/reference.ts'

const METHODS = ['POST', 'PUT', 'PATCH'] as const
const DEFAULT_AGENT_SECONDS = 300
const DEFAULT_WEBHOOK_SECONDS = 30
const MOST_SECONDS = 86_400

/** Who gets the accepted output of an execution, and may make the final one of it. */
export type OutputHandler =
  | {
      readonly type: 'agent'
      /** Id or name. */
      readonly agent: string
      /** Handlebars over `output` and `intent`; undefined: the output itself. */
      readonly inputTemplate: string | undefined
      readonly milliseconds: number
      readonly isRequired: boolean
    }
  | {
      readonly type: 'webhook'
      readonly url: string
      readonly method: (typeof METHODS)[number]
      readonly headers: Readonly<Record<string, string>>
      readonly bodyTemplate: string | undefined
      readonly milliseconds: number
      readonly isRequired: boolean
    }

/** @throws Error naming the field, for what this server does not do */
export function outputHandlerOf({ output_handler: given }: AgentManifestDocument['spec']): OutputHandler | null {
  if (given === undefined) return null
  const isRequired = given.required ?? false
  switch (given.type) {
    case 'agent':
      return {
        type: 'agent',
        agent: given.agent_id,
        inputTemplate: given.input_template,
        milliseconds: millisecondsOf(given.timeout_seconds, DEFAULT_AGENT_SECONDS),
        isRequired,
      }
    case 'webhook': {
      const method = (given.method ?? 'POST').toUpperCase()
      const known = METHODS.find((one) => one === method)
      if (!known)
        throw new Error(`spec.output_handler.method '${given.method}' is not available. Use ${METHODS.join(', ')}.`)
      if (!URL.canParse(given.url) || !/^https?:/i.test(given.url))
        throw new Error(`spec.output_handler.url '${given.url}' is no address that begins with http:// or https://.`)
      if (given.retry !== undefined)
        throw new Error(
          'spec.output_handler.retry is not available on this server: a webhook is called once, and once more only after a crash. Leave it out.',
        )
      requireHeaderReferences(given.headers)
      return {
        type: 'webhook',
        url: given.url,
        method: known,
        headers: given.headers ?? {},
        bodyTemplate: given.body_template,
        milliseconds: millisecondsOf(given.timeout_seconds, DEFAULT_WEBHOOK_SECONDS),
        isRequired,
      }
    }
    default:
      throw new Error(
        `spec.output_handler.type '${given.type}' is not available on this server. Available are agent, webhook.`,
      )
  }
}

function millisecondsOf(seconds: number | undefined, fallback: number): number {
  const given = seconds ?? fallback
  if (given > 0 && given <= MOST_SECONDS) return given * 1000
  throw new Error(`spec.output_handler.timeout_seconds '${given}' is no number of seconds up to ${MOST_SECONDS}.`)
}
