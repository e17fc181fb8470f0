import { configError } from '../errors.ts'

/** A framework and the versions of it that the adapter was proven with. */
export interface Framework {
  /** Its package. */
  readonly name: string
  /** `^1.2`, `0.20.x`, or several of them with `||`. */
  readonly range: string
}

const found = new Map<string, string | null>()

/**
 * Refuses a framework of a version that the adapter was not made for, before any tool is wrapped: it might call tools in
 * another way, past the guard. A program that was bundled into one file carries no versions; there it passes.
 * @throws EdictumConfigError that names the package, its version and the range
 */
export function requireFramework({ name, range }: Framework, read: (name: string) => string | null = installed): void {
  const version = read(name)
  if (version === null || isInRange(version, range)) return
  throw configError(
    `${name} ${version} is installed; this adapter was proven with ${range}. Install such a version, or wrap each tool with guard.run().`,
  )
}

/** The same for a framework in several packages: one of those installed has to be of a proven version. */
export function requireOneOf(
  frameworks: readonly Framework[],
  read: (name: string) => string | null = installed,
): void {
  const there = frameworks.filter(({ name }) => read(name) !== null)
  const isProven = ({ name, range }: Framework) => isInRange(read(name) ?? '', range)
  const [first] = there
  if (first !== undefined && !there.some(isProven)) requireFramework(first, read)
}

/** The version of the package as it is installed for this one, or for the program. */
function installed(name: string): string | null {
  let version = found.get(name)
  if (version === undefined) {
    version = lookUp(name)
    found.set(name, version)
  }
  return version
}

function lookUp(name: string): string | null {
  const { createRequire } = process.getBuiltinModule('node:module')
  const { readFileSync } = process.getBuiltinModule('node:fs')
  const places = [import.meta.url, `${process.cwd()}/program.js`].flatMap((from) => {
    try {
      return createRequire(from).resolve.paths(name) ?? []
    } catch {
      return []
    }
  })
  for (const place of places) {
    try {
      const { version } = JSON.parse(readFileSync(`${place}/${name}/package.json`, 'utf8')) as { version?: unknown }
      if (typeof version === 'string') return version
    } catch {
      // Not installed there.
    }
  }
  return null
}

/** Whether a version is in a range of the form `^1.2`, `0.20.x` or `^1 || ^2`. A pre-release counts as its release. */
export function isInRange(version: string, range: string): boolean {
  const [release = ''] = version.split(/[-+]/)
  const given = release.split('.').map(Number)
  return range.split('||').some((one) => {
    const wanted = one
      .trim()
      .replace(/^\^/, '')
      .split('.')
      .filter((part) => part !== 'x')
      .map(Number)
    if (given.length !== 3 || [...given, ...wanted].some(Number.isNaN)) return false
    // A caret lets everything but the first number grow; without one, what is written is fixed.
    const fixed = one.trim().startsWith('^') ? 1 : wanted.length
    if (wanted.slice(0, fixed).some((part, index) => part !== given[index])) return false
    for (let index = fixed; index < wanted.length; index++) {
      const difference = (given[index] ?? 0) - (wanted[index] ?? 0)
      if (difference !== 0) return difference > 0
    }
    return true
  })
}
