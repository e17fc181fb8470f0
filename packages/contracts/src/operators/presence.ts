import { type Demand, type Operator, PRESENT } from './operator.ts'

const ABSENT: Demand = Object.freeze({ absent: true, values: [] })

const exists: Operator = {
  name: 'exists',
  shape: { type: 'boolean' },
  compile: (slot, argument) =>
    argument === true ? (e) => e.read(slot) !== undefined : (e) => e.read(slot) === undefined,
  demands: (argument, holds) => ((argument === true) === holds ? PRESENT : ABSENT),
  samples: (argument) =>
    argument === true ? { holds: ['x'], fails: [undefined] } : { holds: [undefined], fails: ['x'] },
  holdsWhen: 'there is a value (`true`), or there is none (`false`)',
  examples: [
    { argument: true, holds: ['', 0, false, []], fails: [null] },
    { argument: false, holds: [null], fails: ['', 0, false, []] },
  ],
}

export const PRESENCE: readonly Operator[] = [exists]
