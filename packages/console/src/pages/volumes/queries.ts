import { queryOptions } from '@tanstack/react-query'
import { ApiError, addressOf, errorOf, queryString, request, UnreachableError } from '../../api/http.ts'
import type { Answer, Element } from '../../api/types.ts'

export type Volume = Answer<'/v1/volumes/{volume_id}', 'get'>
export type VolumeEntry = Element<Answer<'/v1/volumes/{volume_id}/files', 'get'>['entries']>
export type Quota = Answer<'/v1/volumes/quota', 'get'>
export type Violation = Element<Answer<'/v1/storage/violations', 'get'>['violations']>

/** Agents write to volumes without an event that the console hears: milliseconds after which it looks again. */
const AGAIN = 10_000
/** Refusals of a volume that are read: the newest. */
const MOST_VIOLATIONS = 200
/** Entries of a folder that are shown. */
export const MOST_ENTRIES = 2_000

const at = (id: string) => `/v1/volumes/${encodeURIComponent(id)}`

export const volumeQueries = {
  all: () =>
    queryOptions({
      queryKey: ['volumes', 'all'],
      queryFn: ({ signal }) => request<{ volumes: readonly Volume[] }>('/v1/volumes', { signal }),
      select: ({ volumes }) => volumes,
      refetchInterval: AGAIN,
    }),
  quota: () =>
    queryOptions({
      queryKey: ['volumes', 'quota'],
      queryFn: ({ signal }) => request<Quota>('/v1/volumes/quota', { signal }),
      refetchInterval: AGAIN,
    }),
  one: (id: string) =>
    queryOptions({
      queryKey: ['volumes', 'one', id],
      queryFn: ({ signal }) => request<Volume>(at(id), { signal }),
      refetchInterval: AGAIN,
    }),
  /** A folder by its path, `/` the whole; one more entry than is shown is read, to know whether there are others. */
  files: (id: string, path: string) =>
    queryOptions({
      queryKey: ['volumes', 'files', id, path],
      queryFn: ({ signal }) =>
        request<{ entries: readonly VolumeEntry[] }>(`${at(id)}/files`, {
          query: { path, limit: MOST_ENTRIES + 1 },
          signal,
        }),
      select: ({ entries }) => ({ entries: entries.slice(0, MOST_ENTRIES), isCut: entries.length > MOST_ENTRIES }),
      refetchInterval: AGAIN,
    }),
  violations: (id: string) =>
    queryOptions({
      queryKey: ['violations', id],
      queryFn: ({ signal }) =>
        request<{ violations: readonly Violation[] }>('/v1/storage/violations', {
          query: { volume_id: id, limit: MOST_VIOLATIONS },
          signal,
        }),
      select: ({ violations }) => violations,
      refetchInterval: AGAIN,
    }),
}

export const createVolume = (body: { label: string; size_limit_bytes: number }) =>
  request<Volume>('/v1/volumes', { method: 'POST', body })
export const renameVolume = ({ id, label }: { id: string; label: string }) =>
  request<Volume>(at(id), { method: 'PATCH', body: { label } })
export const deleteVolume = (id: string) => request<unknown>(at(id), { method: 'DELETE' })
export const createFolder = ({ id, path }: { id: string; path: string }) =>
  request<unknown>(`${at(id)}/files/mkdir`, { method: 'POST', body: { path } })
export const moveEntry = ({ id, from, to }: { id: string; from: string; to: string }) =>
  request<unknown>(`${at(id)}/files/move`, { method: 'POST', body: { from, to } })
export const deleteEntry = (id: string, path: string) =>
  request<unknown>(`${at(id)}/files`, { method: 'DELETE', query: { path } })

/** Where the bytes of a file are. */
export const contentPath = (id: string, path: string): string => `${at(id)}/files/download${queryString({ path })}`

/** Whether a file of this path is in a volume. Of a folder the upload itself is told. @throws ApiError, UnreachableError */
export async function isFileThere(
  { volumeId, path }: { readonly volumeId: string; readonly path: string },
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await request<unknown>(`${at(volumeId)}/files/stat`, { query: { path }, signal })
    return true
  } catch (error) {
    if (error instanceof ApiError && (error.status === 404 || error.status === 422)) return false
    throw error
  }
}

/**
 * Sends a file, telling how many of its bytes have gone. `fetch` cannot tell that in every browser.
 * @throws ApiError, UnreachableError
 */
export function sendFile(
  { volumeId, path, file }: { readonly volumeId: string; readonly path: string; readonly file: Blob },
  onSent: (bytes: number) => void,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const sending = new XMLHttpRequest()
    sending.open('POST', `${addressOf(`${at(volumeId)}/files/upload`)}${queryString({ path })}`)
    sending.setRequestHeader('X-Requested-With', 'lictor-console')
    sending.setRequestHeader('Content-Type', 'application/octet-stream')
    sending.upload.onprogress = ({ loaded }) => onSent(loaded)
    sending.onload = () => {
      const { status, responseText } = sending
      if (status >= 200 && status < 300) return resolve()
      errorOf(new Response(responseText, { status })).then(reject, reject)
    }
    sending.onerror = () => reject(new UnreachableError(new Error('The upload broke off.')))
    sending.onabort = () => reject(new DOMException('The upload was cancelled.', 'AbortError'))
    signal.addEventListener('abort', () => sending.abort(), { once: true })
    sending.send(file)
  })
}
