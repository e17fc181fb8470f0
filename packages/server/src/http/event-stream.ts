import { Socket } from 'node:net'
import type { FastifyReply } from 'fastify'

/** How much may wait unsent on one connection before it is ended; the client then comes back and is replayed what it missed. */
const LARGEST_BACKLOG = 4 * 1024 * 1024

/** One open server-sent event stream. */
export interface EventStream {
  /** Write a frame made by `frameOf`. False when the connection is gone or was ended for being too slow. */
  write(frame: Buffer): boolean
  /** End the stream; the client comes back after its own delay, or after `retryMilliseconds`. */
  end(retryMilliseconds?: number): void
  onEnd(listener: () => void): void
  readonly isEnded: boolean
}

/** One event on the wire, made once however many connections receive it (console-api §9.5, decision D6). */
export function frameOf(type: string, json: string, id?: number | string): Buffer {
  return Buffer.from(`event: ${type}\n${id === undefined ? '' : `id: ${id}\n`}data: ${json}\n\n`)
}

/** Each frame as a chunk of a chunked answer: made once as well, and written in one piece. */
const chunks = new WeakMap<Buffer, Buffer>()

function chunkOf(frame: Buffer): Buffer {
  const known = chunks.get(frame)
  if (known) return known
  const chunk = Buffer.concat([Buffer.from(`${frame.length.toString(16)}\r\n`), frame, Buffer.from('\r\n')])
  chunks.set(frame, chunk)
  return chunk
}

export const keepaliveFrame = Buffer.from(': keepalive\n\n')

/** Take over the answer and keep it open as an event stream. Headers leave at once. */
export function openEventStream(reply: FastifyReply): EventStream {
  const { raw } = reply
  const listeners: (() => void)[] = []
  let isEnded = false
  const finish = () => {
    if (isEnded) return
    isEnded = true
    for (const listener of listeners) listener()
    listeners.length = 0
  }
  reply.hijack()
  for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) raw.setHeader(name, value)
  raw.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    connection: 'keep-alive',
    'x-accel-buffering': 'no',
  })
  raw.flushHeaders()
  raw.socket?.setNoDelay(true)
  raw.on('close', finish)
  raw.on('error', finish)
  return {
    write(frame) {
      if (isEnded) return false
      const { socket } = raw
      if ((socket?.writableLength ?? raw.writableLength) > LARGEST_BACKLOG) {
        raw.destroy()
        finish()
        return false
      }
      // Straight to the socket where the answer is a chunked one that has it: thousands of streams share one chunk.
      if (socket instanceof Socket && raw.chunkedEncoding) socket.write(chunkOf(frame))
      else raw.write(frame)
      return true
    },
    end(retryMilliseconds) {
      if (isEnded) return
      if (retryMilliseconds !== undefined) raw.write(`retry: ${retryMilliseconds}\n\n`)
      raw.end()
      finish()
    },
    onEnd(listener) {
      if (isEnded) listener()
      else listeners.push(listener)
    },
    get isEnded() {
      return isEnded
    },
  }
}
