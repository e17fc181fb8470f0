import { COMMAND_DEFAULTS, type DispatchMessage } from '@lictor/aegis'
import type { Capability } from '../contexts/security-contexts.ts'
import { WORKSPACE } from '../files/path.ts'
import { builtin, type Tool } from './tool.ts'

const text = (description: string) => ({ type: 'string', description })

/** The tool whose call the sandbox runs. */
export const commandTool: Tool = {
  ...builtin,
  name: 'cmd.run',
  aliases: ['run_command'],
  description: 'Run a command in the workspace and see its output and exit code.',
  category: 'execution',
  tags: ['destructive'],
  sideEffect: 'irreversible',
  isIdempotent: false,
  isSubjectToJudges: true,
  arguments: {
    command: { is: 'command', schema: text('The program to run.') },
    args: {
      is: 'words',
      isOptional: true,
      schema: { type: 'array', items: { type: 'string' }, description: 'Its arguments.' },
    },
    cwd: {
      is: 'path',
      access: 'enter',
      isOptional: true,
      schema: text('Folder to run in; the workspace when left out.'),
    },
    env_additions: {
      is: 'environment',
      isOptional: true,
      schema: {
        type: 'object',
        additionalProperties: { type: 'string' },
        description: 'Environment variables to add, such as NODE_ENV, CI, TZ or NO_COLOR.',
      },
    },
    timeout_secs: {
      is: 'setting',
      isOptional: true,
      schema: { type: 'integer', minimum: 1, maximum: 3600, description: 'Seconds it may take (600).' },
    },
    max_output_bytes: {
      is: 'setting',
      isOptional: true,
      schema: {
        type: 'integer',
        minimum: 1,
        maximum: 4_194_304,
        description: 'Bytes of output kept, from the end (1048576).',
      },
    },
  },
  run: null,
}

/**
 * The message that has a bootstrap run a command. Under an allow-list the command is an argument vector, without a shell, so
 * that an allowed command cannot smuggle another.
 * @param workspace where the sandbox sees the workspace
 */
export function dispatchOf(
  id: string,
  args: Readonly<Record<string, unknown>>,
  capability: Capability,
  workspace: string,
): DispatchMessage {
  const isListed = capability.commandAllowlist !== undefined || capability.subcommandAllowlist !== undefined
  const words = isListed ? String(args.command).trim().split(/\s+/) : [String(args.command)]
  const cwd = typeof args.cwd === 'string' ? args.cwd : COMMAND_DEFAULTS.cwd
  return {
    type: 'dispatch',
    dispatch_id: id,
    action: 'exec',
    command: words[0] ?? '',
    args: [...words.slice(1), ...wordsOf(args.args)].map((word) => (isListed ? word : quoteUnlessPlain(word))),
    cwd: workspace + cwd.slice(WORKSPACE.length),
    env_additions: { ...(args.env_additions as Record<string, string> | undefined) },
    timeout_secs: typeof args.timeout_secs === 'number' ? args.timeout_secs : COMMAND_DEFAULTS.timeoutSecs,
    max_output_bytes:
      typeof args.max_output_bytes === 'number' ? args.max_output_bytes : COMMAND_DEFAULTS.maxOutputBytes,
    follow_links: false,
    ...(isListed ? { shell: false } : {}),
  }
}

const wordsOf = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : [])

/** Bootstraps join command and arguments with spaces for a shell; an argument stays one argument. */
function quoteUnlessPlain(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}
