import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { sessionKeyProblem } from './key.ts'

type Headers = Record<string, string>

/** The answers about session values, field by field. */
onEachDatabase('the session API', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  const call = async (method: 'GET' | 'PUT' | 'DELETE' | 'POST', path: string, headers: Headers, payload?: object) => {
    const answer = await t.request({
      method,
      url: `/api/v1/sessions/${path}`,
      headers,
      ...(payload ? { payload } : {}),
    })
    return [answer.statusCode, answer.json()]
  }

  it('set and get; a missing value is 404; increments of 5 and 3 give 5 and 8; deleted is gone', async () => {
    t = await start()
    const agent = await t.agent()
    expect(await call('PUT', 'k', agent, { value: 'v' })).toEqual([200, { value: 'v' }])
    expect(await call('GET', 'k', agent)).toEqual([200, { value: 'v' }])
    expect(await call('PUT', 'k', agent, { value: '' })).toEqual([200, { value: '' }])
    expect(await call('GET', 'missing', agent)).toEqual([404, { detail: 'Key not found' }])
    expect(await call('POST', 'n/increment', agent, { amount: 5 })).toEqual([200, { value: 5 }])
    expect(await call('POST', 'n/increment', agent, { amount: 3 })).toEqual([200, { value: 8 }])
    expect(await call('POST', 'default/increment', agent, {})).toEqual([200, { value: 1 }])
    expect(await call('DELETE', 'k', agent)).toEqual([200, { value: null }])
    expect((await call('GET', 'k', agent))[0]).toBe(404)
  })

  it('a value is replaced only while it is what was read: of twenty at once exactly one wins each time', async () => {
    t = await start()
    const agent = await t.agent()
    const put = (value: string, expected: string | null) => call('PUT', 'k', agent, { value, expected })
    expect((await put('x', 'y'))[0]).toBe(409)
    const winners = async (expected: string | null, round: string) => {
      const names = Array.from({ length: 20 }, (_, index) => `${round}-${index}`)
      const answers = await Promise.all(names.map((name) => put(name, expected)))
      expect(answers.filter(([status]) => status === 409)).toHaveLength(19)
      return names[answers.findIndex(([status]) => status === 200)] as string
    }
    const first = await winners(null, 'first')
    expect(await call('GET', 'k', agent)).toEqual([200, { value: first }])
    const second = await winners(first, 'second')
    expect(await call('GET', 'k', agent)).toEqual([200, { value: second }])
    expect(await put('x', null)).toEqual([409, { detail: "The value of 'k' has changed; read it again." }])
  })

  it('a value is a text of at most a million characters', async () => {
    t = await start()
    const agent = await t.agent()
    for (const value of [5, true, null, { a: 1 }, ['a'], undefined])
      expect([value, (await call('PUT', 'k', agent, { value }))[0]]).toEqual([value, 422])
    expect((await call('GET', 'k', agent))[0]).toBe(404)
    const long = 'x'.repeat(1_048_000)
    expect(await call('PUT', 'k', agent, { value: long })).toEqual([200, { value: long }])
    expect(await call('GET', 'k', agent)).toEqual([200, { value: long }])
  })

  it('every kind of key that is allowed works by path and in a batch', async () => {
    t = await start()
    const agent = await t.agent()
    const keys = ['a', 'A-b', 'a:b', 'a.b', 'a_b', 'a/b', 'agent:my-agent:quota', '0', 'batch', 'x'.repeat(256)]
    for (const key of keys)
      expect([key, (await call('PUT', encodeURIComponent(key), agent, { value: key }))[0]]).toEqual([key, 200])
    expect(await call('POST', 'batch', agent, { keys })).toEqual([
      200,
      { values: Object.fromEntries(keys.map((key) => [key, key])) },
    ])
    for (const key of keys) expect(await call('GET', encodeURIComponent(key), agent)).toEqual([200, { value: key }])
  })

  it('a hundred keys are read at once, each of at most 256 characters; a text is no list', async () => {
    t = await start()
    const agent = await t.agent()
    const keys = Array.from({ length: 100 }, (_, index) => `k${index}`)
    const [status, { values }] = await call('POST', 'batch', agent, { keys })
    expect([status, Object.keys(values).length, new Set(Object.values(values))]).toEqual([200, 100, new Set([null])])
    for (const body of [
      { keys: [...keys, 'one more'] },
      { keys: ['x'.repeat(257)] },
      { keys: [''] },
      { keys: 'k' },
      {},
    ])
      expect((await call('POST', 'batch', agent, body))[0]).toBe(422)
  })

  it('a value lives seven days after it was set or incremented; reading it, alone or in a batch, prolongs nothing', async () => {
    t = await start()
    const agent = await t.agent()
    const days = (count: number) => t.clock.set(t.clock.now() + count * 86_400_000)
    await call('PUT', 'set', agent, { value: '1' })
    await call('POST', 'counted/increment', agent, {})
    days(6.9)
    await call('POST', 'batch', agent, { keys: ['set', 'counted'] })
    expect([(await call('GET', 'set', agent))[0], (await call('GET', 'counted', agent))[0]]).toEqual([200, 200])
    days(0.1)
    expect(await call('POST', 'batch', agent, { keys: ['set', 'counted'] })).toEqual([
      200,
      { values: { set: null, counted: null } },
    ])
    await call('PUT', 'set', agent, { value: '1' })
    days(6)
    await call('PUT', 'set', agent, { value: '2' })
    days(6)
    expect((await call('GET', 'set', agent))[1]).toEqual({ value: '2' })
  })

  it('amounts that are no finite number are refused, and the counter stays', async () => {
    t = await start()
    const agent = await t.agent()
    await call('POST', 'n/increment', agent, { amount: 1.5 })
    for (const amount of ['"NaN"', '"Infinity"', '1e999', '-1e999', '"x"', 'null', '[]', 'true']) {
      const answer = await t.request({
        method: 'POST',
        url: '/api/v1/sessions/n/increment',
        headers: { ...agent, 'content-type': 'application/json' },
        payload: `{"amount":${amount}}`,
      })
      expect([amount, answer.statusCode]).toEqual([amount, 422])
    }
    expect(await call('GET', 'n', agent)).toEqual([200, { value: '1.5' }])
  })

  it('no person reads or writes values', async () => {
    t = await start()
    const admin = await t.admin()
    expect((await call('GET', 'k', admin))[0]).toBe(401)
    expect((await call('PUT', 'k', admin, { value: '1' }))[0]).toBe(401)
    expect((await call('POST', 'batch', admin, { keys: [] }))[0]).toBe(401)
  })
})

it.each([
  'key;x',
  'key=value',
  'with space',
  'new\nline',
  'nul\u0000',
  'tab\t',
  '',
  'ü',
  'a*b',
  '{a}',
  'a\\b',
  'a%b',
  '../a',
  'a/../b',
  'a/.',
])('%j is no session key', (key) => expect(sessionKeyProblem(key)).not.toBeNull())

it.each(['a', 'a-b', 'a:b', 'a.b', 'a/b', 'a_b', 'aB9', 'a..b', '...', '/a', 'a//b'])('%j is a session key', (key) =>
  expect(sessionKeyProblem(key)).toBeNull(),
)
