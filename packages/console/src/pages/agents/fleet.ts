import type { AgentConnection, FleetCoverage, Registration } from '../../api/types.ts'
import type { CoverageFilter, FleetFilter, Health } from './search.ts'

/** One agent, as everything that is known of it says. */
export interface FleetAgent {
  readonly id: string
  readonly name: string | null
  /** Run by this server, or an agent that came with an SDK. */
  readonly isManaged: boolean
  readonly health: Health
  readonly connections: number
  readonly env: string | null
  /** The bundle it runs, or would. */
  readonly bundle: string | null
  readonly policyVersion: string | null
  readonly lastSeen: string | null
  /** Null when it made no call in the window. */
  readonly coverage: FleetCoverage['agents'][number] | null
}

const WORST: readonly Health[] = ['drift', 'unknown', 'current', 'offline']

/** Everyone who was ever seen, each once: connected, registered, or known by its calls. What deserves a look comes first. */
export function fleetOf(
  registrations: readonly Registration[],
  connections: readonly AgentConnection[],
  coverage: FleetCoverage | undefined,
  managed: ReadonlySet<string>,
): readonly FleetAgent[] {
  const registered = new Map(registrations.map((one) => [one.agent_id, one]))
  const connected = Map.groupBy(connections, (one) => one.agent_id)
  const covered = new Map(coverage?.agents.map((one) => [one.agent_id, one]))
  const ids = new Set([...registered.keys(), ...connected.keys(), ...covered.keys()])
  return [...ids]
    .map((id): FleetAgent => {
      const known = registered.get(id)
      const lines = connected.get(id) ?? []
      const worst = WORST.find((health) => lines.some(({ status }) => status === health)) ?? 'offline'
      const first = lines.find(({ status }) => status === worst) ?? lines[0]
      const covers = covered.get(id) ?? null
      return {
        id,
        name: known?.display_name ?? null,
        isManaged: managed.has(id),
        health: worst,
        connections: lines.length,
        env: first?.env ?? known?.env ?? covers?.environment ?? null,
        bundle: first?.bundle_name ?? known?.bundle_name ?? known?.running_bundle ?? known?.resolved_bundle ?? null,
        policyVersion: first?.policy_version ?? known?.policy_version ?? null,
        lastSeen: latest(known?.last_seen_at, covers?.last_seen, first?.connected_at),
        coverage: covers,
      }
    })
    .sort((a, b) => WORST.indexOf(a.health) - WORST.indexOf(b.health) || a.id.localeCompare(b.id))
}

function latest(...instants: readonly (string | null | undefined)[]): string | null {
  const known = instants.filter((one) => typeof one === 'string')
  return known.length === 0 ? null : known.reduce((a, b) => (Date.parse(a) >= Date.parse(b) ? a : b))
}

export function filterFleet(agents: readonly FleetAgent[], filter: FleetFilter): readonly FleetAgent[] {
  const q = filter.q?.toLowerCase()
  return agents.filter(
    (one) =>
      (!q || [one.id, one.name, one.bundle].some((word) => word?.toLowerCase().includes(q))) &&
      (!filter.status || (filter.status === 'connected' ? one.connections > 0 : one.health === filter.status)) &&
      (!filter.env || one.env === filter.env) &&
      (!filter.kind || (filter.kind === 'managed') === one.isManaged) &&
      (!filter.coverage || isCovered(one.coverage, filter.coverage)),
  )
}

function isCovered(coverage: FleetAgent['coverage'], asked: CoverageFilter): boolean {
  if (coverage === null) return false
  switch (asked) {
    case 'ungoverned':
      return coverage.ungoverned > 0
    case 'enforced':
      return coverage.ungoverned === 0 && coverage.observed === 0
    case 'observed':
      return coverage.enforced === 0 && coverage.observed > 0
  }
}
