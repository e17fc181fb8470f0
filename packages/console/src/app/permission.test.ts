import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { isAllowed, type Permission, whyNot } from './permission.ts'

/** The server's table, read as text: the console imports nothing of the server. */
const table = readFileSync(join(import.meta.dirname, '../../../server/src/identity/roles.ts'), 'utf8')
const roles = [...(/roles = \[([^\]]+)\]/.exec(table)?.[1] ?? '').matchAll(/'(\w+)'/g)].map(
  (match) => match[1] as 'viewer' | 'member' | 'admin' | 'owner',
)
const least = [...table.matchAll(/(\w+): \{\s+least: '(\w+)'/g)].map((match) => [match[1], match[2]] as const)

test('the console keeps from a role exactly what the server refuses it', () => {
  expect(roles.length).toBe(4)
  expect(least.map(([name]) => name)).toEqual(['view', 'work', 'administer', 'own'])
  for (const role of roles)
    for (const [name, lowest] of least)
      expect([role, name, isAllowed({ role, is_operator: true }, name as Permission)]).toEqual([
        role,
        name,
        roles.indexOf(role) >= (roles as string[]).indexOf(lowest ?? ''),
      ])
})

test('what looks after the installation takes more than a role', () => {
  expect(isAllowed({ role: 'owner', is_operator: false }, 'operate')).toBe(false)
  expect(isAllowed({ role: 'admin', is_operator: true }, 'operate')).toBe(true)
})

test('a refusal says whom it takes and what one is', () => {
  expect(whyNot({ role: 'viewer' }, 'work')).toBe('This takes the role member or a higher one; your role is viewer.')
})
