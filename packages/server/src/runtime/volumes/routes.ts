import Type from 'typebox'
import { Instant, Maybe, Nullable, runtimeFailures } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { callerOf } from '../../identity/caller.ts'
import { toWireTime, toWireTimeOrNull } from '../../storage/instants.ts'
import { pageOf, requireUuid } from '../http.ts'
import type { Volume as OwnVolume } from './volume.ts'
import type { Volumes } from './volumes.ts'

const MAX_LIST = 1000
export const INVALID_VOLUME = 'Invalid volume ID'
export const tags = ['volumes']
export const byVolume = Type.Object({ volume_id: Type.String() })

const volumeFields = {
  id: Type.String(),
  name: Type.String(),
  label: Type.String(),
  status: Type.Enum(['available', 'attached']),
  storage_class: Type.Enum(['persistent', 'ephemeral']),
  size_limit_bytes: Type.Integer(),
  used_bytes: Type.Integer(),
  created_at: Instant,
  expires_at: Nullable(Instant),
}
const Volume = Type.Object(volumeFields)

const shown = (volume: OwnVolume) => ({
  id: volume.id,
  name: volume.label,
  label: volume.label,
  status: volume.isAttached ? ('attached' as const) : ('available' as const),
  storage_class: volume.storageClass,
  size_limit_bytes: volume.sizeLimit,
  used_bytes: volume.usedBytes,
  created_at: toWireTime(volume.createdAt),
  expires_at: toWireTimeOrNull(volume.expiresAt),
})

/** Volumes over HTTP. */
export function volumeRoutes(app: App, volumes: Volumes): void {
  app.post(
    '/v1/volumes',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'volume:write' },
      schema: {
        tags,
        summary: 'Make a volume',
        body: Type.Object({
          label: Maybe(Type.String()),
          name: Maybe(Type.String()),
          size_limit_bytes: Maybe(Type.Number()),
        }),
        response: { 201: Volume, ...runtimeFailures(400, 401, 403, 409, 422) },
      },
    },
    async (request, reply) => {
      const { label, name, size_limit_bytes } = request.body
      const made = await volumes.create(callerOf(request), {
        label: label ?? name ?? undefined,
        sizeLimit: size_limit_bytes ?? undefined,
      })
      return reply.code(201).send(shown(made))
    },
  )

  app.get(
    '/v1/volumes',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'volume:read' },
      schema: {
        tags,
        summary: 'List volumes, the oldest first',
        querystring: Type.Object({ limit: Type.Optional(Type.String()), offset: Type.Optional(Type.String()) }),
        response: {
          200: Type.Object({
            volumes: Type.Array(Volume),
            items: Type.Array(Volume),
            count: Type.Integer(),
            total_count: Type.Integer(),
            total_quota_bytes: Type.Integer(),
          }),
          ...runtimeFailures(400, 401, 403),
        },
      },
    },
    async (request) => {
      const { limit, offset } = pageOf(request.query, { fallback: MAX_LIST, max: MAX_LIST })
      const all = await volumes.list(callerOf(request))
      const page = all.slice(offset, offset + limit).map(shown)
      return {
        volumes: page,
        items: page,
        count: page.length,
        total_count: all.length,
        total_quota_bytes: volumes.tier.total,
      }
    },
  )

  app.get(
    '/v1/volumes/quota',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'volume:read' },
      schema: {
        tags,
        summary: 'What volumes may hold, and do',
        response: {
          200: Type.Object({
            quota_bytes: Type.Integer(),
            used_bytes: Type.Integer(),
            volume_count: Type.Integer(),
            volume_limit: Type.Integer(),
            total_bytes_used: Type.Integer(),
            total_storage_bytes: Type.Integer(),
            max_volumes: Type.Integer(),
            max_file_size_bytes: Type.Integer(),
          }),
          ...runtimeFailures(401, 403),
        },
      },
    },
    async (request) => {
      const { quota, used, count, limit, largestFile } = await volumes.use(callerOf(request))
      return {
        quota_bytes: quota,
        used_bytes: used,
        volume_count: count,
        volume_limit: limit,
        total_bytes_used: used,
        total_storage_bytes: quota,
        max_volumes: limit,
        max_file_size_bytes: largestFile,
      }
    },
  )

  app.get(
    '/v1/volumes/:volume_id',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'volume:read' },
      schema: {
        tags,
        summary: 'One volume',
        params: byVolume,
        response: { 200: Volume, ...runtimeFailures(400, 401, 403, 404) },
      },
    },
    async (request) =>
      shown(await volumes.get(callerOf(request), requireUuid(request.params.volume_id, INVALID_VOLUME))),
  )

  app.patch(
    '/v1/volumes/:volume_id',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'volume:write' },
      schema: {
        tags,
        summary: 'Give a volume another name',
        params: byVolume,
        body: Type.Object({ label: Maybe(Type.String()), name: Maybe(Type.String()) }),
        response: { 200: Volume, ...runtimeFailures(400, 401, 403, 404, 409, 422) },
      },
    },
    async (request) => {
      const { label, name } = request.body
      const id = requireUuid(request.params.volume_id, INVALID_VOLUME)
      return shown(await volumes.rename(callerOf(request), id, label ?? name ?? undefined))
    },
  )

  app.delete(
    '/v1/volumes/:volume_id',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'volume:write' },
      schema: {
        tags,
        summary: 'Delete a volume with all that is in it',
        params: byVolume,
        response: {
          200: Type.Object({ status: Type.String(), success: Type.Boolean(), id: Type.String() }),
          ...runtimeFailures(400, 401, 403, 404, 409),
        },
      },
    },
    async (request) => {
      const id = requireUuid(request.params.volume_id, INVALID_VOLUME)
      await volumes.delete(callerOf(request), id)
      return { status: 'deleted', success: true, id }
    },
  )
}
