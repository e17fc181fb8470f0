import { type DryRunBatchCall, type DryRunResult, dryRunBatch, dryRunToWire } from '@lictor/contracts'
import { Command } from 'commander'
import type { Context } from '../../context.ts'
import { CliError } from '../../errors.ts'
import { style } from '../../terminal/style.ts'
import { present, table } from '../../terminal/terminal.ts'
import { parseJson } from './call.ts'
import { type CaseResult, parseCases, runCase } from './cases.ts'
import { compileSource, contextOf, loadSource, readText, refusing } from './source.ts'

interface TestOptions {
  readonly cases?: string
  readonly calls?: string
  readonly environment: string
}

/** `lictor test FILE --cases CASES | --calls CALLS` (edictum-sdk §18.6). Exit code 1 when a case fails or a call is denied. */
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
      const listed = parseCalls(calls, readText(terminal, calls))
      const results = refusing(() =>
        dryRunBatch(
          policy,
          listed.map((call) => ({ environment, ...call })),
          contextOf(terminal),
        ),
      )
      present(terminal, settings(command).output, results.map(dryRunToWire), () => callTable(results))
      if (results.some(({ verdict }) => verdict === 'deny')) exitWith(1)
    }
  })
}

function parseCalls(file: string, text: string): readonly DryRunBatchCall[] {
  const calls = parseJson(file, text)
  if (!Array.isArray(calls)) throw new CliError('usage', `${file}: a JSON array of calls is needed`, { exitCode: 2 })
  for (const [index, call] of calls.entries())
    if (typeof call !== 'object' || call === null || typeof call.tool !== 'string')
      throw new CliError('usage', `${file}: call ${index + 1} names no 'tool'`, { exitCode: 2 })
  return calls
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
