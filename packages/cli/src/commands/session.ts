import { loadWorkflow } from '@lictor/contracts/gates'
import { Edictum, Session, silentLogger, type WorkflowStatus } from '@lictor/guard'
import { workflowGates } from '@lictor/guard/gates'
import { EdictumServerClient, ServerAuditSink, ServerBackend } from '@lictor/guard/server'
import { Command } from 'commander'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { style } from '../terminal/style.ts'
import { present, type Terminal } from '../terminal/terminal.ts'
import { readText, refusing } from './contracts/source.ts'

interface SessionOptions {
  readonly workflow: string
  readonly agent: string
  readonly env: string
}

/** A session as it stands on the server. */
interface Standing {
  readonly session: string
  readonly attempts: number
  readonly executions: number
  readonly stages: readonly string[]
  readonly workflow: WorkflowStatus
}

/** `lictor session …`: where a session stands at the gates of a workflow, and an operator's hand on it. By an agent's key. */
export function sessionCommand({ terminal, settings }: Context): Command {
  const session = new Command('session').description('show where a session stands at its gates, and move it')
  const describe = (command: Command) =>
    command
      .requiredOption('--workflow <file>', 'the workflow that the session goes through')
      .option('--agent <id>', 'who this is in the audit log', 'lictor')
      .option('--env <name>', "the key's environment", 'production')

  const show = describe(
    session
      .command('show')
      .description('show its stages, what it waits for and what was done last')
      .argument('<session>'),
  )
  show.action(async (id: string, options: SessionOptions) => {
    const { url, output } = settings(show)
    const standing = await withGuard(terminal, url, options, (guard, stages) => standingOf(guard, stages, id))
    present(terminal, output, standing, () => standingLines(standing))
  })

  const moving = (name: 'reset' | 'move', description: string) => {
    const command = describe(
      session.command(name).description(description).argument('<session>').argument('<stage>', 'the id of a stage'),
    )
    command.action(async (id: string, stage: string, options: SessionOptions) => {
      const { url, output } = settings(command)
      const standing = await withGuard(terminal, url, options, async (guard, stages) => {
        if (!stages.includes(stage))
          throw new CliError('unknown_stage', `The workflow has no stage '${stage}'; it has ${stages.join(', ')}.`)
        await (name === 'reset'
          ? guard.resetWorkflow(stage, { sessionId: id })
          : guard.setWorkflowStage(stage, { sessionId: id }))
        return standingOf(guard, stages, id)
      })
      present(terminal, output, standing, () => standingLines(standing))
    })
  }
  moving('reset', 'take it back to a stage; what that one and later ones have gathered is forgotten')
  moving('move', 'move it to a stage; approvals and evidence stay')
  return session
}

async function withGuard<Result>(
  terminal: Terminal,
  named: string | undefined,
  { workflow: file, agent, env }: SessionOptions,
  use: (guard: Edictum, stages: readonly string[]) => Promise<Result>,
): Promise<Result> {
  const url = named ?? terminal.environment.LICTOR_URL
  const apiKey = terminal.environment.LICTOR_API_KEY
  if (url === undefined || !apiKey)
    throw new CliError('no_key', 'Sessions are read with the key of an agent.', {
      exitCode: 2,
      hint: 'Name the server with --url (or LICTOR_URL), and put a key of its environment in LICTOR_API_KEY.',
    })
  const text = readText(terminal, file)
  const stages = refusing(() => loadWorkflow(text, { allowExec: true })).stages.map(({ id }) => id)
  const client = new EdictumServerClient({ baseUrl: url, apiKey, agentId: agent, env, logger: silentLogger })
  const guard = new Edictum({
    environment: env,
    backend: new ServerBackend(client, { logger: silentLogger }),
    auditSink: new ServerAuditSink(client, { spool: false }),
    gates: workflowGates(text, { runCommand: nothingRuns }),
    logger: silentLogger,
  })
  try {
    return await use(guard, stages)
  } finally {
    await guard.close()
  }
}

/** Nobody judges a call here. */
function nothingRuns(): never {
  throw new Error('no command is run to show a session')
}

async function standingOf(guard: Edictum, stages: readonly string[], id: string): Promise<Standing> {
  const { attempts, executions } = await new Session(id, guard.backend).readCounters(null)
  return { session: id, attempts, executions, stages, workflow: await guard.workflowStatus({ sessionId: id }) }
}

function standingLines({ session, attempts, executions, stages, workflow }: Standing): string[] {
  const { name, version, active_stage, completed_stages, pending_approval, blocked_reason } = workflow
  const { last_blocked_action: blocked, last_recorded_evidence: recorded } = workflow
  const stageLine = (id: string) => {
    if (completed_stages.includes(id)) return `${style('green', '✓')} ${id}`
    if (id !== active_stage) return `  ${id}`
    const { required, message } = pending_approval
    return `${style('yellow', '▶')} ${style('bold', id)}${required ? `  waits for approval: ${message}` : ''}`
  }
  return [
    `${session}  ${name}${version === undefined ? '' : ` ${version}`}  ${attempts} attempts, ${executions} executions`,
    ...stages.map(stageLine),
    ...(active_stage === '' ? ['The workflow is complete.'] : []),
    ...(blocked_reason === null ? [] : [`blocked: ${blocked_reason}`]),
    ...(blocked === undefined ? [] : [`last blocked: ${blocked.tool} ${blocked.summary} (${blocked.timestamp})`]),
    ...(recorded === undefined ? [] : [`last recorded: ${recorded.tool} ${recorded.summary} (${recorded.timestamp})`]),
  ]
}
