/**
 * Can a stranger tell by the clock whether somebody has an account? Refused logins of a known and of unknown addresses, by turns, each
 * timed over HTTP; the two samples are compared by the rank-sum test, which asks nothing of their shape.
 *
 *   node --conditions=@lictor/source bench/login-timing/run.ts [--logins 400] [--json FILE]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { quantile, writeFigures } from '../figures.ts'
import { startNode, stop, written } from '../processes.ts'

const { values } = parseArgs({ options: { logins: { type: 'string', default: '400' }, json: { type: 'string' } } })
const ADMIN = { email: 'bench@example.com', password: 'a bench of good length' }
const WARM_UP = 20
const folder = mkdtempSync(join(tmpdir(), 'lictor-bench-'))
const child = startNode(['--conditions=@lictor/source', fileURLToPath(new URL('../server.ts', import.meta.url))], {
  LICTOR_DATA_DIR: folder,
  LICTOR_PORT: '0',
  LICTOR_ADMIN_EMAIL: ADMIN.email,
  LICTOR_ADMIN_PASSWORD: ADMIN.password,
  LICTOR_LOGIN_ATTEMPTS: '100000',
  DATABASE_URL: '',
})
try {
  const address = (await written(child, /http:\S+\n/)).trim()
  const refused = async (email: string): Promise<number> => {
    const from = performance.now()
    const answer = await fetch(`${address}/api/v1/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email, password: 'a wrong password of the same length' }),
    })
    await answer.arrayBuffer()
    if (answer.status !== 401) throw new Error(`login answered ${answer.status}`)
    return performance.now() - from
  }
  const known: number[] = []
  const unknown: number[] = []
  for (let turn = -WARM_UP; turn < Number(values.logins); turn++) {
    // As long as the other, and never the same: nothing about it is remembered.
    const stranger = `b${String(turn + WARM_UP).padStart(4, '0')}@example.com`
    const isKnownFirst = Math.random() < 0.5
    for (const isKnown of [isKnownFirst, !isKnownFirst]) {
      const took = await refused(isKnown ? ADMIN.email : stranger)
      if (turn >= 0) (isKnown ? known : unknown).push(took)
    }
  }
  const rounded = (number: number) => Math.round(number * 100) / 100
  const [a, b] = [quantile(known, 0.5), quantile(unknown, 0.5)]
  const deviation = rankSum(known, unknown)
  console.log(
    `refused in p50 ${rounded(a)} ms with an account, ${rounded(b)} ms without; the ranks differ by ${rounded(deviation)} standard deviations (over 3 would tell them apart)`,
  )
  writeFigures(values.json, [
    {
      what: 'login refused, with an account, p50',
      value: rounded(a),
      unit: 'ms',
      beside: { what: 'without one', value: rounded(b) },
    },
    { what: 'login, how far the two can be told apart', value: rounded(deviation), unit: 'σ', goal: { atMost: 3 } },
  ])
} finally {
  await stop(child)
  rmSync(folder, { recursive: true, force: true })
}

/** By how many standard deviations the rank sum of two samples is off what chance gives (Mann and Whitney). */
function rankSum(first: readonly number[], second: readonly number[]): number {
  const ranked = [
    ...first.map((value) => ({ value, isFirst: true })),
    ...second.map((value) => ({ value, isFirst: false })),
  ]
    .sort((left, right) => left.value - right.value)
    .map((entry, index) => ({ ...entry, rank: index + 1 }))
  const sum = ranked.filter(({ isFirst }) => isFirst).reduce((total, { rank }) => total + rank, 0)
  const [n, m] = [first.length, second.length]
  const expected = (n * (n + m + 1)) / 2
  return Math.abs(sum - expected) / Math.sqrt((n * m * (n + m + 1)) / 12)
}
