import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Load, openLoad, SETTINGS } from '../bench/soak/load.ts'
import { type Subject, startSubject } from '../bench/soak/server.ts'
import { eventually } from './support/server.ts'

/**
 * Whether what comes and goes leaves something behind: by counts, not by the clock, so that a busy machine changes nothing. After a
 * warm-up, the same work is done twice; the heap after collection may not grow by more than this for each piece of the second half.
 * What is kept of a stream or an approval takes several times as much.
 */
const BYTES_LEFT = 400
/** However busy the machine is. */
const PATIENCE_MS = 300_000
/** Of a bare process: what the engine moves about between two looks. */
const NOISE = 1.5 * 1024 * 1024

let folder = ''
let subject: Subject
let load: Load

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lictor-soak-'))
  subject = await startSubject({ LICTOR_DATA_DIR: folder, ...SETTINGS })
  load = await openLoad(subject.address)
})
afterAll(async () => {
  await load?.close()
  await subject?.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** What the server holds once nothing is under way any more. */
async function settled() {
  const streams = async () => (await load.metrics()).get('lictor_agent_streams')
  await eventually('only the steady streams are open', async () => (await streams()) === 20, 120)
  await eventually(
    'the outbox is empty',
    async () => ((await load.metrics()).get('lictor_outbox_waiting') ?? 0) === 0,
    60,
  )
  const { heapUsed, external } = await subject.look()
  return { bytes: heapUsed + external }
}

async function leftBehind(times: number, work: (times: number) => Promise<void>): Promise<number> {
  await work(times)
  const before = await settled()
  await work(times)
  const after = await settled()
  return Math.max(0, after.bytes - before.bytes - NOISE) / times
}

it(
  'ten thousand streams that come and go leave nothing behind',
  async () => {
    expect(await leftBehind(5_000, (times) => load.connect(times))).toBeLessThan(BYTES_LEFT)
  },
  PATIENCE_MS,
)

it(
  'approvals asked for, waited for, told of and decided leave nothing behind',
  async () => {
    expect(await leftBehind(250, (times) => load.approve(times))).toBeLessThan(BYTES_LEFT * 5)
  },
  PATIENCE_MS,
)

it(
  'rounds of everything leave nothing behind',
  async () => {
    const rounds = async (times: number) => {
      for (let index = 0; index < times; index += 4) await Promise.all([1, 2, 3, 4].map(() => load.round()))
    }
    expect(await leftBehind(60, rounds)).toBeLessThan(BYTES_LEFT * 40)
  },
  PATIENCE_MS,
)
