/**
 * SHA-256, synchronous, for Node and browsers alike: Web Crypto only hashes asynchronously, and loading a bundle is
 * synchronous. FIPS 180-4.
 */

const BLOCK = 64

interface Constants {
  /** Of the rounds: first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
  readonly rounds: Uint32Array
  /** The initial state: the same of the square roots of the first 8 primes. */
  readonly initial: Uint32Array
}

let constants: Constants | undefined

function makeConstants(): Constants {
  const rounds = new Uint32Array(64)
  const initial = new Uint32Array(8)
  for (let candidate = 2, found = 0; found < 64; candidate++) {
    let prime = true
    for (let d = 2; d * d <= candidate; d++) if (candidate % d === 0) prime = false
    if (!prime) continue
    if (found < 8) initial[found] = fraction(candidate ** (1 / 2))
    rounds[found++] = fraction(candidate ** (1 / 3))
  }
  return { rounds, initial }
}

function fraction(root: number): number {
  return Math.floor((root - Math.floor(root)) * 0x1_0000_0000)
}

/** Lower-case hex SHA-256 of the bytes; text is encoded as UTF-8 first. */
export function sha256Hex(input: string | Uint8Array): string {
  const bytes = typeof input === 'string' ? new TextEncoder().encode(input) : input
  return (bytes.length >= LARGE ? hashOfNode(bytes) : undefined) ?? hashHere(bytes)
}

/** Bytes from which on Node's own hash is quicker, although it must be loaded first. */
const LARGE = 65_536

interface NodeProcess {
  getBuiltinModule?(name: string): { readonly hash?: (algorithm: string, data: Uint8Array) => string } | undefined
}

/** Undefined where there is no Node. */
const hashOfNode = (bytes: Uint8Array): string | undefined =>
  (globalThis as { process?: NodeProcess }).process?.getBuiltinModule?.('node:crypto')?.hash?.('sha256', bytes)

function hashHere(bytes: Uint8Array): string {
  constants ??= makeConstants()
  const { rounds, initial } = constants
  const state = initial.slice()
  const words = new Uint32Array(64)
  const whole = bytes.length - (bytes.length % BLOCK)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 0; at < whole; at += BLOCK) compress(state, words, rounds, view, at)

  const rest = bytes.length - whole
  const tail = new Uint8Array(rest < BLOCK - 8 ? BLOCK : 2 * BLOCK)
  tail.set(bytes.subarray(whole))
  tail[rest] = 0x80
  const tailView = new DataView(tail.buffer)
  tailView.setUint32(tail.length - 8, Math.floor(bytes.length / 0x2000_0000))
  tailView.setUint32(tail.length - 4, (bytes.length << 3) >>> 0)
  for (let at = 0; at < tail.length; at += BLOCK) compress(state, words, rounds, tailView, at)

  let hex = ''
  for (const word of state) hex += word.toString(16).padStart(8, '0')
  return hex
}

function compress(state: Uint32Array, w: Uint32Array, rounds: Uint32Array, view: DataView, offset: number): void {
  for (let i = 0; i < 16; i++) w[i] = view.getUint32(offset + i * 4)
  for (let i = 16; i < 64; i++) {
    const x = w[i - 15] as number
    const y = w[i - 2] as number
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3)
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10)
    w[i] = ((w[i - 16] as number) + s0 + (w[i - 7] as number) + s1) | 0
  }
  let a = state[0] as number
  let b = state[1] as number
  let c = state[2] as number
  let d = state[3] as number
  let e = state[4] as number
  let f = state[5] as number
  let g = state[6] as number
  let h = state[7] as number
  for (let i = 0; i < 64; i++) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7))
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + (rounds[i] as number) + (w[i] as number)) | 0
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10))
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0
    h = g
    g = f
    f = e
    e = (d + t1) | 0
    d = c
    c = b
    b = a
    a = (t1 + t2) | 0
  }
  state[0] = (state[0] as number) + a
  state[1] = (state[1] as number) + b
  state[2] = (state[2] as number) + c
  state[3] = (state[3] as number) + d
  state[4] = (state[4] as number) + e
  state[5] = (state[5] as number) + f
  state[6] = (state[6] as number) + g
  state[7] = (state[7] as number) + h
}
