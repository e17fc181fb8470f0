import fc from 'fast-check'
import { expect, it } from 'vitest'
import { jsonFaultAt } from './json-fault.ts'

it.each([
  ['{"env": prod}', 8],
  ['{"env": "prod', 8],
  ['{"env"', 6],
  ['{"env": ', 8],
  ['{env: 1}', 1],
  ['{"a":1,}', 7],
  ['[1,]', 3],
  ['[1 2]', 3],
  ['{"a" 1}', 5],
  ['{"a":1]', 6],
  ['{"a":1} x', 8],
  ['', 0],
  ['  ', 2],
  ["'a'", 0],
  ['[01]', 2],
  ['"a\nb"', 0],
  ['[1,"\\x"]', 3],
])('%j stops being JSON at %i', (text, at) => expect(jsonFaultAt(text)).toBe(at))

it('whatever is cut off or spoilt, the fault is found where JSON still was', () => {
  fc.assert(
    fc.property(fc.json(), fc.nat(), (json, seed) => {
      const at = seed % (json.length + 1)
      const spoilt = `${json.slice(0, at)}\u0001${json.slice(at)}`
      const fault = jsonFaultAt(spoilt)
      // A spoilt string or number begins before what spoils it.
      expect(fault).toBeLessThanOrEqual(at)
      expect(jsonFaultAt(json)).toBe(json.length)
    }),
  )
})

it('a long or deep text costs no more than its length', () => {
  expect(jsonFaultAt('['.repeat(300_000))).toBe(300_000)
  expect(jsonFaultAt(`"${'\\'.repeat(300_001)}`)).toBe(0)
})
