import { Command } from 'commander'
import { readTextFile } from '../connection/files.ts'
import { findAgent, runtimeClient } from '../connection/runtime.ts'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { present, type Terminal } from '../terminal/terminal.ts'
import { watchExecution } from './watch-execution.ts'

/** How a task is given. */
export interface TaskOptions {
  readonly input?: string
  readonly inputFile?: string
  readonly intent?: string
}

interface RunOptions extends TaskOptions {
  readonly set?: readonly string[]
  readonly agentVersion?: string
  readonly detach?: true
}

/** `lictor run AGENT`: start an execution and follow it. Exit code 0 when it completed, 1 otherwise; Ctrl-C cancels it. */
export function runCommand({ terminal, settings, connect, exitWith }: Context): Command {
  const command = new Command('run')
    .description('run an agent and follow its events')
    .argument('<agent>', 'name or id of a deployed agent')
    .option('-i, --input <text>', 'the task')
    .option('--input-file <file>', 'the task from a file: JSON where it ends in .json, otherwise text')
    .option('--intent <text>', 'what the task is for; without an input it is the whole prompt')
    .option('--set <name=value...>', 'further variables of the prompt template')
    .option('--agent-version <version>', 'run it only if this version is deployed')
    .option('-d, --detach', 'start it and return')
  return command.action(async (agent: string, options: RunOptions) => {
    const { output } = settings(command)
    const client = runtimeClient(await connect(command))
    const payload = {
      input: inputOf(terminal, options),
      ...(options.intent === undefined ? {} : { intent: options.intent }),
      ...(options.set === undefined ? {} : { context_overrides: overridesOf(options.set) }),
    }
    const id = await findAgent(client, agent)
    const started = await client.executeAgent(
      id,
      payload,
      options.agentVersion === undefined ? {} : { version: options.agentVersion },
    )
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
    if (outcome !== 'execution_completed') exitWith(1)
  })
}

/** The task; null with nothing but an intent. @throws CliError */
export function inputOf(terminal: Terminal, { input, inputFile, intent }: TaskOptions): unknown {
  if (input !== undefined && inputFile !== undefined)
    throw new CliError('usage', 'Give the task once: with --input or with --input-file.', { exitCode: 2 })
  if (inputFile === undefined) return input ?? (intent === undefined ? '' : null)
  const text = readTextFile(terminal, inputFile)
  if (!inputFile.endsWith('.json')) return text
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    throw new CliError('input', `${inputFile} is no JSON: ${(error as Error).message}`, { cause: error })
  }
}

/** `name=value` pairs; a value that is JSON is taken as such. @throws CliError */
function overridesOf(pairs: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=')
      if (at < 1) throw new CliError('usage', `--set takes name=value, not '${pair}'.`, { exitCode: 2 })
      const value = pair.slice(at + 1)
      try {
        return [pair.slice(0, at), JSON.parse(value) as unknown]
      } catch {
        return [pair.slice(0, at), value]
      }
    }),
  )
}
