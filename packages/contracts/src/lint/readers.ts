import type { BundleDocument } from '../document.ts'
import { issue, Places } from '../load/issues.ts'
import type { YamlNode } from '../load/yaml/nodes.ts'
import { parseYaml } from '../load/yaml/parse.ts'
import { keyOf } from '../load/yaml/value.ts'
import { operatorOf } from '../operators/operators.ts'
import type { Node } from '../regex/ast.ts'
import { parsePattern } from '../regex/parse.ts'
import type { ContractIssue } from '../types.ts'

/** A family of published SDKs, by the language it is written in. */
export type Reader = 'python' | 'typescript' | 'go'

/** What the published SDKs of one language make of a document that loads here. */
export interface ReaderIssue extends ContractIssue {
  readonly reader: Reader
}

const ALL: readonly (readonly [Reader, string])[] = [
  ['python', 'Python'],
  ['typescript', 'TypeScript'],
  ['go', 'Go'],
]
/** UTF-8 bytes; the TypeScript SDK refuses more. */
const LARGEST_FOR_TYPESCRIPT = 524_288
/** RE2, which Go uses, refuses to repeat more often. */
const MOST_REPEATS_OF_RE2 = 1000
const MAX_ISSUES = 100

/**
 * What keeps agents with a published SDK from loading a bundle that loads here. They keep the contracts they have,
 * and say nothing of it to the server: a person should know before a deploy.
 *
 * @param text a document that loads
 * @param offered what those agents are given instead of it
 */
export function readerIssues(text: string, document: BundleDocument, offered: string): readonly ReaderIssue[] {
  const places = new Places(text)
  const found: ReaderIssue[] = []
  const report = (reader: Reader, code: string, path: string, offset: number | null, message: string, hint: string) => {
    const place = offset === null ? { line: null, column: null } : places.of(offset)
    if (found.length < MAX_ISSUES) found.push({ ...issue(code, path, place, message, hint), reader })
  }
  const bytes = new TextEncoder().encode(offered).length
  if (bytes > LARGEST_FOR_TYPESCRIPT)
    report(
      'typescript',
      'too_large_for_reader',
      '',
      null,
      `The TypeScript SDK refuses this bundle: ${bytes} bytes, its limit is ${LARGEST_FOR_TYPESCRIPT}`,
      'split it, or assign agents of that SDK a smaller bundle',
    )
  const root = parseYaml(text)
  eachPattern(root, (pattern, path, offset) => {
    if (!isReadByJavaScript(pattern))
      report(
        'typescript',
        'pattern_of_reader',
        path,
        offset,
        `The TypeScript SDK refuses a bundle with the pattern ${pattern}: JavaScript does not read it`,
        'inline flags and named groups of Python are not read there: write both cases out, as in [Aa]',
      )
    if (!isReadByRe2(parsePattern(pattern).root))
      report(
        'go',
        'pattern_of_reader',
        path,
        offset,
        `The Go SDK refuses a bundle with the pattern ${pattern}: RE2 does not read it`,
        'look-ahead, look-behind, references to groups, atomic groups and more than 1,000 repeats are not read there',
      )
  })
  document.contracts.forEach((contract, index) => {
    const asksForPast = contract.type === 'pre' && contract.after !== undefined
    if (!asksForPast && (contract.type !== 'post' || contract.then.effect !== 'label')) return
    const list = document.kind === 'Ruleset' ? 'rules' : 'contracts'
    const what = asksForPast ? "'after'" : 'a label'
    for (const [reader, name] of ALL)
      report(
        reader,
        'sequence_of_reader',
        asksForPast ? `${list}[${index}].after` : `${list}[${index}].then`,
        null,
        `The ${name} SDK refuses this bundle: '${contract.id}' has ${what}, which no published SDK of Edictum knows`,
        'assign agents of that SDK a bundle without it: @lictor/guard and the gateways read it',
      )
  })
  const roots = [...new Set(document.contracts.flatMap((one) => (one.type === 'sandbox' ? one.within : [])))]
  if (roots.length > 0)
    report(
      'go',
      'folders_of_reader',
      '',
      null,
      `The Go SDK refuses this bundle on a machine where one of these folders is missing: ${roots.slice(0, 10).join(', ')}`,
      'make the folders before the agent starts',
    )
  return found
}

function isReadByJavaScript(pattern: string): boolean {
  try {
    new RegExp(pattern)
    return true
  } catch {
    return false
  }
}

function isReadByRe2(node: Node): boolean {
  switch (node.type) {
    case 'sequence':
    case 'choice':
      return node.items.every(isReadByRe2)
    case 'group':
      return isReadByRe2(node.body)
    case 'repeat': {
      const most = Number.isFinite(node.max) ? node.max : node.min
      return node.manner !== 'possessive' && most <= MOST_REPEATS_OF_RE2 && isReadByRe2(node.body)
    }
    case 'atomic':
    case 'look':
    case 'reference':
    case 'conditional':
      return false
    case 'set':
    case 'anchor':
      return true
  }
}

/** Each pattern of the document's conditions, with its place. */
function eachPattern(root: YamlNode, see: (pattern: string, path: string, offset: number) => void): void {
  const within = (node: YamlNode, path: string): void => {
    if (node.kind === 'sequence') for (const [index, item] of node.items.entries()) within(item, `${path}[${index}]`)
    if (node.kind !== 'mapping') return
    for (const { key, value } of node.entries) {
      const name = keyOf(key)
      const isPattern = operatorOf(name)?.patterns !== undefined
      const at = `${path}.${name}`
      if (!isPattern) within(value, at)
      else if (value.kind === 'scalar') see(value.text, at, value.start)
      else if (value.kind === 'sequence')
        for (const [index, item] of value.items.entries())
          if (item.kind === 'scalar') see(item.text, `${at}[${index}]`, item.start)
    }
  }
  if (root.kind !== 'mapping') return
  for (const { key, value } of root.entries) {
    const list = keyOf(key)
    if ((list !== 'contracts' && list !== 'rules') || value.kind !== 'sequence') continue
    for (const [index, contract] of value.items.entries()) {
      if (contract.kind !== 'mapping') continue
      const when = contract.entries.findLast((entry) => keyOf(entry.key) === 'when')
      if (when) within(when.value, `${list}[${index}].when`)
    }
  }
}
