import type { Clock } from '../../ports/clock.ts'
import type { Fetch } from '../../ports/fetch.ts'
import { BadArguments, ToolFailed } from '../tools/tool.ts'
import type { Readable } from './readable.ts'

const MOST_REDIRECTS = 10
/** Bytes of a page that are read. */
const LARGEST_PAGE = 5 * 1024 * 1024
/** Characters of HTML that are turned into Markdown. */
const LARGEST_MARKUP = 1024 * 1024

export interface PageRequest {
  readonly url: string
  readonly toMarkdown: boolean
  readonly followRedirects: boolean
  /** Seconds for the whole of it. */
  readonly timeoutSeconds: number
}

/**
 * Read a page of the web. Every address on the way is judged before it is called: the first by whoever called, each that a redirect
 * leads to by `judge`; and each is resolved once, kept out of private networks, and connected to at exactly that address.
 */
export type FetchPage = (
  request: PageRequest,
  judge: (url: string) => Promise<void>,
  signal: AbortSignal,
) => Promise<Readonly<Record<string, unknown>>>

/** @param deps.fetch gives redirects back as the answers they are where it is asked to */
export function createFetchPage(deps: { fetch: Fetch; clock: Clock; readable: Pick<Readable, 'markdown'> }): FetchPage {
  const { fetch, clock, readable } = deps
  return async (request, judge, signal) => {
    const overdue = new AbortController()
    const cancel = clock.after(request.timeoutSeconds * 1000, () => overdue.abort())
    const both = AbortSignal.any([signal, overdue.signal])
    try {
      const { url, response } = await follow(request, judge, both)
      return await shownPage(url, response, request.toMarkdown ? readable : null)
    } catch (error) {
      signal.throwIfAborted()
      if (overdue.signal.aborted)
        throw new ToolFailed(`${hostOf(request.url)} did not answer within ${request.timeoutSeconds} seconds.`, 504)
      if (error instanceof TypeError) throw new ToolFailed(`${request.url} cannot be fetched: ${reasonOf(error)}`, 502)
      throw error
    } finally {
      cancel()
      // Whatever of the answer was not read is let go of.
      overdue.abort()
    }
  }

  async function follow(
    { url: first, followRedirects }: PageRequest,
    judge: (url: string) => Promise<void>,
    signal: AbortSignal,
  ): Promise<{ readonly url: URL; readonly response: Response }> {
    let url = webAddress(first)
    for (let redirects = 0; ; redirects++) {
      const response = await fetch(url.href, {
        redirect: 'manual',
        headers: { accept: 'text/html, text/*;q=0.9, */*;q=0.5', 'user-agent': 'Lictor' },
        signal,
      })
      const location = response.headers.get('location')
      if (!followRedirects || location === null || response.status < 300 || response.status > 399)
        return { url, response }
      if (redirects === MOST_REDIRECTS)
        throw new ToolFailed(`${first} redirects more than ${MOST_REDIRECTS} times.`, 502)
      if (!URL.canParse(location, url.href)) throw new ToolFailed(`${url.href} redirects to what is no address.`, 502)
      const next = webAddress(new URL(location, url).href)
      await judge(next.href)
      url = next
    }
  }
}

/** @throws BadArguments for what is no address of the web */
function webAddress(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    throw new BadArguments(`'${text}' is no address of the web; it takes one that begins with http:// or https://.`)
  url.username = ''
  url.password = ''
  return url
}

async function shownPage(url: URL, response: Response, readable: Pick<Readable, 'markdown'> | null) {
  const type = response.headers.get('content-type') ?? ''
  const { bytes, isCut } = await headOf(response)
  if (isBinary(type, bytes))
    throw new ToolFailed(`${url.href} is no text but '${type || 'bytes of an unknown kind'}'; it is not shown.`, 415)
  const text = decoded(bytes, type)
  const isHtml = /\bx?html\b/i.test(type) || (type === '' && /^\s*<(!doctype html|html)/i.test(text))
  const markdown = isHtml && readable ? await readable.markdown(text.slice(0, LARGEST_MARKUP), url.href) : null
  const isShortened = isCut || (markdown !== null && text.length > LARGEST_MARKUP)
  return {
    status: response.ok ? 'success' : 'error',
    url: url.href,
    http_status: response.status,
    content_length: Number(response.headers.get('content-length') ?? bytes.length),
    content_format: markdown !== null ? 'markdown' : isHtml ? 'html' : 'text',
    content: markdown ?? text,
    ...(response.status >= 300 && response.status < 400 ? { location: response.headers.get('location') } : {}),
    ...(isShortened ? { truncated: true } : {}),
  }
}

async function headOf({ body }: Response): Promise<{ readonly bytes: Buffer; readonly isCut: boolean }> {
  const chunks: Uint8Array[] = []
  let length = 0
  if (body)
    for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
      chunks.push(chunk)
      length += chunk.length
      if (length > LARGEST_PAGE) break
    }
  return { bytes: Buffer.concat(chunks).subarray(0, LARGEST_PAGE), isCut: length > LARGEST_PAGE }
}

function isBinary(type: string, bytes: Buffer): boolean {
  if (/^(image|audio|video|font)\/(?!svg)/i.test(type)) return true
  return bytes.subarray(0, 4096).includes(0) && !/utf-?16/i.test(type)
}

function decoded(bytes: Buffer, type: string): string {
  const named =
    /charset\s*=\s*"?([\w-]+)/i.exec(type)?.[1] ??
    /<meta[^>]{0,200}charset\s*=\s*["']?([\w-]+)/i.exec(bytes.subarray(0, 1024).toString('latin1'))?.[1]
  try {
    return new TextDecoder(named ?? 'utf-8').decode(bytes)
  } catch {
    return bytes.toString('utf8')
  }
}

const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).host : url)

const reasonOf = ({ cause, message }: TypeError): string => (cause instanceof Error ? cause.message : message)
