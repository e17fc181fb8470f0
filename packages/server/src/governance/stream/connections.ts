import type { LoggedRecord } from '../../changes/stream-log.ts'
import type { EventStream } from '../../http/event-stream.ts'
import type { KeyClient, SignatureText } from '../../identity/caller.ts'
import type { TenantScope } from '../../identity/scope.ts'

interface Connection {
  readonly stream: EventStream
  readonly tenantId: string
  /** Milliseconds since the Unix epoch. */
  readonly connectedAt: number
  /** What the log holds up to this id has been sent, or is reflected in what was. */
  head: number
  /** Records that arrive while the connection is being brought up to date; null once it is. */
  waiting: LoggedRecord[] | null
  /** Of what waits. */
  waitingCharacters: number
}

/** An agent's open stream. */
export interface AgentConnection extends Connection {
  readonly kind: 'agent'
  readonly keyId: string
  readonly agentId: string
  readonly env: string
  /** Which documents it is given. */
  readonly reads: KeyClient
  /** How signatures are written for it. */
  readonly signature: SignatureText
  /** The agent named its bundle: assignments do not change what it receives. */
  namedBundle: boolean
  /** Tags given with the stream; they overlay those of the registration. */
  readonly tags: Readonly<Record<string, unknown>>
  /** The bundle whose updates it receives. */
  bundleName: string | null
  /** It named no bundle and none resolved: it receives the updates of every bundle. */
  followsAll: boolean
  policyVersion: string | null
  /** It was assigned another bundle, and is to be given that one's document as well. */
  isOwedDocument: boolean
}

export interface DashboardConnection extends Connection {
  readonly kind: 'dashboard'
}

export type StreamConnection = AgentConnection | DashboardConnection

/** Whether a connection receives a record; the same rule for live and for missed records. */
export function receives(connection: StreamConnection, record: Omit<LoggedRecord, 'after'>): boolean {
  if (record.tenantId !== connection.tenantId) return false
  if (connection.kind === 'dashboard') return record.dashboard
  if (record.env === null && record.agentId === null) return false
  if (!isReadBy(connection.reads, record.type)) return false
  if (record.env !== null && record.env !== connection.env) return false
  if (record.agentId !== null) return record.agentId === connection.agentId
  return record.bundleName === null || record.bundleName === connection.bundleName || connection.followsAll
}

const ofContracts: ReadonlySet<string> = new Set(['contract_update', 'gates_update'])
const ofRulesets: ReadonlySet<string> = new Set(['ruleset_update', 'ruleset_updated'])

function isReadBy(reads: KeyClient, type: string): boolean {
  return reads === 'rulesets' ? !ofContracts.has(type) : !ofRulesets.has(type)
}

/** Whether a record puts a version of its bundle into force. */
export const isUpdate = (type: string): boolean => type === 'contract_update' || type === 'ruleset_update'

/** The open connections of one tenant on this process. */
export class TenantConnections {
  readonly dashboards = new Set<DashboardConnection>()
  readonly #agents = new Map<string, Set<AgentConnection>>()

  add(connection: StreamConnection): void {
    if (connection.kind === 'dashboard') {
      this.dashboards.add(connection)
      return
    }
    const same = this.#agents.get(connection.agentId)
    if (same) same.add(connection)
    else this.#agents.set(connection.agentId, new Set([connection]))
  }

  /** False when it was not here. */
  remove(connection: StreamConnection): boolean {
    if (connection.kind === 'dashboard') return this.dashboards.delete(connection)
    const same = this.#agents.get(connection.agentId)
    const wasHere = same?.delete(connection) ?? false
    if (same?.size === 0) this.#agents.delete(connection.agentId)
    return wasHere
  }

  get isEmpty(): boolean {
    return this.dashboards.size === 0 && this.#agents.size === 0
  }

  /** The connections of one agent, or of all. */
  *agents(agentId?: string): Iterable<AgentConnection> {
    if (agentId !== undefined) yield* this.#agents.get(agentId) ?? []
    else for (const same of this.#agents.values()) yield* same
  }

  *all(): Iterable<StreamConnection> {
    yield* this.agents()
    yield* this.dashboards
  }
}

/** The open connections of this process. */
export interface Connections {
  add(connection: StreamConnection): void
  /** False when it was not here. */
  remove(connection: StreamConnection): boolean
  /** Those of a tenant; undefined while it has none. */
  of(tenantId: string): TenantConnections | undefined
  all(): StreamConnection[]
  /** Of a tenant's agents, or of one of them. */
  agents(scope: TenantScope, agentId?: string): AgentConnection[]
  /** Of all tenants. */
  allAgents(): AgentConnection[]
  readonly agentCount: number
}

export function createConnections(): Connections {
  const tenants = new Map<string, TenantConnections>()
  let agentCount = 0
  return {
    add(connection) {
      const own = tenants.get(connection.tenantId) ?? new TenantConnections()
      tenants.set(connection.tenantId, own)
      own.add(connection)
      if (connection.kind === 'agent') agentCount++
    },
    remove(connection) {
      const own = tenants.get(connection.tenantId)
      if (!own?.remove(connection)) return false
      if (own.isEmpty) tenants.delete(connection.tenantId)
      if (connection.kind === 'agent') agentCount--
      return true
    },
    of: (tenantId) => tenants.get(tenantId),
    all: () => [...tenants.values()].flatMap((own) => [...own.all()]),
    agents: ({ tenantId }, agentId) => [...(tenants.get(tenantId)?.agents(agentId) ?? [])],
    allAgents: () => [...tenants.values()].flatMap((own) => [...own.agents()]),
    get agentCount() {
      return agentCount
    },
  }
}
