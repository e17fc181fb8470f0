import { spawnSync } from 'node:child_process'
import { assistants } from '../assistants/assistants.ts'
import { PROOF_REASON, PROOF_TOOL } from '../check/proof-tool.ts'
import { hookCommand, type Program } from './command.ts'
import { clineHook } from './plugins.ts'
import type { Installable } from './targets.ts'

export interface Proof {
  readonly isProven: boolean
  readonly detail: string
}

/** A question about the tool that is always refused, as each assistant puts it. */
const questions: Readonly<Record<Installable, (tool: string) => object>> = {
  'claude-code': (tool) => ({ hook_event_name: 'PreToolUse', tool_name: tool, tool_input: {} }),
  codex: (tool) => ({ hook_event_name: 'PreToolUse', tool_name: tool, tool_input: {} }),
  qwen: (tool) => ({ hook_event_name: 'PreToolUse', tool_name: tool, tool_input: {} }),
  cursor: (tool) => ({ hook_event_name: 'preToolUse', tool_name: tool, tool_input: {} }),
  gemini: (tool) => ({ hook_event_name: 'BeforeTool', tool_name: tool, tool_input: {} }),
  copilot: (tool) => ({ toolName: tool, toolArgs: {} }),
  opencode: (tool) => ({ tool, args: {} }),
  cline: (tool) => ({ hookName: 'tool_call', tool_call: { name: tool, input: {} } }),
}

/**
 * Runs what was installed as the assistant will run it, with a call that is always refused, and once more with a program that is
 * not there. Proven is what refuses both times in the form that this assistant takes for a refusal.
 */
export function proveRefusal(assistant: Installable, program: Program, seconds: number): Proof {
  const refuses = (by: Program) => {
    const line =
      assistant === 'cline'
        ? clineHook(by, seconds)
        : assistant === 'opencode'
          ? pluginLine(by, seconds)
          : hookCommand(by, assistant, seconds)
    return spawnSync('/bin/sh', ['-c', line], {
      input: JSON.stringify(questions[assistant](PROOF_TOOL)),
      encoding: 'utf8',
      timeout: 60_000,
    })
  }
  const expected = assistants[assistant].deny({ contractsEvaluated: 0, contract: null, reason: PROOF_REASON })
  const ran = refuses(program)
  if (ran.error) return { isProven: false, detail: ran.error.message }
  if (ran.stdout.trim() !== expected.stdout.trim())
    return { isProven: false, detail: `it answered ${JSON.stringify((ran.stdout || ran.stderr).slice(0, 300))}` }
  if (assistant !== 'cline' && ran.status !== expected.code)
    return { isProven: false, detail: `it ended with code ${ran.status}` }
  if (assistant === 'opencode') return { isProven: true, detail: 'a refusal came back' }
  const missing = refuses({ ...program, node: '/nonexistent/lictor-gate' })
  const isRefused = assistant === 'cline' ? missing.stdout.startsWith('{"cancel":true') : missing.status === 2
  return isRefused
    ? { isProven: true, detail: 'a refusal came back, also with the program gone' }
    : { isProven: false, detail: 'with the program gone it lets calls run' }
}

const pluginLine = (program: Program, seconds: number): string =>
  hookCommand(program, 'opencode', seconds).split(';')[0] as string
