import type { YamlNode } from '../load/yaml/nodes.ts'
import type { ContractIssue } from '../types.ts'

/** Warnings about a document that loads, or could: what is probably not meant as it is written. */
export function lintDocument(_root: YamlNode, _text: string): readonly ContractIssue[] {
  return []
}
