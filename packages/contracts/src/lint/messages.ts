import type { ContractDocument } from '../document.ts'
import type { PathPart } from '../load/issues.ts'
import type { YamlNode } from '../load/yaml/nodes.ts'
import { placeholdersOf } from '../messages/placeholders.ts'
import { childOf } from './leaves.ts'
import type { Report } from './report.ts'
import { neverResolves } from './selectors.ts'

/**
 * Placeholders of a contract's message that stay as they are written, whatever the call. Braces that hold no selector by its
 * form, such as those of JSON, are text.
 *
 * @param absent selectors that have no value whenever the contract's condition holds
 */
export function lintMessage(
  contract: ContractDocument,
  node: YamlNode,
  path: readonly PathPart[],
  absent: ReadonlySet<string>,
  report: Report,
): void {
  const isSandbox = contract.type === 'sandbox'
  const message = isSandbox ? contract.message : contract.then.message
  const place = isSandbox ? childOf(node, 'message') : childOf(childOf(node, 'then'), 'message')
  const seen = new Set<string>()
  for (const { written, selector } of placeholdersOf(message)) {
    if (seen.has(selector) || !/^[A-Za-z_][\w-]*(?:\.[\w-]+)*$/.test(selector)) continue
    seen.add(selector)
    const dead = whyNever(contract, selector, absent)
    if (dead === null) continue
    report(
      'dead_placeholder',
      isSandbox ? [...path, 'message'] : [...path, 'then', 'message'],
      place ?? node,
      `'${contract.id}': '${written}' stays in the message as it is written: ${dead.reason}`,
      dead.hint,
    )
  }
}

function whyNever(
  { type }: ContractDocument,
  selector: string,
  absent: ReadonlySet<string>,
): { readonly reason: string; readonly hint?: string } | null {
  if (type === 'session') return { reason: 'messages of session contracts are told as they are' }
  if (absent.has(selector)) return { reason: `the contract fires only when '${selector}' has no value` }
  return neverResolves(selector, type)
}
