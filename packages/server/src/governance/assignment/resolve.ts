import { globMatches } from '@lictor/contracts'

/** What a rule or an assignment is judged by. */
export interface AssignedAgent {
  readonly agentId: string
  /** The explicit assignment. */
  readonly bundleName: string | null
  readonly tags: Readonly<Record<string, unknown>>
}

export interface AssignmentRule {
  readonly id: string
  /** From 0; the lowest number is tried first, and no two rules of a tenant share one. */
  readonly priority: number
  /** Glob over agent ids. */
  readonly pattern: string
  readonly tagMatch: Readonly<Record<string, unknown>> | null
  readonly bundleName: string
  readonly env: string
}

export type Assignment =
  | { readonly bundleName: string; readonly source: 'explicit' | 'agent_provided' }
  | { readonly bundleName: string; readonly source: 'rule'; readonly ruleId: string; readonly rulePattern: string }
  | { readonly bundleName: null; readonly source: 'none' }

/**
 * Which bundle an agent runs: explicit assignment, then the first matching rule, then what the agent
 * itself named.
 *
 * @param rules by ascending priority
 * @param env only rules of this environment count; null lets all count
 * @param offered the bundle the agent named
 */
export function resolveAssignment(
  agent: AssignedAgent,
  rules: readonly AssignmentRule[],
  env: string | null,
  offered: string | null = null,
): Assignment {
  if (agent.bundleName) return { bundleName: agent.bundleName, source: 'explicit' }
  const rule = rules.find((candidate) => (env === null || candidate.env === env) && matches(candidate, agent))
  if (rule) return { bundleName: rule.bundleName, source: 'rule', ruleId: rule.id, rulePattern: rule.pattern }
  return offered ? { bundleName: offered, source: 'agent_provided' } : { bundleName: null, source: 'none' }
}

function matches(rule: AssignmentRule, agent: AssignedAgent): boolean {
  if (!globMatches(rule.pattern, agent.agentId)) return false
  return Object.entries(rule.tagMatch ?? {}).every(
    ([name, value]) => Object.hasOwn(agent.tags, name) && jsonEquals(agent.tags[name], value),
  )
}

/** Equality of JSON values: `"1"` is not `1`, the order of an object's fields does not count. */
export function jsonEquals(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const names = Object.keys(a)
  return (
    names.length === Object.keys(b).length &&
    names.every(
      (name) =>
        Object.hasOwn(b, name) &&
        jsonEquals((a as Record<string, unknown>)[name], (b as Record<string, unknown>)[name]),
    )
  )
}
