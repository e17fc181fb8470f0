import { convertDocument } from '@lictor/contracts/authoring'
import { bundleText, type Case, caseLine, withNumbersAsJson } from './case.ts'
import { type Difference, explain, sandboxesApart } from './differences.ts'
import { generateCase } from './generate.ts'
import { type Disagreement, disagreements, type Outcome, type Sight } from './outcome.ts'
import { shrink } from './shrink.ts'
import { productWorker, pythonWorker, type Worker } from './worker.ts'

/** The first version of the package that reads `Ruleset` documents and no `ContractBundle`. */
const FIRST_WITH_RULESETS = 17

export interface RunOptions {
  readonly version: string
  readonly python: string
  readonly pairs: number
  readonly seed: number
  /** The table of the docs. */
  readonly differences: readonly Difference[]
}

export interface Mismatch {
  /** Makes the pair again: `--pairs 1 --seed N`. */
  readonly seed: number
  readonly case: Case
  readonly found: readonly Disagreement[]
}

export interface Report {
  readonly pairs: number
  /** Pairs in which both packages loaded the bundle, so that deciding was compared. */
  readonly decided: number
  readonly equal: number
  /** How many pairs each row of the table explains. */
  readonly explained: ReadonlyMap<string, number>
  readonly mismatches: readonly Mismatch[]
}

/** How many findings are made small: the rest is only counted in full. */
const MOST_SHRUNK = 10

export async function runDifferential(options: RunOptions): Promise<Report> {
  const isLater = Number(options.version.split('.')[1]) >= FIRST_WITH_RULESETS
  const workers = { python: pythonWorker(options.python), here: productWorker(), isLater }
  const compare = (one: Case): Promise<Comparison> => judgePair(workers, one)
  const explained = new Map<string, number>()
  const mismatches: Mismatch[] = []
  let equal = 0
  let decided = 0
  try {
    for await (const { seed, made, comparison } of compareAll(options, compare)) {
      if (comparison.python.load === 'loaded' && comparison.here.load === 'loaded') decided++
      if (comparison.found.length === 0 && !comparison.isReread) {
        equal++
        continue
      }
      const rows = explain(options.differences, made, comparison)
      for (const id of new Set(rows)) if (id) explained.set(id, (explained.get(id) ?? 0) + 1)
      if (!rows.includes(undefined)) continue
      const isUnexplained = async (candidate: Case): Promise<boolean> => {
        if (!isWhole(candidate)) return false
        return explain(options.differences, candidate, await compare(candidate)).includes(undefined)
      }
      const small = mismatches.length < MOST_SHRUNK ? await shrink(made, isUnexplained) : made
      mismatches.push({ seed, case: small, found: (await compare(small)).found })
    }
  } finally {
    await Promise.all([workers.python.close(), workers.here.close()])
  }
  return { pairs: options.pairs, decided, equal, explained, mismatches }
}

/** Pairs that are under way at once, so that neither worker waits for the other. */
const MOST_UNDER_WAY = 48

interface Compared {
  readonly seed: number
  readonly made: Case
  readonly comparison: Comparison
}

/** All pairs of a run, in the order of their seeds. */
async function* compareAll(
  { seed: first, pairs }: RunOptions,
  compare: (one: Case) => Promise<Comparison>,
): AsyncGenerator<Compared> {
  const underWay: Promise<Compared>[] = []
  const end = first + pairs
  for (let seed = first; seed < end || underWay.length > 0; ) {
    while (seed < end && underWay.length < MOST_UNDER_WAY) underWay.push(comparedAt(seed++, compare))
    const next = underWay.shift()
    if (next) yield await next
  }
}

async function comparedAt(seed: number, compare: (one: Case) => Promise<Comparison>): Promise<Compared> {
  const made = generateCase(seed)
  return { seed, made, comparison: await compare(made) }
}

export interface Comparison {
  readonly python: Outcome
  readonly here: Outcome
  readonly found: readonly Disagreement[]
  /** Python was given the numbers as JSON carries them, because with the written ones it answered otherwise. */
  readonly isReread: boolean
  /** The guard as a whole only observes. */
  readonly isObserving: boolean
  /** Sandbox contracts that fire here alone, because of a part of the call that Python does not look at, yet refuses as well. */
  readonly reaching: readonly string[]
  /** Sandbox contracts that fire in Python alone, though it allows every part of the call as it was read here. */
  readonly looser: readonly string[]
}

interface Workers {
  readonly python: Worker
  readonly here: Worker
}

/** The two packages, of which the later lines of Python read bundles as rulesets. */
interface Sides extends Workers {
  readonly isLater: boolean
}

