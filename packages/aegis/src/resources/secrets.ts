import type { RequestOptions } from '../http/options.ts'
import { filePath, query } from '../http/path.ts'
import type { Transport } from '../http/transport.ts'

export interface SecretEntry {
  /** The whole path. */
  readonly name: string
  readonly path?: string
  /** The newest version. */
  readonly version?: number
  readonly created_at?: string
  readonly last_modified?: string
  readonly size_bytes?: number
}

export interface SecretList {
  readonly secrets: readonly SecretEntry[]
  readonly items?: readonly SecretEntry[]
  readonly count?: number
}

export interface SecretValue {
  /** Of a secret with several fields, these as JSON text. */
  readonly value: string
  readonly path?: string
  /** `base64` where the value is no text. */
  readonly encoding?: 'plaintext' | 'base64'
  readonly data?: Readonly<Record<string, string>>
  readonly fields?: readonly string[]
  readonly version?: number
  readonly created_at?: string
}

/** A value, or fields by name. */
export type WriteSecretRequest = (
  | { readonly value: string; readonly encoding?: 'base64' | 'plaintext' }
  | { readonly data: Readonly<Record<string, string>> }
) & {
  /** Write only on top of this version, otherwise 409; 0: only where there is none yet. */
  readonly expected_version?: number
}

export interface WrittenSecret {
  readonly path: string
  readonly status: string
  /** The new version, from 1. */
  readonly version?: number
  readonly created_at?: string
  readonly updated_at?: string
}

export interface SecretVersionEntry {
  readonly version: number
  readonly state: 'live' | 'deleted' | 'destroyed'
  readonly created_at: string
}

/** Secrets of the tenant, by path (`db/password`). Each call rejects with an `AegisError`; see there. */
export function secretMethods(transport: Transport) {
  return {
    async listSecrets(pathPrefix?: string, options?: RequestOptions): Promise<SecretList> {
      const path = `/v1/secrets${query({ path_prefix: pathPrefix })}`
      return transport.json({ method: 'GET', path }, options)
    },

    /** The value, for operators, administrators and tokens with `secret:read`. Each read is in the audit log. */
    async getSecret(secret: string, version?: number | RequestOptions, options?: RequestOptions): Promise<SecretValue> {
      const number = typeof version === 'number' ? version : undefined
      const path = `/v1/secrets/${filePath(secret)}${query({ version: number })}`
      return transport.json({ method: 'GET', path }, typeof version === 'object' ? version : options)
    },

    async writeSecret(secret: string, payload: WriteSecretRequest, options?: RequestOptions): Promise<WrittenSecret> {
      return transport.json({ method: 'PUT', path: `/v1/secrets/${filePath(secret)}`, json: payload }, options)
    },

    /** With all its versions. */
    async deleteSecret(secret: string, options?: RequestOptions): Promise<{ readonly status: string }> {
      return transport.json({ method: 'DELETE', path: `/v1/secrets/${filePath(secret)}` }, options)
    },

    /** Destroy what one version holds; the others stay. */
    async destroySecretVersion(
      secret: string,
      version: number,
      options?: RequestOptions,
    ): Promise<{ readonly status: string }> {
      const path = `/v1/secrets/${filePath(secret)}${query({ version })}`
      return transport.json({ method: 'DELETE', path }, options)
    },

    /** Newest first. */
    async listSecretVersions(
      secret: string,
      options?: RequestOptions,
    ): Promise<{ readonly versions: readonly SecretVersionEntry[] }> {
      return transport.json({ method: 'GET', path: `/v1/secret-versions/${filePath(secret)}` }, options)
    },
  }
}

export type SecretMethods = ReturnType<typeof secretMethods>
