import { configError } from '../errors.ts'
import { isMapping, type Mapping } from './values.ts'

/** The document a name stands for, with what it `extends` merged in. Throws on unknown names and cycles. */
export function resolveExtends(name: string, rulesets: Mapping, below: readonly string[] = []): Mapping {
  const document = Object.hasOwn(rulesets, name) ? rulesets[name] : undefined
  if (!isMapping(document)) throw configError('unknown_ruleset', `Unknown ruleset '${name}'`)
  if (below.includes(name)) throw configError('extends_cycle', `Ruleset '${name}' extends itself: ${below.join(' > ')}`)
  const { extends: parentName, ...child } = document
  if (typeof parentName !== 'string') return child
  const parent = resolveExtends(parentName, rulesets, [...below, name])
  const list = 'contracts' in parent || 'contracts' in child ? 'contracts' : 'rules'
  return { ...parent, ...child, [list]: [...entries(parent[list]), ...entries(child[list])] }
}

function entries(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
