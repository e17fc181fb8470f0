/** An answer is longer than its reader takes. */
export class AnswerTooLargeError extends Error {
  constructor(limit: number) {
    super(`The answer exceeds ${limit} bytes.`)
    this.name = 'AnswerTooLargeError'
  }
}

/** The whole body as text. @throws AnswerTooLargeError beyond `limit` bytes, without reading on */
export async function readText(response: Response, limit: number): Promise<string> {
  if (response.body === null) return ''
  const decoder = new TextDecoder()
  const reader = response.body.getReader()
  let text = ''
  let size = 0
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    size += next.value.byteLength
    if (size > limit) {
      await reader.cancel()
      throw new AnswerTooLargeError(limit)
    }
    text += decoder.decode(next.value, { stream: true })
  }
  return text + decoder.decode()
}

/** The JSON value of a text; undefined when it is none. */
export function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/** The JSON object of a text; null when it is none. */
export function jsonObjectIn(text: string): Record<string, unknown> | null {
  const value = jsonIn(text)
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null
}
