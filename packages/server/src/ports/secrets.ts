/** Whose secrets: one tenant never reaches those of another. */
export interface SecretOwner {
  readonly tenantId: string
}

/** What a secret holds: texts by name. Numbers come back rounded from some stores, so there are none. */
export type SecretFields = Readonly<Record<string, string>>

/** Of one version of a secret. `state` tells what was taken away on purpose from what never was. */
export interface SecretVersion {
  /** From 1. */
  readonly version: number
  /** Microseconds. */
  readonly createdAt: number
  /** `deleted`: taken away, but the store could bring it back; `destroyed`: gone for good. */
  readonly state: 'live' | 'deleted' | 'destroyed'
}

export type ReadSecret =
  | { readonly state: 'live'; readonly version: number; readonly createdAt: number; readonly fields: SecretFields }
  | { readonly state: 'deleted' | 'destroyed'; readonly version: number }
  /** There is no such secret, or it never had that version, or has forgotten it. */
  | { readonly state: 'missing' }

export interface ListedSecret {
  readonly path: string
  /** The newest. */
  readonly version: number
  /** Microseconds: of its first version, and of the newest. */
  readonly createdAt: number
  readonly updatedAt: number
}

/** How many versions of a secret are kept: the one before them is forgotten when the next is written. */
export const KEPT_VERSIONS = 10

/**
 * Secrets with their versions. A path is segments of letters, digits, `.`, `_` and `-` between single slashes; who calls has made
 * sure of it. Everything throws `SecretsUnavailable` when the store does not answer, is sealed, or refuses this server: nobody then
 * goes on with an older value.
 */
export interface SecretStore {
  /** @param version the newest where absent */
  read(owner: SecretOwner, path: string, version?: number): Promise<ReadSecret>
  /**
   * Add a version.
   * @param after write only on top of this version; 0 only where there is no secret. Absent writes on top of any.
   * @returns null when the newest version is another
   */
  write(owner: SecretOwner, path: string, fields: SecretFields, after?: number): Promise<SecretVersion | null>
  /** Its versions, newest first; empty where there is no secret. */
  versions(owner: SecretOwner, path: string): Promise<SecretVersion[]>
  /** Destroy what one version holds; it stays on the list. False where there is no such version. */
  destroy(owner: SecretOwner, path: string, version: number): Promise<boolean>
  /** Take the secret away with all its versions. False where there is none. */
  remove(owner: SecretOwner, path: string): Promise<boolean>
  /** Secrets whose path begins with `prefix` and whose newest version can be read, by path. */
  list(owner: SecretOwner, prefix: string): Promise<ListedSecret[]>
}

/** The store cannot be asked now, or does not let this server in. The message names the setting, never a value. */
export class SecretsUnavailable extends Error {
  override readonly name = 'SecretsUnavailable'
}
