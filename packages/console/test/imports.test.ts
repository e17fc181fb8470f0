import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { DECISION_KEYS } from '../src/app/keys.ts'

const SRC = join(import.meta.dirname, '../src')
const files = globSync('**/*.{ts,tsx}', { cwd: SRC }).filter((file) => !/\.test\.|\.d\.ts$/.test(file))

/** Static imports inside the console, types included; what is loaded later by `import()` makes no circle. */
const imports = new Map(
  files.map((file) => {
    const text = readFileSync(join(SRC, file), 'utf8')
    const targets = [...text.matchAll(/^(?:import|export)[^'"]*? from '(\.[^']+)'|^import '(\.[^']+)'/gm)]
    return [file, targets.map((match) => join(dirname(file), match[1] ?? match[2] ?? ''))] as const
  }),
)

/** The first circle that leads back to a file on the way, or null. */
function circleFrom(file: string, way: readonly string[], done: Set<string>): readonly string[] | null {
  if (way.includes(file)) return [...way.slice(way.indexOf(file)), file]
  if (done.has(file)) return null
  for (const next of imports.get(file) ?? []) {
    const circle = circleFrom(next, [...way, file], done)
    if (circle) return circle
  }
  done.add(file)
  return null
}

const LAYERS = ['ui', 'live', 'app', 'pages']
const layerOf = (file: string) => LAYERS.indexOf(file.split('/')[0] ?? '')
const pageOf = (file: string) => /^pages\/([^/]+)\//.exec(file)?.[1]

test('no import leads back to its file', () => {
  const done = new Set<string>()
  expect(files.map((file) => circleFrom(file, [], done)).find(Boolean) ?? null).toBeNull()
})

test('what all pages share knows no page', () => {
  const upward = [...imports].flatMap(([file, targets]) =>
    targets.filter((target) => layerOf(file) >= 0 && layerOf(target) > layerOf(file)).map((to) => `${file} → ${to}`),
  )
  expect(upward).toEqual([])
})

test('of another page only its queries and its shared folder are used', () => {
  const foreign = [...imports].flatMap(([file, targets]) =>
    targets
      .filter((target) => pageOf(file) && pageOf(target) && pageOf(target) !== pageOf(file))
      .filter((target) => !/^pages\/[^/]+\/(?:queries\.ts|shared\/)/.test(target))
      .map((target) => `${file} → ${target}`),
  )
  expect(foreign).toEqual([])
})

test('the router names no page, and every page gives its parts', () => {
  expect(readFileSync(join(SRC, 'router.tsx'), 'utf8')).not.toMatch(/from '\.\/pages\//)
  const pages = new Set(files.flatMap((file) => pageOf(file) ?? []))
  expect(pages.size).toBeGreaterThan(5)
  for (const page of pages) expect(files).toContain(`pages/${page}/route.ts`)
})

test('each place has a key of its own, and none that decides', () => {
  const keys = files
    .filter((file) => file.endsWith('/route.ts'))
    .flatMap((file) => [...readFileSync(join(SRC, file), 'utf8').matchAll(/\bkey: '(.)'/g)].map((match) => match[1]))
  expect(keys.length).toBeGreaterThan(5)
  expect(keys.filter((key, index) => keys.indexOf(key) !== index)).toEqual([])
  expect(keys.filter((key) => DECISION_KEYS.includes(key ?? ''))).toEqual([])
})
