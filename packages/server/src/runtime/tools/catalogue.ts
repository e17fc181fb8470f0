import type { Tool } from './tool.ts'

/** Tools that come and go while the server runs. */
export interface ToolSupply {
  /** The tool of this name; null when the supply has none. */
  find(name: string): Tool | null
  list(): readonly Tool[]
}

/** Every tool that can be called here, each once. What is listed and what can be called are read from the same records. */
export interface Catalogue {
  /** The tool of this name or alias: this server's own first, then those of the supplies in their order. */
  find(name: string): Tool | null
  /** In a steady order: this server's own, then those of the supplies. */
  list(): readonly Tool[]
}

/** @throws Error when two of this server's own tools answer to one name */
export function createCatalogue(own: readonly Tool[], supplies: readonly ToolSupply[] = []): Catalogue {
  const byName = new Map<string, Tool>()
  for (const tool of own) {
    for (const name of [tool.name, ...tool.aliases]) {
      if (byName.has(name)) throw new Error(`Two tools are called '${name}'.`)
      byName.set(name, tool)
    }
  }
  return {
    find(name) {
      const found = byName.get(name)
      if (found) return found
      for (const supply of supplies) {
        const supplied = supply.find(name)
        if (supplied) return supplied
      }
      return null
    },
    list() {
      const listed = new Map(own.map((tool) => [tool.name, tool]))
      for (const tool of supplies.flatMap((supply) => supply.list()))
        if (!byName.has(tool.name) && !listed.has(tool.name)) listed.set(tool.name, tool)
      return [...listed.values()]
    },
  }
}
