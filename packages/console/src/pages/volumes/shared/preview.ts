/** Bytes of a file that are read to show how it begins. */
export const HEAD_BYTES = 256 * 1_024
/** Bytes of an image that is shown: it is held in memory, and once more as text. */
export const LARGEST_IMAGE = 4 * 1_024 ** 2

/** How a file can be shown. Nothing that is shown is ever run: markup, drawings of vectors among it, is text. */
export type Preview =
  | { readonly kind: 'empty' | 'binary' }
  | { readonly kind: 'image'; readonly type: string; readonly isTooLarge: boolean }
  | { readonly kind: 'json'; readonly value: unknown }
  | { readonly kind: 'text'; readonly text: string; readonly isCut: boolean }

const IMAGES: readonly (readonly [type: string, offset: number, bytes: string])[] = [
  ['image/png', 0, '\x89PNG\r\n\x1a\n'],
  ['image/jpeg', 0, '\xff\xd8\xff'],
  ['image/gif', 0, 'GIF8'],
  ['image/webp', 8, 'WEBP'],
  ['image/avif', 4, 'ftypavif'],
]

/**
 * By what it is made of: a name says what its giver likes.
 *
 * @param head the first bytes, `HEAD_BYTES` at most
 * @param size of the whole file, in bytes
 */
export function previewOf(head: Uint8Array, size: number): Preview {
  if (size === 0) return { kind: 'empty' }
  const image = IMAGES.find(([, offset, magic]) =>
    [...magic].every((character, at) => head[offset + at] === character.charCodeAt(0)),
  )
  if (image) return { kind: 'image', type: image[0], isTooLarge: size > LARGEST_IMAGE }
  const isCut = head.length < size
  const text = textOf(head, isCut)
  if (text === null) return { kind: 'binary' }
  const value = isCut ? undefined : structureIn(text)
  return value === undefined ? { kind: 'text', text, isCut } : { kind: 'json', value }
}

/** Null for what is no text. A character that the end of the head cuts in two is left out. */
function textOf(head: Uint8Array, isCut: boolean): string | null {
  if (head.includes(0)) return null
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(head, { stream: isCut })
  } catch {
    return null
  }
}

/** What a document of JSON says; undefined for other text, and for a number or a word alone, which any text may be. */
function structureIn(text: string): unknown {
  if (!/^\s*[[{]/.test(text)) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
