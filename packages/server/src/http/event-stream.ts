import { Socket } from 'node:net'
import type { FastifyReply } from 'fastify'
import { holdOpen } from './held-open.ts'

/** How much may wait unsent on one connection before it is ended; the client then comes back and is replayed what it missed. */
const LARGEST_BACKLOG = 4 * 1024 * 1024
/** How much may wait unsent before more of what was missed is sent. */
const LITTLE_BACKLOG = 512 * 1024

/** One open server-sent event stream. */
export interface EventStream {
  /** Write a frame made by `frameOf`. False when the connection is gone or was ended for being too slow. */
  write(frame: Buffer): boolean
  /** Resolves when little waits unsent, or the stream has ended: what sends much waits for it, so that who reads slowly gets all. */
  drained(): Promise<void>
  /** End the stream; the client comes back after its own delay, or after `retryMilliseconds`. */
  end(retryMilliseconds?: number): void
  /** Break the connection off, as a fault of the network would: for clients that come back at once after an end. */
  cut(): void
  onEnd(listener: () => void): void
  readonly isEnded: boolean
}

/** Characters that many clients' line readers take for the end of a line, though the format does not. */
const linebreaks = /[\u0085\u2028\u2029]/g

/** JSON as the data of an event: the same value, in one line for every reader. */
export const dataOf = (json: string): string =>
  json.replace(linebreaks, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** One event on the wire, made once however many connections receive it. Its `id` is what `Last-Event-ID` will name. */
export function frameOf(type: string | null, json: string, id?: number | string): Buffer {
  const event = type === null ? '' : `event: ${type}\n`
  return Buffer.from(`${event}${id === undefined ? '' : `id: ${id}\n`}data: ${dataOf(json)}\n\n`)
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

/** Take over the answer and keep it open as an event stream, for as long as the caller may have it. Headers leave at once. */
export function openEventStream(reply: FastifyReply): EventStream {
  const { raw } = reply
  const listeners: (() => void)[] = []
  let isEnded = false
  const finish = () => {
    if (isEnded) return
    isEnded = true
    for (const listener of listeners.splice(0)) listener()
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
  if (raw.socket instanceof Socket) raw.socket.setNoDelay(true)
  raw.on('close', finish)
  raw.on('error', finish)
  holdOpen(reply, () => {
    // What waits unsent is no longer for this client; to one that has everything the end is told properly.
    if ((raw.socket?.writableLength ?? 0) > 0) raw.destroy()
    else raw.end()
    finish()
  })
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
    async drained() {
      const out = raw.socket instanceof Socket && raw.chunkedEncoding ? raw.socket : raw
      if (isEnded || out.writableLength <= LITTLE_BACKLOG) return
      await new Promise<void>((resolve) => {
        const go = () => {
          out.off('drain', go)
          const place = listeners.indexOf(go)
          if (place >= 0) listeners.splice(place, 1)
          resolve()
        }
        out.on('drain', go)
        listeners.push(go)
      })
    },
    end(retryMilliseconds) {
      if (isEnded) return
      if (retryMilliseconds !== undefined) raw.write(`retry: ${retryMilliseconds}\n\n`)
      raw.end()
      finish()
    },
    cut() {
      if (isEnded) return
      if (raw.socket instanceof Socket) raw.socket.resetAndDestroy()
      else raw.destroy()
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
