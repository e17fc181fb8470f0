import { COMMAND_DEFAULTS, type DispatchMessage } from '@lictor/aegis'
import type { Capability } from './security-contexts.ts'
import { WORKSPACE } from './workspace.ts'

/** Variables a tool call may not add to a command's environment (aegis-runtime §3.8). */
const blockedNames =
  /^(AWS_|AZURE_|GCP_|GOOGLE_|GITHUB_TOKEN|CI_|AEGIS_|LICTOR_|OPENAI_API_KEY|ANTHROPIC_API_KEY|LD_|NODE_OPTIONS|PYTHONSTARTUP)/i

/**
 * The message that has a bootstrap run a command. Under an allow-list the command is an argument vector, without a shell, so
 * that an allowed command cannot smuggle another (decisions, Runtime).
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
    args: [...words.slice(1), ...(Array.isArray(args.args) ? args.args.map(String) : [])].map((word) =>
      isListed ? word : quoteUnlessPlain(word),
    ),
    cwd: workspace + cwd.slice(WORKSPACE.length),
    env_additions: Object.fromEntries(
      Object.entries((args.env_additions ?? {}) as Record<string, string>).filter(([name]) => !blockedNames.test(name)),
    ),
    timeout_secs: typeof args.timeout_secs === 'number' ? args.timeout_secs : COMMAND_DEFAULTS.timeoutSecs,
    max_output_bytes:
      typeof args.max_output_bytes === 'number' ? args.max_output_bytes : COMMAND_DEFAULTS.maxOutputBytes,
    ...(isListed ? { shell: false } : {}),
  }
}

/** Bootstraps join command and arguments with spaces for a shell; an argument stays one argument. */
function quoteUnlessPlain(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}
