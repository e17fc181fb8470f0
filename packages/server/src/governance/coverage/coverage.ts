import { NotFound } from '../../errors.ts'
import type { UserCaller } from '../../identity/caller.ts'
import { scopeOf, type TenantScope } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import { type Micros, microsOf } from '../../storage/instants.ts'
import type { BundleStore } from '../bundles/store.ts'
import type { CurrentDeployment, DeploymentStore } from '../deployments/store.ts'
import { type DriftStatus, driftOf } from '../fleet/drift.ts'
import type { Registration, RegistrationStore } from '../fleet/store.ts'
import {
  bundleMatchers,
  byStatus,
  type ContractMatcher,
  type CoverageSummary,
  type CoveredTool,
  coverTool,
  manifestMatchers,
  summarise,
} from './matching.ts'
import type { CoverageStore, ToolUse } from './store.ts'

export interface UsedTool
  extends CoveredTool,
    Pick<ToolUse, 'count' | 'lastUsed' | 'denied' | 'allowed' | 'wouldDeny'> {}

export interface AgentCoverage {
  readonly agentId: string
  /** Null when the agent's latest event names none. */
  readonly environment: string | null
  readonly since: Micros
  readonly until: Micros
  readonly deployedBundle: Pick<CurrentDeployment, 'bundleName' | 'bundleVersion' | 'revisionHash'> | null
  readonly tools: readonly UsedTool[]
  readonly summary: CoverageSummary
}

export interface FleetAgent {
  readonly agentId: string
  readonly environment: string | null
  readonly summary: CoverageSummary
  readonly drift: DriftStatus
  readonly lastSeen: Micros
  readonly eventCount: number
}

export interface FleetCoverage {
  readonly since: Micros
  readonly until: Micros
  readonly agents: readonly FleetAgent[]
  /** Most agents first. */
  readonly ungovernedTools: readonly { readonly toolName: string; readonly agentIds: readonly string[] }[]
}

export interface Coverage {
  /** As of at most a minute ago. @throws NotFound when the agent has no event in the window */
  ofAgent(caller: UserCaller, agentId: string, since: Micros, withVerdicts: boolean): Promise<AgentCoverage>
  /** `env` null: each agent in the environment of its latest event. */
  ofFleet(caller: UserCaller, since: Micros, env: string | null): Promise<FleetCoverage>
}

const KEPT_MS = 60_000
const MINUTE = microsOf(60_000)
const MOST_KEPT = 1_000

