import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createNameTable, publishedName, publishedUri, splitName, splitUri } from './names.ts'

const upstream = fc.stringMatching(/^[a-z][a-z0-9-]{0,31}$/)

describe('names of many upstreams under one roof', () => {
  it('every name is one that every client takes, tells its upstream, and leads back', () => {
    fc.assert(
      fc.property(upstream, fc.string({ minLength: 1, maxLength: 200 }), (name, own) => {
        const table = createNameTable(name)
        const published = table.publish(own) as string
        expect(published).toMatch(/^[a-zA-Z0-9_-]{1,64}$/)
        expect(splitName(published)?.upstream).toBe(name)
        expect(table.ownName(published)).toBe(own)
      }),
    )
  })

  it('a plain name leads back before it was listed; one that had to be mapped does not, and no other upstream answers to it', () => {
    const table = createNameTable('notes')
    expect(table.ownName('notes__read_file')).toBe('read_file')
    expect(table.ownName('notes____init')).toBe('__init')
    expect(table.ownName(publishedName('notes', 'a b'))).toBe(`a_b_${publishedName('notes', 'a b').slice(-8)}`)
    expect(table.ownName('other__read_file')).toBeUndefined()
    expect(table.ownName('read_file')).toBeUndefined()
  })

  it('of two names that would be published alike the second is not published', () => {
    const table = createNameTable('notes')
    const mapped = publishedName('notes', 'a b')
    expect(table.publish('a b')).toBe(mapped)
    expect(table.publish(mapped.slice('notes__'.length))).toBeNull()
    expect(table.ownName(mapped)).toBe('a b')
  })

  it('every address of a resource leads back', () => {
    fc.assert(
      fc.property(upstream, fc.string(), (name, uri) => {
        expect(splitUri(publishedUri(name, uri))).toEqual({ upstream: name, uri })
      }),
    )
  })
})
