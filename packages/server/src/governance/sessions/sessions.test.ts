import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'

type Headers = Record<string, string>

onEachDatabase('session store', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  const call = async (method: 'GET' | 'PUT' | 'DELETE' | 'POST', path: string, headers: Headers, payload?: object) => {
    const answer = await t.request({
      method,
      url: `/api/v1/sessions/${path}`,
      headers: { 'content-type': 'application/json', ...headers },
      ...(payload ? { payload } : {}),
    })
    return [answer.statusCode, answer.json()]
  }

  it('a value is set, read, deleted, and every answer is JSON', async () => {
    t = await start()
    const agent = await t.agent()
    expect(await call('GET', 's:1:calls', agent)).toEqual([404, { detail: 'Key not found' }])
    expect(await call('PUT', 's:1:calls', agent, { value: 'a' })).toEqual([200, { value: 'a' }])
    expect(await call('GET', 's%3A1%3Acalls', agent)).toEqual([200, { value: 'a' }])
    expect(await call('DELETE', 's:1:calls', agent)).toEqual([200, { value: null }])
    expect(await call('DELETE', 's:1:calls', agent)).toEqual([200, { value: null }])
    expect(await call('PUT', 's:1:calls', agent, { value: 5 })).toMatchObject([422, {}])
  })

  it('a counter starts at 0, takes fractions and negatives, and reads as a decimal text', async () => {
    t = await start()
    const agent = await t.agent()
    expect(await call('POST', 'n/increment', agent, { amount: 5 })).toEqual([200, { value: 5 }])
    expect(await call('POST', 'n/increment', agent, { amount: 3 })).toEqual([200, { value: 8 }])
    expect(await call('GET', 'n', agent)).toEqual([200, { value: '8' }])
    expect(await call('POST', 'n/increment', agent, { amount: -5.5 })).toEqual([200, { value: 2.5 }])
    expect(await call('GET', 'n', agent)).toEqual([200, { value: '2.5' }])
    expect(await call('POST', 'm/increment', agent, {})).toEqual([200, { value: 1 }])
    await call('PUT', 'o', agent, { value: '41' })
    expect(await call('POST', 'o/increment', agent, {})).toEqual([200, { value: 42 }])
  })

  it('a value that is no number is not incremented, an amount that is none neither', async () => {
    t = await start()
    const agent = await t.agent()
    for (const value of ['abc', '', 'NaN', 'Infinity', '1e999', '0x10', '1;2']) {
      await call('PUT', 'k', agent, { value })
      expect([value, ...(await call('POST', 'k/increment', agent, {}))]).toEqual([
        value,
        409,
        { detail: "The value of 'k' is not a number that can be incremented." },
      ])
      expect(await call('GET', 'k', agent)).toEqual([200, { value }])
    }
    for (const amount of ['many', null, 1e300])
      expect((await call('POST', 'n/increment', agent, { amount }))[0]).toBe(422)
  })

  it('concurrent increments add up', async () => {
    t = await start()
    const agent = await t.agent()
    const answers = await Promise.all(
      Array.from({ length: 40 }, () => call('POST', 'n/increment', agent, { amount: 2 })),
    )
    expect(answers.map(([, body]) => body.value).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 40 }, (_, index) => 2 * (index + 1)),
    )
    expect(await call('GET', 'n', agent)).toEqual([200, { value: '80' }])
  })

  it('an increment that is refused costs its neighbours nothing, and counts nothing', async () => {
    t = await start()
    const agent = await t.agent()
    await call('PUT', 'text', agent, { value: 'no number' })
    const once = { ...agent, 'idempotency-key': 'once-1' }
    const answers = await Promise.all([
      call('POST', 'a/increment', agent, {}),
      call('POST', 'text/increment', once, {}),
      call('POST', 'b/increment', agent, { amount: 2 }),
      call('POST', 'a/increment', agent, {}),
    ])
    expect(answers.map(([status]) => status)).toEqual([200, 409, 200, 200])
    expect(await call('GET', 'a', agent)).toEqual([200, { value: '2' }])
    expect(await call('GET', 'b', agent)).toEqual([200, { value: '2' }])
    await call('PUT', 'text', agent, { value: '1' })
    expect(await call('POST', 'text/increment', once, {})).toEqual([200, { value: 2 }])
  })

  it('repetitions of one increment count once, for 24 hours', async () => {
    t = await start()
    const agent = { ...(await t.agent()), 'idempotency-key': 'once-1' }
    const answers = await Promise.all(Array.from({ length: 5 }, () => call('POST', 'n/increment', agent, {})))
    expect(answers).toEqual(Array.from({ length: 5 }, () => [200, { value: 1 }]))
    expect((await call('POST', 'n/increment', agent, { amount: 2 }))[0]).toBe(422)
    t.clock.set(t.clock.now() + 24 * 3_600_000)
    expect(await call('POST', 'n/increment', agent, {})).toEqual([200, { value: 2 }])
  })

  it('a value lives seven days after the last write, whoever reads it', async () => {
    t = await start()
    const agent = await t.agent()
    const sixDays = 6 * 24 * 3_600_000
    await call('PUT', 'k', agent, { value: '1' })
    t.clock.set(t.clock.now() + sixDays)
    await call('POST', 'k/increment', agent, {})
    t.clock.set(t.clock.now() + sixDays)
    expect(await call('GET', 'k', agent)).toEqual([200, { value: '2' }])
    t.clock.set(t.clock.now() + sixDays)
    expect((await call('GET', 'k', agent))[0]).toBe(404)
    expect(await call('POST', 'k/increment', agent, {})).toEqual([200, { value: 1 }])
  })

  it('many values are read at once, null where there is none', async () => {
    t = await start()
    const agent = await t.agent()
    await call('PUT', 'a%2Fb', agent, { value: 'slash' })
    await call('PUT', 'c', agent, { value: '3' })
    expect(await call('POST', 'batch', agent, { keys: ['a/b', 'c', 'd', 'c'] })).toEqual([
      200,
      { values: { 'a/b': 'slash', c: '3', d: null } },
    ])
    expect(await call('POST', 'batch', agent, { keys: [] })).toEqual([200, { values: {} }])
    expect((await call('POST', 'batch', agent, { keys: Array.from({ length: 101 }, () => 'k') }))[0]).toBe(422)
    expect(await call('POST', 'batch', agent, { keys: ['k', 'a b'] })).toMatchObject([
      422,
      { detail: [{ loc: ['body', 'keys', 1] }] },
    ])
  })

  it('keys with a way up, a line break, a foreign character or 257 characters are refused', async () => {
    t = await start()
    const agent = await t.agent()
    const bad = ['..%2F..%2Fetc', 'a%2F..', 'a%0Ab', 'key;x', 'key=value', 'a%20b', '%00', 'x'.repeat(257)]
    for (const key of bad)
      for (const method of ['GET', 'PUT', 'DELETE'] as const)
        expect([key, (await call(method, key, agent, method === 'PUT' ? { value: '' } : undefined))[0]]).toEqual([
          key,
          422,
        ])
    expect((await call('GET', 'x'.repeat(256), agent))[0]).toBe(404)
    expect((await call('GET', 'a..b', agent))[0]).toBe(404)
  })

  it('no tenant reads or counts on the values of another; environments of one tenant share them', async () => {
    t = await start()
    const mine = await t.agent('production')
    const other = await t.otherTenant()
    const key = await t.request({ method: 'POST', url: '/api/v1/keys', headers: other, payload: { env: 'production' } })
    const theirs = { authorization: `Bearer ${key.json().key}` }
    await call('PUT', 'k', mine, { value: '7' })
    expect((await call('GET', 'k', theirs))[0]).toBe(404)
    expect(await call('POST', 'k/increment', theirs, {})).toEqual([200, { value: 1 }])
    expect(await call('GET', 'k', await t.agent('staging'))).toEqual([200, { value: '7' }])
  })
})
