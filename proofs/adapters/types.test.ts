import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { folder, isInstalled, suites } from './installed.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const compiler = join(root, 'node_modules/typescript/bin/tsc')
const LIMIT = 600_000
/** What a document or a suite imports may be any of them. */
const complete = suites.every(isInstalled)

test.skipIf(!complete)(
  'what the adapters give back is what the frameworks take, as their own types say',
  { timeout: LIMIT },
  () => {
    execFileSync(process.execPath, [compiler, '-p', folder], { stdio: ['ignore', 'inherit', 'inherit'] })
  },
)

test.skipIf(!complete)(
  'every recipe of docs/adapters.md compiles against the installed frameworks',
  { timeout: LIMIT },
  () => {
    const text = readFileSync(join(root, 'docs/adapters.md'), 'utf8')
    const recipes = [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = '']) => code)
    expect(recipes.length).toBeGreaterThan(2)
    mkdirSync(join(folder, 'node_modules/.cache'), { recursive: true })
    const made = mkdtempSync(join(folder, 'node_modules/.cache/recipes-'))
    try {
      recipes.forEach((code, index) => {
        writeFileSync(join(made, `recipe-${index}.ts`), `${code}\nexport {}\n`)
      })
      const { compilerOptions } = JSON.parse(readFileSync(join(folder, 'tsconfig.json'), 'utf8')) as {
        compilerOptions: Record<string, unknown>
      }
      const typeRoots = [join(root, 'node_modules/@types')]
      for (const { framework, place } of suites.filter((suite) => suite.place !== '.')) {
        const link = join(made, 'node_modules', framework)
        mkdirSync(dirname(link), { recursive: true })
        symlinkSync(join(folder, place, 'node_modules', framework), link)
      }
      const options = { ...compilerOptions, typeRoots, exactOptionalPropertyTypes: true }
      writeFileSync(join(made, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, include: ['*.ts'] }))
      const { stdout } = spawnSync(process.execPath, [compiler, '-p', made, '--pretty', 'false'], { encoding: 'utf8' })
      expect(stdout).toBe('')
    } finally {
      rmSync(made, { recursive: true, force: true })
    }
  },
)
