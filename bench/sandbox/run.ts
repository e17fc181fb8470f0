/**
 * From the start of a sandbox to the first message that its bootstrap sends to the gateway, and to its end: nothing waits ahead,
 * the files are in the page cache. Beside it, in the same run and by turns, the same bootstrap as a bare child process; and for
 * containers, `docker run` of the same image with the same bootstrap.
 *
 *   node --conditions=@lictor/source bench/sandbox/run.ts [--rounds 60] [--docker-rounds 20] [--json FILE]
 */
import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { systemClock } from '../../packages/server/src/adapters/clock/system.ts'
import {
  bubblewrapProblem,
  bubblewrapSandbox,
  findBubblewrap,
} from '../../packages/server/src/adapters/sandbox/bubblewrap.ts'
import { openControlGroups } from '../../packages/server/src/adapters/sandbox/cgroups.ts'
import { dockerSandbox } from '../../packages/server/src/adapters/sandbox/docker.ts'
import { createImages } from '../../packages/server/src/adapters/sandbox/docker-images.ts'
import { processSandbox } from '../../packages/server/src/adapters/sandbox/process.ts'
import { ownMark } from '../../packages/server/src/adapters/sandbox/process-mark.ts'
import type { Sandbox } from '../../packages/server/src/ports/sandbox.ts'
import { bootstrapPath } from '../../packages/server/src/runtime/bootstrap/index.ts'
import { dockerProblem, importTestImage, startEngine, TEST_IMAGE } from '../../packages/server/test/docker.ts'
import { writeFigures } from '../figures.ts'

const GOAL_MS = 125
const GOAL_TIMES = 1.5
const DOCKER_GOAL_TIMES = 1.2
const WARM_UP = 3
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '60' },
    'docker-rounds': { type: 'string', default: '20' },
    json: { type: 'string' },
  },
})

const home = mkdtempSync(join(tmpdir(), 'lictor-bench-'))
const script = bootstrapPath('node')
const socket = join(home, 'gateway.sock')
let arrived = () => {}
const gateway = createServer((request, response) => {
  arrived()
  request.resume().on('end', () => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ type: 'final', content: 'ready', tool_calls_executed: 0, conversation: [] }))
  })
})
await new Promise<void>((resolve) => gateway.listen(socket, resolve))
chmodSync(socket, 0o666)

const environment = (orchestrator: string) => ({
  AEGIS_ORCHESTRATOR_URL: orchestrator,
  AEGIS_EXECUTION_ID: 'execution',
  AEGIS_AGENT_ID: 'agent',
  AEGIS_MODEL_ALIAS: 'default',
})
const onSocket = (path: string) => `http+unix://${encodeURIComponent(path)}`

interface Round {
  /** Milliseconds to the first message, and to the end, output complete. */
  readonly first: number
  readonly end: number
}

/** Time one start; `run` resolves with what the bootstrap printed. */
async function timed(run: () => Promise<string>): Promise<Round> {
  const started = performance.now()
  let first = Number.NaN
  arrived = () => {
    first = performance.now() - started
  }
  const printed = await run()
  if (printed.trim() !== 'ready') throw new Error(printed)
  return { first, end: performance.now() - started }
}

function printedBy(command: string, args: string[], env: Record<string, string>): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: home, env, stdio: ['ignore', 'pipe', 'inherit'] })
    let printed = ''
    child.stdout.on('data', (chunk: Buffer) => (printed += chunk))
    child.once('close', () => resolve(printed))
    child.once('error', reject)
  })
}

const bare = () => timed(() => printedBy(process.execPath, [script, 'Work.'], environment(onSocket(socket))))

function sandboxed(sandbox: Sandbox): () => Promise<Round> {
  let count = 0
  return () => {
    const workspace = join(home, `w-${sandbox.name}-${count++}`)
    mkdirSync(workspace)
    return timed(async () => {
      const instance = await sandbox.start({
        id: `bench-${process.pid}-${count}`,
        interpreter: 'node',
        script,
        args: ['Work.'],
        input: '',
        env: environment(sandbox.name === 'process' ? onSocket(socket) : sandbox.gatewayOf({ address: '', socket })),
        workspace,
        gateway: { address: 'http://127.0.0.1:1', socket },
        proxy: null,
        limits: { memory: 512 * 1024 ** 2, fileSize: 1024 ** 3, output: 65_536 },
        image: { name: TEST_IMAGE, pullPolicy: 'Never' },
      })
      const { stdout, stderr } = await instance.exited
      return stdout || stderr
    })
  }
}

