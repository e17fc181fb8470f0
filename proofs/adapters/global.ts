import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Cell, cells, type Result } from './cells.ts'
import { folder, isInstalled, suites } from './installed.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const table = `${root}docs/adapters.md`
const results = `${folder}node_modules/.cache/lictor/`

/** Puts the packages where they would be installed, as they are published: an adapter has to find its framework from there. */
export function setup(): void {
  if (!suites.some(isInstalled)) return
  for (const name of ['contracts', 'guard']) {
    const to = `${folder}node_modules/@lictor/${name}`
    rmSync(to, { recursive: true, force: true })
    mkdirSync(to, { recursive: true })
    const manifest = JSON.parse(readFileSync(`${root}packages/${name}/package.json`, 'utf8')) as PackageJson
    writeFileSync(`${to}/package.json`, JSON.stringify(asPublished(manifest)))
    cpSync(`${root}packages/${name}/dist`, `${to}/dist`, { recursive: true })
  }
  rmSync(results, { recursive: true, force: true })
}

type PackageJson = Record<string, unknown> & { exports: Record<string, string | Record<string, string>> }

/** The sources stay here: what is imported is what was built. */
function asPublished({ exports, ...manifest }: PackageJson): PackageJson {
  const entries = Object.entries(exports).map(([entry, target]) => {
    if (typeof target === 'string') return [entry, target] as const
    const { '@lictor/source': _, ...published } = target
    return [entry, published] as const
  })
  return { ...manifest, exports: Object.fromEntries(entries) }
}

/** Writes what was proven into the table of the documentation; in CI the table has to say it already. */
export function teardown(): void {
  if (process.env.LICTOR_ADAPTER_PROOFS || !existsSync(results)) return
  const proven = readdirSync(results).map((file) => JSON.parse(readFileSync(`${results}${file}`, 'utf8')) as Result)
  const before = readFileSync(table, 'utf8')
  const lines = before.split('\n')
  // Other tables before it name frameworks, too.
  const from = lines.indexOf('## What is proven')
  if (from < 0) throw new Error("docs/adapters.md has no part 'What is proven' to write the table into.")
  for (const result of proven) {
    const at = lines.findIndex((line, index) => index > from && line.startsWith(`| ${result.name} |`))
    if (at >= 0) lines[at] = rowOf(result)
    else lines.splice(lines.findLastIndex((line) => line.startsWith('|')) + 1, 0, rowOf(result))
  }
  const after = lines.join('\n')
  if (after === before) return
  if (process.env.CI)
    throw new Error('docs/adapters.md says something else than was proven: run the proofs and commit it.')
  writeFileSync(table, after)
}

function rowOf({ name, version, proven, without, ownIds }: Result): string {
  const yes = (one: Cell) => (one === 'same id' && ownIds ? 'own' : 'yes')
  const cell = (one: Cell) => (proven.includes(one) ? yes(one) : without[one] !== undefined ? '–' : '**no**')
  return `| ${name} | ${version} | ${cells.map(cell).join(' | ')} |`
}
