import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EdictumConfigError } from './errors.ts'
import { Session } from './session.ts'
import { MemoryBackend, type StorageBackend } from './storage.ts'

describe('a session', () => {
  test('keeps its counters under the keys other SDKs know', async () => {
    const keys: string[] = []
    const backend: StorageBackend = {
      get: (key) => {
        keys.push(`get ${key}`)
        return null
      },
      set: () => {},
      delete: (key) => void keys.push(`delete ${key}`),
      increment: (key) => keys.push(`increment ${key}`),
    }
    const session = new Session('abc', backend)
    await session.incrementAttempts()
    await session.attemptCount()
    await session.executionCount()
    await session.toolExecutionCount('read file')
    await session.consecutiveFailures()
    await session.recordExecution('t', true)
    await session.recordExecution('t', false)
    expect(keys).toEqual([
      'increment s:abc:attempts',
      'get s:abc:attempts',
      'get s:abc:execs',
      'get s:abc:tool:read file',
      'get s:abc:consec_fail',
      'increment s:abc:execs',
      'increment s:abc:tool:t',
      'delete s:abc:consec_fail',
      'increment s:abc:execs',
      'increment s:abc:tool:t',
      'increment s:abc:consec_fail',
    ])
  })

  test('reads its counters by one batch, or one by one where there is none', async () => {
    const values: Record<string, string> = { 's:a:attempts': '4', 's:a:execs': '3', 's:a:tool:t': '2' }
    const plain: StorageBackend = {
      get: async (key) => values[key] ?? null,
      set: () => {},
      delete: () => {},
      increment: () => 1,
    }
    const batched: StorageBackend = {
      ...plain,
      get: () => Promise.reject(new Error('one by one')),
      batchGet: async (keys) => Object.fromEntries(keys.map((key) => [key, values[key] ?? null])),
    }
    for (const backend of [plain, batched]) {
      const session = new Session('a', backend)
      expect(await session.batchGetCounters({ includeTool: 't' })).toEqual({ attempts: 4, execs: 3, 'tool:t': 2 })
      expect(await session.batchGetCounters()).toEqual({ attempts: 4, execs: 3 })
      expect(await new Session('b', backend).readCounters('t')).toEqual({
        attempts: 0,
        executions: 0,
        toolExecutions: 0,
      })
    }
  })

  test('refuses ids that could reach another session’s keys', () => {
    for (const id of ['', 'a:b', 'a/b', 'a\\b', 'a\0', 'a\u007f', 'a\n']) {
      expect(() => new Session(id, new MemoryBackend())).toThrow(EdictumConfigError)
    }
    expect(() => new Session('ü b', new MemoryBackend()).toolExecutionCount('a/b')).toThrow(EdictumConfigError)
  })

  test('what is stored and no number is an error, never zero', async () => {
    const backend = new MemoryBackend()
    for (const value of ['many', '', ' ', 'NaN', 'Infinity']) {
      backend.set('s:a:execs', value)
      const session = new Session('a', backend)
      expect(() => session.executionCount()).toThrow(/not a number/)
      expect(() => session.readCounters(null)).toThrow(/not a number/)
    }
  })
})

describe('MemoryBackend', () => {
  test('shows counters as text, whole ones without a fraction', () => {
    const backend = new MemoryBackend()
    backend.increment('a', 5)
    backend.increment('b', 1.5)
    expect([backend.get('a'), backend.get('b'), backend.get('c')]).toEqual(['5', '1.5', null])
    backend.set('a', 'text')
    expect(backend.get('a')).toBe('text')
    expect(backend.increment('a')).toBe(6)
    backend.delete('a')
    expect(backend.get('a')).toBeNull()
    expect(backend.batchGet(['a', 'b'])).toEqual({ a: null, b: '1.5' })
  })

  test('a thousand increments at once make a thousand', async () => {
    const backend = new MemoryBackend()
    await Promise.all(Array.from({ length: 1000 }, async () => backend.increment('k')))
    expect(backend.get('k')).toBe('1000')
  })

  test('reads at once what it reads as text', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -1000, max: 1000 })), (amounts) => {
        const backend = new MemoryBackend()
        for (const amount of amounts) backend.increment('k', amount)
        expect(backend.readNow('k')).toBe(Number(backend.get('k') ?? '0'))
      }),
    )
  })
})
