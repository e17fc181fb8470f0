import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fillRoot } from './docker.ts'

export interface ImageRegistry {
  /** `127.0.0.1:port`, which engines ask by plain HTTP. */
  readonly host: string
  /** Method and path of every request. */
  readonly requests: string[]
  /** Who may pull, as `name:password`; anybody while it is null. */
  login: string | null
  /** Takes requests and answers none. */
  isSilent: boolean
  close(): Promise<void>
}

const digestOf = (bytes: Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

/** A registry (distribution API, version 2) that has one small image under every name and tag but `missing`. */
export async function startRegistry(): Promise<ImageRegistry> {
  const layer = tarOfSmallRoot()
  const config = Buffer.from(
    JSON.stringify({
      architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
      os: 'linux',
      config: {},
      rootfs: { type: 'layers', diff_ids: [digestOf(layer)] },
    }),
  )
  const manifestType = 'application/vnd.docker.distribution.manifest.v2+json'
  const part = (mediaType: string, bytes: Buffer) => ({ mediaType, size: bytes.length, digest: digestOf(bytes) })
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: manifestType,
      config: part('application/vnd.docker.container.image.v1+json', config),
      layers: [part('application/vnd.docker.image.rootfs.diff.tar', layer)],
    }),
  )
  const blobs = new Map([layer, config].map((bytes) => [digestOf(bytes), bytes]))
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    registry.requests.push(`${request.method} ${path}`)
    if (registry.isSilent) return
    const send = (bytes: Buffer, type: string) =>
      response
        .writeHead(200, {
          'content-type': type,
          'content-length': bytes.length,
          'docker-content-digest': digestOf(bytes),
        })
        .end(request.method === 'HEAD' ? undefined : bytes)
    const given = Buffer.from(request.headers.authorization?.replace('Basic ', '') ?? '', 'base64').toString()
    if (registry.login !== null && given !== registry.login)
      return response.writeHead(401, { 'www-authenticate': 'Basic realm="test"' }).end()
    if (path === '/v2/') return response.writeHead(200).end('{}')
    const blob = blobs.get(/\/blobs\/(.+)$/.exec(path)?.[1] ?? '')
    if (blob) return send(blob, 'application/octet-stream')
    if (/\/manifests\/(?!missing$)/.test(path)) return send(manifest, manifestType)
    return response
      .writeHead(404, { 'content-type': 'application/json' })
      .end(JSON.stringify({ errors: [{ code: 'MANIFEST_UNKNOWN', message: 'manifest unknown' }] }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const registry: ImageRegistry = {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: [],
    login: null,
    isSilent: false,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return registry
}

function tarOfSmallRoot(): Buffer {
  const root = mkdtempSync(join(tmpdir(), 'lictor-layer-'))
  fillRoot(root, true)
  const { stdout } = spawnSync('tar', ['-C', root, '-c', '.'], { maxBuffer: 64 * 1024 ** 2 })
  rmSync(root, { recursive: true })
  return stdout
}
