import { addressOf, errorOf, UnreachableError } from './http.ts'

/**
 * Saves what an address answers as a file of this name. Read by script and not by a link, because a refusal must be said in
 * the console and not saved as a file.
 * @throws ApiError, UnreachableError
 */
export async function download(path: string, name: string): Promise<void> {
  let response: Response
  try {
    response = await fetch(addressOf(path), { credentials: 'same-origin' })
  } catch (error) {
    throw new UnreachableError(error)
  }
  if (!response.ok) throw await errorOf(response)
  save(await response.blob(), name)
}

/** Saves what the page itself holds as a file of this name. */
export function save(content: Blob, name: string): void {
  const url = URL.createObjectURL(content)
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  // The browser has taken it by then.
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}
