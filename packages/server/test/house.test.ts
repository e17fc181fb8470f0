import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** Every file below a folder, by its path from the root of the repository; built and installed ones are left out. */
function filesBelow(folder: string, pattern: RegExp): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`
    if (entry.isDirectory())
      return ['node_modules', 'dist', '.types'].includes(entry.name) ? [] : filesBelow(path, pattern)
    return pattern.test(entry.name) ? [path] : []
  })
}

const own = relative(root, fileURLToPath(import.meta.url))
const textOf = (file: string) => readFileSync(join(root, file), 'utf8')
const isTest = (file: string) => /\.test\.tsx?$/.test(file)

interface Import {
  readonly from: string
  /** A file of the repository, or the name of a package. */
  readonly to: string
}

function importsOf(file: string): Import[] {
  const specifiers = [
    ...textOf(file).matchAll(/^(?:import|export)\b[^'"`;]*? from '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gm),
  ].map(([, from, bare, dynamic]) => from ?? bare ?? dynamic ?? '')
  return specifiers.map((to) => ({
    from: file,
    to: to.startsWith('.') ? relative(root, resolve(root, dirname(file), to)) : to,
  }))
}

const packages = readdirSync(join(root, 'packages'))
const sources = packages
  .flatMap((name) => filesBelow(`packages/${name}/src`, /\.tsx?$/))
  // Its programs are shown to people, and import what people install.
  .filter((file) => !isTest(file) && file !== 'packages/console/src/pages/connect/snippets.ts')
const imports = sources.flatMap(importsOf)

const serverFile = /^packages\/server\/src\/(\w[\w-]*)\/(?:([\w-]+)\/)?/
const roomOf = (file: string) => serverFile.exec(file)?.[1]
/** A folder of a room, for example `governance/bundles`; undefined for files of the room itself. */
function featureOf(file: string): string | undefined {
  const [, room, feature] = serverFile.exec(file) ?? []
  return room && feature && ['governance', 'runtime', 'identity'].includes(room) ? `${room}/${feature}` : undefined
}
const shown = ({ from, to }: Import) => `${from} -> ${to}`

/**
 * The names under which a store lets others see a type of `storage/schema.ts`: exported types that speak of one, itself or through
 * types of the store's own, and functions that give one back. Top-level declarations begin at the margin, as Biome writes them.
 */
function rowsHandedOut(text: string): string[] {
  const listed = (lists: RegExp) =>
    [...text.matchAll(lists)]
      .flatMap(([, list = '']) => list.split(','))
      .flatMap((one) => one.trim().split(' as ').at(-1) || [])
  const rows = new Set(listed(/^import type \{([^}]*)\} from '[^']*\/schema(?:\/\w+)?\.ts'/gm))
  const speaksOfRows = (part: string) => part.split(/\W+/).some((word) => rows.has(word))
  const declarations = [
    ...text.matchAll(/^(export )?(?:async )?(type|interface|function|const) (\w+)(.*(?:\n(?![a-z/]).*)*)/gm),
  ].map(([, exported, keyword = '', name = '', rest = '']) => {
    const isType = keyword === 'type' || keyword === 'interface'
    return { name, isExported: exported !== undefined, isType, shown: isType ? rest : givenBack(rest) }
  })
  for (let before = -1; before !== rows.size; ) {
    before = rows.size
    for (const { name, isType, shown } of declarations) if (isType && speaksOfRows(shown)) rows.add(name)
  }
  return [
    ...listed(/^export type \{([^}]*)\} from '[^']*\/schema(?:\/\w+)?\.ts'/gm),
    ...listed(/^export type \{([^}]*)\}$/gm).filter(speaksOfRows),
    ...declarations.filter(({ isExported, shown }) => isExported && speaksOfRows(shown)).map(({ name }) => name),
  ]
}

/** What a function says it gives back; the whole signature where it does not say, or where it is a value. */
function givenBack(declaration: string): string {
  const signature = /^[\s\S]*?(?: =>|\{$)/m.exec(declaration)?.[0] ?? declaration
  return /\): ([\s\S]*)$/.exec(signature)?.[1] ?? signature
}

/** What is still to be mended. An entry whose fault is gone must go too: these lists only shrink. */
const largeStill: readonly string[] = []
const tenantIdStill: readonly string[] = []
/** Folders of which a file still points at a document that is not here. */
const uncleanStill: readonly string[] = []

