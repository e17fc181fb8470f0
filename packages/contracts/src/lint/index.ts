import { buildDocument } from '../load/build.ts'
import { type CheckOptions, checkDocument } from '../load/check.ts'
import { issue, Places, pathText } from '../load/issues.ts'
import type { YamlNode } from '../load/yaml/nodes.ts'
import type { ContractIssue } from '../types.ts'
import { lintContracts } from './contracts.ts'
import type { Report } from './report.ts'
import { lintYaml } from './yaml.ts'

/** More warnings than anybody reads. */
const MAX_WARNINGS = 1_000

/**
 * Warnings about a document: what is probably not meant as it is written. Places are given as for errors; a document with
 * errors gets the warnings about its YAML only.
 */
export function lintDocument(root: YamlNode, text: string, options: CheckOptions = {}): readonly ContractIssue[] {
  const places = new Places(text)
  const found: { offset: number; issue: ContractIssue }[] = []
  const report: Report = (code, path, node, message, hint) => {
    if (found.length >= MAX_WARNINGS) return
    found.push({ offset: node.start, issue: issue(code, pathText(path), places.of(node.start), message, hint) })
  }
  lintYaml(root, report)
  const { bundle, kind, issues } = checkDocument(root, text, options)
  if (issues.length === 0) lintContracts(buildDocument(bundle, kind), root, report)
  return Object.freeze(found.sort((a, b) => a.offset - b.offset).map((each) => each.issue))
}
