import type { Micros } from '../../storage/instants.ts'

/** What finds a sign-in that is under way: its secret, and who began it. */
export interface FlowKey {
  /** SHA-256 of the state, or of the device code, hex. */
  readonly id: string
  readonly kind: Flow['kind']
  readonly startedBy: string
}

interface FlowBase {
  readonly id: string
  readonly tenantId: string
  readonly provider: string
  readonly startedBy: string
  readonly createdAt: Micros
  readonly expiresAt: Micros
  /** What the credential will be called. */
  readonly label: string
  readonly scope: string
  readonly scopes: readonly string[]
  /** The credential that is signed in again; null for a new one. */
  readonly credentialId: string | null
}

/** In a browser: the answer comes to `redirectUri`, with a code that only the verifier redeems. */
export interface BrowserFlow extends FlowBase {
  readonly kind: 'browser'
  readonly verifier: string
  readonly redirectUri: string
}

/** On another device, with a code that a person types. */
export interface DeviceFlow extends FlowBase {
  readonly kind: 'device'
  readonly deviceCode: string
  /** Seconds between two questions, as the provider wants them. */
  readonly interval: number
  /** Before that, it is not asked. */
  readonly askAt: Micros
}

export type Flow = BrowserFlow | DeviceFlow
