import { expect, test } from 'vitest'
import { loadBundle } from '../index.ts'
import { compareBundles } from './bundles.ts'

const bundle = (contracts: string, mode = 'enforce') =>
  loadBundle(`apiVersion: edictum/v1
kind: ContractBundle
metadata: {name: b}
defaults: {mode: ${mode}}
contracts:
${contracts}`).document

const deny = (id: string, tool: string) =>
  `  - {id: ${id}, type: pre, tool: ${tool}, when: {args.path: {contains: secret}}, then: {effect: deny, message: m}}\n`

test('each contract is added, removed, changed or the same, with what that does to calls', () => {
  const before = bundle(deny('stays', 'read') + deny('goes', 'write'))
  const after = bundle(deny('stays', 'read') + deny('comes', 'send'))
  const { changes, unchanged } = compareBundles(before, after)
  expect(changes.map(({ id, kind, effect }) => [id, kind, effect.change])).toEqual([
    ['comes', 'added', 'tightened'],
    ['goes', 'removed', 'loosened'],
  ])
  expect(unchanged).toEqual(['stays'])
  expect(compareBundles(before, before)).toMatchObject({ changes: [], tools: [] })
})

test('a new default mode changes every contract that names none', () => {
  const contracts = deny('a', 'read') + deny('b', 'write')
  const { changes } = compareBundles(bundle(contracts), bundle(contracts, 'observe'))
  expect(changes.map(({ id, kind, effect }) => [id, kind, effect.change])).toEqual([
    ['a', 'changed', 'loosened'],
    ['b', 'changed', 'loosened'],
  ])
})
