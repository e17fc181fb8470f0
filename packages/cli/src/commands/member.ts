import { Command } from 'commander'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { present, table } from '../terminal/terminal.ts'
import { sentence } from './tenant.ts'

interface Member {
  readonly user_id: string
  readonly email: string
  readonly role: string
  readonly joined_at: string
  readonly second_factor: boolean
}

/** `lictor member …`: the people of one's tenant. */
export function memberCommand({ terminal, settings, connect }: Context): Command {
  const member = new Command('member').description('invite people into the tenant; change their roles; remove them')

  const list = member.command('ls', { isDefault: true }).alias('list').description('list members')
  list.action(async () => {
    const members = await (await connect(list)).request<Member[]>('GET', '/api/v1/members')
    present(terminal, settings(list).output, members, () =>
      table(
        ['E-MAIL', 'ROLE', 'SECOND FACTOR', 'SINCE'],
        members.map((one) => [one.email, one.role, one.second_factor ? 'yes' : 'no', one.joined_at]),
      ),
    )
  })

  const invite = member
    .command('invite')
    .description('invite somebody and print the link, which is good once; again for a new one')
    .argument('<email>')
    .option('--role <role>', 'viewer, member, admin or owner', 'member')
  invite.action(async (email: string, options: { role: string }) => {
    const connection = await connect(invite)
    const sent = await connection.request<{ email: string; link: string; mail: string }>(
      'POST',
      '/api/v1/invitations',
      {
        email,
        role: options.role,
      },
    )
    present(terminal, settings(invite).output, sent, () => sent.link)
    terminal.note(sentence(sent))
  })

  const role = member
    .command('role')
    .description('give a member another role')
    .argument('<email>')
    .argument('<role>', 'viewer, member, admin or owner')
  role.action(async (email: string, next: string) => {
    const connection = await connect(role)
    const found = await named(connection, email)
    const path = `/api/v1/members/${encodeURIComponent(found.user_id)}`
    const changed = await connection.request<Member>('PUT', path, { role: next })
    present(terminal, settings(role).output, changed, () => `${changed.email} is ${changed.role} now.`)
  })

  const remove = member
    .command('remove')
    .description('remove a member: their sessions and keys end at once')
    .argument('<email>')
  remove.action(async (email: string) => {
    const connection = await connect(remove)
    const found = await named(connection, email)
    await connection.request('DELETE', `/api/v1/members/${encodeURIComponent(found.user_id)}`)
    const outcome = { user_id: found.user_id, removed: true }
    present(terminal, settings(remove).output, outcome, () => `Removed ${found.email}.`)
  })

  const password = member
    .command('password')
    .description('print a link with which a member sets a new password; it is good once, for an hour')
    .argument('<email>')
  password.action(async (email: string) => {
    const connection = await connect(password)
    const found = await named(connection, email)
    const path = `/api/v1/members/${encodeURIComponent(found.user_id)}/password-reset`
    const made = await connection.request<{ link: string }>('POST', path, {})
    present(terminal, settings(password).output, made, () => made.link)
    terminal.note(`Hand it to ${found.email} alone.`)
  })
  return member
}

async function named(
  connection: { request<T>(method: string, path: string): Promise<T> },
  email: string,
): Promise<Member> {
  const members = await connection.request<Member[]>('GET', '/api/v1/members')
  const found = members.find((one) => one.email.toLowerCase() === email.toLowerCase() || one.user_id === email)
  if (!found) throw new CliError('unknown_member', `'${email}' is no member.`, { hint: 'See `lictor member ls`.' })
  return found
}
