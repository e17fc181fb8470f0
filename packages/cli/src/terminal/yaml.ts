import { createRequire } from 'node:module'
import type * as Yaml from 'yaml'

let loaded: typeof Yaml | undefined

/** The library is seventy files, and most commands neither read nor write YAML of their own: it is loaded with its first use. */
export function yaml(): typeof Yaml {
  loaded ??= createRequire(import.meta.url)('yaml') as typeof Yaml
  return loaded
}

export const writeYaml = (value: unknown): string => yaml().stringify(value)
