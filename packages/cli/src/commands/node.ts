import { Command } from 'commander'
import { runtimeClient } from '../connection/runtime.ts'
import type { Context } from '../context.ts'
import { present, table } from '../terminal/terminal.ts'

/** `lictor node …`: the servers of an installation. */
export function nodeCommand({ terminal, settings, connect }: Context): Command {
  const node = new Command('node').description('list the servers of the installation, and let them take nothing new')

  const list = node.command('ls', { isDefault: true }).alias('list').description('list the servers')
  list.action(async () => {
    const status = await runtimeClient(await connect(list)).getClusterStatus()
    present(terminal, settings(list).output, status, () => [
      ...table(
        ['ID', 'HOST', 'STATUS', 'VERSION', 'LAST HEARD OF'],
        status.nodes.map((one) => [
          one.id,
          one.hostname ?? '',
          one.status,
          one.version ?? '',
          one.last_heartbeat ?? '',
        ]),
      ),
      '',
      `The installation is ${status.overall_status}.`,
    ])
  })

  const drain = node
    .command('drain')
    .description('let a server take nothing new; what runs there goes on to its end')
    .argument('<id>')
  drain.action(async (id: string) => {
    const drained = await runtimeClient(await connect(drain)).drainNode(id)
    present(terminal, settings(drain).output, drained, () => `${drained.hostname} (${id}) drains.`)
  })

  const activate = node.command('activate').description('let a server take what is new again').argument('<id>')
  activate.action(async (id: string) => {
    const active = await runtimeClient(await connect(activate)).activateNode(id)
    present(terminal, settings(activate).output, active, () => `${active.hostname} (${id}) is ${active.status}.`)
  })

  const remove = node.command('rm').description('take a server off the list that is gone').argument('<id>')
  remove.action(async (id: string) => {
    const answer = await runtimeClient(await connect(remove)).removeNode(id)
    present(terminal, settings(remove).output, answer, () => `Removed ${id}.`)
  })

  return node
}
