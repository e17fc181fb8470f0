import { Command } from 'commander'
import { runtimeClient } from '../connection/runtime.ts'
import type { Context } from '../context.ts'
import { present, table } from '../terminal/terminal.ts'
import { watchExecution } from './watch-execution.ts'

/** `lictor logs [EXECUTION]`: the events of one execution, or the list of the latest. */
export function logsCommand({ terminal, settings, connect }: Context): Command {
  const command = new Command('logs')
    .description('show the events of an execution; without one, list executions')
    .argument('[execution]', 'id of an execution')
    .option('-f, --follow', 'go on until it ends')
  return command.action(async (execution: string | undefined, options: { follow?: true }) => {
    const { output } = settings(command)
    const client = runtimeClient(await connect(command))
    if (execution === undefined) {
      const { executions } = await client.listExecutions()
      return present(terminal, output, executions, () =>
        executions.length === 0
          ? 'No executions yet. Start one with `lictor run AGENT --input "…"`.'
          : table(
              ['EXECUTION', 'STATUS', 'STARTED', 'AGENT'],
              executions.map((e) => [e.execution_id, e.status, e.started_at, e.agent_id ?? '']),
            ),
      )
    }
    const { status } = await client.getExecution(execution)
    const isOver = status !== 'pending' && status !== 'running'
    const stop = new AbortController()
    // Without --follow a running execution's history is shown: what comes within a moment is history.
    const timer = isOver || options.follow ? undefined : setTimeout(() => stop.abort(), 1000)
    try {
      await watchExecution(client, execution, terminal, output, stop.signal)
    } catch (error) {
      if (!stop.signal.aborted) throw error
    } finally {
      clearTimeout(timer)
    }
  })
}
