import { describe, expect, it } from 'vitest'
import { maskConfig, maskSecret, missingKeys, unmaskConfig } from './config.ts'

const kind = { secrets: ['token'], required: ['token', 'room'] }

describe('secrets of a configuration', () => {
  it.each([
    ['', ''],
    [undefined, ''],
    [null, ''],
    ['short', '••••••••'],
    ['12345678', '••••••••'],
    ['123456789', '1234••••6789'],
    ['😀😀😀😀-secret-😀😀😀😀', '😀😀😀😀••••😀😀😀😀'],
    [123456789, '1234••••6789'],
    [{ nested: 'secret-secret' }, '{"ne••••et"}'],
  ])('%j is shown as %j', (value, shown) => {
    expect(maskSecret(value)).toBe(shown)
  })

  it('only secrets are masked', () => {
    expect(maskConfig(kind, { token: 'abcdefghij', room: 'abcdefghij' })).toEqual({
      token: 'abcd••••ghij',
      room: 'abcdefghij',
    })
  })

  it('a mask that comes back stands for what it hides; anything else is a new secret', () => {
    const stored = { token: 'abcdefghij', room: 'r' }
    expect(unmaskConfig(kind, { token: 'abcd••••ghij', room: 'x' }, stored)).toEqual({ token: 'abcdefghij', room: 'x' })
    expect(unmaskConfig(kind, { token: 'abcd••••ghi!' }, stored)).toEqual({ token: 'abcd••••ghi!' })
    expect(unmaskConfig(kind, { token: '' }, stored)).toEqual({ token: '' })
    expect(unmaskConfig(kind, { token: '' }, {})).toEqual({ token: '' })
  })

  it('what is missing is named in order', () => {
    expect(missingKeys(kind, { room: '' })).toEqual(['token'])
    expect(missingKeys(kind, {})).toEqual(['token', 'room'])
  })
})