/** Which of the tools that agents use their contracts govern. */
export function createCoverage(deps: {
  store: CoverageStore
  deploymentStore: DeploymentStore
  bundleStore: BundleStore
  registrationStore: RegistrationStore
  clock: Clock
}): Coverage {
  const { store, deploymentStore, bundleStore, registrationStore, clock } = deps
  const kept = bounded<{ until: number; coverage: AgentCoverage }>(MOST_KEPT)
  const parsed = bounded<readonly ContractMatcher[]>(MOST_KEPT)

  /** The contracts in force in an environment, newest deployment first. */
  async function matchersOf(scope: TenantScope, deployed: readonly CurrentDeployment[]): Promise<ContractMatcher[]> {
    const all: ContractMatcher[] = []
    for (const { bundleName, bundleVersion, revisionHash } of deployed) {
      if (revisionHash === null) continue
      const key = `${revisionHash} ${bundleName}`
      let matchers = parsed.get(key)
      if (!matchers) {
        const bundle = await bundleStore.find(scope, bundleName, bundleVersion)
        matchers = bundle ? bundleMatchers(Buffer.from(bundle.yamlBytes).toString(), bundleName) : []
        parsed.set(key, matchers)
      }
      all.push(...matchers)
    }
    return all
  }

  async function agentCoverage(scope: TenantScope, agentId: string, since: Micros): Promise<AgentCoverage> {
    const until = microsOf(clock.now())
    const uses = await store.toolUse(scope, since, { agentId })
    if (uses.length === 0) throw new NotFound(`No events found for agent '${agentId}'`)
    const environment = latest(uses).env
    if (environment === null)
      return { agentId, environment, since, until, deployedBundle: null, tools: [], summary: summarise([]) }
    const deployed = (await deploymentStore.current(scope, { env: environment })).filter((one) => one.revisionHash)
    let matchers: readonly ContractMatcher[] = await matchersOf(scope, deployed)
    if (matchers.length === 0) matchers = localMatchers(await registrationStore.find(scope, agentId))
    const tools = byTool(uses)
      .map((use) => ({ ...use, ...coverTool(use.toolName, matchers) }))
      .sort(byStatus)
    const deployedBundle = deployed[0] ?? null
    return { agentId, environment, since, until, deployedBundle, tools, summary: summarise(tools) }
  }

  return {
    async ofAgent(caller, agentId, since, withVerdicts) {
      const key = JSON.stringify([scopeOf(caller), agentId, Math.floor(since / MINUTE), withVerdicts])
      const known = kept.get(key)
      if (known && known.until > clock.now()) return known.coverage
      const made = await agentCoverage(scopeOf(caller), agentId, since)
      if (made.environment !== null) kept.set(key, { until: clock.now() + KEPT_MS, coverage: made })
      return made
    },

    async ofFleet(caller, since, env) {
      const until = microsOf(clock.now())
      const [uses, deployed, registrations] = await Promise.all([
        store.toolUse(scopeOf(caller), since, { env: env ?? undefined }),
        deploymentStore.current(scopeOf(caller)),
        registrationStore.list(scopeOf(caller)),
      ])
      const registered = new Map(registrations.map((one) => [one.agentId, one]))
      const byEnv = new Map<string, ContractMatcher[]>()
      const agents: FleetAgent[] = []
      const ungoverned = new Map<string, string[]>()
      for (const [agentId, own] of Map.groupBy(uses, (use) => use.agentId)) {
        const environment = env ?? latest(own).env
        const registration = registered.get(agentId)
        let matchers: readonly ContractMatcher[] = []
        if (environment !== null) {
          const known = byEnv.get(environment)
          const inForce =
            known ??
            (await matchersOf(
              scopeOf(caller),
              deployed.filter((one) => one.env === environment),
            ))
          byEnv.set(environment, inForce)
          matchers = inForce.length > 0 ? inForce : localMatchers(registration)
        }
        const tools = byTool(own).map((use) => coverTool(use.toolName, matchers))
        for (const { toolName } of tools.filter((tool) => tool.status === 'ungoverned'))
          ungoverned.set(toolName, [...(ungoverned.get(toolName) ?? []), agentId])
        const summary = summarise(tools)
        agents.push({
          agentId,
          environment,
          // Without an environment nothing says what governs the tools: none is governed.
          summary: environment === null ? { ...summary, percent: 0 } : summary,
          drift: driftStatusOf(registration, environment, deployed),
          lastSeen: latest(own).lastUsed,
          eventCount: own.reduce((sum, use) => sum + use.count, 0),
        })
      }
      const ungovernedTools = [...ungoverned]
        .map(([toolName, agentIds]) => ({ toolName, agentIds: agentIds.sort() }))
        .sort((a, b) => b.agentIds.length - a.agentIds.length || (a.toolName < b.toolName ? -1 : 1))
      return { since, until, agents, ungovernedTools }
    },
  }
}

/** What the agent runs, by what it last reported of this environment. */
function driftStatusOf(
  registration: Registration | undefined,
  env: string | null,
  deployed: readonly CurrentDeployment[],
): DriftStatus {
  if (!registration || env === null || registration.env !== env) return 'unknown'
  const { runningBundle: bundleName, policyVersion } = registration
  return driftOf({ env, bundleName, policyVersion }, deployed)
}

function localMatchers(registration: Registration | undefined): readonly ContractMatcher[] {
  return registration?.manifest ? manifestMatchers(JSON.parse(registration.manifest)) : []
}

function latest(uses: readonly ToolUse[]): ToolUse {
  return uses.reduce((newest, use) => (use.lastUsed > newest.lastUsed ? use : newest))
}

/** The same tool in all environments, added up. */
function byTool(uses: readonly ToolUse[]): Omit<ToolUse, 'agentId' | 'env'>[] {
  return [...Map.groupBy(uses, (use) => use.toolName)].map(([toolName, same]) => {
    const sum = (field: 'count' | 'denied' | 'allowed' | 'wouldDeny') => same.reduce((all, use) => all + use[field], 0)
    return {
      toolName,
      count: sum('count'),
      lastUsed: latest(same).lastUsed,
      denied: sum('denied'),
      allowed: sum('allowed'),
      wouldDeny: sum('wouldDeny'),
    }
  })
}

/** A map that forgets the oldest entries. */
function bounded<V>(most: number): { get(key: string): V | undefined; set(key: string, value: V): void } {
  const entries = new Map<string, V>()
  return {
    get: (key) => entries.get(key),
    set(key, value) {
      entries.delete(key)
      entries.set(key, value)
      for (const oldest of entries.keys()) {
        if (entries.size <= most) break
        entries.delete(oldest)
      }
    },
  }
}
