/** What is needed of the bundler to know what a module imports. */
interface Modules {
  getModuleInfo(id: string): { readonly importedIds: readonly string[] } | null
}

/**
 * Names the chunk of all that the entry always needs, so that it is one: the bundler makes many small ones of what pages share
 * with it, which compress worse and of which each is an answer of its own. Every other module is left to the bundler.
 *
 * @param entry id of the module that the console begins with
 */
export function entryChunk(entry: string): (id: string, modules: Modules) => string | null {
  let needed: ReadonlySet<string> | null = null
  return (id, modules) => {
    needed ??= reached(entry, modules)
    return needed.has(id) ? 'console' : null
  }
}

function reached(entry: string, modules: Modules): ReadonlySet<string> {
  const found = new Set<string>()
  const pending = [entry]
  for (let id = pending.pop(); id !== undefined; id = pending.pop()) {
    const info = found.has(id) ? null : modules.getModuleInfo(id)
    if (!info) continue
    found.add(id)
    pending.push(...info.importedIds)
  }
  return found
}
