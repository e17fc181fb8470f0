import { connect } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { bundleYaml } from '../../../test/documents.ts'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { openSse, type SseClient } from '../../../test/sse-client.ts'

/** The frames of live streams, to the letter. */
onEachDatabase('streams on the wire', (start) => {
  let t: TestServer
  let address = ''
  const open: SseClient[] = []
  afterEach(async () => {
    for (const client of open.splice(0)) client.close()
    await t.close()
  })

  async function begin() {
    t = await start()
    await t.admin()
    address = await t.listen()
  }
  async function stream(path: string, headers: Record<string, string>): Promise<SseClient> {
    const client = await openSse(`${address}/api/v1${path}`, headers)
    open.push(client)
    return client
  }
  const call = async (url: string, payload: object) => {
    const answer = await t.request({ method: 'POST', url: `/api/v1${url}`, headers: await t.admin(), payload })
    expect(answer.statusCode).toBe(201)
    return answer.json()
  }
  const deployed = async (name: string) => {
    await call('/bundles', { yaml_content: bundleYaml(name) })
    await call(`/bundles/${name}/1/deploy`, { env: 'production' })
  }

  it('headers leave at once, also where there is nothing to say yet, and forbid to keep or to buffer', async () => {
    await begin()
    for (const client of [
      await stream('/stream?env=production', await t.agent()),
      await stream('/stream/dashboard', await t.admin()),
    ]) {
      expect(client.status).toBe(200)
      expect(client.headers).toMatchObject({
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        connection: 'keep-alive',
        'x-accel-buffering': 'no',
        'x-frame-options': 'DENY',
        'x-request-id': expect.stringMatching(/^[0-9a-f]{12}$/),
      })
      expect(client.events).toEqual([])
    }
  })

  it('an event is its type, its id and one line of JSON that holds the type too', async () => {
    await begin()
    const { cookie = '' } = await t.admin()
    const { hostname, port } = new URL(address)
    const received = await new Promise<string>((resolve, reject) => {
      let text = ''
      let isAsked = false
      const socket = connect(Number(port), hostname, () =>
        socket.write(`GET /api/v1/stream/dashboard HTTP/1.1\r\nHost: x\r\nCookie: ${cookie}\r\n\r\n`),
      )
      socket.on('error', reject)
      socket.on('data', (chunk) => {
        text += chunk.toString()
        // Its place in the log is told first: from then on nothing is missed.
        if (!isAsked && /\nid: \d+\n\n/.test(text)) {
          isAsked = true
          void call('/keys', { env: 'staging', label: 'line\nbreak' }).catch(reject)
        }
        if (/event: api_key_created[\s\S]*\n\n/.test(text)) {
          socket.destroy()
          resolve(text)
        }
      })
    })
    const [, type, id, data] = /event: (.*)\nid: (\d+)\ndata: (.*)\n\n/.exec(received) ?? []
    expect([type, Number(id) > 0]).toEqual(['api_key_created', true])
    expect(JSON.parse(data ?? '')).toEqual({
      type: 'api_key_created',
      key_id: expect.any(String),
      env: 'staging',
      label: 'line\nbreak',
    })
  })

  it('who may not subscribe gets an answer and no stream; it names the environment and nothing of the key', async () => {
    await begin()
    const [production, staging] = [await t.agent('production'), await t.agent('staging')]
    for (const [headers, wrong, own] of [
      [staging, 'production', 'staging'],
      [production, 'staging', 'production'],
    ] as const) {
      const refused = await stream(`/stream?env=${wrong}`, headers)
      const body = await refused.body
      expect([refused.status, JSON.parse(body)]).toEqual([
        403,
        { detail: `API key is scoped to '${own}', cannot subscribe to '${wrong}'.` },
      ])
      expect(body).not.toContain('edk_')
      expect(refused.headers['content-type']).toContain('application/json')
    }
    const status = async (path: string, headers: Record<string, string>) => {
      const client = await stream(path, headers)
      return [client.status, (JSON.parse(await client.body) as { detail: unknown }).detail]
    }
    expect(await status('/stream?env=production', {})).toEqual([401, 'Authorization header is required.'])
    expect(await status('/stream?env=production', { authorization: 'Bearer edk_production_x' })).toEqual([
      401,
      'Invalid or revoked API key.',
    ])
    expect(await status('/stream?env=production', await t.admin())).toEqual([401, 'Authorization header is required.'])
    expect(await status('/stream', production)).toEqual([422, [{ loc: ['query', 'env'], msg: 'Field required' }]])
    expect(await status('/stream/dashboard', {})).toEqual([401, 'Not authenticated.'])
    expect(await status('/stream/dashboard', production)).toEqual([401, 'Not authenticated.'])
  })

  it('an empty bundle name is none; tags that are no JSON object are ignored; the revision is taken as it is', async () => {
    await begin()
    await deployed('devops')
    for (const query of [
      'env=production&bundle_name=',
      'env=production&tags=not-json',
      'env=production&tags=[1]',
      'env=production&policy_version=anything%20at%20all&tags=',
    ]) {
      const client = await stream(`/stream?${query}`, await t.agent('production', query.slice(0, 60)))
      const event = await client.next()
      expect([client.status, event.type, event.data.bundle_name]).toEqual([200, 'contract_update', 'devops'])
    }
  })

  it('an id that is none of ours replays nothing, and harms nothing', async () => {
    await begin()
    await deployed('devops')
    for (const lastEventId of ['-1', 'abc', '9'.repeat(40), "1' or 1=1", '1.5', '']) {
      const client = await stream('/stream?env=production&bundle_name=devops', {
        ...(await t.agent()),
        'last-event-id': lastEventId,
      })
      const event = await client.next()
      expect([lastEventId, event.type, client.events.length]).toEqual([lastEventId, 'contract_update', 1])
    }
  })

  it('only the stream of the console answers a probe', async () => {
    await begin()
    const agent = await t.agent()
    const probe = async (path: string, headers: Record<string, string>) =>
      (await t.request({ method: 'HEAD', url: `/api/v1${path}`, headers })).statusCode
    expect(await probe('/stream/dashboard', await t.admin())).toBe(200)
    expect(await probe('/stream/dashboard', { cookie: 'edictum_session=expired' })).toBe(401)
    expect(await probe('/stream?env=production', agent)).toBe(405)
  })
})
