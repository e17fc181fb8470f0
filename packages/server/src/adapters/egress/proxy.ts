import type { EventEmitter } from 'node:events'
import { chmod, rm } from 'node:fs/promises'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import net from 'node:net'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import type { Clock } from '../../ports/clock.ts'
import type { Egress, EgressDoor, EgressPolicy, RefusedAccess } from '../../ports/egress.ts'
import { AddressRefused, HostNotFound } from '../../ports/outbound.ts'
import type { Random } from '../../ports/random.ts'
import type { CheckedAddress, Guard } from '../outbound/guard.ts'
import { messageOf, pinnedTo } from '../outbound/pinned.ts'
import { forwardedHeaders, returnedHeaders } from './headers.ts'
import { createTold, createTraffic, type Passage, type Traffic } from './traffic.ts'

export interface EgressLimits {
  /** Connections of one agent at once. */
  readonly connections: number
  /** Bytes that one attempt of an agent may send and receive together. */
  readonly bytes: number
  /** Until a host is resolved and connected. */
  readonly connectMs: number
  /** Without a byte in either direction. */
  readonly idleMs: number
}

const usual = { connections: 128, connectMs: 10_000, idleMs: 300_000 }

/** An answer that the agent's program is given in place of the host's. */
class Refused extends Error {
  override readonly name = 'Refused'
  readonly status: 400 | 403 | 502 | 503 | 504
  constructor(status: Refused['status'], message: string) {
    super(message)
    this.status = status
  }
}

interface Target {
  /** As the URL standard writes it. */
  readonly host: string
  readonly port: number
}

/** One door: who may pass, to where, and how much. */
interface Door {
  /** The addresses that a target was resolved to, all of them judged. @throws Refused */
  reach(target: Target): Promise<readonly CheckedAddress[]>
  /** Within the time that a connection has. @throws Refused */
  inTime<T>(event: Promise<T>, what: string): Promise<T>
}

/**
 * @param guard judges the addresses that a host has; what it refuses is refused although the agent may reach the name
 * @param count is told how each connection went
 */
export function createEgress(deps: {
  guard: Pick<Guard, 'resolve'>
  clock: Clock
  random: Random
  limits: Pick<EgressLimits, 'bytes'> & Partial<EgressLimits>
  count?: (outcome: 'opened' | 'refused' | 'failed') => void
}): Egress {
  const { guard, clock, random, count = () => {} } = deps
  const limits = { ...usual, ...deps.limits }

  function doorOf(policy: EgressPolicy, told: (refused: RefusedAccess) => void, traffic: Traffic): Door {
    const inTime = <T>(event: Promise<T>, what: string) => within(clock, limits.connectMs, event, what)
    return {
      inTime,
      async reach({ host, port }) {
        const refuse = (reason: string) => {
          told({ host, port, reason })
          return new Refused(403, reason)
        }
        const reason = policy.refusal(host, port)
        if (reason !== null) throw refuse(reason)
        if (traffic.isExhausted)
          throw refuse(`This agent has sent and received the ${limits.bytes} bytes that one attempt may.`)
        try {
          return await inTime(guard.resolve(host), `'${host}' was not resolved`)
        } catch (error) {
          if (error instanceof HostNotFound) throw new Refused(502, error.message)
          if (error instanceof AddressRefused) throw refuse(error.message)
          throw error
        }
      },
    }
  }

  return {
    async open({ folder, policy, onRefused }) {
      const traffic = createTraffic({ clock, limits })
      const door = doorOf(policy, createTold(onRefused), traffic)
      /** Let one connection through; what keeps it out is the answer. */
      async function pass(
        client: EventEmitter,
        work: (passage: Passage) => Promise<void>,
        answer: (why: Refused) => void,
      ) {
        const passage = traffic.enter()
        try {
          if (!passage) throw new Refused(503, `This agent has ${limits.connections} connections open already.`)
          client.once('close', passage.close)
          await work(passage)
          count('opened')
        } catch (error) {
          const refused = asRefused(error)
          count(refused.status === 403 ? 'refused' : 'failed')
          answer(refused)
          passage?.close()
        }
      }
      const server = http.createServer((request, response) => {
        const answer = ({ status, message }: Refused) => {
          if (response.headersSent) response.destroy()
          else response.writeHead(status, { 'content-type': 'text/plain' }).end(`${message}\n`)
        }
        void pass(response, (passage) => passOn(request, response, door, passage), answer)
      })
      server.on('connect', (request: IncomingMessage, client: Duplex, head: Buffer) => {
        client.on('error', () => client.destroy())
        const answer = ({ status, message }: Refused) => client.end(statusLine(status, `${message}\n`))
        void pass(client, (passage) => tunnel(request, client, head, door, passage), answer)
      })
      server.on('clientError', (_error, client) => client.end(statusLine(400, 'This is no HTTP request.\n')))
      // A slow transfer is ended when nothing moves, not because it is long.
      server.requestTimeout = 0
      return listen(server, join(folder, `e-${Buffer.from(random.bytes(5)).toString('hex')}.sock`), traffic)
    },
  }
}

