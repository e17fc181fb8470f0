import { DEFAULT_MAX_ATTEMPTS, DEFAULT_MAX_TOOL_CALLS } from '../bounds.ts'
import type { BundleDocument, ContractDocument, PostDocument, SessionDocument } from '../document.ts'
import { nearest, type PathPart } from '../load/issues.ts'
import type { YamlNode } from '../load/yaml/nodes.ts'
import { keyOf } from '../load/yaml/value.ts'
import { globMatches } from '../match/glob.ts'
import { operatorOf } from '../operators/operators.ts'
import { analysePattern } from '../regex/analyse.ts'
import { type MeasureBudget, measureBudget } from '../regex/measure.ts'
import { Effort, solve } from './contradictions.ts'
import { childOf, type Leaf, leavesOf } from './leaves.ts'
import { lintMessage } from './messages.ts'
import { Comparisons, shadowOf } from './reach.ts'
import type { Report } from './report.ts'
import { neverResolves } from './selectors.ts'

/** What a valid bundle says that will not do what it seems to. */
export function lintContracts(document: BundleDocument, root: YamlNode, report: Report): void {
  const list = childOf(root, 'contracts') === undefined ? 'rules' : 'contracts'
  const nodes = childOf(root, list)
  if (nodes?.kind !== 'sequence') return
  const comparisons = new Comparisons()
  const effort = new Effort()
  const budget = measureBudget()
  const labels = labelsPut(document)
  document.contracts.forEach((contract, index) => {
    const node = nodes.items[index] as YamlNode
    const path: PathPart[] = [list, index]
    let absent: ReadonlySet<string> = new Set()
    if (contract.type === 'pre' || contract.type === 'post') {
      const solution = solve(contract, effort)
      absent = solution.absent
      const shadow =
        contract.type === 'pre' && contract.enabled ? shadowOf(contract, index, document.contracts, comparisons) : null
      if (solution.contradiction !== null)
        report('unreachable', path, node, `the condition of '${contract.id}' can never hold: ${solution.contradiction}`)
      else if (shadow !== null)
        report(
          'shadowed',
          path,
          node,
          `'${contract.id}' has no effect: whenever it fires, '${shadow.id}' has denied the call already`,
        )
      const when = childOf(node, 'when')
      if (when !== undefined)
        for (const leaf of leavesOf(when, [...path, 'when'])) lintLeaf(contract, leaf, budget, report)
    }
    lintMessage(contract, node, path, absent, report)
    if (contract.type === 'post') lintDowngrade(document, contract, node, path, report)
    if (contract.type === 'pre' && contract.after !== undefined)
      lintAfter(contract.id, contract.after.labels, labels, node, path, report)
    if (contract.type === 'session') lintLimits(contract, node, path, report)
  })
  lintExactNames(childOf(root, 'tools'), ['tools'], report)
}

function lintLeaf(contract: ContractDocument, leaf: Leaf, budget: MeasureBudget, report: Report): void {
  const dead = neverResolves(leaf.selector, contract.type)
  if (dead !== null) {
    const message = `'${contract.id}': the selector '${leaf.selector}' never has a value: ${dead.reason}`
    report('dead_selector', leaf.path.slice(0, -1), leaf.key, message, dead.hint)
  }
  if (operatorOf(leaf.operator)?.patterns === undefined) return
  const sources = leaf.argument.kind === 'sequence' ? leaf.argument.items : [leaf.argument]
  sources.forEach((node, index) => {
    if (node.kind !== 'scalar') return
    const { growth, mayMatch, doublyEscaped } = analysePattern(node.text, budget)
    const path = leaf.argument.kind === 'sequence' ? [...leaf.path, index] : leaf.path
    if (doublyEscaped) {
      const message = `'${contract.id}': the pattern ${JSON.stringify(node.text)} looks for a backslash`
      report('double_escape', path, node, message, 'in single quotes a backslash is written once')
    }
    if (!mayMatch) {
      const message = `'${contract.id}': the pattern ${JSON.stringify(node.text)} finds nothing in any text`
      report(
        'dead_pattern',
        path,
        node,
        message,
        "'^' is the start of the text and '$' its end: nothing comes before or after them",
      )
    }
    if (growth !== 'modest') {
      const message = `'${contract.id}': the pattern ${JSON.stringify(node.text)} can take ${growth} time in agents that backtrack`
      report('super_linear_regex', path, node, message, 'avoid a repeat inside of a repeat over the same characters')
    }
  })
}

