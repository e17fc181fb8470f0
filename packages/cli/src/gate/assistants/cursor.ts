import { type Arguments, type Assistant, passed, refusalText, refused } from './assistant.ts'
import { expectEvent, type Mappings, mapped, text, toolArguments, toolName } from './reading.ts'

const tools: Mappings = { Shell: { tool: 'Bash' } }
const MCP = /^MCP:([^:]+):(.+)$/

export const cursor: Assistant = {
  name: 'cursor',
  patienceSeconds: 60,
  read(question) {
    const event = question.hook_event_name
    // It runs the hooks of Claude Code too, and then names the event as that does.
    if (event !== 'PreToolUse') expectEvent(question, 'hook_event_name', 'preToolUse')
    const named = toolName(question, 'tool_name').replace(MCP, 'mcp__$1__$2')
    return {
      ...mapped(tools, named, toolArguments(question, 'tool_input'), folderOf(question)),
      session: text(question, 'conversation_id') ?? text(question, 'session_id'),
      callId: text(question, 'tool_use_id'),
      subAgent: null,
    }
  },
  allow: () => passed,
  deny(decided) {
    const reason = refusalText(decided)
    return refused({ decision: 'deny', reason }, reason)
  },
}

/** Whether a question that came in the form of Claude Code was put by Cursor, which runs those hooks as well. */
export const isCursors = (question: Arguments): boolean =>
  Boolean(question.cursor_version) || Array.isArray(question.workspace_roots)

function folderOf(question: Arguments): string | null {
  const [root] = Array.isArray(question.workspace_roots) ? (question.workspace_roots as unknown[]) : []
  return text(question, 'cwd') ?? (typeof root === 'string' ? root : null)
}
