import { execFileSync, spawnSync } from 'node:child_process'
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const compiler = join(root, 'node_modules/typescript/bin/tsc')
/** What these import is installed in `proofs/adapters` only, where a suite compiles them. */
const withFrameworks = ['docs/adapters.md']
const documents = globSync(['README.md', 'docs/**/*.md', 'examples/**/*.md', 'packages/*/README.md'], {
  cwd: root,
  exclude: (path) => path.includes('node_modules'),
})
  .filter((document) => !withFrameworks.includes(document))
  .sort()

interface Snippet {
  /** `README.md:26` */
  readonly place: string
  readonly code: string
}

function snippetsOf(document: string): Snippet[] {
  const text = readFileSync(join(root, document), 'utf8')
  return [...text.matchAll(/^```(?:ts|typescript|tsx)\n(.*?)^```$/gms)].map((found) => ({
    place: `${document}:${text.slice(0, found.index).split('\n').length}`,
    code: found[1] ?? '',
  }))
}

const snippets = documents.flatMap(snippetsOf)
/** Declarations of the packages as `tsc -b` writes them: what a reader's compiler sees. */
const types = Object.fromEntries(
  globSync('packages/*/package.json', { cwd: root }).flatMap((file) => {
    const { name, exports = {} } = JSON.parse(readFileSync(join(root, file), 'utf8')) as {
      name: string
      exports?: Record<string, string | Record<string, string>>
    }
    return Object.entries(exports).flatMap(([entry, target]) => {
      const source = typeof target === 'object' ? target['@lictor/source'] : undefined
      if (source === undefined) return []
      const declarations = source.replace('./src/', '.types/').replace(/\.ts$/, '.d.ts')
      return [[`${name}${entry.slice(1)}`, [join(root, file, '..', declarations)]]]
    })
  }),
)

let folder = ''
beforeAll(() => {
  execFileSync(process.execPath, [compiler, '-b', 'packages/cli'], { cwd: root })
  mkdirSync(join(root, 'node_modules/.cache'), { recursive: true })
  folder = mkdtempSync(join(root, 'node_modules/.cache/snippets-'))
}, 600_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('every TypeScript snippet compiles under strict and exactOptionalPropertyTypes', { timeout: 600_000 }, () => {
  expect(snippets.map(({ place }) => place.split(':')[0])).toContain('README.md')
  snippets.forEach(({ code }, index) => {
    writeFileSync(join(folder, `snippet-${index}.ts`), `${code}\nexport {}\n`)
  })
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        strict: true,
        exactOptionalPropertyTypes: true,
        noEmit: true,
        target: 'es2024',
        module: 'nodenext',
        skipLibCheck: true,
        types: ['node'],
        typeRoots: [join(root, 'node_modules/@types')],
        paths: types,
      },
      include: ['*.ts'],
    }),
  )
  const { stdout } = spawnSync(process.execPath, [compiler, '-p', folder, '--pretty', 'false'], {
    cwd: folder,
    encoding: 'utf8',
  })
  const said = stdout.replace(/^(?:.*\/)?snippet-(\d+)\.ts/gm, (_, index) => snippets[Number(index)]?.place ?? '')
  expect(said.replaceAll(relative(root, folder), '')).toBe('')
})
