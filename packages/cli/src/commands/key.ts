import { resolve } from 'node:path'
import { readConfig, rotateMasterKeyOf, StartupError } from '@lictor/server'
import { Command, Option } from 'commander'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { present, table } from '../terminal/terminal.ts'

interface ApiKey {
  readonly id: string
  readonly prefix: string
  readonly env: string
  readonly label: string | null
  readonly created_at: string
}

/** `lictor key …`: the API keys of agents. */
export function keyCommand({ terminal, settings, connect }: Context): Command {
  const key = new Command('key').description('create, list and revoke API keys of agents; rotate the master key')

  const create = key
    .command('create')
    .description('create an API key and print it: it is shown this once')
    .requiredOption('--env <environment>', 'production, staging or development')
    .option('--label <text>', 'what it is for')
    .addOption(
      new Option('--client <line>', 'rulesets: bundles are given as rulesets, for agents with edictum 0.17').choices([
        'contracts',
        'rulesets',
      ]),
    )
    .addOption(
      new Option(
        '--signature <encoding>',
        'how signatures are written on streams; edictum 0.16 verifies base64',
      ).choices(['hex', 'base64']),
    )
  create.action(async (options: { env: string; label?: string; client?: string; signature?: string }) => {
    const connection = await connect(create)
    const created = await connection.request<ApiKey & { key: string }>('POST', '/api/v1/keys', {
      env: options.env,
      label: options.label ?? null,
      client: options.client ?? null,
      signature: options.signature ?? null,
    })
    // The key alone on standard output, so that a script can take it from there.
    present(terminal, settings(create).output, created, () => created.key)
    terminal.note(`Keep it now: it is not shown again. Its id is ${created.id}.`)
  })

  const list = key.command('list', { isDefault: true }).description('list the keys in force')
  list.action(async () => {
    const keys = await (await connect(list)).request<ApiKey[]>('GET', '/api/v1/keys')
    present(terminal, settings(list).output, keys, () =>
      keys.length === 0
        ? 'No keys yet. Create one with `lictor key create --env production`.'
        : table(
            ['ID', 'KEY', 'ENVIRONMENT', 'LABEL', 'CREATED'],
            keys.map((one) => [one.id, `${one.prefix}…`, one.env, one.label ?? '', one.created_at]),
          ),
    )
  })

  const revoke = key
    .command('revoke')
    .description('revoke an API key: it is refused at once, and its streams end')
    .argument('<key>', 'its id, or the beginning of the key')
  revoke.action(async (named: string) => {
    const connection = await connect(revoke)
    const keys = await connection.request<ApiKey[]>('GET', '/api/v1/keys')
    const found = keys.filter(({ id, prefix }) => id === named || prefix === named || named.startsWith(prefix))
    const [only] = found
    if (only === undefined || found.length > 1)
      throw new CliError(
        'unknown_key',
        only === undefined ? `There is no key '${shown(named)}'.` : `'${shown(named)}' is more than one key.`,
        { hint: 'See `lictor key list`, and name its id.' },
      )
    await connection.request('DELETE', `/api/v1/keys/${encodeURIComponent(only.id)}`)
    present(terminal, settings(revoke).output, { id: only.id, revoked: true }, () => `Revoked ${only.prefix}….`)
  })
  const rotate = key
    .command('rotate-master')
    .description('seal everything in the database with a new master key, with the server stopped')
    .option(
      '--new-key-file <file>',
      'where the new key is, or is to be written, when the key comes by LICTOR_MASTER_KEY',
    )
  rotate.action(async (options: { newKeyFile?: string }) => {
    const { environment, workingDirectory } = terminal
    const isFromEnvironment = Boolean(environment.LICTOR_MASTER_KEY || environment.LICTOR_MASTER_KEY_FILE)
    const newKeyFile = options.newKeyFile === undefined ? null : resolve(workingDirectory, options.newKeyFile)
    try {
      const rotated = await rotateMasterKeyOf(readConfig(environment), { isFromEnvironment, newKeyFile })
      present(terminal, settings(rotate).output, rotated, () => [
        rotated.kind === 'already'
          ? 'Everything was sealed with the new key already: a rotation that was cut off is finished.'
          : `Sealed ${rotated.values} values with the new key.`,
        rotated.mustBeSet
          ? `Set LICTOR_MASTER_KEY (or LICTOR_MASTER_KEY_FILE) to the key in ${rotated.file} on every node, then start.`
          : `The new key is ${rotated.file}. Start the server.`,
      ])
      terminal.note('Backups that were made before are sealed with the old key: keep it with them, or make a new one.')
    } catch (error) {
      throw error instanceof StartupError ? new CliError(error.code, error.message, { cause: error }) : error
    }
  })
  return key
}

/** A whole key is not repeated on the screen. */
const shown = (named: string): string => (named.length > 40 ? `${named.slice(0, 20)}…` : named)
