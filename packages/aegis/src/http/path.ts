import { AegisUsageError } from './errors.ts'

type QueryValue = string | number | boolean | undefined

/**
 * A request path with its values encoded: ``path`/v1/agents/${id}` ``. A value that is empty or a dot segment would
 * reach another route than the one meant, so it is refused.
 *
 * @throws AegisUsageError
 */
export function path(parts: TemplateStringsArray, ...values: readonly string[]): string {
  return parts.reduce((text, part, index) => text + segment(values[index - 1]) + part)
}

function segment(value: string | undefined): string {
  if (typeof value !== 'string' || value === '') {
    throw new AegisUsageError('an id, name or path in a call is empty; nothing was sent')
  }
  if (value === '.' || value === '..') throw new AegisUsageError(`'${value}' is no id, name or path segment`)
  return encodeURIComponent(value)
}

/**
 * The path of a file, its slashes kept. Leading slashes, empty and `.` segments are dropped, as the server does.
 *
 * @throws AegisUsageError for an empty path and for `..`
 */
export function filePath(file: string): string {
  const segments = file.split('/').filter((step) => step !== '' && step !== '.')
  if (segments.length === 0) throw new AegisUsageError('the file path is empty')
  if (segments.includes('..')) throw new AegisUsageError(`the file path '${file}' must not contain '..'`)
  return segments.map(encodeURIComponent).join('/')
}

/** `?a=1&b=true`, without the undefined ones; empty when nothing is left. */
export function query(values: Readonly<Record<string, QueryValue>> | undefined): string {
  const search = new URLSearchParams()
  for (const [key, value] of Object.entries(values ?? {})) if (value !== undefined) search.set(key, String(value))
  const text = search.toString()
  return text === '' ? '' : `?${text}`
}
