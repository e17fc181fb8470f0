import type { ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { DomainError } from '../../errors.ts'
import { giveBack } from '../../ports/blobs.ts'
import { contentTypeOf } from './content-type.ts'

/** A file that is to be sent. */
export interface SentFile {
  readonly name: string
  readonly size: number
  /** With its quotes; null where nothing tells one content from another. */
  readonly etag: string | null
  /** Its bytes, or those from `start` to `end`, both included; nobody else holds the memory that they come in. */
  open(range?: { readonly start: number; readonly end: number }): Promise<Readable>
  /** Called instead of `open` where nothing of it is sent; absent where nothing is held. */
  close?(): Promise<void>
}

/**
 * Send a file as a download: a browser keeps it rather than showing it, because what agents and strangers stored must not run there.
 * One range of bytes that can be had is answered with 206, one that cannot with 416, anything else with the whole.
 */
export async function sendFile(request: FastifyRequest, reply: FastifyReply, file: SentFile): Promise<FastifyReply> {
  const { name, size, etag } = file
  reply
    .header('content-disposition', `attachment; filename*=UTF-8''${encodeURIComponent(name.toWellFormed())}`)
    .header('x-content-type-options', 'nosniff')
    .header('accept-ranges', 'bytes')
    .type(contentTypeOf(name))
  if (etag !== null) reply.header('etag', etag)
  const range = rangeOf(request, size, etag)
  if (range === 'unsatisfiable') {
    await file.close?.()
    throw new DomainError(416, 'range_not_satisfiable', `The file has ${size} bytes; none of those asked for.`, {
      headers: { 'content-range': `bytes */${size}` },
    })
  }
  const content = await file.open(range ?? undefined)
  giveBackWhenSent(content, reply.raw)
  if (range === null) return reply.header('content-length', size).send(content)
  return reply
    .code(206)
    .header('content-range', `bytes ${range.start}-${range.end}/${size}`)
    .header('content-length', range.end - range.start + 1)
    .send(content)
}

/** The memory of a large file serves again as soon as it is sent, so that its size is not to be seen in the memory of the server. */
function giveBackWhenSent(content: Readable, response: ServerResponse): void {
  let onTheirWay: Uint8Array[] = []
  response.once('pipe', (source) => {
    if (source === content) content.on('data', (piece: Uint8Array) => void onTheirWay.push(piece))
  })
  // Heard before the content is read on.
  response.on('drain', () => {
    if (response.writableLength > 0) return
    onTheirWay.forEach(giveBack)
    onTheirWay = []
  })
}

function rangeOf(
  request: FastifyRequest,
  size: number,
  etag: string | null,
): { start: number; end: number } | 'unsatisfiable' | null {
  const { range, 'if-range': ifRange } = request.headers
  // Of another content than the caller has the beginning of, it needs the whole.
  if (range === undefined || (ifRange !== undefined && ifRange !== etag)) return null
  const [, from = '', to = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(range.trim()) ?? []
  if (from === '' && to === '') return null
  if (from === '')
    return to !== '' && Number(to) > 0 && size > 0
      ? { start: Math.max(0, size - Number(to)), end: size - 1 }
      : 'unsatisfiable'
  const start = Number(from)
  const end = to === '' ? size - 1 : Math.min(Number(to), size - 1)
  if (to !== '' && Number(to) < start) return null
  return start < size ? { start, end } : 'unsatisfiable'
}
