import { configError } from '../errors.ts'
import { compilePattern } from '../regex/index.ts'
import type { CommandPattern, Condition } from './types.ts'

const CALL = /^([a-z_]+)\("((?:[^"\\]|\\.)*)"\)$/s
const APPROVAL = /^approval\((?:"((?:[^"\\]|\\.)*)")?\)$/s
const EXEC = /^exec\("((?:[^"\\]|\\.)*)"(?:,\s*exit_code=(\d+))?\)$/s
const MCP = /^mcp_result_matches\("([^"\\]+)",\s*"([^"\\]+)",\s*"([^"\\]+)"\)$/
// biome-ignore lint/complexity/useRegexLiterals: the control range reads better as escapes
const CONTROL = new RegExp('[\\u0000-\\u001f\\u007f]')
const MAX_PATTERN = 10_000

/** Reads a gate condition. Throws `EdictumConfigError` for anything else. */
export function parseCondition(text: string): Condition {
  const approval = APPROVAL.exec(text)
  if (approval) return { kind: 'approval', stage: approval[1] === undefined ? null : argument(approval[1], text) }
  const exec = EXEC.exec(text)
  if (exec) return { kind: 'exec', command: argument(exec[1] as string, text), exitCode: Number(exec[2] ?? 0) }
  const mcp = MCP.exec(text)
  if (mcp) {
    const [, tool, field, value] = mcp as unknown as [string, string, string, string]
    return { kind: 'mcp_result_matches', tool, field, value }
  }
  const call = CALL.exec(text)
  const value = call === null ? '' : argument(call[2] as string, text)
  switch (call?.[1]) {
    case 'stage_complete':
      return { kind: 'stage_complete', stage: value }
    case 'file_read':
      return { kind: 'file_read', path: value }
    case 'command_matches':
    case 'command_not_matches':
      return { kind: call[1], pattern: compileCommandPattern(value) }
    default:
      throw workflowError(
        `unknown condition '${text}'`,
        'use stage_complete, file_read, command_matches, command_not_matches, approval, exec or mcp_result_matches',
      )
  }
}

/** Only `\\` and `\"` are escapes; any other backslash stands for itself, as regular expressions need it. */
function argument(written: string, condition: string): string {
  const value = written.replace(/\\(["\\])/g, '$1')
  if (CONTROL.test(value)) throw workflowError(`the condition '${condition}' contains a control character`)
  return value
}

export function compileCommandPattern(source: string): CommandPattern {
  if (source.length > MAX_PATTERN) throw workflowError(`a pattern is longer than ${MAX_PATTERN} characters`)
  try {
    return compilePattern(source)
  } catch (error) {
    throw workflowError(`invalid regex '${source}': ${error instanceof Error ? error.message : String(error)}`)
  }
}

export function workflowError(message: string, hint?: string) {
  return configError('workflow', `workflow: ${message}`, hint)
}
