import { Command, InvalidArgumentError } from 'commander'
import { runtimeClient } from '../connection/runtime.ts'
import type { Context } from '../context.ts'
import { present, table } from '../terminal/terminal.ts'

/** `lictor swarm …`: agents that work together. */
export function swarmCommand({ terminal, settings, connect }: Context): Command {
  const swarm = new Command('swarm').description('see agents that work together')

  const list = swarm
    .command('list', { isDefault: true })
    .alias('ls')
    .description('list swarms, newest first')
    .option('--status <status>', 'active, dissolving, dissolved or all; those that are not dissolved when left out')
    .option('--limit <count>', 'how many at most, up to 500', wholeNumber, 100)
  list.action(async ({ status, limit }: { status?: string; limit: number }) => {
    const found = await runtimeClient(await connect(list)).listSwarms({
      ...(status === undefined ? {} : { status }),
      limit,
    })
    present(terminal, settings(list).output, found, () =>
      found.swarms.length === 0
        ? ['No swarms.']
        : table(
            ['ID', 'STATUS', 'PARENT', 'MEMBERS', 'LOCKS', 'MESSAGES', 'SINCE'],
            found.swarms.map((one) => [
              one.swarm_id,
              one.status,
              one.parent_execution_id ?? '',
              String(one.member_count ?? one.member_ids.length),
              String(one.lock_count ?? 0),
              String(one.recent_message_count ?? 0),
              one.created_at ?? '',
            ]),
          ),
    )
  })

  const get = swarm.command('get').description('show a swarm, its members and its locks').argument('<id>')
  get.action(async (id: string) => {
    const found = await runtimeClient(await connect(get)).getSwarm(id)
    present(terminal, settings(get).output, found, () => [
      `Swarm ${found.swarm_id} is ${found.status}${found.reason ? ` (${found.reason})` : ''}.`,
      '',
      ...table(
        ['EXECUTION', 'ROLE', 'AGENT', 'STATUS'],
        (found.members ?? []).map((one) => [one.execution_id, one.role, one.agent_name, one.status]),
      ),
      ...(found.locks.length === 0
        ? []
        : [
            '',
            ...table(
              ['LOCK', 'HELD BY', 'UNTIL'],
              found.locks.map((one) => [one.resource_id, one.held_by, one.expires_at]),
            ),
          ]),
      '',
      `${found.recent_message_count ?? found.recent_messages.length} messages.`,
    ])
  })

  return swarm
}

function wholeNumber(text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It takes a whole number from 1.')
}
