/** Characters of a key's random part that may be seen. */
const SHOWN_CHARACTERS = 8

/** What the console shows of a key; of a key in another form, a part of its hash. */
export function keyPrefixOf(apiKey: string, environment: string): string {
  const start = `edk_${environment}_`
  const shown = start.length + SHOWN_CHARACTERS
  if (apiKey.startsWith(start) && apiKey.length >= shown + SHOWN_CHARACTERS) return apiKey.slice(0, shown)
  // Loaded only here: no key of this server's takes this way, and loading it costs more than all the rest.
  const { createHash } = process.getBuiltinModule('node:crypto')
  return `key_${createHash('sha256').update(apiKey, 'utf8').digest('hex').slice(0, 16)}`
}
