import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Policy, PreDecision, PrincipalInput } from '@lictor/contracts'
import { decideRecorded } from '@lictor/contracts/authoring'
import { Command } from 'commander'
import type { Context } from '../../context.ts'
import { CliError } from '../../errors.ts'
import { writeJson } from '../../terminal/json.ts'
import { style } from '../../terminal/style.ts'
import { present, type Terminal } from '../../terminal/terminal.ts'
import { type LoggedEvent, type OriginalOutcome, readAuditLog, type Unjudged } from './audit-log.ts'
import { envelopeOf, plural, sessionAfter } from './call.ts'
import { compileSource, contextOf, loadSource, readText } from './source.ts'

interface ReplayedEvent {
  readonly tool_name: string
  readonly tool_args: Readonly<Record<string, unknown>>
  readonly environment: string
  readonly original_action: string
  readonly new_verdict: 'denied' | 'allowed'
  readonly changed: boolean
  readonly denied_by?: string
  readonly message?: string
}

/**
 * `lictor replay FILE --audit-log LOG`: what a bundle would have said of the calls in an audit log. Exit code 1 when any of
 * them would end otherwise, when a line could not be judged, and when there is nothing to judge.
 */
export function replayCommand({ terminal, settings, exitWith }: Context): Command {
  const command = new Command('replay')
    .description('decide the calls of an audit log anew; --output FILE writes one JSON line for each')
    .argument('<file>', 'bundle.yaml')
    .requiredOption('--audit-log <file>', 'audit log, one JSON object a line')
  return command.action((file: string, options: { auditLog: string }) => {
    const policy = compileSource(terminal, loadSource(terminal, file))
    const log = readAuditLog(readText(terminal, options.auditLog))
    const answers = log.events.map((event) => replay(terminal, policy, event))
    const unknown = answers.filter((answer): answer is Unjudged => 'line' in answer)
    const unjudged = [...log.unjudged, ...unknown].sort((a, b) => a.line - b.line)
    for (const { line, reason } of unjudged)
      terminal.note(`${options.auditLog}:${line}: ${style('red', 'error')}: ${reason}`)
    if (answers.length + unjudged.length === 0)
      throw new CliError('audit_log', `${options.auditLog}: there is no call in this log, so nothing was replayed`)
    const replayed = answers.filter((answer): answer is ReplayedEvent => !('line' in answer))
    const changed = replayed.filter((event) => event.changed)
    const { output, json } = command.optsWithGlobals<{ output: string; json?: boolean }>()
    const isFormat = ['table', 'json', 'yaml'].includes(output)
    if (!isFormat)
      writeFileSync(
        resolve(terminal.workingDirectory, output),
        replayed.map((event) => `${writeJson(event)}\n`).join(''),
      )
    const answer = {
      events: replayed.length,
      changed: changed.length,
      unjudged,
      changes: changed,
    }
    const format = isFormat ? settings(command).output : json ? 'json' : 'table'
    present(terminal, format, answer, () => [
      ...changed.map(changeLine),
      `Replayed ${replayed.length} events, ${changed.length} would change`,
      ...(unjudged.length === 0 ? [] : [`${plural(unjudged.length, 'line')} could not be judged`]),
    ])
    if (changed.length + unjudged.length > 0) exitWith(1)
  })
}

function replay(terminal: Terminal, policy: Policy, event: LoggedEvent): ReplayedEvent | Unjudged {
  const { tool, args, environment, action, outcome } = event
  const decision = decide(terminal, policy, event)
  if (decision === null) return { line: event.line, reason: 'the log does not tell what came before in its session' }
  const denied = decision.action !== 'allow'
  return {
    tool_name: tool,
    tool_args: args,
    environment,
    original_action: action,
    new_verdict: denied ? 'denied' : 'allowed',
    changed: isChanged(outcome, decision.action),
    ...(denied && decision.name !== null ? { denied_by: decision.name } : {}),
    ...(denied && decision.reason !== null ? { message: decision.reason } : {}),
  }
}

/** A call that a human was asked about is unchanged only while a human is still asked. */
function isChanged(before: OriginalOutcome, now: PreDecision['action']): boolean {
  if (before === 'asked') return now !== 'pending_approval'
  return (before === 'denied') !== (now !== 'allow')
}

function decide(terminal: Terminal, policy: Policy, { tool, args, environment, principal, past }: LoggedEvent) {
  try {
    const envelope = envelopeOf(policy, { tool, args, environment, principal: principal as PrincipalInput | null })
    const decision = decideRecorded(policy, envelope, past, sessionAfter({}), contextOf(terminal))
    if (decision === null) return null
    const { action, decisionName, reason } = decision
    return { action, name: decisionName, reason }
  } catch (error) {
    // No call can be made of such an event, so it would not run today.
    if (!(error instanceof CliError)) throw error
    return { action: 'deny' as const, name: null, reason: error.message }
  }
}

function changeLine({ tool_name, tool_args, original_action, new_verdict, denied_by }: ReplayedEvent): string {
  const now = new_verdict === 'denied' ? style('red', 'denied') : style('green', 'allowed')
  const by = denied_by === undefined ? '' : ` by ${denied_by}`
  return `${tool_name} ${writeJson(tool_args)}: ${original_action}, now ${now}${by}`
}
