/**
 * Start to ready and idle memory of the built server, as `npm start` runs it: from the spawn to the line that says it is up, and
 * resident memory afterwards. Beside it a bare Fastify process that says hello. Needs `npm run build`.
 *
 *   node --conditions=@lictor/source bench/start/run.ts [--rounds 5] [--json FILE]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { quantile, writeFigures } from '../figures.ts'
import { residentMemory, startNode, stop, written } from '../processes.ts'

interface Start {
  readonly milliseconds: number
  readonly mebibytes: number
}

const IDLE_MS = 1_500
const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' }, json: { type: 'string' } } })
const program = fileURLToPath(new URL('../../packages/cli/dist/bin.js', import.meta.url))
const hello = fileURLToPath(new URL('./hello.ts', import.meta.url))

/** A data folder that exists, as after the first start: keys made, migrations done. */
const folder = mkdtempSync(join(tmpdir(), 'lictor-bench-'))
const environment = {
  LICTOR_DATA_DIR: folder,
  LICTOR_PORT: '0',
  LICTOR_LOG_LEVEL: 'info',
  DATABASE_URL: '',
  REDIS_URL: '',
}
const lictor = () => start([program, 'up'], /Lictor is up/)
const fresh: Start[] = []
const again: Start[] = []
const bare: Start[] = []
try {
  // Once for the compile cache of this build, which every start after an installation's first has.
  await lictor()
  for (let round = 0; round < Number(values.rounds); round++) {
    rmSync(join(folder, 'lictor.db'), { force: true })
    for (const suffix of ['-wal', '-shm']) rmSync(join(folder, `lictor.db${suffix}`), { force: true })
    fresh.push(await lictor())
    again.push(await lictor())
    bare.push(await start([hello], /ready/))
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}

const median = (starts: readonly Start[], what: keyof Start) =>
  quantile(
    starts.map((one) => one[what]),
    0.5,
  )
const fastest = (starts: readonly Start[]) => Math.min(...starts.map(({ milliseconds }) => milliseconds))
for (const [name, starts] of Object.entries({
  'lictor up, empty folder': fresh,
  'lictor up': again,
  'bare Fastify': bare,
}))
  console.log(
    `${name.padEnd(24)} ready after ${median(starts, 'milliseconds').toFixed(0)} ms (fastest ${fastest(starts).toFixed(0)}), ${median(starts, 'mebibytes').toFixed(0)} MiB idle`,
  )
const floor = (what: keyof Start) => ({ what: 'bare Fastify', value: median(bare, what) })
writeFigures(
  values.json,
  [
    {
      what: 'start to ready, empty data folder',
      value: median(fresh, 'milliseconds'),
      unit: 'ms',
      beside: floor('milliseconds'),
      goal: { atMost: 1000 },
    },
    {
      what: 'start to ready',
      value: median(again, 'milliseconds'),
      unit: 'ms',
      beside: floor('milliseconds'),
      goal: { atMost: 1000 },
    },
    {
      what: 'idle memory',
      value: median(again, 'mebibytes'),
      unit: 'MiB',
      beside: floor('mebibytes'),
      goal: { atMost: 150 },
    },
  ],
  { fastest: { fresh: fastest(fresh), again: fastest(again), bare: fastest(bare) } },
)

async function start(parameters: readonly string[], ready: RegExp): Promise<Start> {
  const from = performance.now()
  const child = startNode(parameters, environment)
  try {
    await written(child, ready)
    const milliseconds = performance.now() - from
    await new Promise((resolve) => setTimeout(resolve, IDLE_MS))
    return { milliseconds, mebibytes: residentMemory(child) }
  } finally {
    await stop(child)
  }
}
