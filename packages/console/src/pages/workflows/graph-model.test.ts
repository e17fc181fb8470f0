import { expect, test } from 'vitest'
import { graphOf, standingsOf } from './graph-model.ts'

const entered = (sequence: number, state_name: string) => ({
  type: 'WorkflowStateEntered',
  sequence,
  timestamp: '',
  state_name,
})

test('a definition is drawn with its first state, its last ones, and when each transition is taken', () => {
  const { nodes, edges } = graphOf({
    initial_state: 'BUILD',
    states: {
      ALONE: { kind: 'System' },
      BUILD: {
        kind: 'System',
        transitions: [{ condition: 'exit_code_zero', target: 'REVIEW' }, { target: 'GONE' }, { target: 'SHIP' }],
      },
      REVIEW: { kind: 'Human', transitions: [{ condition: 'rejected', target: 'BUILD' }] },
      SHIP: { kind: 'System', transitions: [] },
    },
  })
  expect(nodes.map(({ id, isFirst, isLast }) => [id, isFirst, isLast])).toEqual([
    ['BUILD', true, false],
    ['REVIEW', false, false],
    ['SHIP', false, true],
    ['ALONE', false, true],
  ])
  expect(edges.map(({ source, target, label }) => [source, target, label])).toEqual([
    ['BUILD', 'REVIEW', 'exit code zero'],
    ['BUILD', 'SHIP', ''],
    ['REVIEW', 'BUILD', 'rejected'],
  ])
})

test('no definition breaks the drawing', () => {
  for (const definition of [null, 3, {}, { states: [] }, { states: { A: null, B: { transitions: 'x' } } }])
    expect(() => graphOf(definition)).not.toThrow()
})

test('a run stands in the state it entered last, and in none once it has ended', () => {
  const events = [entered(1, 'A'), entered(2, 'B'), entered(3, 'A')]
  expect(Object.fromEntries(standingsOf(events))).toEqual({ A: 'current', B: 'left' })
  const over = [...events, { type: 'WorkflowExecutionFailed', sequence: 4, timestamp: '' }]
  expect(Object.fromEntries(standingsOf(over))).toEqual({ A: 'left', B: 'left' })
})
