type JsonObject = Record<string, unknown>

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** JSON merge patch (RFC 7396): objects merge, `null` deletes, everything else replaces. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch
  const merged: JsonObject = isObject(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key]
    else
      Object.defineProperty(merged, key, {
        value: mergePatch(merged[key], value),
        enumerable: true,
        configurable: true,
        writable: true,
      })
  }
  return merged
}

const metadataKeys = new Set(['name', 'description', 'labels', 'annotations', 'tags'])
const taskKeys = new Set(['instruction', 'prompt_template'])
const specKeys = new Set([
  'tools',
  'env',
  'input_schema',
  'execution',
  'security',
  'security_context',
  'advanced',
  'volumes',
  'output_handler',
])

/**
 * A partial update as a merge patch of the manifest: shorthand keys stand where the manifest has them (aegis-api §5.1, Update).
 * `status` is no part of the manifest and is left out.
 */
export function manifestPatch(body: JsonObject): JsonObject {
  const patch: JsonObject = {}
  const into = (path: readonly string[], value: unknown) => {
    let place = patch
    for (const key of path.slice(0, -1)) {
      if (!isObject(place[key])) place[key] = {}
      place = place[key] as JsonObject
    }
    const last = path.at(-1) ?? ''
    place[last] = isObject(place[last]) && isObject(value) ? { ...place[last], ...value } : value
  }
  for (const [key, value] of Object.entries(body)) {
    if (key === 'metadata' || key === 'spec') into([key], value)
    else if (key === 'version') into(['metadata', 'version'], value)
    else if (metadataKeys.has(key)) into(['metadata', key], value)
    else if (taskKeys.has(key)) into(['spec', 'task', key], value)
    else if (key === 'model') into(['spec', 'runtime', 'model'], value)
    else if (specKeys.has(key)) into(['spec', key], value)
  }
  return patch
}
