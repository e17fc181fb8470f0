import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { expect, test } from 'vitest'
import manifest from '../package.json' with { type: 'json' }

const root = join(import.meta.dirname, '../src')
const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
  (file) => file.endsWith('.ts') && !file.endsWith('.test.ts'),
)

/** What each file imports of this package, types included. */
const graph = new Map(
  files.map((file) => {
    const text = readFileSync(join(root, file), 'utf8')
    const imported = [...text.matchAll(/from '(\.[^']+)'/g)].map(([, path = '']) =>
      relative(root, join(root, dirname(file), path)),
    )
    return [file, imported]
  }),
)

function reach(entry: string): ReadonlySet<string> {
  const found = new Set<string>()
  const pending = [entry]
  for (let file = pending.pop(); file !== undefined; file = pending.pop()) {
    if (found.has(file)) continue
    found.add(file)
    pending.push(...(graph.get(file) ?? []))
  }
  return found
}

const entries = Object.values(manifest.exports).flatMap((entry) =>
  typeof entry === 'string' ? [] : [relative('src', entry['@lictor/source'])],
)

test('the entries are: load and decide, authoring, gates, templates, conformance', () => {
  expect(entries).toEqual([
    'index.ts',
    'authoring.ts',
    'gates/index.ts',
    'templates/templates.ts',
    'conformance/index.ts',
  ])
})

test('who loads and decides gets nothing of authoring, gates or conformance', () => {
  const folders = ['lint', 'explain', 'compare', 'convert', 'templates', 'schema', 'gates', 'conformance']
  const strangers = [...reach('index.ts')].filter(
    (file) =>
      folders.includes(file.split('/')[0] as string) ||
      ['authoring.ts', 'compose/assemble.ts', 'compose/emit.ts', 'regex/analyse.ts', 'regex/sample.ts'].includes(file),
  )
  expect(strangers).toEqual([])
})

test('only the entry of conformance holds the runner', () => {
  for (const entry of entries.slice(0, 3))
    expect([...reach(entry)].filter((file) => file.startsWith('conformance/'))).toEqual([])
})

test('every file belongs to an entry', () => {
  const reached = new Set(entries.flatMap((entry) => [...reach(entry)]))
  expect(files.filter((file) => !reached.has(file))).toEqual([])
})

test('no file imports itself over others', () => {
  const circles: string[][] = []
  const finished = new Set<string>()
  const walk = (file: string, way: readonly string[]) => {
    if (way.includes(file)) circles.push([...way.slice(way.indexOf(file)), file])
    else if (!finished.has(file)) for (const next of graph.get(file) ?? []) walk(next, [...way, file])
    finished.add(file)
  }
  for (const file of files) walk(file, [])
  expect(circles).toEqual([])
})

test('the package needs nothing from outside', () => {
  const foreign = files.flatMap((file) =>
    [...readFileSync(join(root, file), 'utf8').matchAll(/(?:from|import) '([^.'][^']*)'/g)].map(
      ([, name]) => `${file}: ${name}`,
    ),
  )
  expect(foreign).toEqual([])
})
