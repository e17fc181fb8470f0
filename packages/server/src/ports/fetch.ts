/** `fetch` as the SDKs of model providers take it. */
export type Fetch = typeof globalThis.fetch

/**
 * `fetch` for streams and large answers, in three degrees of trust. Each resolves the name of the host once, connects to the very
 * addresses it judged, and follows no redirect: what would follow rejects, and with `redirect: 'manual'` comes back as it is.
 */
export interface Fetches {
  /** To hosts that a tenant names: nothing private, but what `LICTOR_OUTBOUND_ALLOW` lists. */
  readonly guarded: Fetch
  /** As `guarded`, and this machine's loopback: a local Ollama. */
  readonly loopback: Fetch
  /** To hosts that only the operator names, by a setting: anywhere. */
  readonly operator: Fetch
}
