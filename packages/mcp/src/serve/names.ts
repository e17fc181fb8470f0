import { createHash } from 'node:crypto'

/** Common clients take names of tools up to this length, of letters, digits, `_` and `-`. */
const LONGEST_NAME = 64
const PLAIN = /^[a-zA-Z0-9_-]+$/
const HASH_LENGTH = 8
/** Stands between the name of an upstream and the name of one of its tools; no upstream has it in its name. */
const BETWEEN = '__'

/** What an upstream may be called: it begins the names of its tools and, as a scheme, the addresses of its resources. */
export const UPSTREAM_NAME = /^[a-z][a-z0-9-]{0,31}$/

/** `<upstream>__<name>` where every client takes that; else what is left of it, with a hash of the whole. */
export function publishedName(upstream: string, own: string): string {
  const whole = `${upstream}${BETWEEN}${own}`
  if (PLAIN.test(own) && whole.length <= LONGEST_NAME) return whole
  const hash = createHash('sha256').update(own).digest('hex').slice(0, HASH_LENGTH)
  const plain = whole.replaceAll(/[^a-zA-Z0-9_-]/g, '_').slice(0, LONGEST_NAME - HASH_LENGTH - 1)
  return `${plain}_${hash}`
}

/** The upstream that a published name belongs to, and the rest of the name; null where it has no such form. */
export function splitName(published: string): { readonly upstream: string; readonly rest: string } | null {
  const at = published.indexOf(BETWEEN)
  return at <= 0 ? null : { upstream: published.slice(0, at), rest: published.slice(at + BETWEEN.length) }
}

/** The way back from published names of one upstream. */
export interface NameTable {
  /** The name to publish; null where another name is published so already. */
  publish(own: string): string | null
  /** The upstream's own name; undefined for what was not published and cannot be told from its form. */
  ownName(published: string): string | undefined
}

export function createNameTable(upstream: string): NameTable {
  const own = new Map<string, string>()
  return {
    publish(name) {
      const published = publishedName(upstream, name)
      const known = own.get(published)
      if (known !== undefined && known !== name) return null
      own.set(published, name)
      return published
    },
    ownName(published) {
      const known = own.get(published)
      if (known !== undefined) return known
      const split = splitName(published)
      if (split === null || split.upstream !== upstream) return undefined
      return publishedName(upstream, split.rest) === published ? split.rest : undefined
    },
  }
}

/** Addresses of resources carry their upstream in the scheme: `notes+file:///a`. */
export const publishedUri = (upstream: string, uri: string): string => `${upstream}+${uri}`

export function splitUri(published: string): { readonly upstream: string; readonly uri: string } | null {
  const at = published.indexOf('+')
  return at <= 0 ? null : { upstream: published.slice(0, at), uri: published.slice(at + 1) }
}
