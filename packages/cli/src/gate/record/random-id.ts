import { closeSync, openSync, readSync } from 'node:fs'

/** A random UUID. From the system's own source where it is a file: Node's cryptography takes longer to load than a check. */
export function randomId(): string {
  const bytes = new Uint8Array(16)
  let source: number
  try {
    source = openSync('/dev/urandom', 'r')
  } catch {
    return process.getBuiltinModule('node:crypto').randomUUID()
  }
  try {
    if (readSync(source, bytes) !== bytes.length) throw new Error('/dev/urandom gave too little')
  } finally {
    closeSync(source)
  }
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80
  const hex = Buffer.from(bytes).toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
