import { nearest } from '../load/issues.ts'
import type { ContractType } from '../types.ts'

const ROOTS = ['args', 'principal', 'metadata', 'env', 'environment', 'tool', 'output', 'result']
const PRINCIPAL = ['user_id', 'service_id', 'org_id', 'role', 'ticket_ref']

/** Why a selector can never have a value; null when it can. */
export function neverResolves(selector: string, type: ContractType): { reason: string; hint?: string } | null {
  const dot = selector.indexOf('.')
  const root = dot === -1 ? selector : selector.slice(0, dot)
  const rest = dot === -1 ? null : selector.slice(dot + 1)
  switch (root) {
    case 'environment':
      return rest === null ? null : { reason: "'environment' has no parts", hint: "use 'environment'" }
    case 'tool':
      return rest === 'name' ? null : { reason: "of a tool only 'tool.name' is known", hint: "use 'tool.name'" }
    case 'env':
      return rest ? null : { reason: 'it names no variable', hint: "use 'env.<VARIABLE>'" }
    case 'args':
    case 'metadata':
      if (rest === null) return { reason: 'it names no field', hint: `use '${root}.<field>'` }
      return indexed(rest)
    case 'principal':
      if (rest !== null && PRINCIPAL.includes(rest)) return null
      if (rest?.startsWith('claims.')) return indexed(rest)
      return { reason: `a principal has ${PRINCIPAL.join(', ')} and claims.<name>` }
    case 'output':
      if (rest === 'text')
        return type === 'post' ? null : { reason: 'there is no output before the call', hint: "use 'type: post'" }
      return { reason: "of an output only 'output.text' is known", hint: "use 'output.text'" }
    case 'result':
      if (type !== 'post') return { reason: 'there is no result before the call', hint: "use 'type: post'" }
      return rest === null ? { reason: 'it names no field', hint: "use 'result.<field>'" } : indexed(rest)
    default:
      if (rest === null) return { reason: 'it is no selector', hint: `did you mean 'args.${selector}'?` }
      return {
        reason: `'${root}' is known only to an agent that registers a selector of that name`,
        ...slipOf(root, rest),
      }
  }
}

function slipOf(root: string, rest: string): { hint?: string } {
  const meant = nearest(root, ROOTS)
  return meant === null ? {} : { hint: `did you mean '${meant}.${rest}'?` }
}

function indexed(path: string): { reason: string; hint?: string } | null {
  return path.split('.').some((part) => /^[0-9]+$/.test(part))
    ? { reason: 'items of a list cannot be selected by number' }
    : null
}
