import type { Micros } from '../../storage/instants.ts'

/** Something that came from outside, and what became of it. */
export interface Stimulus {
  readonly id: string
  readonly tenantId: string
  readonly source: string
  /** The text, or in Base64 what is none. */
  readonly content: string
  readonly encoding: 'utf8' | 'base64'
  readonly headers: Readonly<Record<string, string>>
  readonly idempotencyKey: string | null
  /** Who is told as having begun what it begins. */
  readonly receivedFrom: string
  readonly status: StimulusStatus
  readonly route: StimulusRoute | null
  /** Why it began nothing. */
  readonly reason: string | null
  readonly owner: string
  /** Since when its owner finds its way. */
  readonly takenAt: Micros
  readonly receivedAt: Micros
  readonly lastEventAt: Micros
}

/** One of a list: of a content of more than 32 KiB its beginning alone, so that a page of them stays small. */
export interface ListedStimulus extends Stimulus {
  readonly isShortened: boolean
  /** Of the whole content. */
  readonly contentBytes: number
}

/** Bytes of a content that a list gives whole, and characters of the beginning of a longer one; a multiple of 4, as Base64 has it. */
export const LONGEST_LISTED = 32_768
export const BEGINNING = 1_024

export type StimulusStatus = 'received' | 'classified' | 'rejected' | 'classification_failed'

/** Which workflow it began, and who chose it. */
export interface StimulusRoute {
  readonly mode: 'Deterministic' | 'LlmClassified'
  /** From 0 to 1. */
  readonly confidence: number
  readonly workflowId: string
  readonly workflowName: string
  readonly runId: string
}

/** What came, before anything became of it. */
export type Arrival = Pick<
  Stimulus,
  'tenantId' | 'source' | 'content' | 'encoding' | 'headers' | 'idempotencyKey' | 'receivedFrom'
>

/** Headers that are not handed on: what lets somebody in, and what names a tenant, which the signature alone decides. */
const dropped =
  /^(authorization|cookie|proxy-authorization|x-aegis-tenant|x-tenant-id|x-aegis-signature|x-hub-signature(-256)?|stripe-signature|x-aegis-webhook-secret)$/
const LONGEST_HEADERS = 16_384

/** The headers of a request as a workflow may read them. */
export function keptHeaders(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): Record<string, string> {
  const kept: Record<string, string> = {}
  let left = LONGEST_HEADERS
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || dropped.test(name) || name === '__proto__') continue
    const text = typeof value === 'string' ? value : value.join(', ')
    left -= name.length + text.length
    if (left < 0) break
    kept[name] = text
  }
  return kept
}

/** How deep JSON may be of which a workflow is given the fields. */
const DEEPEST = 64

/** What a workflow is started with. JSON is given parsed as well, so that its templates reach the fields. */
export function inputOf({ id, source, content, encoding, headers }: Stimulus): Record<string, unknown> {
  const input = { stimulus_content: content, stimulus_source: source, stimulus_id: id, headers }
  if (encoding === 'base64') return { ...input, stimulus_encoding: encoding }
  const payload = parsed(content)
  return payload === undefined ? input : { ...input, payload }
}

function parsed(content: string): object | undefined {
  if (!/^[\s\uFEFF]*[[{]/.test(content)) return undefined
  let value: unknown
  try {
    value = JSON.parse(content.replace(/^\uFEFF/, ''))
  } catch {
    return undefined
  }
  let level: unknown[] = [value]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > DEEPEST) return undefined
    level = level.flatMap((one) => (typeof one === 'object' && one !== null ? Object.values(one) : []))
  }
  return typeof value === 'object' && value !== null ? value : undefined
}

/** The body of a webhook as text; what is no UTF-8 in Base64. */
export function contentOf(body: Uint8Array): Pick<Stimulus, 'content' | 'encoding'> {
  try {
    const content = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body)
    return { content, encoding: 'utf8' }
  } catch {
    return { content: Buffer.from(body).toString('base64'), encoding: 'base64' }
  }
}
