import type { RuntimeConfig } from '@lictor/aegis'

/** What an agent's own program runs on. */
export type Interpreter = 'node' | 'python'

interface Language {
  readonly interpreter: Interpreter
  /** `[major, minor]` of the first version that runs here, and of the last major one there is. */
  readonly oldest: readonly [number, number]
  readonly newestMajor: number
}

/** The languages of manifests. Those that need a compiler run their bootstrap, which is JavaScript. */
const languages: Readonly<Record<string, Language>> = {
  python: { interpreter: 'python', oldest: [3, 9], newestMajor: 3 },
  javascript: { interpreter: 'node', oldest: [18, 0], newestMajor: 26 },
  typescript: { interpreter: 'node', oldest: [5, 0], newestMajor: 7 },
  rust: { interpreter: 'node', oldest: [1, 70], newestMajor: 1 },
  go: { interpreter: 'node', oldest: [1, 20], newestMajor: 1 },
}

/** A language or a version of one that this server does not run. */
export interface UnknownRuntime {
  readonly field: 'language' | 'version'
  readonly message: string
}

/** As people write it: 3.12, 3.x, >=3.10, ^3.11, 3.10-slim, v20. */
const written = /^([<>=~^!]{0,3})\s*v?(\d+)(?:\.(\d+|x|\*))?/

/** The interpreter for a language and its version, or what is unknown of them. */
export function interpreterOf({ language = '', version }: RuntimeConfig): Interpreter | UnknownRuntime {
  const known = Object.hasOwn(languages, language) ? languages[language] : undefined
  if (!known)
    return {
      field: 'language',
      message: `spec.runtime.language '${language}' is not available. Use ${Object.keys(languages).join(', ')}.`,
    }
  if (version === undefined || runs(known, version)) return known.interpreter
  const [major, minor] = known.oldest
  return {
    field: 'version',
    message: `spec.runtime.version '${version}' of ${language} is not available. Use ${major}.${minor} or later, up to ${known.newestMajor}.x.`,
  }
}

function runs({ oldest: [major, minor], newestMajor }: Language, version: string): boolean {
  const [, operator = '', first, second] = written.exec(version.trim()) ?? []
  if (first === undefined) return false
  const isAtLeast = operator.startsWith('>')
  if (Number(first) > newestMajor) return false
  if (Number(first) > major || isAtLeast) return true
  return Number(first) === major && (second === undefined || !/^\d+$/.test(second) || Number(second) >= minor)
}
