import { configError } from '../errors.ts'
import { codingAssistantBase } from './coding-assistant-base.ts'
import { devopsAgent } from './devops-agent.ts'
import { fileAgent } from './file-agent.ts'
import { nanobotAgent } from './nanobot-agent.ts'
import { researchAgent } from './research-agent.ts'

/** The built-in bundles by name. */
export const templates: ReadonlyMap<string, string> = new Map([
  ['coding-assistant-base', codingAssistantBase],
  ['devops-agent', devopsAgent],
  ['file-agent', fileAgent],
  ['nanobot-agent', nanobotAgent],
  ['research-agent', researchAgent],
])

/** Names of the built-in templates, sorted. */
export const templateNames: readonly string[] = Object.freeze([...templates.keys()])

/** YAML text of a built-in template. Throws `EdictumConfigError` (code `unknown_template`) listing the names. */
export function loadTemplate(name: string): string {
  const text = templates.get(name)
  if (text === undefined) {
    throw configError('unknown_template', `Unknown template '${name}'. Available: ${templateNames.join(', ')}`)
  }
  return text
}
