import { expect, test } from 'vitest'
import { neverResolves } from '../lint/selectors.ts'
import { SELECTORS } from './selectors.ts'

test('each selector that an editor offers can have a value, in the contracts that it is offered to and in no others', () => {
  for (const { name, types } of SELECTORS) {
    const whole = name.endsWith('.') ? `${name}field` : name
    for (const type of ['pre', 'post'] as const)
      expect([whole, type, neverResolves(whole, type) === null]).toEqual([whole, type, types.includes(type)])
  }
})
