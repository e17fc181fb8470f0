import { Command } from 'commander'
import type { Context } from '../context.ts'
import { present, table } from '../terminal/terminal.ts'

interface Approval {
  readonly id: string
  readonly agent_id: string
  readonly tool_name: string
  readonly message: string
  readonly status: string
  readonly asker: 'attached' | 'detached'
  readonly asker_seen_at: string | null
}

/** Whether somebody waits for the answer. */
function askerOf({ status, asker, asker_seen_at }: Approval): string {
  if (status !== 'pending') return ''
  return asker === 'attached' ? 'waits' : `not seen since ${asker_seen_at ?? 'it asked'}`
}

/** `lictor approvals …`: the inbox, and deciding from the terminal. */
export function approvalsCommand({ terminal, settings, connect }: Context): Command {
  const approvals = new Command('approvals').description('see and decide what waits for a person')

  const list = approvals
    .command('list', { isDefault: true })
    .description('list what waits')
    .option('--all', 'decided ones too')
  list.action(async (options: { all?: true }) => {
    const found = await (await connect(list)).request<Approval[]>(
      'GET',
      `/api/v1/approvals${options.all ? '' : '?status=pending'}`,
    )
    present(terminal, settings(list).output, found, () =>
      found.length === 0
        ? 'Nothing waits.'
        : table(
            ['ID', 'STATUS', 'ASKER', 'AGENT', 'TOOL', 'MESSAGE'],
            found.map((a) => [a.id, a.status, askerOf(a), a.agent_id, a.tool_name, a.message]),
          ),
    )
  })

  for (const [name, approved, description] of [
    ['approve', true, 'let the call run'],
    ['deny', false, 'refuse the call'],
  ] as const) {
    const decide = approvals
      .command(name)
      .description(description)
      .argument('<id>')
      .option('-r, --reason <text>', 'shown to the agent')
    decide.action(async (id: string, options: { reason?: string }) => {
      const connection = await connect(decide)
      const decided = await connection.request<Approval>('PUT', `/api/v1/approvals/${encodeURIComponent(id)}`, {
        approved,
        reason: options.reason ?? null,
        decided_via: 'cli',
      })
      present(
        terminal,
        settings(decide).output,
        decided,
        () => `${decided.tool_name} of ${decided.agent_id}: ${decided.status}.`,
      )
    })
  }
  return approvals
}
