/** A way for messages, as text, to a server and back. */
export interface Transport {
  /** Send one message. @throws McpDisconnected */
  send(text: string, about?: SentAbout): Promise<void>
  /** Stop, and let go of everything. Never throws; safe to call twice. */
  close(): Promise<void>
}

/** What is sent, for transports that say it beside the message as well. */
export interface SentAbout {
  readonly method: string
  /** The name of the tool that is called. */
  readonly name?: string
  readonly signal?: AbortSignal
}

/** What a transport tells of. */
export interface TransportEvents {
  message(text: string): void
  /** Once, when nothing comes any more; why, in words. */
  closed(reason: string): void
}

export type OpenTransport = (events: TransportEvents) => Promise<Transport>
