import multipart, { type MultipartFile } from '@fastify/multipart'
import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import { BadRequest, DomainError, InvalidInput } from '../../errors.ts'
import { Instant, runtimeFailures } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { callerOf } from '../../identity/caller.ts'
import { giveBack } from '../../ports/blobs.ts'
import type { Clock } from '../../ports/clock.ts'
import { toWireTime } from '../../storage/instants.ts'
import { requireUuid } from '../http.ts'
import { type Cuttings, createCuttings } from './cuttings.ts'
import type { Incoming, VolumeFiles } from './files.ts'
import { byVolume, tags } from './routes.ts'
import { ATTACHMENTS, type VolumeFile } from './volume.ts'
import type { Volumes } from './volumes.ts'

const LONGEST_NAME_BYTES = 255
const LONGEST_FIELD_BYTES = 8192
/** What the frame of a multipart body takes at most, as a rule; a file is at least as large as the body without it. */
const FRAME_BYTES = 8192
const NOTHING = 'multipart body contained no file'
const BAD_ID = `expected volume UUID or reserved name '${ATTACHMENTS}'`

const Uploaded = Type.Object({
  volume_id: Type.String(),
  path: Type.String(),
  name: Type.String(),
  mime_type: Type.String(),
  size: Type.Integer(),
  size_bytes: Type.Integer(),
  sha256: Type.String(),
  uploaded_at: Instant,
})

/**
 * Uploads, as every client sends them: a multipart form with the file and, before or after it or in the query, its path; or the
 * bytes alone with `X-Filename`. Nothing is held in memory, and nothing is parsed before the caller is known.
 */
export function uploadRoutes(app: App, deps: { volumes: Volumes; files: VolumeFiles; clock: Clock }): void {
  const { volumes, files, clock } = deps
  app.register(async (inner) => {
    const scope = inner as App
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, _body, done) => done(null, {}))
    await scope.register(multipart, {
      throwFileSizeLimit: false,
      preservePath: true,
      // Clients that have bytes and no name send the part 'file' without one.
      isPartAFile: (field, _type, name) => field === 'file' || name !== undefined,
      limits: { fileSize: Number.MAX_SAFE_INTEGER, fieldSize: LONGEST_FIELD_BYTES, fields: 20, files: 20, parts: 40 },
    })

    scope.post(
      '/v1/volumes/:volume_id/files/upload',
      {
        config: {
          access: 'bearer',
          scope: 'tenant',
          requires: 'volume:write',
          rawBody: true,
          maxBody: Number.MAX_SAFE_INTEGER,
        },
        schema: {
          tags,
          summary: 'Keep a file in a volume',
          description: `A multipart form with the part \`file\` and its \`path\`; or any other body, with its name percent-encoded in \`X-Filename\`. \`${ATTACHMENTS}\` in the place of the id is the caller's own volume for files of conversations.`,
          consumes: ['multipart/form-data', 'application/octet-stream'],
          params: byVolume,
          querystring: Type.Object({ path: Type.Optional(Type.String()) }),
          headers: Type.Object({ 'x-filename': Type.Optional(Type.String()) }),
          response: { 200: Uploaded, ...runtimeFailures(400, 401, 403, 404, 409, 413, 422) },
        },
      },
      async (request) => {
        const { volume_id: named } = request.params
        const volume = await volumes.resolve(
          callerOf(request),
          named === ATTACHMENTS ? named : requireUuid(named, BAD_ID),
        )
        try {
          const { file, name } = request.isMultipart()
            ? await fromForm(request, request.query.path, (incoming) => files.write(volume, incoming))
            : await fromBody(request, request.query.path, (incoming) => files.write(volume, incoming))
          return {
            volume_id: volume.id,
            path: file.path,
            name: name ?? file.name,
            mime_type: file.mimeType,
            size: file.size,
            size_bytes: file.size,
            sha256: file.sha256,
            uploaded_at: toWireTime(file.modifiedAt),
          }
        } catch (error) {
          // What still comes is read by nobody but who drains it, so that the answer arrives.
          request.raw.unpipe().resume()
          throw explained(error, request)
        }
      },
    )
  })

  type Write = (incoming: Incoming) => Promise<VolumeFile>
  interface Written {
    readonly file: VolumeFile
    readonly name: string | null
  }

  async function fromForm(request: FastifyRequest, queried: string | undefined, write: Write): Promise<Written> {
    let path = given(queried)
    const parts = request.parts()
    for await (const part of parts) {
      if (part.type === 'field') {
        if (part.fieldname === 'path') path = pathOf(part.value, part.valueTruncated) ?? path
        continue
      }
      if (part.fieldname !== 'file') {
        part.file.resume()
        continue
      }
      const name = validName(part.filename?.replaceAll('%22', '"'))
      const cuttings = createCuttings()
      const file = await write({
        source: rest(part, parts, cuttings, (later) => {
          path = later ?? path
        }),
        release: cuttings.release,
        path: path === null ? null : fullPath(path, name),
        finalPath: () => fullPath(path ?? `uploads/${today()}/`, name),
        atLeast: Math.max(0, announced(request) - FRAME_BYTES),
        atMost: announced(request),
        requireWhole: () => requireWhole(request),
      })
      return { file, name }
    }
    throw new InvalidInput(NOTHING, NOTHING)
  }

  async function fromBody(request: FastifyRequest, queried: string | undefined, write: Write): Promise<Written> {
    const name = validName(decoded(request.headers['x-filename']))
    const path = given(queried)
    if (path === null && name === null) throw new InvalidInput(NOTHING, NOTHING)
    const file = await write({
      // Whoever stops reading it leaves it open: the answer has to go out over it.
      source: request.raw.iterator({ destroyOnReturn: false }),
      path: fullPath(path ?? `uploads/${today()}/`, name),
      finalPath: () => '',
      atLeast: announced(request),
      atMost: announced(request),
      release: giveBack,
      requireWhole: () => requireWhole(request),
    })
    return { file, name }
  }

  const today = (): string => new Date(clock.now()).toISOString().slice(0, 10)
}

