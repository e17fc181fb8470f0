/** The path that the console is served below, without a slash at its end: '' at the root of its host, '/lictor' at `/lictor/dashboard/`. */
export const basePathOf = (moduleUrl: string): string => {
  const { pathname } = new URL(moduleUrl)
  return pathname.slice(0, Math.max(0, pathname.lastIndexOf('/dashboard/')))
}

/** Known from where this script came from, so that one build serves below any path, in pages and in workers. */
export const BASE_PATH = basePathOf(import.meta.url)
