import { type Arguments, type Asked, type Assistant, passed, refusedBeforeTool } from './assistant.ts'
import { expectEvent, type Mappings, mapped, text, toolArguments, toolName } from './reading.ts'

const tools: Mappings = { Agent: { tool: 'Task' } }

/** The question as Claude Code puts it, which others have taken over. */
export function readClaude(question: Arguments, mappings: Mappings): Asked {
  const tool = toolName(question, 'tool_name')
  expectEvent(question, 'hook_event_name', 'PreToolUse')
  return {
    ...mapped(mappings, tool, toolArguments(question, 'tool_input'), text(question, 'cwd')),
    session: text(question, 'session_id'),
    callId: text(question, 'tool_use_id'),
    subAgent: text(question, 'agent_id'),
  }
}

export const claudeCode: Assistant = {
  name: 'claude-code',
  patienceSeconds: 60,
  read: (question) => readClaude(question, tools),
  allow: () => passed,
  deny: refusedBeforeTool,
}