describe('the house', () => {
  it('no two features import each other', () => {
    const arrows = new Set(
      imports.flatMap(({ from, to }) => {
        const [mine, theirs] = [featureOf(from), featureOf(to)]
        return mine && theirs && mine !== theirs ? [`${mine} ${theirs}`] : []
      }),
    )
    const mutual = [...arrows].flatMap((arrow) => {
      const [one = '', other = ''] = arrow.split(' ')
      return one < other && arrows.has(`${other} ${one}`) ? [`${one} <-> ${other}`] : []
    })
    expect(mutual.sort()).toEqual([])
  })

  it('no package imports one above it', () => {
    const above: Readonly<Record<string, readonly string[]>> = {
      contracts: ['@lictor/guard', '@lictor/aegis', '@lictor/server', '@lictor/console', 'lictor'],
      guard: ['@lictor/aegis', '@lictor/server', '@lictor/console', 'lictor'],
      seal: [
        '@lictor/contracts',
        '@lictor/guard',
        '@lictor/mcp',
        '@lictor/aegis',
        '@lictor/server',
        '@lictor/console',
        'lictor',
      ],
      mcp: [
        '@lictor/contracts',
        '@lictor/guard',
        '@lictor/seal',
        '@lictor/aegis',
        '@lictor/server',
        '@lictor/console',
        'lictor',
      ],
      aegis: ['@lictor/contracts', '@lictor/guard', '@lictor/server', '@lictor/console', 'lictor'],
      server: ['@lictor/console', 'lictor'],
      console: ['@lictor/guard', '@lictor/server', 'lictor'],
      cli: ['@lictor/console'],
    }
    const upward = imports.filter(({ from, to }) => {
      const own = from.split('/')[1] ?? ''
      const isForeignFile = to.startsWith('packages/') && !to.startsWith(`packages/${own}/`)
      return isForeignFile || (above[own] ?? []).some((name) => to === name || to.startsWith(`${name}/`))
    })
    expect(upward.map(shown)).toEqual([])
  })

  it('no room of the server imports one above it', () => {
    const below: Readonly<Record<string, readonly string[]>> = {
      ports: ['ports'],
      adapters: ['adapters', 'ports', 'operations'],
      storage: ['storage', 'ports', 'identity'],
      changes: ['changes', 'storage', 'ports', 'operations', 'identity'],
      operations: ['operations', 'storage', 'ports', 'http', 'identity'],
      http: ['http', 'storage', 'ports', 'identity', 'operations'],
      identity: ['identity', 'changes', 'http', 'storage', 'ports', 'operations'],
      governance: ['governance', 'identity', 'changes', 'http', 'storage', 'ports', 'operations'],
    }
    const upward = imports.filter(({ from, to }) => {
      const [own, other] = [roomOf(from), roomOf(to)]
      return own !== undefined && other !== undefined && below[own] !== undefined && !below[own].includes(other)
    })
    expect(upward.map(shown).sort()).toEqual([])
  })

  it('the runtime reaches governance through its interface alone', () => {
    const around = imports.filter(
      ({ from, to }) =>
        roomOf(from) === 'runtime' &&
        roomOf(to) === 'governance' &&
        to !== 'packages/server/src/governance/governance.ts',
    )
    expect(around.map(shown).sort()).toEqual([])
  })

  it('a feature that outgrows twelve files becomes two', () => {
    const features = Map.groupBy(
      sources.filter((file) => featureOf(file) !== undefined),
      featureOf,
    )
    const large = [...features].filter(([, files]) => files.length > 12).map(([feature]) => feature)
    expect(large.sort()).toEqual(largeStill)
  })

  it('only stores and storage/ write queries', () => {
    const speaking = sources.filter(
      (file) =>
        file.startsWith('packages/server/src/') &&
        !file.startsWith('packages/server/src/storage/') &&
        !/store\.ts$/.test(file) &&
        /\.(selectFrom|insertInto|deleteFrom|updateTable)\(/.test(textOf(file)),
    )
    expect(speaking).toEqual([
      // The stream log is the store of streams, and writes within whoever's transaction it is told of.
      'packages/server/src/changes/stream-log.ts',
      // How much waits, counted over the tables of several features.
      'packages/server/src/operations/backlog.ts',
    ])
  })

  it('a store is told whose rows it may touch by a scope, never by a tenant id', () => {
    const told = sources.filter(
      (file) =>
        /^packages\/server\/src\/(governance|runtime|identity|changes)\/.*store\.ts$/.test(file) &&
        /[(\n]\s*tenantId\??: string,?\s*[,)\n]/.test(textOf(file).replace(/readonly tenantId: string/g, '')),
    )
    expect(told).toEqual(tenantIdStill)
  })

  it('rows of the database stay inside stores, which hand out records of their features', () => {
    const reading = sources.filter(
      (file) =>
        file.startsWith('packages/server/src/') &&
        !file.startsWith('packages/server/src/storage/') &&
        !/store\.ts$/.test(file) &&
        importsOf(file).some(({ to }) => to === 'packages/server/src/storage/schema.ts'),
    )
    expect(reading).toEqual([])
  })

  it('no store hands a row out under another name', () => {
    const stores = sources.filter((file) => /^packages\/server\/src\/.*store\.ts$/.test(file))
    expect(stores.length).toBeGreaterThan(15)
    expect(stores.flatMap((file) => rowsHandedOut(textOf(file)).map((name) => `${file}: ${name}`))).toEqual([])
  })

  it('a row is told from a record, whatever it is called', () => {
    const store = (declarations: string) =>
      `import type { PersonRow as Row } from '../storage/schema.ts'\n${declarations}\n`
    const handing: Readonly<Record<string, readonly string[]>> = {
      'export type Person = Row': ['Person'],
      'export type Person = Selectable<Row>': ['Person'],
      "export type Name = Row['name']": ['Name'],
      'type Found = Pick<Row, "id">\nexport interface Store {\n  find(): Promise<Found>\n}': ['Store'],
      'interface Found extends Row {\n  x: 1\n}\nexport function read(\n  id: string,\n): Found {\n}': ['read'],
      'export const personOf = (row: Row) => row': ['personOf'],
      // A mapping that another store uses.
      'export const personOf = (row: Row): Person => ({})': [],
      "export type { PersonRow } from '../storage/schema.ts'": ['PersonRow'],
      "export type { PersonRow } from '../storage/schema/identity.ts'": ['PersonRow'],
      'type Person = Row\nexport type { Person }': ['Person'],
      'export interface Person {\n  readonly id: string\n}\nconst personOf = (row: Row): Person => ({})': [],
      'export function createStore(db: Db): Store {\n  const of = (row: Row) => row\n}': [],
    }
    for (const [declarations, names] of Object.entries(handing))
      expect(rowsHandedOut(store(declarations)), declarations).toEqual(names)
  })

  it('only identity makes a scope', () => {
    const casting = sources.filter(
      (file) => file !== 'packages/server/src/identity/scope.ts' && /as (Tenant|System)Scope\b/.test(textOf(file)),
    )
    expect(casting).toEqual([])
  })

  it('the guard loads no framework unless it is asked to', () => {
    const reached = new Set<string>()
    const foreign: string[] = []
    const visit = (file: string): void => {
      if (reached.has(file)) return
      reached.add(file)
      for (const { to } of importsOf(file)) {
        if (to.startsWith('packages/')) visit(to)
        else if (!to.startsWith('node:') && !/^@lictor\/(contracts|wire)\b/.test(to)) foreign.push(`${file} -> ${to}`)
      }
    }
    visit('packages/guard/src/index.ts')
    expect(reached.size).toBeGreaterThan(10)
    expect(foreign).toEqual([])
  })

  it('every reference in code, schema texts and documents resolves inside the repository', () => {
    const spoken = ['packages', 'docs', 'examples', 'bench', 'e2e', 'README.md', 'CONTRIBUTING.md'].flatMap((top) =>
      /\.md$/.test(top) ? [top] : filesBelow(top, /\.(tsx?|md|yml|yaml)$/),
    )
    // A section sign, the number of a decision, or a document that no folder here holds.
    const leadsOutside =
      /§|\bdecisions? [DQ]\d|\((?:[DQ]\d+)\)|\b(?:console-api|edictum-sdk|aegis-api|aegis-runtime)\b|(?<!docs\/)\bcontract-language(?=[.,;:]? (?:§|section))/
    const astray = spoken.filter((file) => file !== own && leadsOutside.test(textOf(file)))
    const unclean = new Set(
      astray.map((file) => uncleanStill.find((folder) => `${file}/`.startsWith(`${folder}/`)) ?? file),
    )
    expect([...unclean].sort()).toEqual([...uncleanStill].sort())
  })
})