const groups = openControlGroups({ owner: `bench-${process.pid}` })
const options = {
  program: findBubblewrap(),
  runDir: join(home, 'run'),
  node: process.execPath,
  groups,
  clock: systemClock,
}
const subjects = new Map([
  ['bare child process', bare],
  [
    'sandbox process',
    sandboxed(
      processSandbox({
        owner: 'bench',
        programs: { node: process.execPath, python: 'python3' },
        path: process.env.PATH ?? '',
        groups,
        clock: systemClock,
      }),
    ),
  ],
])
const problem = await bubblewrapProblem(options)
if (problem === null) subjects.set('sandbox bubblewrap', sandboxed(bubblewrapSandbox(options)))
else console.log(`bubblewrap is left out: ${problem}`)

type Times = Map<string, { first: number[]; end: number[] }>

async function byTurns(of: ReadonlyMap<string, () => Promise<Round>>, rounds: number): Promise<Times> {
  const times: Times = new Map([...of.keys()].map((name) => [name, { first: [], end: [] }]))
  for (let index = 0; index < WARM_UP + rounds; index++) {
    for (const [name, round] of of) {
      const { first, end } = await round()
      if (index < WARM_UP) continue
      times.get(name)?.first.push(first)
      times.get(name)?.end.push(end)
    }
  }
  return times
}

const percentile = (values: readonly number[], share: number): number => {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

/** Print what each took beside the first of them. */
function show(times: Times, floor: string): void {
  const least = percentile(times.get(floor)?.first ?? [], 0.5)
  for (const [name, { first, end }] of times) {
    const p50 = percentile(first, 0.5)
    console.log(
      `  ${name.padEnd(20)} first message p50 ${p50.toFixed(1).padStart(6)} ms  p90 ${percentile(first, 0.9).toFixed(1).padStart(6)} ms  x${(p50 / least).toFixed(2)}   end p50 ${percentile(end, 0.5).toFixed(1).padStart(6)} ms`,
    )
  }
}

const rounds = Number(values.rounds)
const times = await byTurns(subjects, rounds)
console.log(`start to first message, ${rounds} rounds by turns (goal ${GOAL_MS} ms and x${GOAL_TIMES})`)
show(times, 'bare child process')
const p50 = (of: Times, name: string) => percentile(of.get(name)?.first ?? [], 0.5)
const figures = [...subjects.keys()].slice(1).map((name) => ({
  what: `${name}, start to first message`,
  value: p50(times, name),
  unit: 'ms',
  beside: { what: 'bare child process', value: p50(times, 'bare child process') },
  goal: { atMost: GOAL_MS },
}))

if (dockerProblem === null) {
  const { engine, socket: engineSocket, stop } = await startEngine()
  try {
    await importTestImage(engine)
    const inside = '/run/lictor/gateway.sock'
    const run = () =>
      timed(() =>
        printedBy(
          'docker',
          [
            ...['-H', `unix://${engineSocket}`, 'run', '--rm', '--network', 'none', '-v', `${socket}:${inside}`],
            ...['-v', `${script}:/opt/lictor/bootstrap.mjs:ro`],
            ...Object.entries(environment(onSocket(inside))).flatMap(([name, value]) => ['-e', `${name}=${value}`]),
            ...[TEST_IMAGE, 'node', '/opt/lictor/bootstrap.mjs', 'Work.'],
          ],
          { PATH: process.env.PATH ?? '', HOME: home },
        ),
      )
    const containers = dockerSandbox({
      engine,
      images: createImages({ engine, logins: {}, clock: systemClock }),
      owner: `bench-${process.pid}`,
      mark: ownMark(),
      runtime: '',
      clock: systemClock,
      onStuck: (container, reason) => console.error(`${container}: ${reason}`),
    })
    const dockerRounds = Number(values['docker-rounds'])
    const inContainers = await byTurns(
      new Map([
        ['docker run', run],
        ['sandbox docker', sandboxed(containers)],
      ]),
      dockerRounds,
    )
    console.log(`containers, ${dockerRounds} rounds by turns (goal x${DOCKER_GOAL_TIMES} of docker run)`)
    show(inContainers, 'docker run')
    const floor = p50(inContainers, 'docker run')
    figures.push({
      what: 'sandbox docker, start to first message',
      value: p50(inContainers, 'sandbox docker'),
      unit: 'ms',
      beside: { what: 'docker run', value: floor },
      goal: { atMost: floor * DOCKER_GOAL_TIMES },
    })
  } finally {
    await stop()
  }
}
writeFigures(values.json, figures)
gateway.close()
rmSync(home, { recursive: true, force: true })
