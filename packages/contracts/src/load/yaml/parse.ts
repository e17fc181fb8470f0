import { readBlocks } from './blocks.ts'
import { composeYaml } from './compose.ts'
import type { YamlNode } from './nodes.ts'

/**
 * Parse one YAML 1.1 document into nodes. Merge keys are worked in; duplicate keys are all there.
 *
 * @throws {YamlError}
 */
export function parseYaml(text: string): YamlNode {
  return readBlocks(text) ?? composeYaml(text)
}
