import type { AegisClient, WorkflowExecutionStatus } from '@lictor/aegis'
import { Command } from 'commander'
import { runtimeClient } from '../connection/runtime.ts'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { type OutputFormat, present, type Terminal, table } from '../terminal/terminal.ts'
import { inputOf, type TaskOptions } from './run.ts'
import { overRestarts } from './watch-execution.ts'

/** Runs of workflows: start one and follow it, list them, read what happened, answer and cancel. */
export function workflowRunCommands({ terminal, settings, connect, exitWith }: Context): Command[] {
  const run = new Command('run')
    .description('run a workflow and follow its states; Ctrl-C cancels it')
    .argument('<workflow>', 'name or id of a registered workflow')
    .option('-i, --input <text>', 'its input: JSON, or text')
    .option('--input-file <file>', 'the input from a file: JSON where it ends in .json, otherwise text')
    .option('--workflow-version <version>', 'this version instead of the newest')
    .option('-d, --detach', 'start it and return')
  run.action(async (named: string, options: TaskOptions & { workflowVersion?: string; detach?: true }) => {
    const { output } = settings(run)
    const client = runtimeClient(await connect(run))
    const begun = await client.runWorkflow(
      named,
      { input: readInput(inputOf(terminal, options)) },
      options.workflowVersion === undefined ? {} : { version: options.workflowVersion },
    )
    const { execution_id: id } = begun
    if (options.detach)
      return present(terminal, output, begun, () => `${id}  (follow it with \`lictor workflow logs ${id} --follow\`)`)
    if (output !== 'json') terminal.note(`workflow execution ${id}`)
    void terminal.interrupted.then(() => client.cancelWorkflowExecution(id)).catch(() => process.exit(1))
    await follow(client, id, terminal, output)
    const ended = await client.getWorkflowExecution(id, overRestarts)
    if (output !== 'json') terminal.print(JSON.stringify(ended.final_output ?? null, null, 2))
    if (ended.status !== 'completed') exitWith(1)
  })

  const runs = new Command('executions')
    .description('list runs of workflows, newest first')
    .option('--workflow <name>', 'only of this workflow')
    .option('--status <status>', 'running, completed, failed or cancelled')
  runs.action(async (options: { workflow?: string; status?: WorkflowExecutionStatus }) => {
    const { executions } = await runtimeClient(await connect(runs)).listWorkflowExecutions({
      ...(options.workflow === undefined ? {} : { workflow_name: options.workflow }),
      ...(options.status === undefined ? {} : { status: options.status }),
    })
    present(terminal, settings(runs).output, executions, () =>
      executions.length === 0
        ? 'No runs. Start one with `lictor workflow run NAME`.'
        : table(
            ['ID', 'WORKFLOW', 'STATUS', 'STATE', 'STARTED'],
            executions.map((one) => [one.id, one.workflow_name, one.status, one.current_state ?? '', one.started_at]),
          ),
    )
  })

  const logs = new Command('logs')
    .description('what happened in a run of a workflow')
    .argument('<execution>', 'id of the run')
    .option('-f, --follow', 'and what happens, to its end')
  logs.action(async (id: string, options: { follow?: true }) => {
    const { output } = settings(logs)
    const client = runtimeClient(await connect(logs))
    if (options.follow) return follow(client, id, terminal, output)
    for (let offset = 0; ; ) {
      const page = await client.getWorkflowExecutionLogs(id, { limit: 1000, offset })
      for (const entry of page.events) terminal.print(output === 'json' ? JSON.stringify(entry) : lineOf(entry))
      offset = page.events.at(-1)?.sequence ?? offset
      if (page.events.length === 0 || page.has_more !== true) return
    }
  })

  const signal = new Command('signal')
    .description('answer the Human state of a run that is under way, or the next one')
    .argument('<execution>', 'id of the run')
    .argument('<response>', 'the answer, for example yes')
    .option('--feedback <text>', 'what later states read as {{human.feedback}}')
  signal.action(async (id: string, response: string, options: { feedback?: string }) => {
    const sent = await runtimeClient(await connect(signal)).signalWorkflowExecution(id, { response, ...options })
    present(terminal, settings(signal).output, sent, () => `Answered ${id}.`)
  })

  const cancel = new Command('cancel')
    .description('cancel a run of a workflow, and what it does')
    .argument('<execution>', 'id of the run')
    .option('--reason <text>', 'why')
  cancel.action(async (id: string, options: { reason?: string }) => {
    const client = runtimeClient(await connect(cancel))
    await client.cancelWorkflowExecution(id, options)
    const { status, workflow_name } = await client.getWorkflowExecution(id)
    present(terminal, settings(cancel).output, { execution_id: id, status }, () => `${workflow_name} is ${status}.`)
  })
  return [run, runs, logs, signal, cancel]
}

/** Text that is JSON counts as that: a workflow reads the fields of its input. */
function readInput(input: unknown): unknown {
  if (typeof input !== 'string') return input
  if (input === '') return {}
  if (!/^\s*[[{]/.test(input)) return input
  try {
    return JSON.parse(input) as unknown
  } catch (error) {
    throw new CliError('input', `The input is no JSON: ${(error as Error).message}`, { cause: error, exitCode: 2 })
  }
}

async function follow(client: AegisClient, id: string, terminal: Terminal, output: OutputFormat): Promise<void> {
  for await (const { data } of client.streamWorkflowExecutionLogs(id, overRestarts))
    terminal.print(output === 'json' ? JSON.stringify(data) : lineOf(data))
}

const lineOf = ({ timestamp, message }: { readonly timestamp?: unknown; readonly message?: unknown }): string =>
  `${timestamp}  ${message}`
