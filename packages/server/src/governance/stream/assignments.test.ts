import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { libraryOf } from '../../../test/library.ts'
import { openSse, type SseClient } from '../../../test/sse-client.ts'

onEachDatabase('what an agent is told of its assignment', (start) => {
  let t: TestServer
  let address = ''
  let key: Record<string, string> = {}
  const open: SseClient[] = []
  afterEach(async () => {
    for (const client of open.splice(0)) client.close()
    await t.close()
  })

  async function begin() {
    t = await start()
    key = await t.agent()
    address = await t.listen()
    return libraryOf(t)
  }
  type Api = Awaited<ReturnType<typeof begin>>
  async function connect(more: { tags?: object; lastId?: string; query?: string } = {}): Promise<SseClient> {
    const tags = more.tags ? `&tags=${encodeURIComponent(JSON.stringify(more.tags))}` : ''
    const lastId: Record<string, string> = more.lastId ? { 'last-event-id': more.lastId } : {}
    const client = await openSse(`${address}/api/v1/stream?env=production${tags}${more.query ?? ''}`, {
      ...key,
      ...lastId,
    })
    open.push(client)
    expect(client.status).toBe(200)
    return client
  }
  const rule = (api: Api, priority: number, bundle_name: string, more: object = {}) =>
    api.call('POST', '/assignment-rules', { priority, pattern: '*', env: 'production', bundle_name, ...more })
  const assign = (api: Api, change: object) => api.call('PATCH', '/agent-registrations/agent-1', change)
  const next = async (client: SseClient) => {
    const { type, data } = await client.next()
    expect(type).toBe('assignment_changed')
    return [data.bundle_name, data.source]
  }

  it('tags that a person changes are told where a rule gives another bundle by them, and nowhere else', async () => {
    const api = await begin()
    await rule(api, 1, 'for-x', { tag_match: { team: 'x' } })
    await rule(api, 2, 'for-y', { tag_match: { team: 'y' } })
    await rule(api, 3, 'staging-only', { tag_match: { tier: 1 }, env: 'staging' })
    const client = await connect()
    await expect.poll(async () => (await api.get('/agent-registrations')).json().length).toBe(1)
    await assign(api, { tags: { team: 'x' } })
    expect(await next(client)).toEqual(['for-x', 'rule'])
    // Neither of these changes what it runs here.
    await assign(api, { tags: { team: 'x', tier: 1 } })
    await assign(api, { display_name: 'First' })
    await assign(api, { tags: { team: 'y' } })
    expect(await next(client)).toEqual(['for-y', 'rule'])
    await assign(api, { tags: {} })
    expect(await next(client)).toEqual([null, 'none'])
  })

  it('tags given with the stream go before those a person registers, for as long as the stream is open', async () => {
    const api = await begin()
    await rule(api, 1, 'for-x', { tag_match: { team: 'x' } })
    await rule(api, 2, 'for-y', { tag_match: { team: 'y' } })
    const tagged = await connect({ tags: { team: 'x' } })
    expect(await next(tagged)).toEqual(['for-x', 'rule'])
    const plain = await connect()
    expect(await next(plain)).toEqual(['for-x', 'rule'])
    await assign(api, { tags: { team: 'y' } })
    expect(await next(plain)).toEqual(['for-y', 'rule'])
    await assign(api, { bundle_name: 'explicit' })
    for (const client of [tagged, plain]) expect(await next(client)).toEqual(['explicit', 'explicit'])
    await assign(api, { bundle_name: '' })
    expect(await next(tagged)).toEqual(['for-x', 'rule'])
    expect(await next(plain)).toEqual(['for-y', 'rule'])
    expect([tagged.events.length, plain.events.length]).toEqual([3, 4])
  })

  it('who comes back is told the assignment of now, and none of those between', async () => {
    const api = await begin()
    await rule(api, 5, 'first')
    const before = await connect()
    expect(await next(before)).toEqual(['first', 'rule'])
    before.close()
    await assign(api, { bundle_name: 'between' })
    await assign(api, { bundle_name: '' })
    await rule(api, 1, 'now')
    const after = await connect({ lastId: before.lastId })
    expect(await next(after)).toEqual(['now', 'rule'])
    await assign(api, { bundle_name: 'later' })
    expect(await next(after)).toEqual(['later', 'explicit'])
    expect(after.events).toHaveLength(2)
  })

  it('who lost its assignment while away is told so', async () => {
    const api = await begin()
    const before = await connect()
    await expect.poll(async () => (await api.get('/agent-registrations')).json().length).toBe(1)
    await assign(api, { bundle_name: 'between' })
    expect(await next(before)).toEqual(['between', 'explicit'])
    before.close()
    await assign(api, { bundle_name: '' })
    const after = await connect({ lastId: before.lastId })
    expect(await next(after)).toEqual([null, 'none'])
    await assign(api, { bundle_name: 'later' })
    expect(await next(after)).toEqual(['later', 'explicit'])
    expect(after.events).toHaveLength(2)
  })
})
