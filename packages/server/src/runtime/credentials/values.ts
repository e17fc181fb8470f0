import { DomainError } from '../../errors.ts'
import type { Caller } from '../../identity/caller.ts'
import { scopeOfRecord } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import type { SecretStore } from '../../ports/secrets.ts'
import { microsOf } from '../../storage/instants.ts'
import type { AccessAudit } from '../access-audit.ts'
import { asking } from '../secrets/secrets.ts'
import { actorOfOwner, type Credential, placeOfCredential } from './credential.ts'
import type { Renewal } from './renewal.ts'
import type { CredentialStore } from './store.ts'

/** Who asks for the value of a credential: an execution, or somebody who calls tools without one. */
export interface CredentialUser {
  /** Of the execution. */
  readonly id: string
  /** Whom the audit log names, where it is no execution. */
  readonly caller?: Caller
  readonly tenantId: string
  readonly agentId: string
  readonly agentName: string
  readonly startedBy: string
}

/** The values of credentials, for executions that they are granted to, and for who owns them. */
export interface CredentialValues {
  /**
   * The value now, of a credential named by id or label.
   * @throws CredentialRefused naming the credential and why it may not be used, never a value
   */
  valueFor(
    user: CredentialUser,
    name: string,
  ): Promise<{ id: string; value: string; version: number } & Pick<Credential, 'provider' | 'metadata'>>
}

export class CredentialRefused extends Error {
  override readonly name = 'CredentialRefused'
}

export function createCredentialValues(deps: {
  store: CredentialStore
  secretStore: SecretStore
  renewal: Renewal
  audit: AccessAudit
  clock: Clock
}): CredentialValues {
  const { store, secretStore, renewal, audit, clock } = deps

  async function isGranted(user: CredentialUser, credential: Credential): Promise<boolean> {
    // A personal run: who owns the credential started the agent.
    if (actorOfOwner(credential.ownerId) === user.startedBy) return true
    const grants = await store.listGrants(scopeOfRecord(user), [credential.id])
    return grants.some(
      ({ target }) => target.type === 'all_agents' || (target.type === 'agent' && target.value === user.agentId),
    )
  }

  async function choose(user: CredentialUser, name: string): Promise<Credential> {
    const found = await store.findNamed(scopeOfRecord(user), name)
    const byId = found.find(({ id }) => id === name)
    const [only] = byId ? [byId] : found
    if (only === undefined) throw new CredentialRefused(`there is no credential '${name}'`)
    if (!byId && found.length > 1)
      throw new CredentialRefused(`${found.length} credentials are called '${name}'; refer to one by its id`)
    if (!(await isGranted(user, only)))
      throw new CredentialRefused(
        `the credential '${only.label}' (${only.id}) is not granted to the agent '${user.agentName}'; grant it with POST /v1/credentials/${only.id}/grants`,
      )
    if (only.status !== 'active')
      throw new CredentialRefused(`the credential '${only.label}' (${only.id}) is ${only.status}`)
    return only
  }

  async function read(credential: Credential): Promise<{ value: string; version: number }> {
    if (credential.type === 'oauth2') {
      const { tokens, version } = await renewal.current(credential)
      return { value: tokens.accessToken, version }
    }
    const found = await asking(() => secretStore.read(scopeOfRecord(credential), placeOfCredential(credential.id)))
    if (found.state !== 'live' || found.fields.value === undefined)
      throw new CredentialRefused(`the credential '${credential.label}' (${credential.id}) has no value`)
    return { value: found.fields.value, version: found.version }
  }

  return {
    async valueFor(user, name) {
      const caller: Caller = user.caller ?? { kind: 'execution', executionId: user.id, tenantId: user.tenantId }
      const about = { credential: name, agent: user.agentName }
      try {
        const credential = await choose(user, name)
        const { value, version } = await read(credential)
        await audit.record(caller, 'credential.use', { ...about, credential_id: credential.id, version }, null)
        const at = microsOf(clock.now())
        await store.update(scopeOfRecord(user), credential.id, { lastUsedAt: at })
        const { id, provider, metadata } = credential
        return { id, value, version, provider, metadata }
      } catch (error) {
        if (!(error instanceof CredentialRefused || error instanceof DomainError)) throw error
        await audit.record(caller, 'credential.use', about, error.message)
        throw new CredentialRefused(error.message)
      }
    },
  }
}
