/** The keys a guard checks receipts of approvals with. */
export interface SigningKeys {
  /** Remembers the key a bundle was delivered with. */
  learn(delivery: Readonly<Record<string, unknown>>): void
  /**
   * The trusted keys, in lower-case hex; null when none is known. A key that is not among those learned from the server may
   * be a new one: the server is then asked which it signs with now.
   */
  including(publicKey: string): Promise<readonly string[] | null>
}

/**
 * @param pinned the keys the caller gave; they alone count then
 * @param fetchDelivery the bundle as the server delivers it now, with its key; null where there is none to ask for
 */
export function createSigningKeys(
  pinned: readonly string[] | null,
  fetchDelivery: () => Promise<Readonly<Record<string, unknown>> | null>,
): SigningKeys {
  const given = pinned?.map((key) => key.toLowerCase()) ?? null
  const learned = new Set<string>()
  function learn(delivery: Readonly<Record<string, unknown>>): void {
    const { public_key: key } = delivery
    if (typeof key === 'string' && /^[0-9a-fA-F]{64}$/.test(key)) learned.add(key.toLowerCase())
  }
  return {
    learn,
    async including(publicKey) {
      if (given !== null) return given
      if (!learned.has(publicKey.toLowerCase())) {
        const delivery = await fetchDelivery()
        if (delivery !== null) learn(delivery)
      }
      return learned.size === 0 ? null : [...learned]
    },
  }
}
