/** Clients of both SDKs take 10 MiB a message. */
export const LARGEST_TO_CLIENT = 9_000_000
export const LARGEST_TO_SERVER = 9_000_000
/** More is dropped, and the call it answers is told so. */
export const LARGEST_FROM_SERVER = 32 * 1024 * 1024

/** The id of a dropped line, as JSON text: it is written first or last. */
export function idIn(head: string, tail: string): string | null {
  const id = String.raw`"id"\s*:\s*(-?\d+|"[^"\\]*")`
  const version = String.raw`"jsonrpc"\s*:\s*"2\.0"`
  const first = new RegExp(String.raw`^\s*\{\s*(?:${version}\s*,\s*)?${id}\s*[,}]`).exec(head)
  const last = new RegExp(String.raw`,\s*${id}\s*(?:,\s*${version}\s*)?\}\s*$`).exec(tail)
  return first?.[1] ?? last?.[1] ?? null
}
