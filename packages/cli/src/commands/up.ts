import { describeSettings, StartupError, startServer } from '@lictor/server'
import { Command } from 'commander'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { giveBackMemory } from '../give-back.ts'
import { style } from '../terminal/style.ts'

interface UpOptions {
  readonly port?: string
  readonly host?: string
  readonly dataDir?: string
}

/** `lictor up`: the server, in this process, until it is told to stop. */
export function upCommand({ terminal }: Context): Command {
  return new Command('up')
    .description('start the server with its console')
    .option('-p, --port <port>', 'port to listen on')
    .option('--host <address>', 'address to listen on')
    .option('--data-dir <folder>', 'folder of the database and the master key')
    .addHelpText('after', `\nSettings (environment variables; NAME_FILE reads one from a file):\n${describeSettings()}`)
    .action(async (options: UpOptions) => {
      const environment = {
        ...terminal.environment,
        ...(options.port === undefined ? {} : { LICTOR_PORT: options.port }),
        ...(options.host === undefined ? {} : { LICTOR_HOST: options.host }),
        ...(options.dataDir === undefined ? {} : { LICTOR_DATA_DIR: options.dataDir }),
        LICTOR_LOG_LEVEL: terminal.environment.LICTOR_LOG_LEVEL ?? (terminal.isInteractive ? 'warn' : 'info'),
      }
      const { address, config, isSetUp, server } = await startServer(environment).catch((error: unknown) => {
        if (error instanceof StartupError) throw new CliError(error.code, error.message, { cause: error })
        throw error
      })
      const shown = address.replace('127.0.0.1', 'localhost')
      terminal.print('')
      terminal.print(`  ${style('bold', 'Lictor is up')}   ${style(['bold', 'cyan'], shown)}`)
      terminal.print('')
      terminal.print(`  data     ${config.databaseUrl === '' ? config.dataDir : `PostgreSQL, and ${config.dataDir}`}`)
      if (config.envName !== 'production') terminal.print(`  API      ${shown}/docs`)
      terminal.print(
        `  next     ${isSetUp ? 'sign in' : `create the first administrator: ${shown}${server.setupLink}`}, or run \`npx lictor demo\` in a second terminal`,
      )
      terminal.print('')
      giveBackMemory()
    })
}
