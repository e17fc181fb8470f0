/**
 * Whether a tool's result is a success when the guard was given no check of its own: null is, an object
 * that says `is_error` (or MCP's `isError`) is not, nor is a text that begins with `error:` or `fatal:`.
 */
export function defaultSuccessCheck(_toolName: string, result: unknown): boolean {
  if (typeof result === 'string') {
    const start = result.slice(0, 7).toLowerCase()
    return !(start.startsWith('error:') || start.startsWith('fatal:'))
  }
  if (typeof result !== 'object' || result === null || Array.isArray(result)) return true
  const marks = result as { readonly is_error?: unknown; readonly isError?: unknown }
  return !marks.is_error && !marks.isError
}
