import type { ExecutionCaller } from '../../identity/caller.ts'
import { scopeOfRecord } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import { type ReadSecret, type SecretFields, type SecretStore, SecretsUnavailable } from '../../ports/secrets.ts'
import { microsOf, toWireTime } from '../../storage/instants.ts'
import type { AccessAudit } from '../access-audit.ts'
import { CredentialRefused, type CredentialValues } from '../credentials/values.ts'
import type { Masks } from '../masking/masks.ts'
import { draft, type EventDraft } from '../record/events.ts'
import type { TenantEvents } from '../record/tenant-events.ts'
import { placeOf } from '../secrets/secrets.ts'
import { BadReference, type Reference, referenceIn, schemeOf } from './reference.ts'

/** For whom references are followed. */
export interface ReferringExecution {
  readonly id: string
  readonly tenantId: string
  readonly agentId: string
  readonly agentName: string
  /** Who started it. */
  readonly startedBy: string
}

/** What an instance is given in the place of references. */
export interface HandedOver {
  readonly env: Readonly<Record<string, string>>
  /** Which version each variable holds until the next instance is started. */
  readonly versions: readonly { readonly variable: string; readonly reference: string; readonly version: number }[]
  readonly events: readonly EventDraft[]
}

/** Follows what manifests name. Whatever is handed over is masked in everything that is written about the execution. */
export interface References {
  /**
   * The variables of a manifest, with values in the place of references.
   * @throws BadReference naming the variable, what it refers to and why there is no value. Nothing is handed over then.
   */
  handOver(execution: ReferringExecution, env: Readonly<Record<string, string>>): Promise<HandedOver>
  /**
   * Headers of one call, with values in the place of references (`secret:…`, also behind a scheme: `Bearer credential:…`), as they are now.
   * @throws BadReference naming the header
   */
  headers(
    execution: ReferringExecution,
    headers: Readonly<Record<string, string>>,
  ): Promise<{ readonly headers: Readonly<Record<string, string>>; readonly events: readonly EventDraft[] }>
}

interface Followed {
  readonly value: string
  readonly version: number
  readonly event: EventDraft
}

export function createReferences(deps: {
  store: SecretStore
  credentials: CredentialValues
  masks: Masks
  audit: AccessAudit
  events: Pick<TenantEvents, 'tell'>
  clock: Clock
  /** Names this server. */
  owner: string
}): References {
  const { store, credentials, masks, audit, events: told, clock, owner } = deps

  const accessOf = ({ id, agentId }: ReferringExecution, path: string) => ({
    engine: 'kv',
    path,
    access_context: {
      kind: 'execution',
      orchestrator_id: owner,
      execution_id: id,
      agent_id: agentId,
      requested_at: toWireTime(microsOf(clock.now())),
    },
  })

  async function follow(execution: ReferringExecution, reference: Reference): Promise<Followed> {
    const at = toWireTime(microsOf(clock.now()))
    if (reference.kind === 'secret') {
      const { value, version } = await secretOf(execution, reference)
      const fields = { ...accessOf(execution, reference.path), version, retrieved_at: at }
      return { value, version, event: draft('secret_retrieved', fields) }
    }
    const { id, value, version } = await credentials.valueFor(execution, reference.name).catch((error: unknown) => {
      throw error instanceof CredentialRefused ? new BadReference(`${error.message}.`) : error
    })
    const fields = { binding_id: id, agent_id: execution.agentId, tenant_id: execution.tenantId, version }
    return { value, version, event: draft('credential_accessed', fields) }
  }

  async function secretOf(
    execution: ReferringExecution,
    { path, field }: Extract<Reference, { kind: 'secret' }>,
  ): Promise<{ value: string; version: number }> {
    const caller: ExecutionCaller = { kind: 'execution', executionId: execution.id, tenantId: execution.tenantId }
    const about = { path, agent: execution.agentName }
    const refuse = async (why: string): Promise<never> => {
      await audit.record(caller, 'secret.read', about, why)
      const { id: executionId, tenantId, agentId } = execution
      const denied = draft('secret_access_denied', { ...accessOf(execution, path), reason: `it ${why}` })
      await told.tell({ tenantId, agentId, executionId }, async () => ({ made: undefined, events: [denied] }))
      throw new BadReference(`the secret '${path}' ${why}.`)
    }
    let found: ReadSecret
    try {
      found = await store.read(scopeOfRecord(execution), placeOf(path))
    } catch (error) {
      if (error instanceof SecretsUnavailable)
        throw new BadReference(`the secret '${path}' cannot be read now. ${error.message}`)
      throw error
    }
    if (found.state !== 'live') return refuse(found.state === 'missing' ? 'does not exist' : `was ${found.state}`)
    const value = field === null ? wholeOf(found.fields) : found.fields[field]
    if (value === undefined) return refuse(`has no field '${field}'`)
    await audit.record(caller, 'secret.read', { ...about, version: found.version }, null)
    return { value, version: found.version }
  }

  return {
    async handOver(execution, env) {
      const given: Record<string, string> = {}
      const versions: { variable: string; reference: string; version: number }[] = []
      const events: EventDraft[] = []
      for (const [variable, text] of Object.entries(env)) {
        try {
          const reference = referenceIn(text)
          if (reference === null) {
            given[variable] = text
            continue
          }
          const followed = await follow(execution, reference)
          masks.add(execution.id, partsOf(followed.value))
          given[variable] = followed.value
          versions.push({ variable, reference: text, version: followed.version })
          events.push(followed.event)
        } catch (error) {
          if (error instanceof BadReference) throw new BadReference(`spec.env.${variable}: ${error.message}`)
          throw error
        }
      }
      return { env: given, versions, events }
    },

    async headers(execution, headers) {
      const given: Record<string, string> = {}
      const events: EventDraft[] = []
      for (const [name, text] of Object.entries(headers)) {
        try {
          const { scheme, named } = schemeOf(text)
          const reference = referenceIn(named)
          if (reference === null) {
            given[name] = text
            continue
          }
          const { value, event } = await follow(execution, reference)
          if (/[^\t\x20-\x7e\x80-\xff]/.test(value)) throw new BadReference('its value fits no header.')
          masks.add(execution.id, partsOf(value))
          given[name] = scheme + value
          events.push(event)
        } catch (error) {
          if (error instanceof BadReference) throw new BadReference(`the header '${name}': ${error.message}`)
          throw error
        }
      }
      return { headers: given, events }
    },
  }
}

/** A plain secret is its value; one of several fields their JSON. */
function wholeOf(fields: SecretFields): string {
  const names = Object.keys(fields).filter((name) => name !== 'encoding')
  return names.length === 1 && fields.value !== undefined ? fields.value : JSON.stringify(fields)
}

/** A value that is a JSON object is looked for by its texts as well: programs print what they take out of it. */
function partsOf(value: string): string[] {
  if (!value.startsWith('{')) return [value]
  try {
    const texts: string[] = []
    JSON.parse(value, (_name, one: unknown) => {
      if (typeof one === 'string') texts.push(one)
      return one
    })
    return [value, ...texts]
  } catch {
    return [value]
  }
}
