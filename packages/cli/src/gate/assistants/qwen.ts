import { type Assistant, passed, refusedBeforeTool } from './assistant.ts'
import { readClaude } from './claude-code.ts'
import { type Mappings, text } from './reading.ts'

const tools: Mappings = {
  run_shell_command: { tool: 'Bash', folder: 'directory' },
  read_file: { tool: 'Read', rename: { absolute_path: 'file_path' } },
  write_file: { tool: 'Write' },
  edit: { tool: 'Edit' },
  notebook_edit: { tool: 'NotebookEdit' },
  glob: { tool: 'Glob' },
  list_directory: { tool: 'Glob' },
  grep_search: { tool: 'Grep' },
  agent: { tool: 'Task' },
  task: { tool: 'Task' },
  web_fetch: { tool: 'WebFetch' },
  web_search: { tool: 'WebSearch' },
}

/** `tool_call_id` is the model's own id of the call; `tool_use_id` is made up by the program. */
export const qwen: Assistant = {
  name: 'qwen',
  patienceSeconds: 60,
  read(question) {
    const asked = readClaude(question, tools)
    return { ...asked, callId: text(question, 'tool_call_id') ?? asked.callId }
  },
  allow: () => passed,
  deny: refusedBeforeTool,
}
