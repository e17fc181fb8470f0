import { composeBundles } from '@lictor/contracts'
import {
  type BundleDifference,
  type ContractChange,
  type ContractEffect,
  compareBundles,
  type EffectExample,
} from '@lictor/contracts/authoring'
import { Command } from 'commander'
import type { Context } from '../../context.ts'
import { CliError } from '../../errors.ts'
import { writeJson } from '../../terminal/json.ts'
import { style } from '../../terminal/style.ts'
import { present } from '../../terminal/terminal.ts'
import { type CompositionWire, compositionLines, compositionToWire } from './composition.ts'
import { type LoadedSource, loadSource } from './source.ts'

/**
 * `lictor diff FILES…`: what two bundles decide otherwise, contract by contract; of three and more,
 * what composing them overrides. Exit code 1 when there is a difference.
 */
export function diffCommand({ terminal, settings, exitWith }: Context): Command {
  const command = new Command('diff')
    .description('what one bundle decides otherwise than another')
    .argument('<files...>', 'two bundles, or more to see what composing them overrides')
  return command.action((paths: string[]) => {
    if (paths.length < 2) throw new CliError('usage', 'diff needs at least two files', { exitCode: 2 })
    const sources = paths.map((path) => loadSource(terminal, path))
    const composition = compositionToWire(
      composeBundles(sources.map(({ bundle, name }) => ({ bundle, source: name }))).report,
    )
    const isOverriding = composition.overrides.length + composition.observe_contracts.length > 0
    const [before, after] = sources as [LoadedSource, LoadedSource]
    const difference = sources.length > 2 ? null : compareBundles(before.bundle.document, after.bundle.document)
    const hasChanges = difference === null ? isOverriding : difference.changes.length > 0 || difference.tools.length > 0
    const answer = {
      ...(difference === null ? {} : differenceToWire(difference)),
      has_changes: hasChanges,
      ...(isOverriding || difference === null ? { composition } : {}),
    }
    present(terminal, settings(command).output, answer, () => [
      ...(difference === null ? [] : differenceLines(difference)),
      ...reportLines(composition, isOverriding, difference === null),
    ])
    if (hasChanges) exitWith(1)
  })
}

function differenceToWire({ changes, unchanged, tools }: BundleDifference) {
  const of = (kind: ContractChange['kind']) => changes.filter((change) => change.kind === kind)
  return {
    added: of('added').map(({ id, type }) => ({ id, type })),
    removed: of('removed').map(({ id, type }) => ({ id, type })),
    changed: of('changed').map(({ id }) => id),
    unchanged,
    ...(tools.length === 0 ? {} : { tools_changed: tools }),
    effects: changes.map(({ id, effect }) => ({
      id,
      change: effect.change,
      examples: effect.examples.map(exampleToWire),
    })),
  }
}

function exampleToWire({ probe, before, after }: EffectExample) {
  const judgement = ({ verdict, contractId }: EffectExample['before']) => ({ verdict, contract_id: contractId })
  return { call: callToWire(probe), before: judgement(before), after: judgement(after) }
}

/** The parts of a call that say something. */
function callToWire({ tool, args, environment, principal, metadata, env, output, counters }: EffectExample['probe']) {
  const { attempts, executions, toolExecutions } = counters
  return {
    tool,
    args,
    environment,
    ...(principal === null ? {} : { principal }),
    ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
    ...(Object.keys(env).length === 0 ? {} : { env }),
    ...(output === null ? {} : { output }),
    ...(attempts + executions + toolExecutions === 0
      ? {}
      : { session: { attempts, executions, tool_executions: toolExecutions } }),
  }
}

const MARKS = { added: style('green', '+'), removed: style('red', '-'), changed: style('yellow', '~') }

function differenceLines({ changes, unchanged, tools }: BundleDifference): string[] {
  const count = (kind: ContractChange['kind']) => changes.filter((change) => change.kind === kind).length
  return [
    ...changes.flatMap(({ id, type, kind, effect }) => [
      `${MARKS[kind]} ${style('bold', id)}  ${type}, ${kind}: ${effect.change === 'other' ? otherEffect(effect) : effect.change}`,
      ...effect.examples.map(exampleLine),
    ]),
    ...tools.map((name) => `${MARKS.changed} tool ${name}: classified otherwise`),
    ...(changes.length + tools.length === 0 ? [] : ['']),
    `${count('added')} added, ${count('removed')} removed, ${count('changed')} changed, ${unchanged.length} unchanged`,
  ]
}

function otherEffect({ examples }: ContractEffect): string {
  return examples.length === 0 ? 'no call was found that ends otherwise' : 'stricter for some calls, laxer for others'
}

function exampleLine({ probe, before, after }: EffectExample): string {
  const { tool, args, ...rest } = callToWire(probe)
  const { environment, ...more } = rest
  const beside = { ...(environment === 'production' ? {} : { environment }), ...more }
  const with_ = Object.keys(beside).length === 0 ? '' : ` with ${writeJson(beside)}`
  const by = (judgement: EffectExample['before']) =>
    judgement.contractId === null ? judgement.verdict : `${judgement.verdict} (${judgement.contractId})`
  return `    ${tool} ${writeJson(args)}${with_}: ${by(before)}, now ${by(after)}`
}

function reportLines(composition: CompositionWire, isOverriding: boolean, isAlone: boolean): string[] {
  if (!isOverriding) return isAlone ? ['Composing the files overrides nothing.'] : []
  return [...(isAlone ? [] : ['']), 'Composed from left to right:', ...compositionLines(composition)]
}
