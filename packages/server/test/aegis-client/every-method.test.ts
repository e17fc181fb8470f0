import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { AegisClient } from '@lictor/aegis'
import { expect, it } from 'vitest'
import { groups } from './driven.ts'

it('every public method of AegisClient is in the group of a file that drives it', () => {
  const client = new AegisClient({ baseUrl: 'http://localhost:1' })
  const own = Object.entries(client).flatMap(([name, member]) => (typeof member === 'function' ? [name] : []))
  const inherited = Object.getOwnPropertyNames(AegisClient.prototype).filter((name) => name !== 'constructor')
  expect(Object.values(groups).flat().sort()).toEqual([...own, ...inherited].sort())
})

it('every group has its file, and every file its group', () => {
  const files = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.test.ts'))
  expect(files.sort()).toEqual([...Object.keys(groups), 'every-method'].map((name) => `${name}.test.ts`).sort())
  for (const group of Object.keys(groups))
    expect(readFileSync(join(import.meta.dirname, `${group}.test.ts`), 'utf8')).toContain(`driveGroup('${group}', `)
})
