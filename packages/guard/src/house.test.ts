import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

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
