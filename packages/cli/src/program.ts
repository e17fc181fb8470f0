import { version } from '@lictor/server'
import { Command, CommanderError, Option } from 'commander'
import { agentCommand } from './commands/agent.ts'
import { approvalsCommand } from './commands/approvals.ts'
import { bundleCommand } from './commands/bundle.ts'
import { doctorCommand } from './commands/doctor.ts'
import { logsCommand } from './commands/logs.ts'
import { runCommand } from './commands/run.ts'
import { upCommand } from './commands/up.ts'
import { type Connection, connect } from './connection/connection.ts'
import { CliError } from './errors.ts'
import type { OutputFormat, Terminal } from './terminal/terminal.ts'

/** What every command is given. */
export interface Context {
  readonly terminal: Terminal
  /** The server that this command's options and the environment name, signed in. */
  connect(command: Command): Promise<Connection>
  /** The options before and after the command's name that all commands share. */
  settings(command: Command): { output: OutputFormat; url?: string }
}

/** Parse `argv` (without node and script), run the command. Returns the exit code: 0 done, 1 failed or denied, 2 used wrongly. */
export async function runCli(argv: readonly string[], terminal: Terminal): Promise<number> {
  const context: Context = {
    terminal,
    settings: (command) => command.optsWithGlobals(),
    connect: (command) => connect({ ...terminal, ...command.optsWithGlobals<{ url?: string }>() }),
  }
  const program = createProgram(context)
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return Number(process.exitCode ?? 0)
  } catch (error) {
    return report(error, program, terminal)
  }
}

function createProgram(context: Context): Command {
  const { terminal } = context
  const program = new Command('lictor')
    .description('Runs AI agents under law: contracts decide at each tool call whether an agent may make it.')
    .version(version, '-V, --version')
    .addOption(
      new Option('-o, --output <format>', 'how the answer is written')
        .choices(['table', 'json', 'yaml'])
        .default('table'),
    )
    .option('--url <url>', 'address of the server (default: LICTOR_URL, else the one on this machine)')
    .showHelpAfterError('(see --help)')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.print(text.trimEnd()),
      writeErr: (text) => terminal.note(text.trimEnd()),
    })
    .enablePositionalOptions(false)
  for (const command of [
    upCommand(context),
    bundleCommand(context),
    agentCommand(context),
    runCommand(context),
    logsCommand(context),
    approvalsCommand(context),
    doctorCommand(context),
  ])
    program.addCommand(inherit(command, program))
  program.action(() => program.help())
  return program
}

/** Sub-commands fail and print the way the program does. */
function inherit(command: Command, program: Command): Command {
  command.copyInheritedSettings(program)
  for (const child of command.commands) inherit(child, command)
  return command
}

function report(error: unknown, program: Command, terminal: Terminal): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  const { output } = program.opts<{ output: OutputFormat }>()
  const known = error instanceof CliError
  const message = error instanceof Error ? error.message : String(error)
  const code = known ? error.code : ((error as { code?: unknown }).code ?? 'failed')
  const hint = known ? error.hint : null
  if (output === 'json') terminal.print(JSON.stringify({ error: message, code, ...(hint ? { hint } : {}) }, null, 2))
  terminal.note(`lictor: ${message}`)
  if (hint) terminal.note(hint)
  if (!known && terminal.environment.LICTOR_DEBUG && error instanceof Error) terminal.note(error.stack ?? '')
  return known ? error.exitCode : 1
}
