import { EdictumConfigError } from '@lictor/contracts'
import { checkBundle, loadTemplate, templateNames } from '@lictor/contracts/authoring'
import { Command } from 'commander'
import type { Context } from '../../context.ts'
import { CliError } from '../../errors.ts'
import { present, table } from '../../terminal/terminal.ts'
import { breakdownText } from './composition.ts'

/** `lictor template list|show`: the built-in bundles, to start from. */
export function templateCommand({ terminal, settings }: Context): Command {
  const template = new Command('template').description('built-in bundles to start from')

  const list = template.command('list').description('list the templates')
  list.action(() => {
    const found = templateNames.map((name) => {
      const document = checkBundle(loadTemplate(name)).bundle?.document
      return {
        name,
        mode: document?.defaultMode ?? 'enforce',
        contracts: document?.contracts ?? [],
        description: document?.description ?? '',
      }
    })
    const answer = found.map((each) => ({ ...each, contracts: each.contracts.length }))
    present(terminal, settings(list).output, answer, () =>
      table(
        ['NAME', 'MODE', 'CONTRACTS', 'DESCRIPTION'],
        found.map(({ name, mode, contracts, description }) => [name, mode, breakdownText(contracts), description]),
      ),
    )
  })

  const show = template.command('show').description('print a template').argument('<name>')
  show.action((name: string) => {
    const text = textOf(name)
    present(terminal, settings(show).output, { name, text }, () => text.replace(/\n$/, ''))
  })
  return template
}

function textOf(name: string): string {
  try {
    return loadTemplate(name)
  } catch (cause) {
    if (!(cause instanceof EdictumConfigError)) throw cause
    throw new CliError(cause.code, cause.message, { exitCode: 2, cause })
  }
}
