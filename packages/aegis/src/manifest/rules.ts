import type { Reading } from '../shape/shape.ts'
import { AGENT_API_VERSION, type AgentManifestDocument, type RuntimeConfig } from './types.ts'

/** How strict a manifest is judged. */
export interface ManifestRules {
  /**
   * What a server demands of a deploy: `spec.task.instruction` and `metadata.version`. Default true; a manifest under
   * construction may lack both.
   */
  readonly deployable?: boolean
}

const agentName = /^[a-z0-9-]+$/
const maxNameLength = 63

/** The rules of a deploy. The messages are those published clients show, word for word. */
export function judgeManifest(manifest: AgentManifestDocument, reading: Reading, rules: ManifestRules = {}): void {
  const deployable = rules.deployable ?? true
  if (manifest.apiVersion !== AGENT_API_VERSION) {
    reading.report(
      ['apiVersion'],
      `Invalid apiVersion: expected '${AGENT_API_VERSION}', got '${shown(manifest.apiVersion)}'`,
    )
  }
  if (manifest.kind !== 'Agent') {
    reading.report(['kind'], `Invalid kind: expected 'Agent', got '${shown(manifest.kind)}'`)
  }
  if (manifest.metadata) {
    judgeName(manifest.metadata.name, reading)
    if (deployable && !manifest.metadata.version) {
      reading.report(['metadata', 'version'], 'metadata.version is required, e.g. "1.0.0"')
    }
  }
  if (manifest.spec?.runtime) judgeRuntime(manifest.spec.runtime, reading)
  if (manifest.spec && deployable) judgeTask(manifest, reading)
}

function shown(value: unknown): string {
  return value === undefined || value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value)
}

function judgeName(name: string | undefined, reading: Reading): void {
  const path = ['metadata', 'name']
  if (name === undefined || name === '') {
    reading.report(path, 'metadata.name cannot be empty')
  } else if (!agentName.test(name)) {
    reading.report(path, `Invalid metadata.name: '${name}' must be lowercase alphanumeric with hyphens`)
  } else if (name.startsWith('-') || name.endsWith('-')) {
    reading.report(path, `Invalid metadata.name: '${name}' cannot start or end with hyphen`)
  } else if (name.length > maxNameLength) {
    reading.report(
      path,
      `Invalid metadata.name: '${name}' has ${name.length} characters; at most ${maxNameLength} are allowed`,
    )
  }
}

function judgeRuntime({ language, version, image }: RuntimeConfig, reading: Reading): void {
  const path = ['spec', 'runtime']
  if (image && (language || version)) {
    reading.report(path, 'cannot specify both image and language+version (mutually exclusive)')
  } else if (image) {
    if (!image.includes('/')) {
      reading.report(
        [...path, 'image'],
        'image must be fully-qualified: registry/repo:tag (e.g., ghcr.io/org/image:v1.0)',
      )
    }
  } else if (language && !version) {
    reading.report([...path, 'language'], 'language requires version to be specified')
  } else if (version && !language) {
    reading.report([...path, 'version'], 'version requires language to be specified')
  } else if (!language) {
    reading.report(path, 'must specify either standard runtime (language+version) or custom runtime (image)')
  }
}

function judgeTask({ spec }: AgentManifestDocument, reading: Reading): void {
  if (!spec.task) {
    reading.report(['spec', 'task'], 'spec.task is required — agent must have a non-empty task.instruction')
  } else if (spec.task.instruction === undefined) {
    reading.report(['spec', 'task', 'instruction'], 'spec.task.instruction is required — tell the agent what to do')
  } else if (spec.task.instruction.trim() === '') {
    reading.report(
      ['spec', 'task', 'instruction'],
      'spec.task.instruction must not be empty — tell the agent what to do',
    )
  }
}
