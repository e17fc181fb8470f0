/**
 * Every bench, or the named ones, each in a process of its own, and one table of what they found.
 *
 *   npm run bench [-- decide guard ...] [--json FILE] [--chart FILE]
 *
 * `--json` keeps what the file holds of benches that were not run, so that one can be repeated when the machine is quiet; `none`
 * runs nothing and shows the file.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { chart } from './chart.ts'
import { type Figure, isMet, machine, type Outcome } from './figures.ts'

const here = fileURLToPath(new URL('.', import.meta.url))
const available = readdirSync(here, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && existsSync(join(here, entry.name, 'run.ts')))
  .map(({ name }) => name)
  .sort()
/** Takes an hour, and ends with its own verdict: only when it is named. */
const alone = ['soak']
const usual = available.filter((name) => !alone.includes(name))
const { values, positionals } = parseArgs({
  options: { json: { type: 'string' }, chart: { type: 'string' } },
  allowPositionals: true,
})
for (const name of positionals) {
  if (available.includes(name) || name === 'none') continue
  console.error(`There is no bench '${name}'. There are: ${available.join(', ')}`)
  process.exit(2)
}

const folder = mkdtempSync(join(tmpdir(), 'lictor-bench-'))
const outcomes: Record<string, Outcome> =
  values.json !== undefined && existsSync(values.json)
    ? (JSON.parse(readFileSync(values.json, 'utf8')) as Record<string, Outcome>)
    : {}
const failed: string[] = []
try {
  for (const name of positionals.length > 0 ? positionals.filter((one) => one !== 'none') : usual) {
    const file = join(folder, `${name}.json`)
    console.error(`\n== ${name}`)
    const { status } = spawnSync(
      process.execPath,
      [
        '--conditions=@lictor/source',
        '--disable-warning=ExperimentalWarning',
        join(here, name, 'run.ts'),
        '--json',
        file,
      ],
      // Its own report goes to standard error: standard output is the table.
      { stdio: ['ignore', process.stderr, process.stderr] },
    )
    if (status === 0 && existsSync(file)) outcomes[name] = JSON.parse(readFileSync(file, 'utf8')) as Outcome
    else failed.push(name)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}

const { cpu, cores, node } = machine()
console.log(`${cores} cores, ${cpu}, Node ${node}\n`)
console.log(table(outcomes))
if (values.json) writeFileSync(values.json, `${JSON.stringify(onlyFigures(outcomes), null, 2)}\n`)
if (values.chart) writeFileSync(values.chart, chart(outcomes))
for (const name of failed) console.error(`The bench '${name}' failed.`)
if (failed.length > 0) process.exitCode = 1

/** By name, without what a bench adds for its own readers. */
function onlyFigures(all: Readonly<Record<string, Outcome>>): Record<string, Outcome> {
  const named = Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(named.map(([name, { machine, figures }]) => [name, { machine, figures }]))
}

function table(all: Readonly<Record<string, Outcome>>): string {
  const rows = [['bench', 'what', 'figure', 'beside it, same run', 'ratio', 'goal', 'met']]
  for (const [name, { figures }] of Object.entries(onlyFigures(all))) {
    for (const figure of figures) rows.push([name, figure.what, ...cells(figure)])
  }
  const [head = [], ...body] = rows
  const lines = [head, head.map(() => '---'), ...body]
  return lines.map((line) => `| ${line.join(' | ')} |`).join('\n')
}

function cells(figure: Figure): string[] {
  const { value, unit, beside, goal } = figure
  const met = isMet(figure)
  return [
    `${short(value)} ${unit}`,
    beside ? `${beside.what}: ${short(beside.value)} ${unit}` : '',
    beside ? `${short(value / beside.value)}x` : '',
    goal ? ('atMost' in goal ? `<= ${short(goal.atMost)} ${unit}` : `>= ${short(goal.atLeast)} ${unit}`) : '',
    met === null ? '' : met ? 'yes' : 'no',
  ]
}

/** Three figures that count, no exponent. */
function short(value: number): string {
  if (!Number.isFinite(value)) return '-'
  return Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en-US') : String(Number(value.toPrecision(3)))
}
