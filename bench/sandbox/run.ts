/**
 * The life of a sandbox around a script that does next to nothing: start, script, teardown, output complete. Beside it, in the
 * same run and by turns, a bare child process of the same interpreter with the same script.
 *
 *   node --conditions=source bench/sandbox/run.ts [--rounds 60] [--json FILE]
 */
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import {
  bubblewrapProblem,
  bubblewrapSandbox,
  findBubblewrap,
} from '../../packages/server/src/adapters/sandbox/bubblewrap.ts'
import { processSandbox } from '../../packages/server/src/adapters/sandbox/process.ts'
import type { Sandbox } from '../../packages/server/src/ports/sandbox.ts'
import { writeFigures } from '../figures.ts'

const GOAL_MS = 125
const WARM_UP = 5
const { values } = parseArgs({ options: { rounds: { type: 'string', default: '60' }, json: { type: 'string' } } })
const rounds = Number(values.rounds)

const home = mkdtempSync(join(tmpdir(), 'lictor-bench-'))
const script = join(home, 'ready.mjs')
writeFileSync(
  script,
  "import { writeFileSync } from 'node:fs'\nwriteFileSync('ready', String(Date.now()))\nprocess.stdout.write('ready')\n",
)
const socket = join(home, 'gateway.sock')
const gateway = createServer((_request, response) => response.end())
await new Promise<void>((resolve) => gateway.listen(socket, resolve))

/** Milliseconds from the start to the end, output complete. */
type Round = () => Promise<number>

function bare(): Promise<number> {
  const started = performance.now()
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script], { cwd: home, env: {}, stdio: ['ignore', 'pipe', 'inherit'] })
    child.stdout.resume()
    child.once('close', () => resolve(performance.now() - started))
    child.once('error', reject)
  })
}

function sandboxed(sandbox: Sandbox): Round {
  let count = 0
  return async () => {
    const workspace = join(home, `w-${sandbox.name}-${count}`)
    mkdirSync(workspace)
    const started = performance.now()
    const instance = await sandbox.start({
      id: `bench-${count++}`,
      interpreter: 'node',
      script,
      args: [],
      input: '',
      env: {},
      workspace,
      network: 'gateway',
      gateway: { address: 'http://127.0.0.1:1', socket },
      limits: { memory: 512 * 1024 ** 2, fileSize: 1024 ** 3, output: 65_536 },
    })
    const exit = await instance.exited
    if (exit.stdout !== 'ready') throw new Error(`${sandbox.name}: ${exit.stderr}`)
    return performance.now() - started
  }
}

const subjects: { name: string; round: Round }[] = [{ name: 'bare child process', round: bare }]
subjects.push({
  name: 'sandbox process',
  round: sandboxed(
    processSandbox({
      owner: 'bench',
      programs: { node: process.execPath, python: 'python3' },
      path: process.env.PATH ?? '',
    }),
  ),
})
const options = { program: findBubblewrap(), runDir: join(home, 'run'), node: process.execPath }
const problem = await bubblewrapProblem(options)
if (problem === null) subjects.push({ name: 'sandbox bubblewrap', round: sandboxed(bubblewrapSandbox(options)) })
else console.log(`bubblewrap is left out: ${problem}`)

const times = new Map(subjects.map(({ name }) => [name, [] as number[]]))
for (let index = 0; index < WARM_UP + rounds; index++) {
  for (const { name, round } of subjects) {
    const time = await round()
    if (index >= WARM_UP) times.get(name)?.push(time)
  }
}

const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
const floor = percentile(
  [...(times.get('bare child process') ?? [])].sort((a, b) => a - b),
  0.5,
)
console.log(`start to finished script, ${rounds} rounds by turns (goal ${GOAL_MS} ms)`)
for (const [name, all] of times) {
  const sorted = all.sort((a, b) => a - b)
  const p50 = percentile(sorted, 0.5)
  console.log(
    `  ${name.padEnd(20)} p50 ${p50.toFixed(1).padStart(6)} ms  p90 ${percentile(sorted, 0.9).toFixed(1).padStart(6)} ms  x${(p50 / floor).toFixed(2)} of the bare process`,
  )
}
writeFigures(
  values.json,
  subjects.slice(1).map(({ name }) => ({
    what: `${name}, start to finished script`,
    value: percentile(times.get(name) ?? [], 0.5),
    unit: 'ms',
    beside: { what: 'bare child process', value: floor },
    goal: { atMost: GOAL_MS },
  })),
)
gateway.close()
rmSync(home, { recursive: true, force: true })
