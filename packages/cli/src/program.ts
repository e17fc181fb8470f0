import { Command, CommanderError, Option } from 'commander'
import { loadCommands } from './commands/commands.ts'
import { awayIn } from './connection/connection.ts'
import type { Context } from './context.ts'
import { CliError } from './errors.ts'
import { type OutputFormat, placeOf, type Terminal } from './terminal/terminal.ts'
import { version } from './version.ts'

/** Parse `argv` (without node and script), run the command. Returns the exit code: 0 done, 1 failed or denied, 2 used wrongly. */
export async function runCli(argv: readonly string[], terminal: Terminal): Promise<number> {
  let exitCode = 0
  const context: Context = {
    terminal,
    exitWith: (code) => {
      exitCode = code
    },
    settings: (command) => command.optsWithGlobals(),
    async connect(command) {
      const { connect } = await import('./connection/connection.ts')
      return connect({ ...placeOf(terminal), ...command.optsWithGlobals<{ url?: string }>() })
    },
  }
  const program = createProgram(context)
  for (const command of await loadCommands(argv, context)) program.addCommand(inherit(command, program))
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return exitCode
  } catch (error) {
    return report(error, argv, program, terminal)
  }
}

function createProgram(context: Context): Command {
  const { terminal } = context
  const program = new Command('lictor')
    .description('Runs AI agents under law: contracts decide at each tool call whether an agent may make it.')
    .version(version, '-V, --version')
    .option('-o, --output <format>', `how the answer is written: ${FORMATS.join(', ')}`, 'table')
    .addOption(new Option('--json', 'the same as --output json').implies({ output: 'json' }))
    .option('--url <url>', 'address of the server (default: LICTOR_URL, else the one on this machine)')
    .showHelpAfterError('(see --help)')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.print(text.trimEnd()),
      writeErr: (text) => terminal.note(text.trimEnd()),
    })
    .enablePositionalOptions(false)
    .hook('preAction', (_program, command) => checkOutput(command))
  program.allowExcessArguments().action(() => {
    const [unknown] = program.args
    if (unknown !== undefined) program.error(`error: '${unknown}' is not a command`)
    program.help()
  })
  return program
}

const FORMATS: readonly string[] = ['table', 'json', 'yaml'] satisfies OutputFormat[]

/** `replay` alone gives `--output` another meaning: the file its report goes to. */
function checkOutput(command: Command): void {
  const { output } = command.optsWithGlobals<{ output: string }>()
  if (FORMATS.includes(output) || command.name() === 'replay') return
  throw new CliError('usage', `--output ${output}: allowed are ${FORMATS.join(', ')}`, { exitCode: 2 })
}

/** Sub-commands fail and print the way the program does. */
function inherit(command: Command, program: Command): Command {
  command.copyInheritedSettings(program)
  for (const child of command.commands) inherit(child, command)
  return command
}

function report(thrown: unknown, argv: readonly string[], program: Command, terminal: Terminal): number {
  const error = awayIn(thrown) ?? thrown
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0
    // Options may not have been read when the command line itself is wrong, so JSON is looked for by hand.
    if (/(^| )(--json|(--output|-o)[ =]json)( |$)/.test(argv.join(' ')))
      terminal.print(JSON.stringify({ error: error.message.replace(/^error: /, ''), code: 'usage' }, null, 2))
    return 2
  }
  const { output } = program.opts<{ output: OutputFormat }>()
  const known = error instanceof CliError
  const message = error instanceof Error ? error.message : String(error)
  const code = known ? error.code : ((error as { code?: unknown }).code ?? 'failed')
  const hint = known ? error.hint : null
  const details = known ? error.details : {}
  if (output === 'json')
    terminal.print(JSON.stringify({ error: message, code, ...(hint ? { hint } : {}), ...details }, null, 2))
  for (const line of known && error.excerpt.length > 0 ? error.excerpt : [`lictor: ${message}`]) terminal.note(line)
  if (hint) terminal.note(hint)
  if (!known && terminal.environment.LICTOR_DEBUG && error instanceof Error) terminal.note(error.stack ?? '')
  return known ? error.exitCode : 1
}
