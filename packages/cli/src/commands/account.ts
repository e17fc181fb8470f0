import { Command } from 'commander'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { present, table } from '../terminal/terminal.ts'

interface ServiceAccount {
  readonly id: string
  readonly client_id: string
  readonly name: string
  readonly role: string
  readonly scopes: readonly string[] | null
  readonly created_at: string
}

const PATH = '/api/v1/service-accounts'

/** `lictor account …`: service accounts, with which programs call the runtime API. */
export function accountCommand({ terminal, settings, connect }: Context): Command {
  const account = new Command('account').description('create, list and revoke service accounts of programs')

  const create = account
    .command('create')
    .description('create a service account and print its secret: it is shown this once')
    .argument('<name>', 'what it is for')
    .option('--role <role>', 'aegis:admin, aegis:operator or aegis:readonly', 'aegis:operator')
    .option('--scope <scope...>', 'only these scopes of the role, for example execution:read')
  create.action(async (name: string, options: { role: string; scope?: string[] }) => {
    const connection = await connect(create)
    const created = await connection.request<ServiceAccount & { client_secret: string }>('POST', PATH, {
      name,
      role: options.role,
      scopes: options.scope ?? null,
    })
    present(terminal, settings(create).output, created, () => [
      `CLIENT_ID=${created.client_id}`,
      `CLIENT_SECRET=${created.client_secret}`,
    ])
    terminal.note('Keep the secret now: it is not shown again.')
  })

  const list = account.command('list', { isDefault: true }).description('list service accounts')
  list.action(async () => {
    const accounts = await (await connect(list)).request<ServiceAccount[]>('GET', PATH)
    present(terminal, settings(list).output, accounts, () =>
      accounts.length === 0
        ? 'No service accounts yet. Create one with `lictor account create NAME`.'
        : table(
            ['ID', 'NAME', 'CLIENT ID', 'ROLE', 'SCOPES'],
            accounts.map((one) => [one.id, one.name, one.client_id, one.role, one.scopes?.join(' ') ?? 'of the role']),
          ),
    )
  })

  const revoke = account
    .command('revoke')
    .description('revoke a service account and every token issued to it')
    .argument('<account>', 'its id, client id or name')
  revoke.action(async (named: string) => {
    const connection = await connect(revoke)
    const accounts = await connection.request<ServiceAccount[]>('GET', PATH)
    const found = accounts.filter(({ id, client_id, name }) => [id, client_id, name].includes(named))
    const [only] = found
    if (only === undefined || found.length > 1)
      throw new CliError(
        'unknown_account',
        only === undefined ? `There is no service account '${named}'.` : `'${named}' is the name of ${found.length}.`,
        { hint: 'See `lictor account list`, and name its id.' },
      )
    await connection.request('DELETE', `${PATH}/${encodeURIComponent(only.id)}`)
    present(terminal, settings(revoke).output, { id: only.id, revoked: true }, () => `Revoked ${only.name}.`)
  })
  return account
}
