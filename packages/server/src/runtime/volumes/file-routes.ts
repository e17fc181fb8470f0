import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import { BadRequest, InvalidInput } from '../../errors.ts'
import { Instant, Maybe, Nullable, runtimeFailures } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { callerOf } from '../../identity/caller.ts'
import type { Clock } from '../../ports/clock.ts'
import { microsOf, toWireTime } from '../../storage/instants.ts'
import { sendFile } from '../files/send.ts'
import { shown } from '../files/volume-path.ts'
import { pageOf, requireUuid } from '../http.ts'
import type { Entry } from './file-store.ts'
import type { VolumeFiles } from './files.ts'
import { byVolume, INVALID_VOLUME, tags } from './routes.ts'
import type { Volumes } from './volumes.ts'

const MAX_ENTRIES = 10_000

const FileEntry = Type.Object({
  name: Type.String(),
  path: Type.String(),
  type: Type.Enum(['file', 'dir']),
  is_dir: Type.Boolean(),
  size_bytes: Type.Integer(),
  modified_at: Instant,
})
const entryOf = (entry: Entry) => ({
  name: entry.name,
  path: shown(entry.path),
  type: entry.isFolder ? ('dir' as const) : ('file' as const),
  is_dir: entry.isFolder,
  size_bytes: entry.size,
  modified_at: toWireTime(entry.modifiedAt),
})
const PathQuery = Type.Object({ path: Type.Optional(Type.String()) })