async function listen(server: http.Server, socket: string, traffic: Traffic): Promise<EgressDoor> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(socket, resolve)
  })
  // The folder is closed to others; a sandbox may run its agent as another user than this server's.
  await chmod(socket, 0o666)
  return {
    socket,
    async close() {
      traffic.end()
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
      await rm(socket, { force: true })
    },
  }
}

/** CONNECT: bytes in both directions, unread. */
async function tunnel(
  { url = '' }: IncomingMessage,
  client: Duplex,
  head: Buffer,
  door: Door,
  passage: Passage,
): Promise<void> {
  const target = targetOf(url)
  if (target === null) throw new Refused(400, `CONNECT takes host:port, not '${url.slice(0, 200)}'.`)
  const addresses = await door.reach(target)
  const upstream = net.connect({
    host: target.host.replace(/^\[(.*)\]$/, '$1'),
    port: target.port,
    lookup: pinnedTo(addresses),
    autoSelectFamily: true,
    allowHalfOpen: true,
  })
  passage.holds(upstream)
  upstream.on('error', () => {})
  try {
    await door.inTime(connected(upstream), `'${target.host}' was not connected`)
  } catch (error) {
    if (error instanceof Refused) throw error
    throw new Refused(502, `'${target.host}' cannot be connected: ${messageOf(error)}`)
  }
  passage.holds(client)
  // What the host sent last may still be on its way to a slow reader.
  upstream.once('close', () => {
    if (client.writableEnded && !client.writableFinished) client.once('finish', passage.close)
    else passage.close()
  })
  client.write('HTTP/1.1 200 Connection established\r\n\r\n')
  if (head.length > 0) client.unshift(head)
  client.pipe(upstream)
  upstream.pipe(client)
  passage.measures(client)
  passage.measures(upstream)
}

/** Plain HTTP: the request is sent anew, to the host its address names. */
async function passOn(request: IncomingMessage, response: ServerResponse, door: Door, passage: Passage): Promise<void> {
  const text = request.url ?? ''
  if (!/^http:\/\/[^/\\?#]/i.test(text) || !URL.canParse(text))
    throw new Refused(400, 'This is an HTTP proxy: it takes http:// addresses, and CONNECT for all else.')
  const url = new URL(text)
  const addresses = await door.reach({ host: url.hostname, port: Number(url.port || 80) })
  const outgoing = http.request({
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port || 80,
    path: url.pathname + url.search,
    method: request.method,
    headers: forwardedHeaders(request, url.host),
    agent: false,
    lookup: pinnedTo(addresses),
  })
  passage.holds(outgoing)
  passage.holds(response)
  outgoing.once('socket', (socket) => {
    door.inTime(connected(socket), `'${url.hostname}' was not connected`).catch((error) => outgoing.destroy(error))
  })
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once('response', resolve)
    outgoing.on('error', reject)
  })
  request.pipe(outgoing)
  passage.measures(request)
  let incoming: IncomingMessage
  try {
    incoming = await answered
  } catch (error) {
    if (error instanceof Refused) throw error
    throw new Refused(502, `'${url.hostname}' did not answer: ${messageOf(error)}`)
  }
  incoming.on('error', () => response.destroy())
  response.writeHead(incoming.statusCode ?? 502, incoming.statusMessage, returnedHeaders(incoming))
  incoming.pipe(response)
  passage.measures(incoming)
}

/** `host:port` as the URL standard reads it; null when it is none. */
function targetOf(authority: string): Target | null {
  const match = /^(\[[^\]\s]+\]|[^\s:/\\?#@[\]]+):(\d{1,5})$/.exec(authority)
  const port = Number(match?.[2])
  if (!match || port < 1 || port > 65_535 || !URL.canParse(`http://${match[1]}/`)) return null
  return { host: new URL(`http://${match[1]}/`).hostname, port }
}

const connected = (socket: net.Socket): Promise<void> =>
  new Promise((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('the connection was closed')))
  })

function within<T>(clock: Clock, milliseconds: number, event: Promise<T>, what: string): Promise<T> {
  let cancel = () => {}
  const late = new Promise<never>((_resolve, reject) => {
    cancel = clock.after(milliseconds, () => reject(new Refused(504, `${what} within ${milliseconds / 1000} seconds.`)))
  })
  return Promise.race([event, late]).finally(cancel)
}

const asRefused = (error: unknown): Refused =>
  error instanceof Refused ? error : new Refused(502, `The host could not be reached: ${messageOf(error)}`)

function statusLine(status: number, text: string): string {
  const length = Buffer.byteLength(text)
  return `HTTP/1.1 ${status} ${http.STATUS_CODES[status]}\r\ncontent-type: text/plain\r\ncontent-length: ${length}\r\nconnection: close\r\n\r\n${text}`
}
