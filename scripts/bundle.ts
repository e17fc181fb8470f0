/**
 * Makes what is published of the packages: JavaScript and type declarations of their entries, in each package's `dist`.
 *
 *     node scripts/bundle.ts [contracts guard …]     all of them without a name
 *
 * `tsc -b` checks the types and writes declarations to `.types`; it has run before.
 */
import { createHash } from 'node:crypto'
import fs, {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs'
import module from 'node:module'
import os from 'node:os'
import path, { basename, dirname, join, relative } from 'node:path'
import url, { fileURLToPath } from 'node:url'
import util from 'node:util'
import { type CodeSplittingNameFunction, type OutputChunk, type Plugin, type RolldownOptions, rolldown } from 'rolldown'
import { dts } from 'rolldown-plugin-dts'

const root = fileURLToPath(new URL('..', import.meta.url))
const packages = readdirSync(join(root, 'packages'))
const workspace = packages.map((name) => join(root, 'packages', name))
const SOURCE = '@lictor/source'

interface PackageJson {
  readonly name: string
  readonly private?: boolean
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>
  readonly dependencies?: Readonly<Record<string, string>>
}

const read = (folder: string): PackageJson => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))

/** Programs, which find files and threads by the place of their modules: one file stays one file. Libraries become few. */
const programs: Readonly<Record<string, readonly string[]>> = {
  server: ['src/**/worker.ts'],
  cli: ['src/bin.ts'],
}

/**
 * Programs that start for one answer. Each is one script with all it needs, the packages of the workspace too; `bin` runs it with
 * the code that an earlier call compiled. What they load only sometimes is a module of its own beside it. Nobody imports them,
 * so they have no declarations.
 */
const oneAnswer: Readonly<
  Record<
    string,
    { readonly script: Source; readonly sometimes: readonly Source[]; readonly outside: readonly string[] }
  >
> = {
  cli: {
    script: { made: 'gate-check', source: 'src/gate/check/entry.ts' },
    sometimes: [
      { made: 'gate-read', source: 'src/gate/check/read-anew.ts' },
      { made: 'gate-ask', source: 'src/gate/check/ask.ts' },
      { made: 'gate-digest', source: '../guard/src/server/action-digest.ts' },
    ],
    outside: ['@lictor/guard/server'],
  },
}

interface Source {
  readonly made: string
  readonly source: string
}

/** Sources of the entries by the path of what is made of them, below `dist` and without an ending. */
function entriesOf(name: string, folder: string): Record<string, string> {
  const entries: Record<string, string> = {}
  for (const target of Object.values(read(folder).exports ?? {})) {
    if (typeof target === 'string') continue
    const source = target[SOURCE]
    const made = target.default
    if (source === undefined || made === undefined) continue
    entries[made.replace(/^\.\/dist\/|\.js$/g, '')] = join(folder, source)
  }
  for (const file of globSync([...(programs[name] ?? [])], { cwd: folder })) {
    entries[relative('src', file).replace(/\.ts$/, '')] = join(folder, file)
  }
  return entries
}

/** What is installed beside the package stays outside; what of the workspace is published nowhere becomes part of it. */
function isOutside(folder: string): (id: string) => boolean {
  const installed = Object.keys(read(folder).dependencies ?? {})
  const internal = new Set(workspace.flatMap(internalEntries))
  return (id) =>
    id.startsWith('node:') || (!internal.has(id) && installed.some((name) => id === name || id.startsWith(`${name}/`)))
}

/** Entries of a package that only the workspace can import: there is no built file for anybody else. */
const internalEntries = (folder: string): string[] =>
  Object.entries(read(folder).exports ?? {})
    .filter(([, target]) => typeof target === 'object' && target.default === undefined)
    .map(([entry]) => `${read(folder).name}${entry.slice(1)}`)

/** Modules of Node that every process has loaded when it starts. */
const LOADED: Readonly<Record<string, object>> = { 'node:fs': fs, 'node:path': path }
/** Modules of Node of which a program that starts for one answer needs a function or two, and none of what they list beside. */
const PARTLY_NEEDED: Readonly<Record<string, object>> = {
  ...LOADED,
  'node:os': os,
  'node:url': url,
  'node:util': util,
  'node:module': module,
}

/**
 * Makes imports of them read the module that is there. An ordinary import lists all that the module exports, and so loads the
 * promises, streams and watchers of `node:fs` too: a tenth of what the guard's start takes.
 */
const readAsLoaded = (modules: Readonly<Record<string, object>>): Plugin => ({
  name: 'loaded-modules',
  resolveId: (id) => (id in modules ? `\0${id}` : null),
  load: (id) => {
    const name = id.slice(1)
    const loaded = id.startsWith('\0') ? modules[name] : undefined
    if (loaded === undefined) return null
    const names = Object.entries(Object.getOwnPropertyDescriptors(loaded))
      .filter(([member, { value }]) => value !== undefined && /^[A-Za-z]+$/.test(member) && member !== 'default')
      .map(([member]) => `export const ${member} = loaded.${member}`)
    return `const loaded = process.getBuiltinModule('${name}')\n${names.join('\n')}\n`
  },
})
const loadedModules = readAsLoaded(LOADED)

/** Modules that a script loads only sometimes, by where they are made. */
const besides = (folder: string, modules: readonly Source[]): Plugin => ({
  name: 'besides',
  resolveId(id, importer) {
    if (importer === undefined || !id.startsWith('.')) return null
    const found = modules.find(({ source }) => join(folder, source) === join(dirname(importer), id))
    return found === undefined ? null : { id: `./${found.made}.js`, external: true }
  },
})

