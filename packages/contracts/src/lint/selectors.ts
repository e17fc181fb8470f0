import type { ContractType } from '../types.ts'

const PRINCIPAL = ['user_id', 'service_id', 'org_id', 'role', 'ticket_ref']

/** Why a selector can never have a value (contract-language §5.1); null when it can. */
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
      if (rest === 'text') return null
      return { reason: "of an output only 'output.text' is known", hint: "use 'output.text'" }
    case 'result':
      if (type === 'pre') return { reason: 'there is no result before the call', hint: "use 'type: post'" }
      return rest === null ? { reason: 'it names no field', hint: "use 'result.<field>'" } : indexed(rest)
    default:
      if (rest === null) return { reason: 'it is no selector', hint: `did you mean 'args.${selector}'?` }
      return { reason: `'${root}' is known only to an agent that registers a selector of that name` }
  }
}

function indexed(path: string): { reason: string; hint?: string } | null {
  return path.split('.').some((part) => /^[0-9]+$/.test(part))
    ? { reason: 'items of a list cannot be selected by number' }
    : null
}
