import { addressOf, errorOf, UnreachableError } from '../../../api/http.ts'
import { HEAD_BYTES, type Preview, previewOf } from './preview.ts'

/** What is shown of a file; `url` of an image holds all of it, as `data:`, which the page's policy lets images have. */
export type Shown = { readonly size: number; readonly preview: Preview; readonly url: string | null }

/**
 * Reads as much of a file as is shown of it.
 *
 * @param path where the API has its bytes
 * @throws ApiError, UnreachableError
 */
export async function readPreview(path: string, signal: AbortSignal): Promise<Shown> {
  const head = await read(path, HEAD_BYTES, signal)
  const preview = previewOf(head.bytes, head.size)
  if (preview.kind !== 'image' || preview.isTooLarge) return { size: head.size, preview, url: null }
  const { bytes } = head.bytes.length === head.size ? head : await read(path, head.size, signal)
  return { size: head.size, preview, url: await dataUrl(new Blob([bytes], { type: preview.type })) }
}

/** The first bytes of a file, and how many it has. */
async function read(path: string, count: number, signal: AbortSignal) {
  const response = await fetch(addressOf(path), {
    headers: { Range: `bytes=0-${count - 1}` },
    credentials: 'same-origin',
    signal,
  }).catch((error: unknown) => {
    throw signal.aborted ? error : new UnreachableError(error)
  })
  const said = response.headers.get('content-range')?.split('/')[1]
  // Of an empty file there is no first byte to have.
  if (response.status === 416 && said === '0') return { bytes: new Uint8Array(), size: 0 }
  if (!response.ok) throw await errorOf(response)
  const bytes = new Uint8Array(await response.arrayBuffer())
  return { bytes, size: said === undefined ? bytes.length : Number(said) }
}

const dataUrl = (blob: Blob): Promise<string> =>
  new Promise((resolve, reject) => {
    const reader = new FileReader()
    reader.onload = () => resolve(String(reader.result))
    reader.onerror = () => reject(reader.error)
    reader.readAsDataURL(blob)
  })
