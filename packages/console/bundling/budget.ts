import type { Plugin } from 'vite'
import { brotli } from './compress.ts'

/** What of a chunk is needed to know what comes with it. */
export interface Chunk {
  readonly code: string
  readonly imports: readonly string[]
  readonly isEntry: boolean
  readonly facadeModuleId: string | null
}

type Chunks = ReadonlyMap<string, Chunk>

/** The scripts that a browser fetches for a route: the entry, the page, and all that these import. */
export function scriptsOf(chunks: Chunks, page: string): readonly string[] {
  const needed = new Set<string>()
  const add = (name: string) => {
    if (needed.has(name)) return
    needed.add(name)
    for (const imported of chunks.get(name)?.imports ?? []) add(imported)
  }
  let hasPage = false
  for (const [name, chunk] of chunks) {
    const isPage = chunk.facadeModuleId?.endsWith(page) ?? false
    hasPage ||= isPage
    if (chunk.isEntry || isPage) add(name)
  }
  if (!hasPage) throw new Error(`No chunk is the page ${page}.`)
  return [...needed].filter((name) => chunks.has(name))
}

/** What another route asks for beyond the first one. */
export function moreScriptsOf(chunks: Chunks, first: string, page: string): readonly string[] {
  const there = new Set(scriptsOf(chunks, first))
  return scriptsOf(chunks, page).filter((name) => !there.has(name))
}

interface Budget {
  /** The page of the first route: the end of its module's path. */
  readonly first: string
  /** Bytes that the first route may ask for. */
  readonly firstBytes: number
  /** Bytes that every other route may ask for beyond the first. What a page loads later is not of its route. */
  readonly otherBytes: number
}

/** Fails the build when a route asks for more bytes of script, compressed by Brotli, than it may. */
export function budget({ first, firstBytes, otherBytes }: Budget): Plugin {
  return {
    name: 'lictor:budget',
    apply: 'build',
    generateBundle(_options, bundle) {
      const chunks = new Map(
        Object.entries(bundle).flatMap(([name, output]) => (output.type === 'chunk' ? [[name, output] as const] : [])),
      )
      const sizes = new Map<string, number>()
      const sizeOf = (name: string) => {
        const size = sizes.get(name) ?? brotli(chunks.get(name)?.code ?? '').length
        sizes.set(name, size)
        return size
      }
      const judge = (route: string, names: readonly string[], most: number) => {
        const total = names.reduce((sum, name) => sum + sizeOf(name), 0)
        if (total <= most) return
        const list = [...names].sort((a, b) => sizeOf(b) - sizeOf(a)).map((name) => `  ${sizeOf(name)}  ${name}`)
        this.error(`${route} asks for ${total} bytes of script (Brotli), more than ${most}:\n${list.join('\n')}`)
      }
      judge('The first route', scriptsOf(chunks, first), firstBytes)
      // Routes are what the pages' `route.ts` load.
      const routes = [...this.getModuleIds()].filter((id) => /\/pages\/[^/]+\/route\.ts$/.test(id))
      const pages = routes.flatMap((id) => this.getModuleInfo(id)?.dynamicallyImportedIds ?? [])
      if (pages.length < routes.length) this.error(`Of ${routes.length} routes only ${pages.length} pages were found.`)
      for (const page of pages) judge(page, moreScriptsOf(chunks, first, page), otherBytes)
    },
  }
}