/** Files of volumes over HTTP, but for uploads. */
export function volumeFileRoutes(app: App, deps: { volumes: Volumes; files: VolumeFiles; clock: Clock }): void {
  const { volumes, files, clock } = deps
  const volumeOf = (request: FastifyRequest<{ Params: { volume_id: string } }>) =>
    volumes.get(callerOf(request), requireUuid(request.params.volume_id, INVALID_VOLUME))

  app.get(
    '/v1/volumes/:volume_id/files',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'volume:read' },
      schema: {
        tags,
        summary: 'What is in a folder of a volume',
        params: byVolume,
        querystring: Type.Object({
          path: Type.Optional(Type.String()),
          limit: Type.Optional(Type.String()),
          offset: Type.Optional(Type.String()),
        }),
        response: {
          200: Type.Object({
            path: Type.String(),
            entries: Type.Array(FileEntry),
            files: Type.Array(FileEntry),
            items: Type.Array(FileEntry),
            count: Type.Integer(),
          }),
          ...runtimeFailures(400, 401, 403, 404, 422),
        },
      },
    },
    async (request) => {
      const page = pageOf(request.query, { fallback: MAX_ENTRIES, max: MAX_ENTRIES })
      const found = await files.list(await volumeOf(request), request.query.path ?? '/', page)
      const entries = found.entries.map(entryOf)
      return { path: shown(found.path), entries, files: entries, items: entries, count: entries.length }
    },
  )

  app.get(
    '/v1/volumes/:volume_id/files/stat',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'volume:read' },
      schema: {
        tags,
        summary: 'What a file is',
        params: byVolume,
        querystring: PathQuery,
        response: {
          200: Type.Object({
            name: Type.String(),
            path: Type.String(),
            mime_type: Type.String(),
            size: Type.Integer(),
            size_bytes: Type.Integer(),
            sha256: Type.String(),
            modified_at: Instant,
          }),
          ...runtimeFailures(400, 401, 403, 404, 422),
        },
      },
    },
    async (request) => {
      const file = await files.stat(await volumeOf(request), requirePath(request.query.path))
      return {
        name: file.name,
        path: shown(file.path),
        mime_type: file.mimeType,
        size: file.size,
        size_bytes: file.size,
        sha256: file.sha256,
        modified_at: toWireTime(file.modifiedAt),
      }
    },
  )

  app.get(
    '/v1/volumes/:volume_id/files/download',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'volume:read' },
      schema: {
        tags,
        summary: 'The bytes of a file',
        description: 'One range of bytes is answered with 206; its `ETag` is the digest of the whole.',
        params: byVolume,
        querystring: PathQuery,
        headers: Type.Object({
          range: Type.Optional(Type.String()),
          'if-range': Type.Optional(Type.String()),
        }),
        produces: ['*/*'],
        response: {
          200: Type.Any({ description: 'The bytes of the file.' }),
          206: Type.Any({ description: 'The bytes that were asked for.' }),
          ...runtimeFailures(400, 401, 403, 404, 416, 422),
        },
      },
    },
    async (request, reply) => {
      const volume = await volumeOf(request)
      const file = await files.stat(volume, requirePath(request.query.path))
      const { name, size, sha256 } = file
      return sendFile(request, reply, {
        name,
        size,
        etag: `"${sha256}"`,
        open: (range) => files.open(volume, file, range),
      })
    },
  )

  app.post(
    '/v1/volumes/:volume_id/files/mkdir',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'volume:write' },
      schema: {
        tags,
        summary: 'Make a folder, with those above it',
        description: 'The path comes in the body, or in the query. A folder that is there already is as good.',
        params: byVolume,
        querystring: PathQuery,
        body: Nullable(Type.Object({ path: Maybe(Type.String()) })),
        response: {
          200: Type.Object({
            path: Type.String(),
            created_at: Instant,
            status: Type.String(),
            success: Type.Boolean(),
          }),
          ...runtimeFailures(400, 401, 403, 404, 409, 422),
        },
      },
    },
    async (request) => {
      const path = requireField('path', request.body?.path ?? request.query.path)
      const folder = await files.mkdir(await volumeOf(request), path)
      return { path: shown(folder.path), created_at: toWireTime(folder.modifiedAt), status: 'created', success: true }
    },
  )

  app.post(
    '/v1/volumes/:volume_id/files/move',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'volume:write' },
      schema: {
        tags,
        summary: 'Move or rename a file or folder',
        description: 'Within the volume; folders above the destination are made. A destination that is there is 409.',
        params: byVolume,
        body: Type.Object({
          from: Maybe(Type.String()),
          to: Maybe(Type.String()),
          source: Maybe(Type.String()),
          destination: Maybe(Type.String()),
        }),
        response: {
          200: Type.Object({
            from: Type.String(),
            to: Type.String(),
            source: Type.String(),
            destination: Type.String(),
            moved_at: Instant,
            status: Type.String(),
            success: Type.Boolean(),
          }),
          ...runtimeFailures(400, 401, 403, 404, 409, 422),
        },
      },
    },
    async (request) => {
      const { from, to, source, destination } = request.body
      const moved = await files.move(
        await volumeOf(request),
        requireField('from', from ?? source),
        requireField('to', to ?? destination),
      )
      const [here, there] = [shown(moved.from), shown(moved.to)]
      const at = toWireTime(microsOf(clock.now()))
      return { from: here, to: there, source: here, destination: there, moved_at: at, status: 'moved', success: true }
    },
  )

  app.delete(
    '/v1/volumes/:volume_id/files',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'volume:write' },
      schema: {
        tags,
        summary: 'Delete a file, or a folder with all that is in it',
        params: byVolume,
        querystring: PathQuery,
        response: {
          200: Type.Object({ status: Type.String(), success: Type.Boolean(), path: Type.String() }),
          ...runtimeFailures(400, 401, 403, 404, 422),
        },
      },
    },
    async (request) => {
      const path = await files.remove(await volumeOf(request), requirePath(request.query.path))
      return { status: 'deleted', success: true, path: shown(path) }
    },
  )
}

function requirePath(path: string | undefined): string {
  if (path === undefined || path === '') throw new BadRequest("The query lacks 'path'.", 'path_missing')
  return path
}

function requireField(name: string, value: string | null | undefined): string {
  if (value === null || value === undefined || value === '')
    throw new InvalidInput([{ loc: ['body', name], msg: 'Field required' }], 'validation')
  return value
}
