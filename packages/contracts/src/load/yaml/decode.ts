import { YamlError } from './tokens.ts'

const UNPRINTABLE = /[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u

/**
 * The text of a document's bytes: UTF-8, or UTF-16 with its byte order mark.
 *
 * @throws {YamlError} on bytes that are neither, and on characters YAML does not know
 */
export function decodeYaml(bytes: Uint8Array): string {
  const isWide = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)
  const encoding = !isWide ? 'utf-8' : bytes[0] === 0xff ? 'utf-16le' : 'utf-16be'
  let text: string
  try {
    text = new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new YamlError(`the bytes are not valid ${encoding.toUpperCase()}`, -1)
  }
  checkPrintable(text)
  return text
}

export function checkPrintable(text: string): void {
  const at = text.search(UNPRINTABLE)
  if (at === -1) return
  const code = (text.codePointAt(at) as number).toString(16).toUpperCase().padStart(4, '0')
  throw new YamlError(`the character U+${code} is not allowed`, at, 'write it as an escape in double quotes')
}
