import { Command, InvalidArgumentError } from 'commander'
import { runtimeClient } from '../connection/runtime.ts'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { present, table } from '../terminal/terminal.ts'

const buckets = ['per_minute', 'hourly', 'daily', 'weekly', 'monthly'] as const
type Bucket = (typeof buckets)[number]

function wholeNumber(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It takes a whole number from 0.')
}

function bucketOf(text: string): Bucket {
  const found = buckets.find((one) => one === text)
  if (found) return found
  throw new InvalidArgumentError(`There is no bucket '${text}'; there are ${buckets.join(', ')}.`)
}

interface Whose {
  readonly tenant?: string
  readonly user?: string
}

/** `lictor limit …`: limits of tenants and users, and what they have used. */
export function limitCommand({ terminal, settings, connect }: Context): Command {
  const limit = new Command('limit').description('show and set limits of tenants and users')

  const usage = limit
    .command('usage', { isDefault: true })
    .description('show what you have used, or a tenant or user')
    .option('--tenant <tenant>', 'its id or slug')
    .option('--user <user>', 'e-mail address or client id')
  usage.action(async ({ tenant, user }: Whose) => {
    const client = runtimeClient(await connect(usage))
    const { output } = settings(usage)
    if (tenant === undefined && user === undefined) {
      const own = await client.getUserRateLimitUsage()
      present(terminal, output, own, () =>
        own.usage === undefined || own.usage.length === 0
          ? 'Nothing is counted: no limit holds for you.'
          : table(
              ['OF', 'RESOURCE', 'BUCKET', 'USED', 'LIMIT', 'RESETS'],
              own.usage.map((one) => [
                one.scope_type,
                one.resource_type,
                one.bucket,
                String(one.current_count),
                String(one.limit_value ?? 'none'),
                one.resets_at,
              ]),
            ),
      )
      return
    }
    if (tenant !== undefined && user !== undefined)
      throw new CliError('two_scopes', 'Name a tenant or a user, not both.')
    const found =
      user === undefined
        ? await client.getRateLimitUsage('tenant', tenant ?? '')
        : await client.getRateLimitUsage('user', user)
    present(terminal, output, found.usage, () =>
      found.usage.length === 0
        ? 'Nothing was counted in windows that are under way.'
        : table(
            ['RESOURCE', 'BUCKET', 'USED', 'SINCE'],
            found.usage.map((one) => [one.resource_type, one.bucket, String(one.counter), one.window_start]),
          ),
    )
  })

  const list = limit
    .command('ls')
    .alias('list')
    .description('list the limits that were set')
    .option('--tenant <tenant>', 'only of this tenant')
    .option('--user <user>', 'only of this user')
  list.action(async ({ tenant, user }: Whose) => {
    const { overrides } = await runtimeClient(await connect(list)).listRateLimitOverrides(tenant, user)
    present(terminal, settings(list).output, overrides, () =>
      overrides.length === 0
        ? 'No limits were set. Set one: lictor limit set agent_execution hourly 100 --tenant default'
        : table(
            ['ID', 'RESOURCE', 'BUCKET', 'LIMIT', 'OF'],
            overrides.map((one) => [
              one.id,
              one.resource_type,
              one.bucket,
              String(one.limit_value),
              one.user_id === null ? `tenant ${one.tenant_id}` : `user ${one.user_id}`,
            ]),
          ),
    )
  })

  const set = limit
    .command('set')
    .description('set a limit for a tenant or a user')
    .argument('<resource>', 'agent_execution, workflow_execution, llm_call, llm_token or seal_tool:<name or pattern>')
    .argument('<bucket>', buckets.join(', '), bucketOf)
    .argument('<limit>', 'how many in each window', wholeNumber)
    .option('--tenant <tenant>', 'id or slug: all of its users together')
    .option('--user <user>', 'e-mail address or client id')
  set.action(async (resource: string, bucket: Bucket, value: number, { tenant, user }: Whose) => {
    const of = { resource_type: resource, bucket, limit_value: value }
    if ((tenant === undefined) === (user === undefined))
      throw new CliError('no_scope', 'Say for whom the limit is: --tenant TENANT or --user USER.')
    const client = runtimeClient(await connect(set))
    const made = await client.createRateLimitOverride(
      user === undefined ? { ...of, tenant_id: tenant ?? '' } : { ...of, user_id: user },
    )
    present(
      terminal,
      settings(set).output,
      made,
      () => `Set ${resource} to ${value} (${bucket}); its id is ${made.id}.`,
    )
  })

  const remove = limit.command('rm').description('take back a limit that was set').argument('<id>')
  remove.action(async (id: string) => {
    const answer = await runtimeClient(await connect(remove)).deleteRateLimitOverride(id)
    present(terminal, settings(remove).output, answer, () => `Deleted ${id}.`)
  })

  return limit
}
