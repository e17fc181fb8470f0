import { AegisUsageError } from '../http/errors.ts'
import type { RequestOptions } from '../http/options.ts'
import { path, query } from '../http/path.ts'
import type { Transport, UploadBody } from '../http/transport.ts'

export interface Volume {
  readonly id: string
  /** The same as `label`. */
  readonly name: string
  readonly label: string
  readonly status: string
  readonly storage_class?: 'persistent' | 'ephemeral'
  /** Bytes that its files may have together. */
  readonly size_limit_bytes: number
  readonly used_bytes: number
  readonly created_at: string
  readonly expires_at?: string | null
}

export interface VolumeList {
  readonly volumes: readonly Volume[]
  readonly items?: readonly Volume[]
  readonly total_count: number
  readonly total_quota_bytes?: number
}

export interface VolumeQuota {
  /** 9007199254740991 where there is no limit, as below. */
  readonly quota_bytes: number
  readonly used_bytes: number
  readonly volume_count: number
  readonly volume_limit: number
  /** Bytes that one file may have. */
  readonly max_file_size_bytes?: number
}

export interface VolumeFileEntry {
  readonly name: string
  readonly type: 'file' | 'dir'
  readonly path?: string
  readonly is_dir?: boolean
  readonly size_bytes?: number
  readonly modified_at?: string
}

export interface VolumeFiles {
  readonly path?: string
  readonly entries: readonly VolumeFileEntry[]
  readonly files?: readonly VolumeFileEntry[]
}

export interface UploadedFile {
  readonly volume_id: string
  readonly path: string
  readonly name: string
  readonly mime_type: string
  readonly size: number
  readonly size_bytes: number
  readonly sha256: string
  readonly uploaded_at: string
}

/** A file of a volume, as an execution is given it. */
export interface AttachmentRef {
  readonly volume_id: string
  readonly path: string
  readonly name: string
  readonly mime_type: string
  readonly size: number
  readonly sha256?: string
}

/**
 * What is uploaded: bytes, a Blob or File, a text, something that comes bit by bit, or `{path}`, a file of this machine (Node only).
 * What comes bit by bit cannot be sent again, so such a call is never repeated.
 */
export type FileSource =
  | Blob
  | Uint8Array
  | ArrayBuffer
  | string
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>
  | { readonly path: string }

export interface UploadOptions extends RequestOptions {
  /** Told how many bytes have been handed to the network. */
  readonly onProgress?: (sentBytes: number) => void
  /** What the file is called, where its path does not say. */
  readonly name?: string
}

export interface CreateVolumeRequest {
  readonly label?: string
  readonly name?: string
  readonly size_limit_bytes?: number
}

export type MovePathRequest =
  | { readonly from: string; readonly to: string }
  | { readonly source: string; readonly destination: string }

type Changed = { readonly status: string; readonly success?: boolean }

/** The reserved name of the caller's own volume for files of conversations. */
export const CHAT_ATTACHMENTS = 'chat-attachments'

/** A large file takes its time: a week, unless the caller says less. */
const LONGEST_MS = 604_800_000