async function bundle(name: string): Promise<void> {
  const folder = join(root, 'packages', name)
  const made = mkdtempSync(join(folder, '.dist-'))
  try {
    await bundleInto(made, name)
    put(made, join(folder, 'dist'))
  } finally {
    rmSync(made, { recursive: true, force: true })
  }
}

/** Puts what was made in its place file by file, so that a program which starts meanwhile finds each of its modules. */
function put(made: string, place: string): void {
  const files = (folder: string) =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
  const fresh = new Set(files(made))
  for (const file of fresh) {
    mkdirSync(dirname(join(place, file)), { recursive: true })
    renameSync(join(made, file), join(place, file))
  }
  for (const file of files(place)) if (!fresh.has(file)) rmSync(join(place, file))
}

async function bundleInto(out: string, name: string): Promise<void> {
  const folder = join(root, 'packages', name)
  const isProgram = name in programs
  const entries = entriesOf(name, folder)
  const isOutsideProgram = isOutside(folder)
  const isOutsideLibrary = (id: string) => !(id in LOADED) && isOutsideProgram(id)
  const shared: RolldownOptions = {
    external: isOutsideProgram,
    platform: 'neutral',
    resolve: { conditionNames: [SOURCE, 'import', 'default'], mainFields: ['module', 'main'] },
    logLevel: 'warn',
    transform: { define: { LICTOR_BUILD: JSON.stringify(buildOf(folder)) } },
  }
  await write({
    ...shared,
    input: entries,
    ...(isProgram
      ? {}
      : { external: isOutsideLibrary, plugins: [loadedModules], treeshake: { propertyReadSideEffects: false } }),
    output: {
      dir: out,
      format: 'esm',
      chunkFileNames: 'chunks/[name]-[hash].js',
      // Names and lines stay: whoever's agent fails in here reads them.
      comments: { legal: true, annotation: true, jsdoc: false },
      ...(isProgram
        ? { preserveModules: true, preserveModulesRoot: join(folder, 'src') }
        : {
            codeSplitting: {
              groups: [{ name: sharedWith(folder, entries.index), minShareCount: 2, debugName: 'shared' }],
            },
          }),
    },
  })
  const quick = oneAnswer[name]
  for (const { made, source } of quick === undefined ? [] : [quick.script, ...quick.sometimes]) {
    const isScript = made === quick?.script.made
    const chunks = await write({
      ...shared,
      input: { [made]: join(folder, source) },
      external: (id) => quick?.outside.includes(id) === true || (id.startsWith('node:') && !(id in PARTLY_NEEDED)),
      plugins: [readAsLoaded(PARTLY_NEEDED), ...(isScript ? [besides(folder, quick?.sometimes ?? [])] : [])],
      treeshake: { propertyReadSideEffects: false },
      output: {
        dir: out,
        format: isScript ? 'cjs' : 'esm',
        entryFileNames: isScript ? '[name].cjs' : '[name].js',
        dynamicImportInCjs: true,
        comments: { legal: true, annotation: true, jsdoc: false },
      },
    })
    // A chunk of what is loaded only sometimes would import the script, which runs it once more.
    if (isScript && chunks.length > 1)
      throw new Error(
        `${name}/dist/${made}.cjs is more than one script: list what ${chunks
          .slice(1)
          .map(({ fileName }) => fileName)
          .join(', ')} is made of under "sometimes"`,
      )
  }
  await write({
    ...shared,
    resolve: { alias: internalTypes() },
    input: Object.fromEntries(
      Object.entries(entries)
        .filter(([made]) => existsSync(typesOf(folder, made)))
        .map(([made]) => [`${made}.d`, typesOf(folder, made)]),
    ),
    plugins: [
      dts({ dtsInput: true, emitDtsOnly: true, oxc: true, resolver: 'oxc', sourcemap: false, tsconfig: false }),
    ],
    output: { dir: out, format: 'esm', chunkFileNames: 'types/[hash]-[name].ts' },
  })
}

/** Tells builds apart: what one has kept of its work is not for another. The same for the same sources. */
function buildOf(folder: string): string {
  const hash = createHash('sha256')
  for (const name of ['contracts', 'guard', basename(folder)]) {
    const sources = join(root, 'packages', name, 'src')
    for (const file of globSync('**/*.ts', { cwd: sources }).sort()) hash.update(readFileSync(join(sources, file)))
  }
  return hash.digest('hex').slice(0, 16)
}

/** What the main entry of a library has in common with others is one file: each file more costs whoever loads it. */
function sharedWith(folder: string, main: string | undefined): CodeSplittingNameFunction {
  const reached = new Map<string, boolean>()
  return (id, modules) => {
    const isReached = (module: string): boolean => {
      const known = reached.get(module)
      if (known !== undefined) return known
      reached.set(module, false)
      const found = module === main || (modules.getModuleInfo(module)?.importers ?? []).some(isReached)
      reached.set(module, found)
      return found
    }
    return id.startsWith(folder) && isReached(id) ? 'shared' : null
  }
}

/** Declarations of the packages that are published nowhere, by their names. */
const internalTypes = (): Record<string, string> =>
  Object.fromEntries(
    workspace
      .filter((folder) => read(folder).private && read(folder).exports)
      .map((folder) => [read(folder).name, typesOf(folder, 'index')]),
  )

const typesOf = (folder: string, made: string): string => join(folder, '.types', `${made}.d.ts`)

async function write({ output, ...input }: RolldownOptions): Promise<readonly OutputChunk[]> {
  const build = await rolldown(input)
  try {
    const written = await build.write(Array.isArray(output) ? output[0] : output)
    return written.output.filter((one) => one.type === 'chunk')
  } finally {
    await build.close()
  }
}

const named = process.argv.slice(2)
const published = packages.filter((name) => !read(join(root, 'packages', name)).private)
for (const name of named.length > 0 ? named : published) await bundle(name)
