import { decidePre, type PreDecision } from '@lictor/contracts'
import { Command } from 'commander'
import type { Context } from '../../context.ts'
import { style } from '../../terminal/style.ts'
import { present } from '../../terminal/terminal.ts'
import {
  type CallOptions,
  callOf,
  decidingTags,
  describeCall,
  envelopeOf,
  judgedContracts,
  observedContracts,
  plural,
  sessionAfter,
  verdictOf,
} from './call.ts'
import { compileSource, contextOf, loadSource } from './source.ts'

/** `lictor check FILE --tool T --args JSON`: how one call is decided. Exit code 1 when it may not run as it is. */
export function checkCommand({ terminal, settings, exitWith }: Context): Command {
  const command = describeCall(
    new Command('check').description('decide one call against a bundle').argument('<file>', 'bundle.yaml'),
  )
  return command.action((file: string, options: CallOptions) => {
    const call = callOf(options)
    const policy = compileSource(terminal, loadSource(terminal, file))
    const decision = decidePre(policy, envelopeOf(policy, call), sessionAfter(call.after), contextOf(terminal))
    const verdict = verdictOf(decision)
    const observed = observedContracts(decision)
    const answer = {
      tool: call.tool,
      args: call.args,
      verdict,
      reason: decision.reason,
      contracts_evaluated: judgedContracts(decision),
      environment: call.environment,
      ...(verdict === 'deny'
        ? {
            contract_id: decision.decisionName,
            effect: decision.action === 'deny' ? 'deny' : 'approve',
            tags: decidingTags(decision),
          }
        : {}),
      ...(observed.length === 0 ? {} : { observed }),
      ...(decision.policyError ? { policy_error: true } : {}),
    }
    present(terminal, settings(command).output, answer, () => describe(decision))
    if (verdict === 'deny') exitWith(1)
  })
}

function describe(decision: PreDecision): string[] {
  const tags = decidingTags(decision)
  const lines = [headline(decision)]
  if (decision.reason !== null) lines.push(`  ${decision.reason}`)
  if (tags.length > 0) lines.push(`  tags: ${tags.join(', ')}`)
  for (const { contract_id, message } of observedContracts(decision))
    lines.push(`  ${style('yellow', 'observed')}: ${contract_id} would deny: ${message}`)
  lines.push(`  ${plural(judgedContracts(decision), 'contract')} evaluated`)
  return lines
}

function headline({ action, decisionName }: PreDecision): string {
  switch (action) {
    case 'allow':
      return style('green', 'ALLOWED')
    case 'deny':
      return `${style('red', 'DENIED')} by contract ${decisionName}`
    case 'pending_approval':
      return `${style('yellow', 'NEEDS APPROVAL')} by contract ${decisionName}`
  }
}
