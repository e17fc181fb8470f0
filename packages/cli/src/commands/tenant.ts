import { Command } from 'commander'
import { runtimeClient } from '../connection/runtime.ts'
import type { Context } from '../context.ts'
import { present, table } from '../terminal/terminal.ts'

/** `lictor tenant …`: the tenants of an installation, for those who look after it. */
export function tenantCommand({ terminal, settings, connect }: Context): Command {
  const tenant = new Command('tenant').description('make, suspend and delete tenants of this installation')

  const create = tenant
    .command('create')
    .description('make a tenant; with --owner, print the link that lets its first owner in')
    .argument('<slug>', 'short name: small letters, digits and -')
    .option('--name <text>', 'what the organisation is called')
    .option('--tier <tier>', 'free, pro, business or enterprise', 'enterprise')
    .option('--owner <email>', 'who is invited to own it')
  create.action(async (slug: string, options: { name?: string; tier: string; owner?: string }) => {
    const client = runtimeClient(await connect(create))
    const made = await client.createTenant(slug, options.name ?? slug, options.tier)
    if (options.owner === undefined)
      return present(terminal, settings(create).output, made, () => [
        `Made ${made.slug}.`,
        `Nobody is in it yet: lictor tenant invite ${made.slug} <email>`,
      ])
    const invitation = await client.inviteToTenant(slug, { email: options.owner, role: 'owner' })
    present(terminal, settings(create).output, { ...made, invitation }, () => invitation.link)
    terminal.note(sentence(invitation))
  })

  const invite = tenant
    .command('invite')
    .description('invite somebody into a tenant and print the link, which is good once')
    .argument('<slug>')
    .argument('<email>')
    .option('--role <role>', 'owner, admin, member or viewer', 'owner')
  invite.action(async (slug: string, email: string, options: { role: string }) => {
    const client = runtimeClient(await connect(invite))
    const invitation = await client.inviteToTenant(slug, { email, role: options.role })
    present(terminal, settings(invite).output, invitation, () => invitation.link)
    terminal.note(sentence(invitation))
  })

  const list = tenant.command('ls', { isDefault: true }).alias('list').description('list tenants, suspended ones too')
  list.action(async () => {
    const { tenants } = await runtimeClient(await connect(list)).listTenants()
    present(terminal, settings(list).output, tenants, () =>
      table(
        ['SLUG', 'NAME', 'STATUS', 'TIER', 'MADE'],
        tenants.map((one) => [one.slug, one.display_name, one.status, one.tier, one.created_at]),
      ),
    )
  })

  const changes = [
    ['suspend', 'stop everything of a tenant: sessions, keys, streams, executions', 'suspendTenant', 'Suspended'],
    ['resume', 'let a suspended tenant go on', 'resumeTenant', 'Resumed'],
    ['delete', 'delete a tenant: nobody reaches it any more, and its slug stays taken', 'deleteTenant', 'Deleted'],
  ] as const
  for (const [name, description, method, done] of changes) {
    const change = tenant.command(name).description(description).argument('<slug>')
    change.action(async (slug: string) => {
      const changed = await runtimeClient(await connect(change))[method](slug)
      present(terminal, settings(change).output, changed, () => `${done} ${changed.slug}.`)
    })
  }
  return tenant
}

/** What became of the mail, beside the link. */
export function sentence({ email, mail }: { readonly email: string; readonly mail?: string }): string {
  return mail === 'sent'
    ? `It was mailed to ${email}, and is good once.`
    : `Hand it to ${email} yourself: it is good once${mail === 'failed' ? ', and could not be mailed' : ''}.`
}
