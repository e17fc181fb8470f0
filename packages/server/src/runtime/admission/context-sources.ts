import type { Clock } from '../../ports/clock.ts'
import type { Fetch } from '../../ports/fetch.ts'
import { ContextMissing, type ContextSources } from './context.ts'

const SECONDS = 20

/**
 * Where `spec.context` is read from. Addresses are called through the guard of what people configure: nothing private, no
 * redirects. The workspace of an execution is empty before it begins: a file that is to be there belongs to the manifest's text.
 */
export function createContextSources(deps: { fetch: Fetch; clock: Clock }): ContextSources {
  const { fetch, clock } = deps
  const missing = (path: string): never => {
    throw new ContextMissing(
      `There is no '${path}': the workspace is empty before the first attempt. Use the types 'text' or 'url'.`,
    )
  }
  return {
    readFile: async (path) => missing(path),
    listFiles: async (path) => missing(path),
    async fetch(url, limit) {
      const over = new AbortController()
      const cancel = clock.after(SECONDS * 1000, () =>
        over.abort(new ContextMissing(`'${url}' did not answer within ${SECONDS} seconds.`)),
      )
      try {
        const response = await fetch(url, { signal: over.signal })
        if (!response.ok) throw new ContextMissing(`'${url}' answered ${response.status}.`)
        return await headOfBody(response, limit + 1)
      } catch (error) {
        if (error instanceof ContextMissing) throw error
        const { message, cause } = error as Error
        throw new ContextMissing(`'${url}' cannot be read: ${cause instanceof Error ? cause.message : message}`)
      } finally {
        cancel()
        over.abort()
      }
    },
  }
}

/** The first bytes of an answer; the rest is not read. */
async function headOfBody(response: Response, length: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk)
    size += chunk.byteLength
    if (size >= length) break
  }
  return Buffer.concat(chunks).subarray(0, length)
}
