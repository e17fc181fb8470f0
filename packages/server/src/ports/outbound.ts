/** One request to a host that a person configured. */
export interface OutboundRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** How long the whole exchange may take; ten seconds when left out. */
  readonly milliseconds?: number
}

export interface OutboundResponse {
  readonly status: number
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  /** UTF-8, cut at 64 KiB. */
  readonly body: string
}

/**
 * HTTP to hosts that people configure, kept away from the networks the server itself stands in. Every request
 * resolves its host anew, refuses it when any of its addresses is blocked, and connects to the addresses it checked. Redirects are
 * never followed: they come back as the response they are.
 */
export interface Outbound {
  /** @throws AddressRefused when `url` is none, or leads where no request may go. */
  check(url: string): Promise<void>
  /** @throws AddressRefused as `check`; @throws OutboundFailed when no complete answer came in time. */
  send(request: OutboundRequest): Promise<OutboundResponse>
}

/** The address may not be called. The message is for the person who configured it. */
export class AddressRefused extends Error {
  override readonly name = 'AddressRefused'
  readonly code: string = 'address_refused'
}

/** The host's name does not resolve now; it may later. */
export class HostNotFound extends AddressRefused {
  override readonly code = 'host_not_found'
}

/** The other side did not answer, or not like HTTP. */
export class OutboundFailed extends Error {
  override readonly name = 'OutboundFailed'
  readonly code = 'outbound_failed'
}
