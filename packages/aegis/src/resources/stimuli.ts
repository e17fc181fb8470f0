import type { RequestOptions } from '../http/options.ts'
import { path, query } from '../http/path.ts'
import type { Transport } from '../http/transport.ts'

export type StimulusStatus = 'received' | 'classified' | 'rejected' | 'classification_failed' | (string & {})

/** Something that came from outside, and what became of it. */
export interface Stimulus {
  readonly id: string
  readonly stimulus_id: string
  readonly source: string
  /** Its text; in Base64 where `content_encoding` says so. */
  readonly content: string
  readonly content_encoding: 'utf8' | 'base64' | (string & {})
  readonly headers: Readonly<Record<string, string>>
  readonly idempotency_key: string | null
  /** Name of the workflow that it began. */
  readonly classification: string | null
  readonly status: StimulusStatus
  readonly workflow_id: string | null
  readonly workflow_execution_id: string | null
  /** From 0 to 1. */
  readonly confidence: number | null
  readonly routing_mode: string | null
  readonly rejection_reason: string | null
  readonly classification_error: string | null
  readonly tenant_id: string
  /** RFC 3339, UTC; so are all times. */
  readonly received_at: string
  readonly created_at: string
  readonly last_event_at: string
}

/** One of a list: where `content_shortened`, its content is the beginning alone. */
export interface ListedStimulus extends Stimulus {
  readonly content_shortened: boolean
  /** Bytes of the whole content. */
  readonly content_bytes: number
}

export interface StimulusList {
  readonly items: readonly ListedStimulus[]
  readonly stimuli: readonly ListedStimulus[]
  readonly count: number
}

export interface StimulusPayload {
  /** What came. What is no text is sent on as JSON. */
  readonly content: unknown
  /** `http_api` where it is left out. */
  readonly source?: string
  /** Sent again with the same key within 24 hours, it is refused with 409 and begins nothing. */
  readonly idempotency_key?: string
  readonly headers?: Readonly<Record<string, string>>
}

export interface AcceptedStimulus {
  readonly id: string
  readonly stimulus_id: string
  readonly workflow_execution_id: string
  readonly workflow_id: string
  readonly status: StimulusStatus
}

/** Where stimuli may come from, and what they begin. */
export interface StimulusSource {
  readonly source: string
  readonly workflow: string | null
  readonly router_agent: string | null
  readonly signature: 'aegis' | 'stripe' | (string & {})
  readonly has_secret: boolean
  readonly tenant_id: string
  readonly created_by: string
  readonly created_at: string
  readonly updated_at: string
}

export interface StimulusSourceList {
  readonly items: readonly StimulusSource[]
  readonly sources: readonly StimulusSource[]
  readonly count: number
}

export interface StimulusSourcePayload {
  /** Its name, or `*` for every source that has no other way. */
  readonly source: string
  /** Name or id of the workflow that it begins. */
  readonly workflow?: string
  /** Name or id of the agent that chooses a workflow, where none is named. */
  readonly router_agent?: string
  /** How its webhooks are signed: `stripe` for the source of that name, otherwise `aegis`. */
  readonly signature?: 'aegis' | 'stripe'
  /** What its webhooks are signed with; left out, the one there is stays. */
  readonly secret?: string
}

/** Stimuli and webhooks. Each call rejects with an `AegisError`; see there. */
export const stimulusMethods = (transport: Transport) => ({
  /** Newest first. */
  async listStimuli(
    params: { readonly limit?: number; readonly offset?: number } = {},
    options?: RequestOptions,
  ): Promise<StimulusList> {
    return transport.json({ method: 'GET', path: `/v1/stimuli${query({ ...params })}` }, options)
  },

  async getStimulus(stimulusId: string, options?: RequestOptions): Promise<Stimulus & { readonly stimulus: Stimulus }> {
    return transport.json({ method: 'GET', path: path`/v1/stimuli/${stimulusId}` }, options)
  },

  /** Begin the workflow that its source names, or that a router chooses; resolves once it is begun. */
  async ingestStimulus(payload: StimulusPayload, options?: RequestOptions): Promise<AcceptedStimulus> {
    return transport.json({ method: 'POST', path: '/v1/stimuli', json: payload }, options)
  },

  /** As a webhook of the source, by this client's credentials instead of a signature. */
  async sendWebhook(source: string, payload: unknown, options?: RequestOptions): Promise<AcceptedStimulus> {
    return transport.json({ method: 'POST', path: path`/v1/webhooks/${source}`, json: payload }, options)
  },

  /** Register a source, or change what is registered. */
  async putStimulusSource(payload: StimulusSourcePayload, options?: RequestOptions): Promise<StimulusSource> {
    return transport.json({ method: 'POST', path: '/v1/stimuli/sources', json: payload }, options)
  },

  async listStimulusSources(options?: RequestOptions): Promise<StimulusSourceList> {
    return transport.json({ method: 'GET', path: '/v1/stimuli/sources' }, options)
  },

  async deleteStimulusSource(
    source: string,
    options?: RequestOptions,
  ): Promise<{ readonly status: string; readonly source: string }> {
    return transport.json({ method: 'DELETE', path: path`/v1/stimuli/sources/${source}` }, options)
  },
})

export type StimulusMethods = ReturnType<typeof stimulusMethods>
