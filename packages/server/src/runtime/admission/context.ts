import type { ContextItem } from '@lictor/aegis'
import { refuse } from './input.ts'

const LARGEST_CONTEXT_BYTES = 10 * 1024 ** 2
const LARGEST_ITEM_BYTES = 5 * 1024 ** 2

/** Where the texts of `spec.context` come from. */
export interface ContextSources {
  /** A file of the workspace, at most one byte more than `limit`. @throws ContextMissing */
  readFile(path: string, limit: number): Promise<Uint8Array>
  /** Paths of the files of a folder and of those below it, in order. @throws ContextMissing */
  listFiles(path: string): Promise<readonly string[]>
  /** What an address answers, at most one byte more than `limit`. @throws ContextMissing */
  fetch(url: string, limit: number): Promise<Uint8Array>
}

/** What an item names is not there, or may not be read; the message says why. */
export class ContextMissing extends Error {
  override readonly name = 'ContextMissing'
}

/** Files that hold no text, by their names. */
const binary =
  /\.(?:png|jpe?g|gif|webp|bmp|ico|pdf|zip|gz|tgz|bz2|xz|7z|tar|jar|war|exe|dll|so|dylib|o|a|class|pyc|wasm|bin|dat|db|sqlite3?|mp[34]|mov|avi|mkv|wav|flac|ogg|woff2?|ttf|otf|eot|docx?|xlsx?|pptx?|parquet)$/i

const isHidden = (path: string): boolean => path.split('/').some((part) => part.startsWith('.') && part !== '.')

/**
 * `spec.context` as one text: each entry under its description.
 * @throws InvalidInput naming the item that is missing, is no text, or is too large
 */
export async function contextOf(items: readonly ContextItem[], sources: ContextSources): Promise<string> {
  const entries: string[] = []
  let size = 0
  const add = (at: string, title: string, content: string): void => {
    const entry = `# ${title}\n\n${content}\n\n---\n\n`
    size += Buffer.byteLength(entry)
    if (size > LARGEST_CONTEXT_BYTES) refuse(`${at}: spec.context is larger than 10 MB.`)
    entries.push(entry)
  }
  for (const [index, item] of items.entries()) {
    const at = `spec.context[${index}]`
    const text = async (what: string, read: () => Promise<Uint8Array>): Promise<string> => {
      const bytes = await read().catch((error: unknown) => {
        if (error instanceof ContextMissing) refuse(`${at}: ${error.message}`)
        throw error
      })
      if (bytes.byteLength > LARGEST_ITEM_BYTES) refuse(`${at}: '${what}' is larger than 5 MB.`)
      return textIn(bytes) ?? refuse(`${at}: '${what}' is no UTF-8 text.`)
    }
    switch (item.type) {
      case 'text':
        add(at, item.description ?? 'Context', item.content)
        break
      case 'file':
        add(
          at,
          item.description ?? item.path,
          await text(item.path, () => sources.readFile(item.path, LARGEST_ITEM_BYTES)),
        )
        break
      case 'url':
        add(at, item.description ?? item.url, await text(item.url, () => sources.fetch(item.url, LARGEST_ITEM_BYTES)))
        break
      case 'directory': {
        const paths = await sources.listFiles(item.path).catch((error: unknown) => {
          if (error instanceof ContextMissing) refuse(`${at}: ${error.message}`)
          throw error
        })
        for (const path of paths) {
          if (isHidden(path.slice(item.path.length)) || binary.test(path)) continue
          const bytes = await sources.readFile(path, LARGEST_ITEM_BYTES)
          // A folder is taken as it is: what in it is no text, or too large, is left out.
          const content = bytes.byteLength > LARGEST_ITEM_BYTES ? null : textIn(bytes)
          if (content !== null) add(at, item.description ? `${item.description}: ${path}` : path, content)
        }
        break
      }
    }
  }
  return entries.join('')
}

/** The text in these bytes; null when they hold none. */
function textIn(bytes: Uint8Array): string | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return text.includes('\0') ? null : text
  } catch {
    return null
  }
}
