import { isDeepStrictEqual } from 'node:util'
import { type BundleDocument, type ContractDocument, composeBundles } from '@lictor/contracts'
import { Command } from 'commander'
import type { Context } from '../../context.ts'
import { CliError } from '../../errors.ts'
import { writeJson } from '../../terminal/json.ts'
import { style } from '../../terminal/style.ts'
import { present } from '../../terminal/terminal.ts'
import { type CompositionWire, compositionLines, compositionToWire } from './composition.ts'
import { Comparison, type Effect, type Example } from './probe/compare.ts'
import { type LoadedSource, loadSource } from './source.ts'

interface Change {
  readonly id: string
  readonly type: ContractDocument['type']
  readonly kind: 'added' | 'removed' | 'changed'
  readonly effect: Effect
}

interface Difference {
  readonly changes: readonly Change[]
  readonly unchanged: readonly string[]
  /** Tools whose classification differs. */
  readonly tools: readonly string[]
}

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

function compareBundles(before: BundleDocument, after: BundleDocument): Difference {
  const comparison = new Comparison(before, after)
  const was = byId(before)
  const is = byId(after)
  const changes: Change[] = []
  const unchanged: string[] = []
  for (const [id, contract] of is) {
    const old = was.get(id) ?? null
    if (old !== null && isDeepStrictEqual(old, contract)) unchanged.push(id)
    else {
      const kind = old === null ? 'added' : 'changed'
      changes.push({ id, type: contract.type, kind, effect: comparison.effectOf(old, contract) })
    }
  }
  for (const [id, contract] of was)
    if (!is.has(id))
      changes.push({ id, type: contract.type, kind: 'removed', effect: comparison.effectOf(contract, null) })
  const tools = [...new Set([...before.tools.keys(), ...after.tools.keys()])].filter(
    (name) => !isDeepStrictEqual(before.tools.get(name), after.tools.get(name)),
  )
  return { changes, unchanged, tools }
}

/** Contracts with the mode they are in: a new default is a change to every contract that names none. */
function byId({ contracts, defaultMode }: BundleDocument): ReadonlyMap<string, ContractDocument> {
  return new Map(contracts.map((contract) => [contract.id, { ...contract, mode: contract.mode ?? defaultMode }]))
}

function differenceToWire({ changes, unchanged, tools }: Difference) {
  const of = (kind: Change['kind']) => changes.filter((change) => change.kind === kind)
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

function exampleToWire({ probe, before, after }: Example) {
  const judgement = ({ verdict, contractId }: Example['before']) => ({ verdict, contract_id: contractId })
  return { call: callToWire(probe), before: judgement(before), after: judgement(after) }
}

/** The parts of a call that say something. */
function callToWire({ tool, args, environment, principal, metadata, env, output, counters }: Example['probe']) {
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

function differenceLines({ changes, unchanged, tools }: Difference): string[] {
  const count = (kind: Change['kind']) => changes.filter((change) => change.kind === kind).length
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

function otherEffect({ examples }: Effect): string {
  return examples.length === 0 ? 'no call was found that ends otherwise' : 'stricter for some calls, laxer for others'
}

function exampleLine({ probe, before, after }: Example): string {
  const { tool, args, ...rest } = callToWire(probe)
  const { environment, ...more } = rest
  const beside = { ...(environment === 'production' ? {} : { environment }), ...more }
  const with_ = Object.keys(beside).length === 0 ? '' : ` with ${writeJson(beside)}`
  const by = (judgement: Example['before']) =>
    judgement.contractId === null ? judgement.verdict : `${judgement.verdict} (${judgement.contractId})`
  return `    ${tool} ${writeJson(args)}${with_}: ${by(before)}, now ${by(after)}`
}

function reportLines(composition: CompositionWire, isOverriding: boolean, isAlone: boolean): string[] {
  if (!isOverriding) return isAlone ? ['Composing the files overrides nothing.'] : []
  return [...(isAlone ? [] : ['']), 'Composed from left to right:', ...compositionLines(composition)]
}
