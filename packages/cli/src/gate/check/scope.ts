import { sep } from 'node:path'
import { type Precondition, Verdict } from '@lictor/contracts'
import { realPath } from '@lictor/guard/real-path'
import type { ToolCall } from '../assistants/assistant.ts'

export const SCOPE_CONTRACT = 'gate-scope-enforcement'
/** What the audit log calls the source of its refusals. */
export const SCOPE_SOURCE = 'gate_scope'

const WRITERS: readonly string[] = ['Write', 'Edit', 'NotebookEdit']
const PATHS = ['file_path', 'filePath', 'notebook_path', 'path']

/** Where calls may write. */
export interface Scope {
  /** The folder that the session works in. */
  readonly folder: string
  readonly allowlist: readonly string[]
  /** The folder of the gate's own settings, contracts and records: nothing may be written there, wherever the session works. */
  readonly own: string
}

/**
 * An assistant writes below the folder it works in, and in those of the allow-list, and never where the gate keeps what it is.
 * @param isWatching the bundle only observes, and so does this, but for what is the gate's own
 * @returns the contract that refuses a call which writes elsewhere; null for every other call
 */
export function scopeContract(call: ToolCall, scope: Scope, isWatching: boolean): Precondition | null {
  const refused = whyOutside(call, scope)
  if (refused === null) return null
  const { reason, isOwn } = refused
  const contract: Precondition = { tool: call.tool, name: SCOPE_CONTRACT, check: () => Verdict.fail(reason) }
  return isWatching && !isOwn ? Object.assign(contract, { observe: true }) : contract
}

function whyOutside(
  { tool, args }: ToolCall,
  { folder, allowlist, own }: Scope,
): { readonly reason: string; readonly isOwn: boolean } | null {
  if (!WRITERS.includes(tool)) return null
  const path = PATHS.map((key) => args[key]).find(Boolean)
  if (path === undefined) return null
  if (typeof path !== 'string') return { reason: `The path of a ${tool} is no text.`, isOwn: false }
  const real = realPath(path)
  if (isBelow(real, realPath(own))) return { reason: `${path} is the gate's own.`, isOwn: true }
  if ([folder, ...allowlist].some((root) => isBelow(real, realPath(root)))) return null
  return { reason: `${path} is outside ${folder}, the folder this session works in.`, isOwn: false }
}

function isBelow(path: string, root: string): boolean {
  const folder = root.endsWith(sep) ? root : `${root}${sep}`
  return path === root || path.startsWith(folder)
}
