import {
  type Counters,
  createEnvelope,
  type Envelope,
  marksOfPast,
  type PastInput,
  type Policy,
  type PreDecision,
  type PrincipalInput,
  ToolRegistry,
} from '@lictor/contracts'
import type { Command } from 'commander'
import { CliError } from '../../errors.ts'
import { parseJson } from './json.ts'
import { isMapping } from './mapping.ts'
import { refusing } from './source.ts'

/** A call as `check` and `explain` are told it on the command line. */
export interface CallOptions {
  readonly tool: string
  readonly args: string
  readonly environment: string
  readonly principalRole?: string
  readonly principalUser?: string
  readonly principalTicket?: string
  readonly afterLabel?: readonly string[]
  readonly afterTool?: readonly string[]
}

/** A call to judge. */
export interface Call {
  readonly tool: string
  readonly args: Readonly<Record<string, unknown>>
  readonly environment: string
  readonly principal: PrincipalInput | null
  /** What came before in the session. */
  readonly after?: PastInput
}

/** The options that describe a call. */
export function describeCall(command: Command): Command {
  return command
    .requiredOption('--tool <name>', 'the tool that is called')
    .requiredOption('--args <json>', 'its arguments, a JSON object')
    .option('--environment <name>', 'where it is called', 'production')
    .option('--principal-role <role>', 'the role of whom it is called for')
    .option('--principal-user <id>', 'their user id')
    .option('--principal-ticket <reference>', 'the ticket they work on')
    .option('--after-label <label...>', 'a label that the session bears')
    .option('--after-tool <name...>', 'a tool that has run in the session')
}

/** @throws CliError (used wrongly) when the arguments are no JSON object */
export function callOf(options: CallOptions): Call {
  const { principalRole, principalUser, principalTicket } = options
  const hasPrincipal = [principalRole, principalUser, principalTicket].some((value) => value !== undefined)
  return {
    tool: options.tool,
    args: parseArguments(options.args),
    environment: options.environment,
    principal: hasPrincipal
      ? { role: principalRole ?? null, userId: principalUser ?? null, ticketRef: principalTicket ?? null }
      : null,
    after: { labels: options.afterLabel ?? [], tools: options.afterTool ?? [] },
  }
}

/** @throws CliError (used wrongly) for a call that no envelope can be made of */
export function envelopeOf(policy: Policy, { tool, args, environment, principal }: Call): Envelope {
  return refusing(() =>
    createEnvelope(tool, args, { environment, principal, registry: new ToolRegistry(policy.tools) }),
  )
}

/** A session in which no limit is reached, so only pre contracts and sandboxes speak, and in which this came before. */
export function sessionAfter(past: PastInput | undefined): Counters {
  return { attempts: 0, executions: 0, toolExecutions: 0, past: marksOfPast(past ?? {}) }
}

/** What a decision rests on, for a person and for a case. `approve` decisions count as denied until a human says otherwise. */
export function verdictOf(decision: PreDecision): 'allow' | 'deny' {
  return decision.action === 'allow' ? 'allow' : 'deny'
}

/** Pre contracts and sandboxes that were judged. */
export function judgedContracts(decision: PreDecision): number {
  return decision.contractsEvaluated.filter(({ type }) => type === 'precondition' || type === 'sandbox').length
}

/** Tags of the contract that decided. */
export function decidingTags(decision: PreDecision): readonly string[] {
  const record = decision.contractsEvaluated.findLast(({ name }) => name === decision.decisionName)
  return record !== undefined && Array.isArray(record.metadata?.tags) ? record.metadata.tags.map(String) : []
}

/** Contracts in observe mode that fired. */
export function observedContracts(decision: PreDecision): readonly { contract_id: string; message: string | null }[] {
  return decision.contractsEvaluated
    .filter(({ observed, passed }) => observed === true && !passed)
    .map(({ name, message }) => ({ contract_id: name, message }))
}

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

function parseArguments(text: string): Readonly<Record<string, unknown>> {
  const value = parseJson('--args', text)
  if (isMapping(value)) return value
  throw new CliError('usage', '--args: a JSON object is needed, such as {"path": "/tmp/x"}', { exitCode: 2 })
}
