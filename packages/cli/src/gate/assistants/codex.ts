import { type Arguments, type Assistant, passed, refusedBeforeTool, UnreadableCall } from './assistant.ts'
import { readClaude } from './claude-code.ts'
import type { Mappings } from './reading.ts'

const FILE = /^\*\*\* (?:Add File|Update File|Delete File|Move to): (.+?)\s*$/

/** The files that a patch touches, each once, in its order. A file that is moved is two. */
export function filesOfPatch(patch: unknown): readonly string[] {
  if (typeof patch !== 'string') throw new UnreadableCall('The patch is no text')
  const files = new Set<string>()
  for (const line of patch.split(/\r?\n/)) {
    const [, file] = FILE.exec(line.trimStart()) ?? []
    if (file !== undefined) files.add(file)
  }
  if (files.size === 0) throw new UnreadableCall('The patch names no file')
  return [...files]
}

/** A patch may change many files: each is an edit of its own, with the whole patch beside it. */
const edits = (args: Arguments): readonly Arguments[] =>
  filesOfPatch(args.command ?? args.input ?? args.patch).map((file) => ({ ...args, file_path: file }))

const tools: Mappings = {
  apply_patch: { tool: 'Edit', each: edits },
  exec_command: { tool: 'Bash', rename: { cmd: 'command' }, folder: 'workdir' },
  shell: { tool: 'Bash', folder: 'workdir' },
  view_image: { tool: 'Read', rename: { path: 'file_path' } },
  spawn_agent: { tool: 'Task', rename: { message: 'prompt' } },
}

/** Its working folder is that of the call. It takes no question to its user, and an explicit permission is a failed hook. */
export const codex: Assistant = {
  name: 'codex',
  patienceSeconds: 600,
  read: (question) => readClaude(question, tools),
  allow: () => passed,
  deny: refusedBeforeTool,
}
