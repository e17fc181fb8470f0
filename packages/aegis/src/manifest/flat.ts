import type { Path } from '../shape/shape.ts'
import { AGENT_API_VERSION } from './types.ts'

/** Where each key of the flat shorthand belongs in a manifest. */
const places: Readonly<Record<string, readonly string[]>> = {
  name: ['metadata', 'name'],
  manifest_version: ['metadata', 'version'],
  description: ['metadata', 'description'],
  labels: ['metadata', 'labels'],
  annotations: ['metadata', 'annotations'],
  tags: ['metadata', 'tags'],
  language: ['spec', 'runtime', 'language'],
  image: ['spec', 'runtime', 'image'],
  model: ['spec', 'runtime', 'model'],
  instruction: ['spec', 'task', 'instruction'],
  prompt_template: ['spec', 'task', 'prompt_template'],
  tools: ['spec', 'tools'],
  env: ['spec', 'env'],
  execution: ['spec', 'execution'],
  security: ['spec', 'security'],
  security_context: ['spec', 'security_context'],
  advanced: ['spec', 'advanced'],
  input_schema: ['spec', 'input_schema'],
  volumes: ['spec', 'volumes'],
  context: ['spec', 'context'],
}

/** Whether a value is the shorthand `{name, language, version, instruction, …}`: none of the four manifest keys. */
export function isFlatManifest(value: Readonly<Record<string, unknown>>): boolean {
  return !['apiVersion', 'kind', 'metadata', 'spec'].some((key) => Object.hasOwn(value, key))
}

/**
 * `version` is the version of the language when `language` is given, otherwise the agent's.
 */
function placeOf(key: string, flat: Readonly<Record<string, unknown>>): readonly string[] {
  if (key === 'version') return flat.language == null ? ['metadata', 'version'] : ['spec', 'runtime', 'version']
  return (Object.hasOwn(places, key) && places[key]) || ['spec', key]
}

/** The shorthand as a manifest. `origin` translates a path of the manifest back to the shorthand it came from. */
export function expandFlatManifest(flat: Readonly<Record<string, unknown>>): {
  readonly manifest: Record<string, unknown>
  readonly origin: (path: Path) => Path
} {
  const manifest: Record<string, unknown> = {
    apiVersion: AGENT_API_VERSION,
    kind: 'Agent',
    metadata: { version: '1.0.0' },
    spec: { runtime: {}, task: {} },
  }
  for (const [key, value] of Object.entries(flat)) {
    if (value === undefined || value === null) continue
    const place = placeOf(key, flat)
    let target = manifest
    for (const step of place.slice(0, -1)) target = target[step] as Record<string, unknown>
    Object.defineProperty(target, place.at(-1) ?? key, { value, enumerable: true, writable: true, configurable: true })
  }
  const origin = (path: Path): Path => {
    for (const key of Object.keys(flat)) {
      const place = placeOf(key, flat)
      if (place.every((step, index) => path[index] === step)) return [key, ...path.slice(place.length)]
    }
    return path
  }
  return { manifest, origin }
}
