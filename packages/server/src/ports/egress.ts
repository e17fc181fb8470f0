/**
 * The way out of sandboxes that have no network of their own: for each attempt a door, a Unix socket with an HTTP proxy behind it.
 * Behind the door a name is judged, resolved once, its addresses are judged, and exactly those are connected to.
 */
export interface Egress {
  /**
   * @param folder of this server alone, for the socket
   * @param onRefused is told of each attempt to reach what may not be reached; repeated ones are told once
   */
  open(of: {
    readonly folder: string
    readonly policy: EgressPolicy
    readonly onRefused: (refused: RefusedAccess) => void
  }): Promise<EgressDoor>
}

/** What one agent may reach, by name. */
export interface EgressPolicy {
  /**
   * Why this host may not be reached, as a sentence; null when it may.
   * @param host as the URL standard writes it: lower case, IPv6 in brackets
   */
  refusal(host: string, port: number): string | null
}

export interface RefusedAccess {
  readonly host: string
  readonly port: number
  readonly reason: string
}

export interface EgressDoor {
  /** Path of the socket on this machine. */
  readonly socket: string
  /** Ends every connection that was made through it. */
  close(): Promise<void>
}