/** Volumes and their files. Each call rejects with an `AegisError`; see there. */
export function volumeMethods(transport: Transport) {
  const filesOf = (volumeId: string) => path`/v1/volumes/${volumeId}/files`

  async function upload(
    volumeId: string,
    file: FileSource,
    at: string | undefined,
    { onProgress, name, ...options }: UploadOptions = {},
  ): Promise<UploadedFile> {
    const source = await sourceOf(file)
    const named = name ?? source.name
    if (at === undefined && named === undefined)
      throw new AegisUsageError('the upload has neither a path nor a name; nothing was sent')
    return transport.json(
      {
        method: 'POST',
        path: `${filesOf(volumeId)}/upload${query({ path: at })}`,
        upload: { ...source.body, ...(onProgress ? { onProgress } : {}) },
        headers: named === undefined ? {} : { 'x-filename': encodeURIComponent(named) },
      },
      { timeoutMs: LONGEST_MS, ...options },
    )
  }

  async function getVolumeQuota(options?: RequestOptions): Promise<VolumeQuota> {
    return transport.json({ method: 'GET', path: '/v1/volumes/quota' }, options)
  }

  return {
    async createVolume(payload: CreateVolumeRequest, options?: RequestOptions): Promise<Volume> {
      return transport.json({ method: 'POST', path: '/v1/volumes', json: payload }, options)
    },

    async listVolumes(params: { readonly limit?: number } = {}, options?: RequestOptions): Promise<VolumeList> {
      return transport.json({ method: 'GET', path: `/v1/volumes${query({ ...params })}` }, options)
    },

    async getVolume(volumeId: string, options?: RequestOptions): Promise<Volume> {
      return transport.json({ method: 'GET', path: path`/v1/volumes/${volumeId}` }, options)
    },

    async renameVolume(
      volumeId: string,
      payload: { readonly label?: string; readonly name?: string },
      options?: RequestOptions,
    ): Promise<Volume> {
      return transport.json({ method: 'PATCH', path: path`/v1/volumes/${volumeId}`, json: payload }, options)
    },

    /** With all that is in it. */
    async deleteVolume(volumeId: string, options?: RequestOptions): Promise<Changed> {
      return transport.json({ method: 'DELETE', path: path`/v1/volumes/${volumeId}` }, options)
    },

    getVolumeQuota,
    /** The same as `getVolumeQuota`. */
    getQuota: getVolumeQuota,

    async listFiles(volumeId: string, folder?: string, options?: RequestOptions): Promise<VolumeFiles> {
      return transport.json({ method: 'GET', path: filesOf(volumeId) + query({ path: folder }) }, options)
    },

    /** All of a file, in memory; see `streamFile` for large ones. */
    async downloadFile(volumeId: string, file: string, options?: RequestOptions): Promise<Uint8Array> {
      return transport.bytes(
        { method: 'GET', path: `${filesOf(volumeId)}/download${query({ path: file })}`, accept: '*/*' },
        options,
      )
    },

    /** The bytes of a file as they come. @param range both ends included */
    async streamFile(
      volumeId: string,
      file: string,
      range?: { readonly start: number; readonly end?: number },
      options?: RequestOptions,
    ): Promise<ReadableStream<Uint8Array>> {
      const { response, watch } = await transport.open(
        {
          method: 'GET',
          path: `${filesOf(volumeId)}/download${query({ path: file })}`,
          accept: '*/*',
          ...(range ? { headers: { range: `bytes=${range.start}-${range.end ?? ''}` } } : {}),
        },
        { timeoutMs: LONGEST_MS, ...options },
      )
      if (response.body === null) throw new AegisUsageError('the answer has no body')
      const passed = new TransformStream<Uint8Array, Uint8Array>({ flush: () => watch.release() })
      return response.body.pipeThrough(passed)
    },

    /**
     * Keep a file in a volume, in the place of one of the same path. It is there when this resolves, whole.
     *
     * @param file what is uploaded; or its path, for clients that name the path first
     * @param at where it goes; one that ends in `/` is a folder
     */
    async uploadFile(volumeId: string, file: FileSource, at?: string, options?: UploadOptions): Promise<UploadedFile> {
      return upload(volumeId, file, at, options)
    },

    /** Upload a file for an execution; what is given to it. Without a path the server chooses one by the day. */
    async attachToVolume(
      volumeId: string,
      file: FileSource,
      at?: string,
      options?: UploadOptions,
    ): Promise<AttachmentRef> {
      const kept = await upload(volumeId, file, at, options)
      const { name, mime_type, size, sha256 } = kept
      return { volume_id: volumeId, path: kept.path, name, mime_type, size, sha256 }
    },

    async mkdir(
      volumeId: string,
      folder: string,
      options?: RequestOptions,
    ): Promise<Changed & { readonly path: string; readonly created_at: string }> {
      return transport.json({ method: 'POST', path: `${filesOf(volumeId)}/mkdir`, json: { path: folder } }, options)
    },

    async movePath(
      volumeId: string,
      payload: MovePathRequest,
      options?: RequestOptions,
    ): Promise<Changed & { readonly from: string; readonly to: string; readonly moved_at: string }> {
      return transport.json({ method: 'POST', path: `${filesOf(volumeId)}/move`, json: payload }, options)
    },

    /** A file, or a folder with all that is in it. */
    async deletePath(volumeId: string, file: string, options?: RequestOptions): Promise<Changed> {
      return transport.json({ method: 'DELETE', path: filesOf(volumeId) + query({ path: file }) }, options)
    },

    /** Refused file operations of the tenant, newest first. Operators only. */
    async listStorageViolations(
      params: { readonly volume_id?: string; readonly limit?: number; readonly offset?: number } = {},
      options?: RequestOptions,
    ): Promise<{ readonly violations: readonly Readonly<Record<string, unknown>>[]; readonly count: number }> {
      return transport.json({ method: 'GET', path: `/v1/storage/violations${query({ ...params })}` }, options)
    },
  }
}

export type VolumeMethods = ReturnType<typeof volumeMethods>

async function sourceOf(file: FileSource): Promise<{ body: UploadBody; name: string | undefined }> {
  if (typeof file === 'string') return { body: { content: new Blob([file]) }, name: undefined }
  if (file instanceof Blob) return { body: { content: file }, name: 'name' in file ? String(file.name) : undefined }
  if (file instanceof Uint8Array || file instanceof ArrayBuffer)
    return { body: { content: new Blob([file as Uint8Array<ArrayBuffer>]) }, name: undefined }
  if (file instanceof ReadableStream || Symbol.asyncIterator in file)
    return { body: { content: file as AsyncIterable<Uint8Array> }, name: undefined }
  // Only Node has files; a bundle for browsers never comes here.
  const { openAsBlob } = await import('node:fs')
  let content: Blob
  try {
    content = await openAsBlob(file.path)
  } catch (error) {
    throw new AegisUsageError(`'${file.path}' cannot be read (${(error as Error).message}); nothing was sent`)
  }
  return { body: { content }, name: file.path.split(/[/\\]/).at(-1) }
}
