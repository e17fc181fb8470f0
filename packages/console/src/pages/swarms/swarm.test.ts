import { expect, test } from 'vitest'
import type { Member } from './queries.ts'
import { agentNames, childrenOf, endAll, endsOf, nameOf, reasonOf } from './swarm.ts'

const member = (execution_id: string, role: Member['role'], status: string, agent_name = execution_id): Member => ({
  execution_id,
  agent_id: `${execution_id}-agent`,
  agent_name,
  role,
  status,
  started_at: '2026-01-01T00:00:00Z',
  ended_at: null,
})

test('ending a swarm cancels its parent, which ends the others', () => {
  const members = [member('boss', 'parent', 'running'), member('a', 'child', 'running')]
  expect(endsOf({ members }).map(({ execution_id }) => execution_id)).toEqual(['boss'])
})

test('where the parent is done, each child that still runs is cancelled, and none that has ended', () => {
  const members = [
    member('boss', 'parent', 'completed'),
    member('a', 'child', 'running'),
    member('b', 'child', 'failed'),
    member('c', 'child', 'pending'),
  ]
  expect(endsOf({ members }).map(({ execution_id }) => execution_id)).toEqual(['a', 'c'])
  expect(childrenOf({ members })).toBe('3 children, 2 running')
})

test('a child that is not cancelled keeps no other from being cancelled, and is told of', async () => {
  const asked: string[] = []
  const cancel = async (id: string) => {
    asked.push(id)
    if (id === 'a') throw new Error('It has ended already.')
  }
  const three = ['a', 'b', 'c'].map((id) => member(id, 'child', 'running'))
  await expect(endAll(three, cancel)).rejects.toThrow('1 run of 3 stayed: It has ended already.')
  expect(asked).toEqual(['a', 'b', 'c'])
  await expect(endAll(three.slice(1), cancel)).resolves.toBeUndefined()
  await expect(endAll(three.slice(0, 1), cancel)).rejects.toThrow(/^It has ended already\.$/)
})

test('a swarm is called as the agent that began it, and says why it is no more', () => {
  const members = [member('boss', 'parent', 'completed'), member('a', 'child', 'completed')]
  expect(nameOf({ id: '12345678-9', members })).toBe('boss')
  expect(nameOf({ id: '12345678-9', members: [] })).toBe('12345678')
  expect(childrenOf({ members })).toBe('1 child')
  expect(reasonOf({ reason: 'AllChildrenComplete' })).toBe('all that was begun in it is done')
  expect(reasonOf({ reason: null })).toBeNull()
})

test('two agents of one name are told apart', () => {
  const name = agentNames([
    member('first-of-two', 'child', 'running', 'helper'),
    member('other-of-two', 'child', 'running', 'helper'),
    member('boss', 'parent', 'running'),
  ])
  expect(name('boss-agent')).toBe('boss')
  expect(name('first-of-two-agent')).toBe('helper first-of')
  expect(name('nobody-that-is-known')).toBe('nobody-t')
})
