import { createHash } from 'node:crypto'

const MAX_KEY_LENGTH = 256
const TOOL_KEY = /^(s:[^:]*:tool:)(.*)$/s

/**
 * The key as the server stores it. Tool names may hold characters the server refuses in keys (a space, an umlaut);
 * those are escaped, over-long names hashed, the same for reading and writing, and plain names stay as other SDKs
 * write them.
 */
export function storedKey(key: string): string {
  const match = TOOL_KEY.exec(key)
  const prefix = match?.[1]
  const tool = match?.[2]
  if (prefix === undefined || tool === undefined) return key
  const escaped = /^[A-Za-z0-9_.-]*$/.test(tool)
    ? tool
    : encodeURIComponent(tool.toWellFormed())
        .replace(/[!'()*~]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
        .replaceAll('%', '_x')
  if (prefix.length + escaped.length <= MAX_KEY_LENGTH) return prefix + escaped
  return `${prefix}_h${createHash('sha256').update(tool, 'utf8').digest('hex')}`
}

/** A tool's name as it stands in the keys of its counters on the server. */
export function storedTool(tool: string): string {
  return storedKey(`s::tool:${tool}`).slice('s::tool:'.length)
}
