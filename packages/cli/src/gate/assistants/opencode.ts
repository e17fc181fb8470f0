import { type Assistant, refusalText } from './assistant.ts'
import { type Mappings, mapped, text, toolArguments, toolName } from './reading.ts'

const file = { filePath: 'file_path' }
const bash = { tool: 'Bash', folder: 'workdir' }

const tools: Mappings = {
  bash,
  shell: bash,
  read: { tool: 'Read', rename: file },
  write: { tool: 'Write', rename: file },
  edit: {
    tool: 'Edit',
    rename: { ...file, oldString: 'old_string', newString: 'new_string', replaceAll: 'replace_all' },
  },
  patch: { tool: 'Edit', rename: file },
  glob: { tool: 'Glob' },
  grep: { tool: 'Grep' },
  list: { tool: 'Glob' },
  task: { tool: 'Task' },
  webfetch: { tool: 'WebFetch' },
  websearch: { tool: 'WebSearch' },
  browser: { tool: 'WebFetch' },
}

/** Asked by the plugin that `gate install` writes, which throws the reason of a refusal. */
export const opencode: Assistant = {
  name: 'opencode',
  patienceSeconds: 600,
  read(question) {
    const tool = toolName(question, 'tool')
    return {
      ...mapped(tools, tool, toolArguments(question, 'args'), text(question, 'directory')),
      session: text(question, 'sessionID'),
      callId: text(question, 'callID'),
      subAgent: null,
    }
  },
  allow: () => ({ stdout: '{"allow":true}\n', stderr: '', code: 0 }),
  deny(decided) {
    const reason = refusalText(decided)
    return { stdout: `${JSON.stringify({ allow: false, reason })}\n`, stderr: `${reason}\n`, code: 2 }
  },
}
