import { isUtf8 } from 'node:buffer'
import { contentTypeOf } from './content-type.ts'

/** As much of a file as is looked at. */
export const SNIFFED_BYTES = 4096

const FALLBACK = 'application/octet-stream'

const signatures: readonly (readonly [type: string, offset: number, bytes: string])[] = [
  ['application/pdf', 0, '%PDF-'],
  ['image/png', 0, '\x89PNG\r\n\x1a\n'],
  ['image/jpeg', 0, '\xff\xd8\xff'],
  ['image/gif', 0, 'GIF8'],
  ['image/webp', 8, 'WEBP'],
  ['audio/wav', 8, 'WAVE'],
  ['image/bmp', 0, 'BM'],
  ['image/tiff', 0, 'II*\0'],
  ['image/tiff', 0, 'MM\0*'],
  ['video/mp4', 4, 'ftyp'],
  ['video/webm', 0, '\x1aE\xdf\xa3'],
  ['audio/mpeg', 0, 'ID3'],
  ['audio/ogg', 0, 'OggS'],
  ['audio/flac', 0, 'fLaC'],
  ['application/gzip', 0, '\x1f\x8b'],
  ['application/zstd', 0, '\x28\xb5\x2f\xfd'],
  ['application/x-7z-compressed', 0, '7z\xbc\xaf\x27\x1c'],
  ['application/wasm', 0, '\0asm'],
  ['application/vnd.sqlite3', 0, 'SQLite format 3\0'],
]

/** What a ZIP archive is by its name, where it is more than that. */
const archives: Readonly<Record<string, string>> = {
  docx: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  pptx: 'application/vnd.openxmlformats-officedocument.presentationml.presentation',
  epub: 'application/epub+zip',
  jar: 'application/java-archive',
}

const texts: Readonly<Record<string, string>> = {
  csv: 'text/csv',
  svg: 'image/svg+xml',
  xml: 'application/xml',
  md: 'text/markdown',
}

/**
 * What a file is, by its first bytes; which kind of text, by its name as well. What a client says of it counts for nothing.
 * @param head its first 4,096 bytes, or all of it
 */
export function sniff(head: Buffer, name: string): string {
  const start = head.toString('latin1')
  const extension = name.includes('.') ? (name.split('.').at(-1)?.toLowerCase() ?? '') : ''
  if (start.startsWith('PK\x03\x04') || start.startsWith('PK\x05\x06')) return archives[extension] ?? 'application/zip'
  const known = signatures.find(([, offset, bytes]) => start.startsWith(bytes, offset))
  if (known) return known[0]
  if (!isText(head)) return FALLBACK
  const byName = texts[extension] ?? contentTypeOf(name).split(';')[0] ?? FALLBACK
  if (/^(text\/|application\/(json|xml)$|image\/svg)/.test(byName)) return byName
  return /^\s*<(!doctype html|html)\b/i.test(start) ? 'text/html' : 'text/plain'
}

/** Text without control characters of other uses; its last character may be cut. */
function isText(head: Buffer): boolean {
  if (
    head.some(
      (byte) => byte < 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d && byte !== 0x0c && byte !== 0x1b,
    )
  )
    return false
  for (let cut = 0; cut < 4 && cut <= head.length; cut++) if (isUtf8(head.subarray(0, head.length - cut))) return true
  return false
}
