import type { PathPart } from '../load/issues.ts'
import type { YamlNode } from '../load/yaml/nodes.ts'

/** Note a warning about a place in the document. */
export type Report = (code: string, path: readonly PathPart[], node: YamlNode, message: string, hint?: string) => void
