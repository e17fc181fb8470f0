/**
 * What each call of a coding assistant pays: a whole process of `lictor gate check` with a hundred contracts, beside a script of
 * Node that reads the same question and prints `{}`.
 *
 *   node --conditions=@lictor/source bench/gate/run.ts [--rounds 41] [--json FILE]
 *
 * Needs `npm run build`.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { bundleOf } from '../cold-load/bundles.ts'
import { type Figure, quantile, writeFigures } from '../figures.ts'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '41' }, json: { type: 'string' } } })
const lictor = fileURLToPath(new URL('../../packages/cli/bin/lictor.js', import.meta.url))
const script = fileURLToPath(new URL('./stdin.mjs', import.meta.url))
const home = mkdtempSync(join(tmpdir(), 'lictor-bench-'))
const question = JSON.stringify({
  hook_event_name: 'PreToolUse',
  session_id: 's',
  cwd: home,
  tool_name: 'Bash',
  tool_input: { command: 'ls -la src' },
})
const subjects = { check: [lictor, 'gate', 'check', '--format', 'claude-code'], script: [script] } as const
const times: Record<keyof typeof subjects, number[]> = { check: [], script: [] }
try {
  mkdirSync(join(home, '.lictor/contracts'), { recursive: true })
  writeFileSync(join(home, '.lictor/contracts/base.yaml'), bundleOf(100))
  // By turns, so that whatever else the machine does falls on both alike; the first turns fill the caches.
  for (let round = -2; round < Number(values.rounds); round++) {
    for (const name of ['check', 'script'] as const) {
      const begun = performance.now()
      const { status } = spawnSync(process.execPath, subjects[name], { input: question, env: { HOME: home } })
      if (status !== 0) throw new Error(`${name} ended with code ${status}`)
      if (round >= 0) times[name].push(performance.now() - begun)
    }
  }
} finally {
  rmSync(home, { recursive: true, force: true })
}
const value = quantile(times.check, 0.5)
const beside = quantile(times.script, 0.5)
console.log(
  `gate check p50 ${value.toFixed(1)} ms, the script ${beside.toFixed(1)} ms: ${(value / beside).toFixed(2)}x`,
)
const figures: Figure[] = [
  {
    what: 'gate check, 100 contracts, whole process p50',
    value,
    unit: 'ms',
    goal: { atMost: 60 },
    beside: { what: 'a script that prints {}', value: beside },
  },
  { what: 'gate check, to the script', value: value / beside, unit: 'x', goal: { atMost: 1.3 } },
]
writeFigures(values.json, figures)
