/**
 * What takes too long for every change, and what a number says: real programs, long kills, many pairs, every bench. Run before a
 * release on a quiet machine; writes what was found to `proofs/README.md`.
 *
 *   npm run proofs [-- differential kills ...]
 *
 * A proof that is not run keeps its row. Ends with code 1 when one fails.
 */
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { machine } from '../bench/figures.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const readme = fileURLToPath(new URL('./README.md', import.meta.url))
const NODE = [process.execPath, '--conditions=@lictor/source', '--disable-warning=ExperimentalWarning']
const vitest = [process.execPath, 'node_modules/vitest/vitest.mjs', 'run']

interface Proof {
  readonly name: string
  readonly what: string
  readonly commands: readonly (readonly string[])[]
  /** The lines of a report that a reader of the table wants. */
  readonly found: RegExp
}

const kills = 10
const proofs: readonly Proof[] = [
  {
    name: 'differential',
    what: 'ten thousand pairs of bundle and call beside each of two published Python packages',
    commands: ['0.16.0', '0.19.0'].map((version) => [
      ...NODE,
      'e2e/python/differential/run.ts',
      ...['--pairs', '10000', '--seed', '500001', '--version', version],
    ]),
    found: /^edictum [\d.]+: .*/gm,
  },
  {
    name: 'fuzz',
    what: 'ten minutes of made-up bundles, patterns and calls',
    commands: [[...NODE, 'fuzz/run.ts', '--seconds', '600']],
    found: /^.*\bcases\b.*$/gm,
  },
  {
    name: 'kills',
    what: `kill -9 of servers under agents, and databases that go away, ${kills} times over`,
    commands: Array.from({ length: kills }, () => [
      ...vitest,
      'e2e/chaos.test.ts',
      'packages/server/test/kill.test.ts',
      'packages/server/test/runtime-kill.test.ts',
    ]),
    found: /^\s*Tests .*/gm,
  },
  {
    name: 'executions',
    what: 'a hundred executions in the middle of their work, their server killed twenty times: none lost, none ended twice, no command made twice; first event of each start',
    commands: [[...NODE, 'proofs/executions.ts', '--kills', '20', '--executions', '100']],
    found: /^executions: .*/gm,
  },
  {
    name: 'workflows',
    what: 'a thousand workflows under way, their server killed ten times: none lost, no state left twice; first that ends after each start',
    commands: [[...NODE, 'proofs/workflows.ts']],
    found: /^workflows: .*/gm,
  },
  {
    name: 'mcp',
    what: 'seven real MCP servers, each with seven real clients: the same through `lictor mcp wrap`, save what contracts change; of 200 calls no denied one reaches the server',
    commands: [[...NODE, 'proofs/mcp/run.ts']],
    found: /^mcp: .*/gm,
  },
  {
    name: 'mcp-serve',
    what: 'five real MCP servers behind `lictor mcp serve`, one of them over HTTP too, each with the four clients of TypeScript: the same, save names and what contracts change; of 200 calls no denied one reaches the server',
    commands: [[...NODE, 'proofs/mcp/serve.ts']],
    found: /^mcp serve: .*/gm,
  },
  {
    name: 'soak',
    what: 'an hour of mixed load on each database: does the server grow?',
    commands: ['sqlite', 'postgres'].map((database) => [...NODE, 'bench/soak/run.ts', '--database', database]),
    found: /^.*MiB.*$/gm,
  },
  {
    name: 'benches',
    what: 'every bench, its figures in bench/README.md',
    commands: [[...NODE, 'bench/run.ts', '--json', 'bench/results.json', '--chart', 'bench/chart.svg']],
    found: /^\| .* \| no \|$/gm,
  },
]

const asked = process.argv.slice(2)
const unknown = asked.find((name) => !proofs.some((proof) => proof.name === name))
if (unknown !== undefined) {
  console.error(`There is no proof '${unknown}'. There are: ${proofs.map(({ name }) => name).join(', ')}`)
  process.exit(2)
}
const failed: string[] = []
for (const proof of proofs.filter(({ name }) => asked.length === 0 || asked.includes(name))) {
  console.error(`\n== ${proof.name}: ${proof.what}`)
  const began = Date.now()
  const found = new Set<string>()
  let isHeld = true
  for (const command of proof.commands) {
    const { code, said } = await run(command)
    isHeld &&= code === 0
    for (const [line] of said.matchAll(proof.found)) found.add(line.trim())
  }
  if (!isHeld) failed.push(proof.name)
  keep(proof, isHeld, Math.round((Date.now() - began) / 60_000), [...found])
}
if (failed.length > 0) {
  console.error(`Not held: ${failed.join(', ')}`)
  process.exitCode = 1
}

/** Runs a command to its end, shows what it says, and hands that back without colours. */
function run([program = '', ...parameters]: readonly string[]): Promise<{ code: number | null; said: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, parameters, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
    let said = ''
    child.stdout.on('data', (chunk: Buffer) => {
      process.stdout.write(chunk)
      said += chunk.toString()
    })
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, said: stripVTControlCharacters(said) }))
  })
}

/** Puts the proof's row into the table, in place of the one before. */
function keep({ name, what }: Proof, isHeld: boolean, minutes: number, found: readonly string[]): void {
  const { cpu, cores, node, load } = machine()
  const day = new Date().toISOString().slice(0, 10)
  const cell = (text: string) => text.replaceAll('|', '\\|')
  const where = `${cores} cores, ${cpu}, Node ${node}, load ${load}`
  const row = `| ${name} | ${what} | ${isHeld ? 'held' : '**not held**'} | ${cell(found.join('<br>'))} | ${day}, ${minutes} min, ${where} |`
  const lines = readFileSync(readme, 'utf8').split('\n')
  const at = lines.findIndex((line) => line.startsWith(`| ${name} |`))
  if (at >= 0) lines[at] = row
  else lines.splice(lines.findLastIndex((line) => line.startsWith('|')) + 1, 0, row)
  writeFileSync(readme, lines.join('\n'))
}