/** The bytes of the file, and after them the other parts, of which the path is one. */
async function* rest(
  part: MultipartFile,
  parts: ReturnType<FastifyRequest['parts']>,
  cuttings: Cuttings,
  onPath: (path: string | null) => void,
): AsyncGenerator<Uint8Array> {
  for await (const piece of part.file as AsyncIterable<Uint8Array>) {
    cuttings.cut(piece)
    yield piece
  }
  for (let next = await parts.next(); !next.done; next = await parts.next()) {
    const later = next.value
    if (later.type === 'file') later.file.resume()
    else if (later.fieldname === 'path') onPath(pathOf(later.value, later.valueTruncated))
  }
}

function requireWhole({ raw }: FastifyRequest): void {
  if (raw.complete === false)
    throw new BadRequest('The upload ended before all of it had come. Nothing was kept.', 'upload_cut_off')
}

const announced = ({ headers }: FastifyRequest): number => {
  const length = Number(headers['content-length'] ?? 0)
  return Number.isSafeInteger(length) ? length : 0
}

const given = (path: string | undefined): string | null => (path === undefined || path === '' ? null : path)

function pathOf(value: unknown, isCut: boolean): string | null {
  if (isCut) throw new InvalidInput("The part 'path' is too long.", 'invalid_path')
  return typeof value === 'string' ? given(value) : null
}

/** A path that ends in a slash is the folder that the file goes to. */
function fullPath(path: string, name: string | null): string {
  if (!path.endsWith('/')) return path
  if (name === null)
    throw new InvalidInput(
      `The path '${path}' is a folder, and the file came without a name of its own: 1 to ${LONGEST_NAME_BYTES} bytes without '/', '\\' and control characters.`,
      'invalid_path',
    )
  return `${path}${name}`
}

/** A name that cannot be one of a file is as none. */
function validName(name: string | undefined): string | null {
  if (name === undefined || name === '' || name === '.' || name === '..') return null
  if (Buffer.byteLength(name) > LONGEST_NAME_BYTES || /[/\\\u0000-\u001f\u007f]/.test(name) || !name.isWellFormed())
    return null
  return name
}

function decoded(header: string | string[] | undefined): string | undefined {
  if (typeof header !== 'string') return undefined
  try {
    return decodeURIComponent(header)
  } catch {
    return undefined
  }
}

/** A body that is no form, or ends early, is the sender's fault. */
function explained(error: unknown, request: FastifyRequest): unknown {
  if (error instanceof DomainError) return error
  if (request.raw.destroyed || request.raw.errored)
    return new BadRequest('The upload was cut off. Nothing was kept.', 'upload_cut_off')
  const { message, statusCode, code } = error as Error & { statusCode?: number; code?: string }
  if (statusCode !== undefined) return error
  return /multipart|part terminated|boundary|header/i.test(message ?? '') && code === undefined
    ? new BadRequest(`The multipart body cannot be read: ${message}.`, 'malformed_multipart')
    : error
}
