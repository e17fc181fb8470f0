import { dirname, join } from 'node:path'

/** What is needed of the bundler to know what a module imports. */
interface Modules {
  getModuleInfo(id: string): { readonly importedIds: readonly string[]; readonly code: string | null } | null
}

/**
 * Names the chunk of all that the entry always needs, so that it is one: the bundler makes many small ones of what pages share
 * with it, which compress worse and of which each is an answer of its own. Every other module is left to the bundler.
 *
 * @param entry id of the module that the console begins with
 * @param barrels packages whose first module only hands on what stands in others: of these, what is asked for by name is needed,
 *   and not what pages ask for that are loaded later
 */
export function entryChunk(entry: string, barrels: readonly string[]): (id: string, modules: Modules) => string | null {
  let needed: ReadonlySet<string> | null = null
  return (id, modules) => {
    needed ??= reached(entry, barrels, modules)
    return needed.has(id) ? 'console' : null
  }
}

function reached(entry: string, barrels: readonly string[], modules: Modules): ReadonlySet<string> {
  const found = new Set<string>()
  const asked = new Set<string>()
  const handsOn: string[] = []
  const follow = (pending: string[]) => {
    for (let id = pending.pop(); id !== undefined; id = pending.pop()) {
      const info = found.has(id) ? null : modules.getModuleInfo(id)
      if (!info) continue
      found.add(id)
      const isBarrel = barrels.some((name) => id.includes(`/node_modules/${name}/`)) && EXPORTS.test(info.code ?? '')
      if (isBarrel) handsOn.push(id)
      else {
        for (const name of barrels) for (const one of importsOf(info.code ?? '', name)) asked.add(one)
        pending.push(...info.importedIds)
      }
    }
  }
  follow([entry])
  for (const id of handsOn) follow(handedOn(id, modules.getModuleInfo(id)?.code ?? '', asked))
  return found
}

const EXPORTS = /^export \{[^}]*\} from/m

/** The names that a module imports of a package. */
function importsOf(code: string, name: string): readonly string[] {
  const imports = code.matchAll(/import\s*\{([^}]*)\}\s*from\s*["']([^"']+)["']/g)
  return [...imports].flatMap(([, names = '', from]) =>
    from === name ? names.split(',').map((one) => one.trim().split(/\s/)[0] ?? '') : [],
  )
}

/** The modules from which a module hands on any of `asked`. */
function handedOn(id: string, code: string, asked: ReadonlySet<string>): string[] {
  const exports = code.matchAll(/export\s*\{([^}]*)\}\s*from\s*["']([^"']+)["']/g)
  return [...exports].flatMap(([, names = '', from = '']) =>
    names.split(',').some((one) =>
      asked.has(
        one
          .trim()
          .split(/\s+as\s+/)
          .at(-1) ?? '',
      ),
    )
      ? [join(dirname(id), from)]
      : [],
  )
}
