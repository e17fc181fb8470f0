import { InvalidInput } from '../../errors.ts'

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

/** Where the keys of the shorthand stand in a manifest. */
const places: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(
    ['name', 'description', 'labels', 'annotations', 'tags'].map((key) => [key, ['metadata', key]] as const),
  ),
  manifest_version: ['metadata', 'version'],
  ...Object.fromEntries(
    ['language', 'image', 'image_pull_policy', 'isolation', 'model', 'temperature'].map(
      (key) => [key, ['spec', 'runtime', key]] as const,
    ),
  ),
  ...Object.fromEntries(
    ['instruction', 'prompt_template', 'input_data'].map((key) => [key, ['spec', 'task', key]] as const),
  ),
  ...Object.fromEntries(
    [
      ...['runtime', 'task', 'execution', 'security', 'security_context', 'tools', 'env', 'volumes', 'context'],
      ...['schedule', 'output_handler', 'delivery', 'advanced', 'input_schema'],
    ].map((key) => [key, ['spec', key]] as const),
  ),
  metadata: ['metadata'],
  spec: ['spec'],
}

/**
 * A partial update as a merge patch of the manifest: shorthand keys stand where the manifest has them. As in the shorthand,
 * `version` is the language's beside `language`, otherwise the agent's.
 * @throws InvalidInput for a key that no manifest has
 */
export function manifestPatch(body: JsonObject): JsonObject {
  const patch: JsonObject = {}
  const unknown: string[] = []
  for (const [key, value] of Object.entries(body)) {
    const place =
      key === 'version'
        ? body.language == null
          ? ['metadata', 'version']
          : ['spec', 'runtime', 'version']
        : Object.hasOwn(places, key)
          ? places[key]
          : undefined
    if (place) lay(patch, place, value)
    else unknown.push(key)
  }
  if (unknown.length > 0)
    throw new InvalidInput(
      unknown.map((key) => ({
        loc: ['body', key],
        msg: `'${key}' cannot be changed; a partial update takes ${['status', 'version', ...Object.keys(places)].join(', ')}`,
      })),
    )
  return patch
}

/** Put a value at a path; objects that meet there are laid over each other. */
function lay(patch: JsonObject, path: readonly string[], value: unknown): void {
  let place = patch
  for (const key of path.slice(0, -1)) {
    if (!isObject(place[key])) place[key] = {}
    place = place[key] as JsonObject
  }
  const last = path.at(-1) ?? ''
  const there = place[last]
  place[last] = isObject(there) && isObject(value) ? { ...there, ...value } : value
}
