import type { Plugin } from 'vite'
import { brotli } from './compress.ts'

/** What of a chunk is needed to know what comes with it. */
export interface Chunk {
  readonly code: string
  readonly imports: readonly string[]
  readonly isEntry: boolean
  readonly facadeModuleId: string | null
}

/** The scripts that a browser fetches for the first route: the entry, the page, and all that these import. */
export function firstRouteOf(chunks: ReadonlyMap<string, Chunk>, page: string): readonly string[] {
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

/** Fails the build when the first route asks for more bytes of script, compressed by Brotli, than it may. */
export function budget({ page, bytes }: { page: string; bytes: number }): Plugin {
  return {
    name: 'lictor:budget',
    apply: 'build',
    generateBundle(_options, bundle) {
      const chunks = new Map(
        Object.entries(bundle).flatMap(([name, output]) => (output.type === 'chunk' ? [[name, output] as const] : [])),
      )
      const sizes = firstRouteOf(chunks, page).map((name) => ({
        name,
        size: brotli(chunks.get(name)?.code ?? '').length,
      }))
      const total = sizes.reduce((sum, { size }) => sum + size, 0)
      if (total <= bytes) return
      const list = sizes.sort((a, b) => b.size - a.size).map(({ name, size }) => `  ${size}  ${name}`)
      this.error(`The first route asks for ${total} bytes of script (Brotli), more than ${bytes}:\n${list.join('\n')}`)
    },
  }
}
