import { type Arguments, type Assistant, passed, refusalText, refused, UnreadableCall } from './assistant.ts'
import { eachOf, type Mappings, mapped, objectOf, text, toolName } from './reading.ts'

const search = eachOf('paths', (path) => ({ path }))

const tools: Mappings = {
  bash: { tool: 'Bash' },
  view: { tool: 'Read', rename: { path: 'file_path' } },
  create: { tool: 'Write', rename: { path: 'file_path', file_text: 'content' } },
  edit: { tool: 'Edit', rename: { path: 'file_path', old_str: 'old_string', new_str: 'new_string' } },
  grep: { tool: 'Grep', each: search },
  glob: { tool: 'Glob', each: search },
  task: { tool: 'Task' },
}

export const copilot: Assistant = {
  name: 'copilot',
  patienceSeconds: 30,
  read(question) {
    const tool = toolName(question, 'toolName')
    return {
      ...mapped(tools, tool, argumentsOf(question.toolArgs), text(question, 'cwd')),
      session: text(question, 'sessionId'),
      callId: null,
      subAgent: text(question, 'agentId'),
    }
  },
  allow: () => passed,
  deny(decided) {
    const reason = refusalText(decided)
    return refused({ permissionDecision: 'deny', permissionDecisionReason: reason }, reason)
  },
}

/** An object, or the JSON text of one in older versions. What cannot be read hides the arguments, and is refused. */
function argumentsOf(value: unknown): Arguments {
  if (typeof value !== 'string') return objectOf(value, "'toolArgs'")
  let parsed: unknown
  try {
    parsed = JSON.parse(value)
  } catch {
    throw new UnreadableCall("'toolArgs' is no JSON")
  }
  return objectOf(parsed, "'toolArgs'")
}
