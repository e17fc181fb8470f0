import { type Arguments, type Assistant, passed, refusalText, refused } from './assistant.ts'
import { eachOf, expectEvent, type Mappings, mapped, objectOf, text, toolArguments, toolName } from './reading.ts'

const SAFE = /^[\w@%+=:,./-]+$/
const quoted = (word: string): string => (SAFE.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)

/** A command is a line, or a program with its arguments. */
function commandOf(one: unknown): Arguments {
  if (typeof one !== 'object' || one === null) return { command: one }
  const { command, args } = one as Arguments
  if (!Array.isArray(args)) return { command }
  return { command: [command, ...args.map((arg) => quoted(String(arg)))].join(' ') }
}

const named = (key: string, ours: string) => (one: unknown) => {
  if (typeof one !== 'object' || one === null) return { [ours]: one }
  const parts = one as Arguments
  return { ...parts, [ours]: parts[key] ?? parts[ours] }
}

const tools: Mappings = {
  run_commands: { tool: 'Bash', each: eachOf('commands', commandOf) },
  execute_command: { tool: 'Bash' },
  read_files: { tool: 'Read', each: eachOf('files', named('path', 'file_path')) },
  read_file: { tool: 'Read', rename: { path: 'file_path' } },
  editor: { tool: 'Edit', rename: { path: 'file_path', old_text: 'old_string', new_text: 'new_string' } },
  write_to_file: { tool: 'Write', rename: { path: 'file_path' } },
  replace_in_file: { tool: 'Edit', rename: { path: 'file_path' } },
  search_codebase: { tool: 'Grep', each: eachOf('queries', (one) => ({ pattern: one })) },
  fetch_web_content: { tool: 'WebFetch', each: eachOf('requests', named('url', 'url')) },
  spawn_agent: { tool: 'Task', rename: { task: 'prompt' } },
}

/** The code of the hook's program means nothing to it: its own word alone cancels a call. */
export const cline: Assistant = {
  name: 'cline',
  patienceSeconds: 30,
  read(question) {
    expectEvent(question, 'hookName', 'tool_call')
    const call = objectOf(question.tool_call, "'tool_call'")
    const roots = question.workspaceRoots
    const folder = Array.isArray(roots) && typeof roots[0] === 'string' ? roots[0] : null
    return {
      ...mapped(tools, toolName(call, 'name'), toolArguments(call, 'input'), folder),
      session: text(question, 'taskId'),
      callId: text(call, 'id'),
      subAgent: text(question, 'parent_agent_id') === null ? null : text(question, 'agent_id'),
    }
  },
  allow: () => passed,
  deny(decided) {
    const reason = refusalText(decided)
    return refused({ cancel: true, errorMessage: reason }, reason)
  },
}