export async function judgePair(sides: Sides, one: Case): Promise<Comparison> {
  const bundle = bundleText(one)
  const here = await sides.here.judge(caseLine(one, bundle))
  const isObserving = one.bundle.mode === 'observe'
  const same = { here, isObserving, isReread: false, reaching: [], looser: [] }
  // What we refuse cannot be converted; the pair then says nothing about the later line.
  if (sides.isLater && here.load === 'refused') return { ...same, python: here, found: [] }
  let python = await judgeInPython(sides, one)
  let found = disagreements(python, here)
  const reread = withNumbersAsJson(one)
  const isReread = found.length > 0 && reread !== one
  if (isReread) {
    python = await judgeInPython(sides, reread)
    found = disagreements(python, here)
  }
  const [reaching, looser] = await Promise.all(
    [true, false].map((isHere) => confirmed(sides, one, here, sandboxesApart({ python, here }, isHere), isHere)),
  )
  return { ...same, python, found, isReread, reaching: reaching ?? [], looser: looser ?? [] }
}

function judgeInPython({ python, isLater }: Sides, one: Case): Promise<Outcome> {
  const bundle = bundleText(one)
  return python.judge(caseLine(one, isLater ? convertDocument(bundle, 'Ruleset') : bundle))
}

/**
 * The sandbox contracts of which Python says what we say, once it is given each part of the call that we saw as an argument of
 * its own, spelled out. One that could not look at the call counts when a command of the call is no text.
 */
async function confirmed(
  sides: Sides,
  one: Case,
  here: Outcome,
  contracts: readonly string[],
  fires: boolean,
): Promise<readonly string[]> {
  const confirmed: string[] = []
  for (const id of contracts) {
    const sight = here.sights?.[id]
    const isConfirmed = sight ? (await firesPlainly(sides, one, id, sight)) === fires : fires && hasOtherCommand(one)
    if (isConfirmed) confirmed.push(id)
  }
  return confirmed
}

async function firesPlainly(sides: Sides, one: Case, id: string, sight: Sight): Promise<boolean> {
  const calls = [
    ...sight.paths.map((path) => ({ path })),
    ...sight.hosts.map((host) => ({ url: `https://${host}/` })),
    ...(sight.command === null ? [] : [{ command: sight.command }]),
  ]
  for (const args of calls) {
    const plain = { ...one, call: { ...one.call, tool: one.call.tool === 'Bash' ? 't' : one.call.tool, args } }
    const { evaluate } = await judgeInPython(sides, plain)
    if (evaluate?.contracts?.some((contract) => contract.id === id && !contract.passed)) return true
  }
  return false
}

/** Whether a command of the call is there and no text. */
function hasOtherCommand({ call }: Case): boolean {
  return Object.hasOwn(call.args, 'command') && typeof call.args.command !== 'string' && Boolean(call.args.command)
}

/** A case whose shape the workers rely on; shrinking leaves parts out blindly. */
function isWhole(one: Case): boolean {
  return (
    one.bundle?.contracts?.length > 0 &&
    one.bundle.contracts.every((contract) => contract.type) &&
    (one.bundle.mode === 'enforce') === (one.bundle.mode !== 'observe') &&
    one.environment !== undefined &&
    Boolean(one.call?.tool) &&
    one.call.args !== undefined &&
    one.call.principal !== undefined &&
    one.call.output !== undefined &&
    typeof one.call.throws === 'boolean' &&
    ['approved', 'denied', 'timeout'].includes(one.call.answer) &&
    isTool(one.bundle.tools)
  )
}

function isTool(tools: Case['bundle']['tools']): boolean {
  return Object.values(tools ?? {}).every((tool) => (tool as { side_effect?: string }).side_effect !== undefined)
}

/** A report as a person reads it: what was seen, and of each finding the smallest pair with both answers. */
export function reportText(version: string, report: Report): string {
  const lines = [
    `edictum ${version}: ${report.pairs} pairs, ${report.decided} decided by both, ${report.equal} equal, ${report.mismatches.length} unexplained`,
    ...[...report.explained].sort().map(([id, count]) => `  ${String(count).padStart(6)}  ${id}`),
  ]
  for (const { seed, case: one, found } of report.mismatches.slice(0, MOST_SHRUNK)) {
    lines.push('', `seed ${seed}`, bundleText(one).trimEnd(), caseLine(one, '').replace('"bundle": "", ', ''))
    for (const { at, python, here } of found.slice(0, 6)) {
      lines.push(`  ${at}: python ${JSON.stringify(python)}, here ${JSON.stringify(here)}`)
    }
  }
  return lines.join('\n')
}
