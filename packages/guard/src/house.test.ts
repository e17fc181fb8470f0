import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import manifest from '../package.json' with { type: 'json' }

const root = fileURLToPath(new URL('.', import.meta.url))
const sources = globSync('**/*.ts', { cwd: root }).filter(
  (file) => !file.endsWith('.test.ts') && !file.startsWith('testing'),
)

const importsOf = (file: string): string[] =>
  [...readFileSync(join(root, file), 'utf8').matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)].map((match) =>
    relative(root, join(root, dirname(file), match[1] as string)),
  )

test('no two files of the guard import each other, directly or round about, types included', () => {
  const imports = new Map(sources.map((file) => [file, importsOf(file)]))
  const circles: string[] = []
  const done = new Set<string>()
  const visit = (file: string, path: readonly string[]): void => {
    const at = path.indexOf(file)
    if (at !== -1) circles.push([...path.slice(at), file].join(' -> '))
    if (at !== -1 || done.has(file)) return
    for (const next of imports.get(file) ?? []) visit(next, [...path, file])
    done.add(file)
  }
  for (const file of sources) visit(file, [])
  expect(sources.length).toBeGreaterThan(30)
  expect(circles).toEqual([])
})

test('comments of the guard lead nowhere outside this repository', () => {
  for (const file of sources)
    expect(readFileSync(join(root, file), 'utf8'), file).not.toMatch(/\u00a7|\(decision [A-Z]/)
})

/** The files that an entry brings along, and what they import of other packages; types are nobody's weight. */
function weightOf(entry: string): { readonly files: ReadonlySet<string>; readonly packages: ReadonlySet<string> } {
  const files = new Set<string>()
  const packages = new Set<string>()
  const pending = [entry]
  for (let file = pending.pop(); file !== undefined; file = pending.pop()) {
    if (files.has(file)) continue
    files.add(file)
    const text = readFileSync(join(root, file), 'utf8').replace(/^(?:import|export) type [^']*'[^']+'$/gms, '')
    for (const [, from = ''] of text.matchAll(/(?:from|import\()\s*'([^']+)'/g)) {
      if (from.startsWith('.')) pending.push(relative(root, join(root, dirname(file), from)))
      else if (!from.startsWith('node:')) packages.add(from)
    }
  }
  return { files, packages }
}

const sourceOf = (entry: keyof typeof manifest.exports) =>
  manifest.exports[entry]['@lictor/source'].replace('./src/', '')
const adapters = Object.keys(manifest.exports).filter((entry) =>
  sourceOf(entry as keyof typeof manifest.exports).startsWith('adapters/'),
) as (keyof typeof manifest.exports)[]

test('an adapter weighs on nobody who does not import it, and imports no framework itself', () => {
  expect(adapters.length).toBeGreaterThan(2)
  for (const entry of ['.', './server'] as const) {
    const { files, packages } = weightOf(sourceOf(entry))
    expect(
      [...files].filter((file) => file.startsWith('adapters/')),
      entry,
    ).toEqual([])
    expect(
      [...packages].filter((name) => !name.startsWith('@lictor/')),
      entry,
    ).toEqual([])
  }
  for (const entry of adapters) {
    const { files, packages } = weightOf(sourceOf(entry))
    expect(
      [...packages].filter((name) => !name.startsWith('@lictor/')),
      entry,
    ).toEqual([])
    // Not the guard itself, which whoever uses an adapter has loaded.
    expect(files, entry).not.toContain('guard.ts')
  }
})

test('every framework that an adapter asks for is a peer, an optional one of any version: the adapter itself refuses others', () => {
  const asked = adapters.flatMap((entry) =>
    [...readFileSync(join(root, sourceOf(entry)), 'utf8').matchAll(/\{ name: '([^']+)', range: /g)].map(
      ([, name]) => name,
    ),
  )
  expect(Object.keys(manifest.peerDependencies).sort()).toEqual([...new Set([...asked, '@opentelemetry/api'])].sort())
  for (const [name, range] of Object.entries(manifest.peerDependencies)) {
    expect([name, range]).toEqual([name, '*'])
    expect(manifest.peerDependenciesMeta).toHaveProperty([name, 'optional'], true)
  }
})
