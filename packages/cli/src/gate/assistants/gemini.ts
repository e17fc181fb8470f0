import { type Arguments, type Assistant, passed, refusalText, refused } from './assistant.ts'
import { addressesIn, expectEvent, type Mappings, mapped, text, toolArguments, toolName } from './reading.ts'

/** The address stands within the text that tells what is wanted of it. */
const eachAddress = (args: Arguments): readonly Arguments[] => {
  const found = addressesIn(args.prompt)
  return found.length === 0 ? [args] : found.map((url) => ({ ...args, url }))
}

const bash = { tool: 'Bash', folder: 'dir_path' }
const edit = { tool: 'Edit' }
const grep = { tool: 'Grep', rename: { dir_path: 'path' } }
const glob = { tool: 'Glob', rename: { dir_path: 'path' } }
const search = { tool: 'WebSearch' }

const tools: Mappings = {
  run_shell_command: bash,
  shell: bash,
  read_file: { tool: 'Read', rename: { absolute_path: 'file_path', path: 'file_path' } },
  read_many_files: { tool: 'Read', each: filesOf },
  write_file: { tool: 'Write' },
  replace: edit,
  edit_file: edit,
  replace_in_file: edit,
  glob,
  list_files: glob,
  list_directory: glob,
  grep_search: grep,
  grep,
  search_files: grep,
  search_file_content: grep,
  web_fetch: { tool: 'WebFetch', each: eachAddress },
  google_web_search: search,
  web_search: search,
  invoke_agent: { tool: 'Task' },
}

function filesOf(args: Arguments): readonly Arguments[] {
  const files = args.paths ?? args.include
  return Array.isArray(files) ? files.map((file) => ({ ...args, file_path: file })) : [args]
}

export const gemini: Assistant = {
  name: 'gemini',
  patienceSeconds: 60,
  read(question) {
    expectEvent(question, 'hook_event_name', 'BeforeTool')
    const named = toolName(question, 'tool_name')
    const folder = text(question, 'cwd')
    return {
      ...mapped(tools, mcpName(question.mcp_context) ?? named, toolArguments(question, 'tool_input'), folder),
      session: text(question, 'session_id'),
      callId: null,
      subAgent: text(question, 'agent_id'),
    }
  },
  allow: () => passed,
  deny(decided) {
    const reason = refusalText(decided)
    return refused({ decision: 'deny', reason }, reason)
  },
}

/** Tools of MCP servers have one name in all assistants; here the name alone does not tell server from tool. */
function mcpName(context: unknown): string | null {
  if (typeof context !== 'object' || context === null) return null
  const { server_name: server, tool_name: tool } = context as Arguments
  return typeof server === 'string' && typeof tool === 'string' ? `mcp__${server}__${tool}` : null
}
