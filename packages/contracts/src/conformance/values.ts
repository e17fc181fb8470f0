import { parseYaml } from '../load/yaml/parse.ts'
import { isMapping, type Mapping, plainValue } from '../plain/values.ts'

export { isMapping, type Mapping }

/** A fixture file as plain values. Throws on broken YAML. */
export function parseFixtures(text: string): unknown {
  return plainValue(parseYaml(text))
}

/** A mapping, or an empty one in its place. */
export function asMapping(value: unknown): Mapping {
  return isMapping(value) ? value : {}
}

export function asText(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

export function asNumber(value: unknown, fallback: number): number {
  return typeof value === 'number' ? value : fallback
}

/** The first of the mapping's keys that is not known, or null. */
export function unknownKey(mapping: Mapping, known: readonly string[]): string | null {
  return Object.keys(mapping).find((key) => !known.includes(key)) ?? null
}
