import { readIfThere } from './install/file.ts'

/** One line of the gate's own log. */
export interface LoggedCall {
  readonly timestamp: string
  readonly tool_name: string
  readonly verdict: string
  readonly mode: string
  readonly payload: Readonly<Record<string, unknown>>
}

const REFUSED: readonly string[] = [
  'call_denied',
  'call_would_deny',
  'call_approval_denied',
  'call_approval_timeout',
  'call_approval_failed',
]

/** The latest calls, newest last. A line that was cut off is none. */
export function readLog(
  path: string,
  { limit, tool, verdict }: { readonly limit: number; readonly tool?: string; readonly verdict?: 'allow' | 'deny' },
): readonly LoggedCall[] {
  const lines = [readIfThere(`${path}.1`), readIfThere(path)].flatMap((text) => text?.split('\n') ?? [])
  const calls = lines.flatMap((line): LoggedCall[] => {
    try {
      const call = JSON.parse(line) as LoggedCall
      return typeof call.tool_name === 'string' ? [call] : []
    } catch {
      return []
    }
  })
  return calls
    .filter((call) => tool === undefined || call.tool_name === tool)
    .filter((call) => verdict === undefined || (verdict === 'deny') === REFUSED.includes(call.verdict))
    .slice(-limit)
}
