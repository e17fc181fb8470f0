import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** A request that came through to the server. */
export interface Passed {
  readonly httpMethod: string
  /** Method of the message in it; empty where there is none. */
  readonly method: string
  readonly status: number
}

/** A real server with many kinds of tools, in a process of its own, over Streamable HTTP. */
export interface EverythingServer {
  /** Address of its endpoint, which stays over `restart`. */
  readonly url: string
  /** What it was sent and has begun to answer, in order. */
  readonly passed: Passed[]
  /** End it with everything that it knows, and start another at the same address. */
  restart(): Promise<void>
  stop(): Promise<void>
}

const script = join(
  createRequire(import.meta.url).resolve('@modelcontextprotocol/server-everything/package.json'),
  '../dist/index.js',
)
/** It listens where PORT says, and does not tell where that is: this tells. */
const tellPort = `data:text/javascript,${encodeURIComponent(`
  import { Server } from 'node:net'
  const { listen } = Server.prototype
  Server.prototype.listen = function (...args) {
    this.once('listening', () => console.log('PORT ' + this.address().port))
    return listen.apply(this, args)
  }
`)}`

export async function startEverything(): Promise<EverythingServer> {
  const passed: Passed[] = []
  let child: ChildProcess | null = null
  let port = 0

  async function start(): Promise<void> {
    const started = spawn(process.execPath, ['--import', tellPort, script, 'streamableHttp'], {
      env: { ...process.env, PORT: '0' },
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    child = started
    for await (const line of createInterface({ input: started.stdout })) {
      const [, told] = /^PORT (\d+)$/.exec(line) ?? []
      if (told === undefined) continue
      port = Number(told)
      started.stdout.resume()
      return
    }
    throw new Error(`The server ended with code ${started.exitCode} before it listened.`)
  }

  async function end(): Promise<void> {
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }

  // In front of it, so that its address stays, and everybody sees what it is asked.
  const front = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => {
      const body = Buffer.concat(chunks)
      const { headers, method = '', url } = incoming
      const to = { host: '127.0.0.1', port, method, path: url, headers, agent: false }
      const upstream = request(to, (answer) => {
        const { method: asked = '' } = (body.length > 0 ? JSON.parse(body.toString()) : {}) as { method?: string }
        passed.push({ httpMethod: method, method: asked, status: answer.statusCode ?? 0 })
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.on('error', () => outgoing.destroy())
        answer.pipe(outgoing)
      })
      upstream.on('error', () => outgoing.destroy())
      outgoing.on('close', () => upstream.destroy())
      upstream.end(body)
    })
  })
  await start()
  front.listen(0, '127.0.0.1')
  await once(front, 'listening')
  return {
    url: `http://127.0.0.1:${(front.address() as AddressInfo).port}/mcp`,
    passed,
    async restart() {
      await end()
      await start()
    },
    async stop() {
      await end()
      front.closeAllConnections()
      front.close()
    },
  }
}
