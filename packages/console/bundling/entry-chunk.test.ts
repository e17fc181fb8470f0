import { describe, expect, test } from 'vitest'
import { entryChunk } from './entry-chunk.ts'

const ICONS = '/p/node_modules/icons/index.mjs'
const modules: Readonly<Record<string, { importedIds: readonly string[]; code: string }>> = {
  '/p/main.ts': { importedIds: ['/p/shell.ts'], code: 'import { Shell } from "./shell.ts"' },
  '/p/shell.ts': { importedIds: [ICONS], code: 'import { Menu as Lines, Moon } from "icons"' },
  '/p/page.ts': { importedIds: [ICONS, '/p/shared.ts'], code: 'import { Rocket } from "icons"' },
  '/p/shared.ts': { importedIds: [], code: '' },
  [ICONS]: {
    importedIds: ['menu', 'moon', 'rocket'].map((name) => `/p/node_modules/icons/icons/${name}.mjs`),
    code: [
      "export { default as Menu } from './icons/menu.mjs';",
      "export { default as Moon, default as Night } from './icons/moon.mjs';",
      "export { default as Rocket } from './icons/rocket.mjs';",
    ].join('\n'),
  },
  '/p/node_modules/icons/icons/menu.mjs': { importedIds: ['/p/node_modules/icons/icon.mjs'], code: '' },
  '/p/node_modules/icons/icons/moon.mjs': { importedIds: ['/p/node_modules/icons/icon.mjs'], code: '' },
  '/p/node_modules/icons/icons/rocket.mjs': { importedIds: ['/p/node_modules/icons/icon.mjs'], code: '' },
  '/p/node_modules/icons/icon.mjs': { importedIds: [], code: '' },
}
const inEntry = (barrels: readonly string[]) => {
  const name = entryChunk('/p/main.ts', barrels)
  return Object.keys(modules).filter((id) => name(id, { getModuleInfo: (one) => modules[one] ?? null }) !== null)
}

describe('the chunk of the entry', () => {
  test('has all that the entry imports, over any number of modules, and nothing of pages', () => {
    expect(inEntry([])).toContain('/p/shell.ts')
    expect(inEntry([])).not.toContain('/p/page.ts')
    expect(inEntry([])).not.toContain('/p/shared.ts')
  })

  test('has of a barrel what the entry asks for by name, with what that needs, and not what a page asks for', () => {
    expect(inEntry(['icons'])).toEqual([
      '/p/main.ts',
      '/p/shell.ts',
      ICONS,
      '/p/node_modules/icons/icons/menu.mjs',
      '/p/node_modules/icons/icons/moon.mjs',
      '/p/node_modules/icons/icon.mjs',
    ])
  })
})
