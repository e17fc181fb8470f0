/**
 * What every hook, every command and every serverless agent pays: a new process imports the guard and loads its first bundle.
 * Measured inside the process, from before the import; Node's own start is everybody's and left out. Beside the published
 * entries: the same of an earlier build, and `js-yaml` with `ajv` and the bundle's JSON Schema, which only read and check.
 *
 *   node --conditions=@lictor/source bench/cold-load/run.ts [--base FOLDER] [--rounds 21] [--json FILE]
 *
 * `--base` is a checkout of another commit after its `npm run build`. Needs `npm run build` here too.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { type Figure, quantile, writeFigures } from '../figures.ts'
import { bundleOf } from './bundles.ts'

const { values } = parseArgs({
  options: { base: { type: 'string' }, rounds: { type: 'string', default: '21' }, json: { type: 'string' } },
})
const root = fileURLToPath(new URL('../..', import.meta.url))
const script = fileURLToPath(new URL('./subject.mjs', import.meta.url))
/** What a bundle of that size may cost of what it cost before. */
const goals: Readonly<Record<number, number>> = { 20: 0.25, 1000: 0.3 }

interface Subject {
  readonly name: string
  readonly parameters: readonly [kind: string, entry: string]
}
const built = (folder: string, name: string) => pathToFileURL(resolve(folder, 'packages', name, 'dist/index.js')).href
const subjects: Subject[] = [
  { name: 'guard', parameters: ['guard', built(root, 'guard')] },
  { name: 'contracts', parameters: ['contracts', built(root, 'contracts')] },
  { name: 'js-yaml and ajv', parameters: ['peers', join(root, 'packages/contracts/bundle.schema.json')] },
]
if (values.base !== undefined) {
  subjects.push(
    { name: 'guard before', parameters: ['guard', built(values.base, 'guard')] },
    { name: 'contracts before', parameters: ['contracts', built(values.base, 'contracts')] },
  )
}

interface Sample {
  readonly loaded: number
  /** Processor time until then, which a busy machine changes least. */
  readonly worked: number
  readonly decided: number
}
const folder = mkdtempSync(join(tmpdir(), 'lictor-bench-'))
const figures: Figure[] = []
try {
  for (const contracts of [20, 1000]) {
    const file = join(folder, `${contracts}.yaml`)
    writeFileSync(file, bundleOf(contracts))
    const samples = new Map<string, Sample[]>(subjects.map(({ name }) => [name, []]))
    // By turns, so that whatever else the machine does falls on all alike; the first turn only fills the disk's cache.
    for (let round = 0; round <= Number(values.rounds); round++) {
      for (const { name, parameters } of subjects) {
        // Without the development condition of this script: what is measured is what is published.
        const answer = execFileSync(process.execPath, [script, ...parameters, file], {
          env: { PATH: process.env.PATH },
        })
        if (round > 0) samples.get(name)?.push(JSON.parse(answer.toString()) as Sample)
      }
    }
    const median = (name: string, what: keyof Sample) =>
      quantile(
        (samples.get(name) ?? []).map((sample) => sample[what]),
        0.5,
      )
    for (const { name } of subjects) {
      console.log(
        `${String(contracts).padStart(5)} contracts  ${name.padEnd(18)} loaded after ${median(name, 'loaded').toFixed(1)} ms (${median(name, 'worked').toFixed(1)} ms of processor time), decided after ${median(name, 'decided').toFixed(1)} ms`,
      )
    }
    const peer = { what: 'js-yaml and ajv', value: median('js-yaml and ajv', 'loaded') }
    for (const name of ['guard', 'contracts']) {
      const value = median(name, 'loaded')
      const what = `${name}: import and load ${contracts} contracts`
      figures.push({ what, value, unit: 'ms', beside: peer })
      if (values.base === undefined) continue
      const before = median(`${name} before`, 'loaded')
      const goal = name === 'guard' ? { goal: { atMost: before * (goals[contracts] ?? 1) } } : {}
      figures.push({
        what: `${what}, to before`,
        value,
        unit: 'ms',
        beside: { what: 'before', value: before },
        ...goal,
      })
      const worked = median(name, 'worked') / median(`${name} before`, 'worked')
      console.log(
        `${String(contracts).padStart(5)} contracts  ${name.padEnd(18)} ${(value / before).toFixed(3)} of before, ${worked.toFixed(3)} of its processor time`,
      )
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
writeFigures(values.json, figures)
