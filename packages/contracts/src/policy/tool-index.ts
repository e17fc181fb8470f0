import { compileGlob, globShape, type Matcher } from '../match/glob.ts'

interface Named {
  readonly tools: readonly string[]
}

/**
 * Finds the contracts that name a tool without looking at the others: plain names in a map, `prefix*` patterns in a map per
 * length of prefix, and only what is left, once per distinct pattern, by trying. The order of the list is kept.
 */
export class ToolIndex<Item extends Named> {
  /** The items that name every tool: what an unheard-of tool finds, always the same list. */
  readonly everyTool: readonly Item[]
  readonly #items: readonly Item[]
  readonly #everyTool: number[] = []
  readonly #exact = new Map<string, number[]>()
  readonly #prefixes = new Map<number, Map<string, number[]>>()
  readonly #globs = new Map<string, { readonly matches: Matcher; readonly positions: number[] }>()

  constructor(items: readonly Item[]) {
    this.#items = items
    items.forEach((item, position) => {
      for (const pattern of item.tools) this.#add(pattern, position)
    })
    this.everyTool = this.#itemsAt(this.#everyTool)
  }

  #add(pattern: string, position: number): void {
    const shape = globShape(pattern)
    switch (shape.kind) {
      case 'any':
        this.#everyTool.push(position)
        break
      case 'exact':
        push(this.#exact, shape.text, position)
        break
      case 'prefix': {
        const { length } = shape.prefix
        let byPrefix = this.#prefixes.get(length)
        if (byPrefix === undefined) {
          byPrefix = new Map()
          this.#prefixes.set(length, byPrefix)
        }
        push(byPrefix, shape.prefix, position)
        break
      }
      case 'general': {
        const glob = this.#globs.get(pattern) ?? { matches: compileGlob(pattern), positions: [] }
        glob.positions.push(position)
        this.#globs.set(pattern, glob)
      }
    }
  }

  /** The items that name the tool, in their order, each once. */
  find(tool: string): readonly Item[] {
    const named = [...(this.#exact.get(tool) ?? [])]
    for (const [length, byPrefix] of this.#prefixes) {
      if (length <= tool.length) named.push(...(byPrefix.get(tool.slice(0, length)) ?? []))
    }
    for (const glob of this.#globs.values()) if (glob.matches(tool)) named.push(...glob.positions)
    return named.length === 0 ? this.everyTool : this.#itemsAt([...this.#everyTool, ...named])
  }

  #itemsAt(positions: readonly number[]): readonly Item[] {
    return [...new Set(positions)].sort((a, b) => a - b).map((position) => this.#items[position] as Item)
  }
}

function push(map: Map<string, number[]>, key: string, position: number): void {
  const positions = map.get(key)
  if (positions === undefined) map.set(key, [position])
  else positions.push(position)
}