/** Every label that a contract in force puts on a session. */
function labelsPut({ contracts }: BundleDocument): ReadonlySet<string> {
  return new Set(contracts.flatMap((each) => (each.type === 'post' && each.enabled ? (each.then.label ?? []) : [])))
}

function lintAfter(
  id: string,
  asked: readonly string[],
  put: ReadonlySet<string>,
  node: YamlNode,
  path: readonly PathPart[],
  report: Report,
): void {
  const list = childOf(childOf(node, 'after'), 'labels')
  asked.forEach((label, index) => {
    if (put.has(label)) return
    const at = list?.kind === 'sequence' ? list.items[index] : undefined
    const slip = nearest(label, put)
    report(
      'label_never_put',
      [...path, 'after', 'labels', index],
      at ?? node,
      `'${id}': no contract of this bundle labels a session '${label}'`,
      slip === null ? 'a post contract does so: then: {effect: label, label: …}' : `did you mean '${slip}'?`,
    )
  })
}

/** Outputs of tools that change the world are neither redacted nor suppressed. */
function lintDowngrade(
  document: BundleDocument,
  contract: PostDocument,
  node: YamlNode,
  path: readonly PathPart[],
  report: Report,
): void {
  const { effect } = contract.then
  if (effect === 'warn' || effect === 'label' || contract.tool === 'Bash') return
  const matching = [...document.tools].filter(([name]) => globMatches(contract.tool, name))
  if (matching.some(([, tool]) => tool.sideEffect === 'read' || tool.sideEffect === 'pure')) return
  const then = childOf(node, 'then')
  const word = childOf(then, 'effect', 'action')
  const written = word?.kind === 'scalar' ? word.text : effect
  const why =
    matching.length === 0
      ? `'${contract.tool}' is not declared under 'tools', so it counts as irreversible`
      : `'${contract.tool}' is declared ${matching.map(([, tool]) => tool.sideEffect)[0]}`
  const message = `'${contract.id}': '${written}' will only warn: ${why}`
  const field = childOf(then, 'effect') === undefined ? 'action' : 'effect'
  report(
    'downgraded_effect',
    [...path, 'then', field],
    word ?? node,
    message,
    'declare the tool with side_effect: read if it changes nothing',
  )
}

function lintLimits(contract: SessionDocument, node: YamlNode, path: readonly PathPart[], report: Report): void {
  const limits = childOf(node, 'limits')
  const { maxToolCalls, maxAttempts } = contract.limits
  const tooHigh: [string, number | null, number][] = [
    ['max_tool_calls', maxToolCalls, DEFAULT_MAX_TOOL_CALLS],
    ['max_attempts', maxAttempts, DEFAULT_MAX_ATTEMPTS],
  ]
  for (const [field, value, ceiling] of tooHigh) {
    if (value === null || value <= ceiling) continue
    const message = `'${contract.id}': '${field}: ${value}' has no effect: a bundle can only lower the limit of ${ceiling}`
    report('limit_without_effect', [...path, 'limits', field], childOf(limits, field) ?? node, message)
  }
  lintExactNames(childOf(limits, 'max_calls_per_tool'), [...path, 'limits', 'max_calls_per_tool'], report)
}

/** Names that are compared exactly; a glob among them names no tool. */
function lintExactNames(node: YamlNode | undefined, path: readonly PathPart[], report: Report): void {
  if (node?.kind !== 'mapping') return
  for (const { key } of node.entries) {
    const name = keyOf(key)
    if (/[*?]/.test(name))
      report('glob_not_expanded', [...path, name], key, `'${name}' is taken as an exact tool name here, not as a glob`)
  }
}
