import type { PreDecision } from '@lictor/contracts'
import { type ExplainedContract, type ExplainedNode, type Explanation, explain } from '@lictor/contracts/authoring'
import { Command } from 'commander'
import type { Context } from '../../context.ts'
import { writeJson } from '../../terminal/json.ts'
import { style } from '../../terminal/style.ts'
import { present } from '../../terminal/terminal.ts'
import { type Call, type CallOptions, callOf, describeCall, envelopeOf, sessionAfter } from './call.ts'
import { compileSource, contextOf, loadSource } from './source.ts'

/** `lictor explain FILE --tool T --args JSON`: why a call is decided so, contract by contract, leaf by leaf. */
export function explainCommand({ terminal, settings }: Context): Command {
  const command = describeCall(
    new Command('explain').description('show why a call is decided as it is').argument('<file>', 'bundle.yaml'),
  ).option('--result <text>', 'what the tool returns, to explain post contracts too')
  return command.action((file: string, options: CallOptions & { result?: string }) => {
    const call = callOf(options)
    const policy = compileSource(terminal, loadSource(terminal, file))
    const explanation = explain(
      policy,
      envelopeOf(policy, call),
      sessionAfter(call.after),
      contextOf(terminal),
      options.result,
    )
    present(terminal, settings(command).output, explanationToWire(call, explanation), () => describe(call, explanation))
  })
}

function explanationToWire(call: Call, { decision, contracts }: Explanation) {
  return {
    tool: call.tool,
    args: call.args,
    environment: call.environment,
    decision: {
      action: decision.action,
      reason: decision.reason,
      decision_source: decision.decisionSource,
      decision_name: decision.decisionName,
      observed: decision.observed,
      policy_error: decision.policyError,
    },
    contracts: contracts.map(({ policyError, limits, sandbox, ...contract }) => ({
      ...contract,
      policy_error: policyError,
      sandbox:
        sandbox === null
          ? null
          : {
              ...sandbox,
              paths: sandbox.paths.map(({ path, judgedAs, allowed }) => ({ path, judged_as: judgedAs, allowed })),
            },
      limits: limits === null ? null : { max_attempts: limits.maxAttempts, max_tool_calls: limits.maxToolCalls },
    })),
  }
}

function describe(call: Call, { decision, contracts }: Explanation): string[] {
  const lines = [`${call.tool} ${writeJson(call.args)} in ${call.environment}: ${outcome(decision)}`]
  if (decision.reason !== null) lines.push(`  ${decision.reason}`)
  if (contracts.length === 0) lines.push('', 'No contract concerns this tool.')
  for (const contract of contracts) lines.push('', ...contractLines(contract))
  return lines
}

function outcome({ action, decisionName }: PreDecision): string {
  switch (action) {
    case 'allow':
      return style('green', 'allowed')
    case 'deny':
      return `${style('red', 'denied')} by ${decisionName}`
    case 'pending_approval':
      return `${style('yellow', 'asks a human')}, by ${decisionName}`
  }
}

function contractLines(contract: ExplainedContract): string[] {
  const { id, type, mode, effect, candidate, fired, policyError, message, condition, after, label, sandbox, limits } =
    contract
  const said = policyError ? 'fires, because it cannot be judged' : fired ? 'fires' : 'passes'
  const lines = [
    `${mark(!fired)} ${style('bold', id)}  ${type}, ${effect}, ${mode}${candidate ? ', candidate' : ''}: ${said}`,
  ]
  if (fired && message !== null) lines.push(`    ${style('dim', 'message')}  ${message}`)
  if (after !== null) lines.push(pastLine(after))
  if (label !== null && fired) lines.push(`    labels the session ${label}`)
  if (condition !== null) lines.push(...nodeLines(condition, '    '))
  if (limits !== null)
    lines.push(`    limits: ${limits.maxAttempts ?? 'no'} attempts, ${limits.maxToolCalls ?? 'no'} executions`)
  if (sandbox !== null) {
    for (const { path, judgedAs, allowed } of sandbox.paths) {
      const read =
        judgedAs === null || (judgedAs.length === 1 && judgedAs[0] === path) ? '' : ` (read as ${judgedAs.join(', ')})`
      lines.push(`    ${mark(allowed)} path ${writeJson(path)}${read}`)
    }
    if (sandbox.command !== null)
      lines.push(`    ${mark(sandbox.command.allowed)} command ${writeJson(sandbox.command.text)}`)
    for (const { host, allowed } of sandbox.hosts) lines.push(`    ${mark(allowed)} host ${writeJson(host)}`)
  }
  return lines
}

/** What was asked of the session's past, and what of it there was. */
function pastLine({ asked, found }: NonNullable<ExplainedContract['after']>): string {
  const words = ({ labels, tools }: typeof asked) =>
    [...labels.map((label) => `label ${label}`), ...tools.map((tool) => `tool ${tool}`)].join(', ')
  const seen = words(found)
  const held = seen === '' ? 'false' : style('yellow', 'true ')
  return `    ${held}  after ${words(asked)}  ${style('dim', seen === '' ? 'saw nothing' : `saw ${seen}`)}`
}

/** Each node says whether it holds: a condition that holds makes its contract fire. */
function nodeLines(node: ExplainedNode, indent: string): string[] {
  const held = node.error === null ? (node.result ? style('yellow', 'true ') : 'false') : style('red', 'error')
  if (node.kind !== 'leaf') {
    const error = node.error === null ? '' : style('dim', `  ${node.error}`)
    return [
      `${indent}${held}  ${node.kind}${error}`,
      ...node.children.flatMap((child) => nodeLines(child, `${indent}  `)),
    ]
  }
  const saw = node.present ? `saw ${writeJson(node.value)}` : 'saw nothing'
  const error = node.error === null ? '' : `; ${node.error}`
  return [
    `${indent}${held}  ${node.selector} ${node.operator} ${writeJson(node.argument)}  ${style('dim', saw + error)}`,
  ]
}

const mark = (good: boolean): string => (good ? style('green', '✓') : style('red', '✗'))
