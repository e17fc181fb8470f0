/**
 * Fuzzes the contract language for a while: loading, deciding, patterns, redaction. Each case follows from its number, so a
 * finding can be run again.
 *
 *   npm run fuzz [-- --seconds 60] [--seed N] [--target NAME] [--out FOLDER]
 *   npm run fuzz -- --replay FILE
 *
 * Ends with code 1 when there are findings; each is a file `TARGET-SEED.json` in the folder (default `fuzz/findings`).
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { readCorpus } from './corpus.ts'
import { fuzzTargets } from './targets.ts'
import { CASE, DONE, type Finding, runCase } from './worker.ts'

const HANG_MS = 30_000
const MOST_FINDINGS = 50
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string' },
    target: { type: 'string' },
    out: { type: 'string', default: fileURLToPath(new URL('./findings', import.meta.url)) },
    replay: { type: 'string' },
  },
})
const targets = fuzzTargets(readCorpus())
if (values.target !== undefined && targets[values.target] === undefined) {
  console.error(`There is no target '${values.target}'. There are: ${Object.keys(targets).join(', ')}`)
  process.exit(2)
}
process.exitCode = values.replay === undefined ? await fuzz() : replay(values.replay)

function replay(file: string): number {
  const { target, seed } = JSON.parse(readFileSync(file, 'utf8')) as Finding
  const finding = runCase(targets, target, seed)
  console.log(finding ? `${finding.target} ${finding.seed}: ${finding.problem}` : 'The case passes now.')
  return finding ? 1 : 0
}

async function fuzz(): Promise<number> {
  const names = values.target === undefined ? Object.keys(targets) : [values.target]
  const first = values.seed === undefined ? Math.floor(Math.random() * 1e8) : Number(values.seed)
  const until = performance.now() + Number(values.seconds) * 1000
  const findings = new Map<string, Finding>()
  const report = (finding: Finding) => {
    // One reproducer for each place a problem comes from.
    const key = `${finding.target} ${finding.problem.split('\n').slice(0, 2).join(' ').replaceAll(/\d+/g, '#')}`
    if (findings.has(key) || findings.size >= MOST_FINDINGS) return
    findings.set(key, finding)
    mkdirSync(values.out, { recursive: true })
    const file = join(values.out, `${finding.target}-${finding.seed}.json`)
    writeFileSync(file, `${JSON.stringify(finding, null, 2)}\n`)
    console.log(`${finding.target} ${finding.seed}: ${finding.problem.split('\n', 1)[0]}\n  ${file}`)
  }
  console.log(`fuzzing ${names.join(', ')} for ${values.seconds} s from seed ${first}`)
  let next = first
  let done = 0
  while (performance.now() < until) {
    const stretch = await runStretch(names, next, until, report)
    done += stretch.done
    next = stretch.at + 1
  }
  console.log(`${done} cases, ${findings.size} findings`)
  return findings.size > 0 ? 1 : 0
}

/** One worker until time is up or a case hangs. */
async function runStretch(
  names: readonly string[],
  first: number,
  until: number,
  report: (finding: Finding) => void,
): Promise<{ done: number; at: number }> {
  const shared = new SharedArrayBuffer(8)
  const progress = new Int32Array(shared)
  progress[CASE] = first
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: { names, first, shared } })
  let problem: string | undefined
  worker.on('message', (message: Finding | 'ready') => {
    if (message !== 'ready') report(message)
  })
  worker.once('error', (error) => {
    problem = `ended the process: ${error.message}`
  })
  await new Promise((resolve) => worker.once('message', resolve).once('error', resolve))
  let seen = -1
  let since = performance.now()
  while (performance.now() < until && problem === undefined) {
    await new Promise((resolve) => setTimeout(resolve, 100))
    const done = Atomics.load(progress, DONE)
    if (done !== seen) {
      seen = done
      since = performance.now()
    } else if (performance.now() - since > HANG_MS) problem = `hangs for ${HANG_MS / 1000} s`
  }
  await worker.terminate()
  const at = Atomics.load(progress, CASE)
  if (problem !== undefined) report({ target: names[at % names.length] ?? '', seed: at, problem, made: [] })
  return { done: Atomics.load(progress, DONE), at }
}
