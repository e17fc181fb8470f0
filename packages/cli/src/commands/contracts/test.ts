import { type DryRunBatchCall, type DryRunResult, dryRunBatch, dryRunToWire } from '@lictor/contracts'
import { Command } from 'commander'
import type { Context } from '../../context.ts'
import { CliError } from '../../errors.ts'
import { style } from '../../terminal/style.ts'
import { present, table } from '../../terminal/terminal.ts'
import { type CaseResult, parseCases, runCase } from './cases.ts'
import { parseJson } from './json.ts'
import { compileSource, contextOf, loadSource, readText, refusing } from './source.ts'
import { writtenCall } from './written-call.ts'

interface TestOptions {
  readonly cases?: string
  readonly calls?: string
  readonly environment: string
}

/**
 * `lictor test FILE --cases CASES | --calls CALLS`. Exit code 1 when a case fails, a call is denied, or there is nothing
 * to test.
 */
export function testCommand({ terminal, settings, exitWith }: Context): Command {
  const command = new Command('test')
    .description('run cases against a bundle')
    .argument('<file>', 'bundle.yaml')
    .option('--cases <file>', 'YAML file of calls and what is expected of them')
    .option('--calls <file>', 'JSON file of calls; shows what every contract says of each')
    .option('--environment <name>', 'where calls are made that name no environment', 'production')
  return command.action((file: string, options: TestOptions) => {
    const { cases, calls, environment } = options
    if ((cases === undefined) === (calls === undefined))
      throw new CliError('usage', 'Give either --cases or --calls.', { exitCode: 2 })
    const policy = compileSource(terminal, loadSource(terminal, file))
    if (cases !== undefined) {
      const results = parseCases(cases, readText(terminal, cases)).map((given) =>
        runCase(policy, given, environment, contextOf(terminal)),
      )
      const failed = results.filter(({ passed }) => !passed).length
      const answer = { results, total: results.length, passed: results.length - failed, failed }
      present(terminal, settings(command).output, answer, () => [
        ...results.flatMap(caseLines),
        `${answer.passed}/${answer.total} passed, ${failed} failed`,
      ])
      if (failed > 0) exitWith(1)
    } else if (calls !== undefined) {
      const listed = parseCalls(calls, readText(terminal, calls), environment)
      const results = refusing(() => dryRunBatch(policy, listed, contextOf(terminal)))
      present(terminal, settings(command).output, results.map(dryRunToWire), () => callTable(results))
      if (results.some(({ verdict }) => verdict === 'deny')) exitWith(1)
    }
  })
}

/** @throws CliError: failed without calls, used wrongly when one is not complete */
function parseCalls(file: string, text: string, environment: string): readonly DryRunBatchCall[] {
  const calls = parseJson(file, text)
  if (!Array.isArray(calls)) throw new CliError('usage', `${file}: a JSON array of calls is needed`, { exitCode: 2 })
  if (calls.length === 0) throw new CliError('calls', `${file}: the list is empty, so nothing was tested`)
  return calls.map((given: unknown, index) => {
    const wrong = (what: string) => new CliError('usage', `${file}: call ${index + 1}: ${what}`, { exitCode: 2 })
    const call = writtenCall(given, ['output'], wrong)
    return { ...call, environment: call.environment ?? environment, output: (given as DryRunBatchCall).output }
  })
}

function caseLines({ id, tool, passed, expected, actual, contract_id, problem }: CaseResult): string[] {
  const by = contract_id === null ? '' : ` by ${contract_id}`
  if (passed) return [`${style('green', 'pass')}  ${id}  ${tool}: ${actual}${by}`]
  return [`${style('red', 'FAIL')}  ${id}  ${tool}: expected ${expected}, got ${actual}${by}`, `      ${problem}`]
}

function callTable(results: readonly DryRunResult[]): string[] {
  return table(
    ['#', 'TOOL', 'VERDICT', 'CONTRACTS', 'REASONS'],
    results.map(({ toolName, verdict, contractsEvaluated, denyReasons, warnReasons }, index) => [
      String(index + 1),
      toolName,
      verdict,
      String(contractsEvaluated),
      [...denyReasons, ...warnReasons].join('; ') || '-',
    ]),
  )
}
