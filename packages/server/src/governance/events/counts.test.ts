import { expect, it } from 'vitest'
import { bucketsOf, classOf } from './counts.ts'

/** The first rule that matches decides. */
it.each([
  ['observe', 'call_would_deny', 'observed'],
  ['observe', 'call_denied', 'observed'],
  ['observe', 'would_deny', 'denied'],
  ['observe', 'denied', 'denied'],
  ['observe', 'call_allowed', 'allowed'],
  ['enforce', 'allowed', 'allowed'],
  ['enforce', 'call_allowed', 'allowed'],
  ['enforce', 'denied', 'denied'],
  ['enforce', 'call_denied', 'denied'],
  ['enforce', 'would_deny', 'denied'],
  ['enforce', 'call_would_deny', 'denied'],
  ['enforce', 'pending', 'pending'],
  ['enforce', 'pending_approval', 'pending'],
  ['enforce', 'call_executed', 'allowed'],
  ['enforce', 'call_approval_requested', 'allowed'],
  ['', 'anything else', 'allowed'],
])('in mode %j the verdict %j counts as %s', (mode, verdict, expected) => {
  expect(classOf(mode, verdict)).toBe(expected)
})

it('counts of one stretch are one bar, in the order they came', () => {
  expect(
    bucketsOf([
      { start: 1, mode: 'enforce', verdict: 'call_allowed', count: 2 },
      { start: 1, mode: 'enforce', verdict: 'call_executed', count: 3 },
      { start: 1, mode: 'enforce', verdict: 'call_denied', count: 1 },
      { start: 9, mode: 'observe', verdict: 'call_denied', count: 4 },
    ]),
  ).toEqual([
    { start: 1, allowed: 5, denied: 1, pending: 0, observed: 0 },
    { start: 9, allowed: 0, denied: 0, pending: 0, observed: 4 },
  ])
})
