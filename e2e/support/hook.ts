import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A message as a webhook of somebody's received it. */
export interface HookCall {
  /** The same for every attempt at one delivery. */
  readonly key: string
  readonly event: string
  readonly approvalId: string
  /** The caller's end of the connection. */
  readonly port: number
}

/** A webhook on this machine that remembers every call, and can be made to keep its callers waiting. */
export interface Hook {
  readonly url: string
  readonly calls: readonly HookCall[]
  /** From now on nobody is answered. */
  hold(): void
  /** Answer those that wait, and whoever comes. */
  release(): void
  close(): Promise<void>
}

export async function startHook(): Promise<Hook> {
  const calls: HookCall[] = []
  let held: (() => void)[] | null = null
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8')
    request.on('data', (chunk: string) => {
      body += chunk
    })
    request.on('end', () => {
      const { event, approval_id } = JSON.parse(body) as { event: string; approval_id: string }
      const key = String(request.headers['idempotency-key'])
      calls.push({ key, event, approvalId: approval_id, port: request.socket.remotePort ?? 0 })
      const answer = () => response.end('ok')
      if (held) held.push(answer)
      else answer()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const release = () => {
    const waiting = held ?? []
    held = null
    for (const answer of waiting) answer()
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    calls,
    hold() {
      held ??= []
    },
    release,
    async close() {
      release()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Whether the process holds the connection that has this local port (Linux). */
export function holdsPort(pid: number, port: number): boolean {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const inodes = new Set(
    readFileSync('/proc/net/tcp', 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[1]?.endsWith(wanted))
      .map((fields) => `socket:[${fields[9]}]`),
  )
  return readdirSync(`/proc/${pid}/fd`).some((fd) => {
    try {
      return inodes.has(readlinkSync(`/proc/${pid}/fd/${fd}`))
    } catch {
      return false
    }
  })
}
