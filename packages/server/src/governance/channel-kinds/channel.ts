import type { Reference } from '../../changes/outbox/store.ts'
import type { Approval } from '../approvals/approval.ts'

export const channelTypes = ['telegram', 'slack', 'slack_app', 'discord', 'webhook', 'email'] as const
export type ChannelType = (typeof channelTypes)[number]

/** As its owner wrote it; only the presence of keys is checked. */
export type ChannelConfig = Readonly<Record<string, unknown>>

/** What a channel is told about an approval. */
export interface Notice {
  readonly approval: Approval
  /** The page where it is decided. */
  readonly link: string
  /** The same for every attempt: receivers can tell a repetition by it. */
  readonly deliveryId: string
}

/** One kind of channel: what it must be configured with, and how it is spoken to. */
export interface ChannelKind {
  readonly required: readonly string[]
  /** Masked in answers. */
  readonly secrets: readonly string[]
  /** The key that holds an address of the owner's choice, checked when it is written. */
  readonly urlKey?: string
  /** Messages have buttons, and are changed when the approval is settled. */
  readonly isInteractive: boolean
  /** @throws DeliveryFailed, AddressRefused, OutboundFailed, MailFailed; so do the others. */
  requested(config: ChannelConfig, notice: Notice): Promise<Reference | null>
  /** Tell people once more, before nobody can decide any more; absent where programs listen, which need no reminder. */
  reminded?(config: ChannelConfig, notice: Notice): Promise<unknown>
  /** `reference` is what `requested` returned, null when that never succeeded. */
  decided(config: ChannelConfig, notice: Notice, reference: Reference | null): Promise<void>
  expired(config: ChannelConfig, notice: Notice, reference: Reference | null): Promise<void>
  /** Send a test message; what to tell who asked for it. */
  test(config: ChannelConfig, deliveryId: string): Promise<string>
}

/** The platform answered that it did not take the message. The text is shown to administrators. */
export class DeliveryFailed extends Error {
  override readonly name = 'DeliveryFailed'
  readonly code = 'delivery_failed'
  /** Sending the same again changes nothing. */
  readonly isPermanent: boolean
  /** How long the platform asks to be left alone; null when it does not say. */
  readonly retryAfterMs: number | null

  constructor(message: string, options: { isPermanent: boolean; retryAfterMs?: number | null }) {
    super(message)
    this.isPermanent = options.isPermanent
    this.retryAfterMs = options.retryAfterMs ?? null
  }
}

/** A value of the configuration as text: numbers are written out, anything else but text is ''. */
export function textOf(config: ChannelConfig, key: string): string {
  const value = config[key]
  return typeof value === 'string' ? value.trim() : typeof value === 'number' ? String(value) : ''
}
