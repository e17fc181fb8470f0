import { Command, InvalidArgumentError } from 'commander'
import { runtimeClient } from '../connection/runtime.ts'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { present, table } from '../terminal/terminal.ts'

function versionNumber(text: string): number {
  if (/^[1-9]\d*$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It takes a whole number from 1.')
}

/** `lictor secret …`: values that agents are handed by name (`secret:db/password` in a manifest). */
export function secretCommand({ terminal, settings, connect }: Context): Command {
  const secret = new Command('secret').description('keep values that agents are handed by name')

  const set = secret
    .command('set')
    .description('write a secret; its value comes from standard input, so that no list of processes shows it')
    .argument('<path>', 'for example db/password')
    .option('--field <name>', 'of a secret with several fields: the one that is written; the others stay')
    .option('--keep-newline', 'keep the newline at the end of the input')
  set.action(async (path: string, options: { field?: string; keepNewline?: true }) => {
    const client = runtimeClient(await connect(set))
    const input = await terminal.readInput()
    const value = options.keepNewline ? input : input.replace(/\r?\n$/, '')
    if (value === '')
      throw new CliError('empty_secret', 'Standard input is empty: nothing was written.', {
        hint: `printf %s "$VALUE" | lictor secret set ${path}`,
      })
    const written = options.field
      ? await client.writeSecret(path, await withField(client, path, options.field, value))
      : await client.writeSecret(path, { value })
    present(terminal, settings(set).output, written, () => `Wrote ${written.path}, version ${written.version}.`)
  })

  const get = secret
    .command('get')
    .description('print the value alone')
    .argument('<path>')
    .option('--at <version>', 'an earlier version', versionNumber)
    .option('--field <name>', 'one field of several')
  get.action(async (path: string, options: { at?: number; field?: string }) => {
    const read = await runtimeClient(await connect(get)).getSecret(path, options.at)
    const { field } = options
    const value = field === undefined ? read.value : read.data?.[field]
    if (value === undefined)
      throw new CliError('unknown_field', `The secret '${path}' has no field '${field}'.`, {
        hint: `It has ${(read.fields ?? []).join(', ')}.`,
      })
    present(terminal, settings(get).output, read, () => value)
  })

  const list = secret
    .command('ls', { isDefault: true })
    .alias('list')
    .description('list the paths')
    .argument('[prefix]', 'only those that begin with it')
  list.action(async (prefix: string | undefined) => {
    const { secrets } = await runtimeClient(await connect(list)).listSecrets(prefix)
    present(terminal, settings(list).output, secrets, () =>
      secrets.length === 0
        ? 'No secrets yet. Write one: printf %s "$VALUE" | lictor secret set db/password'
        : table(
            ['PATH', 'VERSION', 'CHANGED'],
            secrets.map((one) => [one.name, String(one.version ?? ''), one.last_modified ?? '']),
          ),
    )
  })

  const remove = secret
    .command('rm')
    .description('delete a secret with all its versions')
    .argument('<path>')
    .option('--at <version>', 'destroy only this version', versionNumber)
  remove.action(async (path: string, options: { at?: number }) => {
    const client = runtimeClient(await connect(remove))
    const { at: version } = options
    const answer =
      version === undefined ? await client.deleteSecret(path) : await client.destroySecretVersion(path, version)
    present(terminal, settings(remove).output, answer, () =>
      version === undefined ? `Deleted ${path}.` : `Destroyed version ${version} of ${path}.`,
    )
  })

  const versions = secret.command('versions').description('list the versions, newest first').argument('<path>')
  versions.action(async (path: string) => {
    const found = await runtimeClient(await connect(versions)).listSecretVersions(path)
    present(terminal, settings(versions).output, found.versions, () =>
      table(
        ['VERSION', 'STATE', 'WRITTEN'],
        found.versions.map((one) => [String(one.version), one.state, one.created_at]),
      ),
    )
  })
  return secret
}

/** The fields as they are, with one of them changed; written only if nobody else was faster. */
async function withField(client: ReturnType<typeof runtimeClient>, path: string, field: string, value: string) {
  const { secrets } = await client.listSecrets(path)
  if (!secrets.some(({ name }) => name === path.replace(/^\/+/, ''))) return { data: { [field]: value } }
  const { data = {}, version } = await client.getSecret(path)
  return { data: { ...data, [field]: value }, ...(version === undefined ? {} : { expected_version: version }) }
}
