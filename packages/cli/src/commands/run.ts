import { Command } from 'commander'
import { findAgent, runtimeClient } from '../connection/runtime.ts'
import type { Context } from '../context.ts'
import { present } from '../terminal/terminal.ts'
import { watchExecution } from './watch-execution.ts'

interface RunOptions {
  readonly input: string
  readonly intent?: string
  readonly detach?: true
}

/** `lictor run AGENT`: start an execution and follow it. Exit code 0 when it completed, 1 otherwise; Ctrl-C cancels it. */
export function runCommand({ terminal, settings, connect }: Context): Command {
  const command = new Command('run')
    .description('run an agent and follow its events')
    .argument('<agent>', 'name or id of a deployed agent')
    .option('-i, --input <text>', 'the task', '')
    .option('--intent <text>', 'what the task is for')
    .option('-d, --detach', 'start it and return')
  return command.action(async (agent: string, options: RunOptions) => {
    const { output } = settings(command)
    const client = runtimeClient(await connect(command))
    const started = await client.startExecution({
      agent_id: await findAgent(client, agent),
      input: options.input,
      ...(options.intent === undefined ? {} : { intent: options.intent }),
    })
    if (options.detach)
      return present(
        terminal,
        output,
        started,
        () => `${started.execution_id}  (follow it with \`lictor logs ${started.execution_id} --follow\`)`,
      )
    if (output !== 'json') terminal.note(`execution ${started.execution_id}`)
    void terminal.interrupted.then(() => client.cancelExecution(started.execution_id)).catch(() => process.exit(1))
    const outcome = await watchExecution(client, started.execution_id, terminal, output)
    if (outcome !== 'execution_completed') process.exitCode = 1
  })
}
