/**
 * The gate in front of real assistants, without a network: a model on this machine calls a tool, and a file says whether it ran.
 *
 *   npm run proofs:assistants [-- claude-code gemini …] [--install] [--wire]
 *
 * Each assistant is installed below `proofs/assistants/programs` (80 to 430 MB each) with `--install`; one that is missing is
 * skipped and counted. Writes the table of `proofs/assistants/README.md`; `--wire` keeps what the assistants asked for the
 * tests. Ends with code 1 when a case does not hold.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { machine } from '../../bench/figures.ts'
import { administrator, startServer } from '../../e2e/support/server.ts'
import { CASES, type Case, type Outcome, type Person, prove } from './cases.ts'
import { installProgram, programsFolder } from './install.ts'
import { personOf } from './person.ts'
import { type Program, programs, startable } from './programs.ts'
import { keepWire } from './wire.ts'

const here = fileURLToPath(new URL('.', import.meta.url))
const readme = join(here, 'README.md')

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    install: { type: 'boolean', default: false },
    wire: { type: 'boolean', default: false },
    case: { type: 'string', multiple: true },
  },
})
const chosen = programs.filter(({ assistant }) => positionals.length === 0 || positionals.includes(assistant))
const cases = CASES.filter((one) => values.case === undefined || values.case.includes(one))
if (chosen.length === 0 || cases.length === 0) {
  console.error(`There are: ${programs.map(({ assistant }) => assistant).join(', ')}; cases: ${CASES.join(', ')}`)
  process.exit(2)
}

const wireFolder = values.wire ? mkdtempSync(join(tmpdir(), 'lictor-wire-')) : null
const server = await startServer()
let failed = 0
let skipped = 0
try {
  const person = await personOf(await administrator(server.url))
  for (const program of chosen) {
    if (values.install) installProgram(program)
    const executable = startable(programsFolder, program)
    if (executable === null) {
      skipped++
      console.log(`${program.assistant}: skipped, ${program.packed} is not installed (--install)`)
      continue
    }
    const outcomes = new Map<Case, Outcome>()
    for (const which of cases) {
      const outcome = await tried(program, executable, which, person)
      outcomes.set(which, outcome)
      if (!outcome.isHeld) failed++
      console.log(
        `${program.assistant} ${which}: ${outcome.isHeld ? 'held' : 'NOT HELD'}, ${outcome.detail} (${outcome.seconds.toFixed(1)} s)`,
      )
    }
    if (cases.length === CASES.length) writeRow(program, outcomes)
  }
} finally {
  await server.stop()
  rmSync(server.dataDir, { recursive: true, force: true })
}
if (wireFolder !== null) {
  keepWire(wireFolder)
  rmSync(wireFolder, { recursive: true, force: true })
}
console.log(`${chosen.length - skipped} assistants, ${failed} cases not held, ${skipped} assistants skipped`)
process.exitCode = failed === 0 ? 0 : 1

async function tried(program: Program, executable: string, which: Case, person: Person): Promise<Outcome> {
  try {
    return await prove(program, executable, which, person, wireFolder)
  } catch (error) {
    return { isHeld: false, detail: (error as Error).message, seconds: 0 }
  }
}

/** A row stands for one assistant; those of others stay. */
function writeRow(program: Program, outcomes: ReadonlyMap<Case, Outcome>): void {
  const cells = CASES.map((which) =>
    outcomes.get(which)?.isHeld ? `${Math.round(outcomes.get(which)?.seconds ?? 0)} s` : 'NOT HELD',
  )
  const day = new Date().toISOString().slice(0, 10)
  const { cpu, cores, node, load } = machine()
  const row = `| ${program.assistant} | ${program.packed} | ${cells.join(' | ')} | ${day}, ${cores} cores, ${cpu}, Node ${node}, load ${load} |`
  const lines = readFileSync(readme, 'utf8').split('\n')
  const at = lines.findIndex((line) => line.startsWith(`| ${program.assistant} |`))
  if (at === -1) lines.splice(lines.findLastIndex((line) => line.startsWith('|')) + 1, 0, row)
  else lines[at] = row
  writeFileSync(readme, lines.join('\n'))
}
