import { Command } from 'commander'
import type { Context } from '../../context.ts'
import { present } from '../../terminal/terminal.ts'
import { version } from '../../version.ts'

/** `lictor version`. */
export function versionCommand({ terminal, settings }: Context): Command {
  const command = new Command('version').description('print the version')
  return command.action(() => present(terminal, settings(command).output, { version }, () => `lictor ${version}`))
}
