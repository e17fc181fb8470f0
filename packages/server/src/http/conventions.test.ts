import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../test/harness.ts'

/** What every answer and every input has in common. */
describe('HTTP conventions', () => {
  let t: TestServer
  let admin: Record<string, string>
  let agent: Record<string, string>
  beforeAll(async () => {
    t = await startTestServer({ environment: { LICTOR_CORS_ORIGINS: 'https://console.example.com' } })
    admin = await t.admin()
    agent = await t.agent()
  })
  afterAll(() => t.close())

  const send = (
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    url: string,
    headers: Record<string, string> = {},
    payload?: unknown,
  ) =>
    t.request({
      method,
      url: `/api${url}`,
      headers: payload === undefined ? headers : { 'content-type': 'application/json', ...headers },
      ...(payload === undefined ? {} : { payload: typeof payload === 'string' ? payload : JSON.stringify(payload) }),
    })
  const csrf = { 'x-requested-with': 'test' }

  it('answers are JSON with a fresh request id of 12 hex characters; one that a client sends is not taken over', async () => {
    const headers = { ...admin, 'x-request-id': 'mine' }
    const answers = await Promise.all([
      send('GET', '/v1/auth/me', headers),
      send('GET', '/v1/auth/me', headers),
      send('GET', '/v1/nothing', headers),
      send('PUT', '/v1/keys', headers, {}),
      send('POST', '/v1/keys', headers, {}),
    ])
    const ids = answers.map((answer) => String(answer.headers['x-request-id']))
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{12}$/)
    expect(new Set(ids).size).toBe(5)
    for (const answer of answers) expect(answer.headers['content-type']).toBe('application/json; charset=utf-8')
    expect(answers.map((answer) => answer.statusCode)).toEqual([200, 200, 404, 405, 422])
  })

  it('security headers are on every answer, also on refusals, redirects and pages', async () => {
    const expected = {
      'content-security-policy':
        "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'self'; form-action 'self'",
      'strict-transport-security': 'max-age=63072000; includeSubDomains',
      'x-frame-options': 'DENY',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'strict-origin-when-cross-origin',
      'permissions-policy': 'camera=(), microphone=(), geolocation=(), payment=()',
    }
    const answers = [
      await send('GET', '/v1/auth/me', admin),
      await send('GET', '/v1/auth/me'),
      await send('GET', '/v1/nothing'),
      await send('GET', '/v1/keys/'),
      await send('POST', '/v1/keys', {}, {}),
      await send('POST', '/v1/keys', csrf, '{"env'),
      await send('POST', '/v1/keys', admin, {}),
      await t.request({ method: 'GET', url: '/somewhere' }),
      await t.request({ method: 'GET', url: '/dashboard/login' }),
    ]
    expect(answers.map((answer) => answer.statusCode)).toEqual([200, 401, 404, 307, 403, 422, 422, 302, 404])
    for (const answer of answers) expect(answer.headers).toMatchObject(expected)
  })

  it('unknown fields of bodies and queries are ignored', async () => {
    const created = await send('POST', '/v1/keys', admin, { env: 'staging', color: 'red', id: 'mine' })
    expect([created.statusCode, Object.keys(created.json()).sort()]).toEqual([
      201,
      ['client', 'created_at', 'env', 'id', 'key', 'label', 'prefix', 'signature'],
    ])
    expect((await send('GET', '/v1/events?color=red&limit=1', agent)).statusCode).toBe(200)
  })

  it('numbers and booleans may come as text; a text only as text', async () => {
    for (const limit of ['5', '5.0', '+5', '1e2'])
      expect([limit, (await send('GET', `/v1/events?limit=${encodeURIComponent(limit)}`, agent)).statusCode]).toEqual([
        limit,
        200,
      ])
    for (const limit of ['5.5', 'five', '', '0x5', 'true'])
      expect([limit, (await send('GET', `/v1/events?limit=${limit}`, agent)).statusCode]).toEqual([limit, 422])
    const asked = { agent_id: 'a', tool_name: 't', message: 'm' }
    for (const timeout of ['60', 60.0, '60.0'])
      expect((await send('POST', '/v1/approvals', agentOf('n'), { ...asked, timeout })).json()).toMatchObject({
        timeout_seconds: 60,
      })
    for (const tool_name of [5, true, null, ['t']])
      expect((await send('POST', '/v1/approvals', agentOf('n'), { ...asked, tool_name })).json().detail[0].loc).toEqual(
        ['body', 'tool_name'],
      )
    const amount = await send('POST', '/v1/sessions/n/increment', agent, { amount: '1.5' })
    expect(amount.json()).toEqual({ value: 1.5 })
  })

  it.each([
    [true, true],
    ['true', true],
    ['TRUE', true],
    [1, true],
    ['1', true],
    ['yes', true],
    ['On', true],
    ['t', true],
    ['y', true],
    [false, false],
    ['false', false],
    [0, false],
    ['0', false],
    ['no', false],
    ['OFF', false],
    ['f', false],
    ['n', false],
  ])('a boolean may be written %j', async (approved, means) => {
    const { id } = (await send('POST', '/v1/approvals', agentOf(`b-${approved}`), asked())).json()
    const decided = await send('PUT', `/v1/approvals/${id}`, admin, { approved })
    expect(decided.json()).toMatchObject({ status: means ? 'approved' : 'denied' })
  })

  it.each([2, -1, 'maybe', '', null, [], 'truee'])('a boolean is not written %j', async (approved) => {
    const { id } = (await send('POST', '/v1/approvals', agentOf(`c-${approved}`), asked())).json()
    const refused = await send('PUT', `/v1/approvals/${id}`, admin, { approved })
    expect([refused.statusCode, refused.json().detail[0].loc]).toEqual([422, ['body', 'approved']])
  })

  it('lengths of texts are counted in code points, not in bytes or UTF-16 units', async () => {
    const name = (length: number) => '😀'.repeat(length)
    expect((await send('POST', '/v1/approvals', agentOf('l'), asked({ tool_name: name(255) }))).statusCode).toBe(201)
    expect((await send('POST', '/v1/approvals', agentOf('l'), asked({ tool_name: name(256) }))).statusCode).toBe(422)
    const short = { email: 'a@example.com', password: '😀'.repeat(11) }
    const refused = await send('POST', '/v1/setup', {}, short)
    expect([refused.statusCode, refused.json()]).toEqual([
      422,
      { detail: [{ loc: ['body', 'password'], msg: 'Value error, Password must be at least 12 characters' }] },
    ])
  })

  it('instants may be naive, of any offset, seconds or milliseconds; they come back in UTC with six digits or none', async () => {
    const sent: [unknown, string][] = [
      ['2026-03-01T12:00:00Z', '2026-03-01T12:00:00Z'],
      ['2026-03-01T12:00:00', '2026-03-01T12:00:00Z'],
      ['2026-03-01 12:00:00', '2026-03-01T12:00:00Z'],
      ['2026-03-01T14:30:00+02:30', '2026-03-01T12:00:00Z'],
      ['2026-03-01T12:00:00.5Z', '2026-03-01T12:00:00.500000Z'],
      ['2026-03-01T12:00:00.000001Z', '2026-03-01T12:00:00.000001Z'],
      [1772366400, '2026-03-01T12:00:00Z'],
      [1772366400000, '2026-03-01T12:00:00Z'],
      [1772366400.25, '2026-03-01T12:00:00.250000Z'],
      ['1772366400', '2026-03-01T12:00:00Z'],
    ]
    for (const [index, [timestamp, expected]] of sent.entries()) {
      const call_id = `instant-${index}`
      expect([timestamp, (await ingested(call_id, timestamp)).json()]).toEqual([
        timestamp,
        { accepted: 1, duplicates: 0 },
      ])
      const [found] = (await send('GET', `/v1/events?agent_id=${call_id}`, agent)).json()
      expect([timestamp, found.timestamp]).toEqual([timestamp, expected])
    }
  })

  it('a UUID is taken with capitals or without hyphens, and told in lower case', async () => {
    const { id } = (await send('POST', '/v1/keys', admin, { env: 'staging' })).json()
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    const other = id.replaceAll('-', '').toUpperCase()
    expect((await send('DELETE', `/v1/keys/${other}`, admin)).statusCode).toBe(204)
    expect((await send('DELETE', `/v1/keys/${id}`, admin)).statusCode).toBe(404)
    const refused = await send('DELETE', '/v1/keys/not-a-uuid', admin)
    expect([refused.statusCode, refused.json().detail[0].loc]).toEqual([422, ['path', 'key_id']])
  })

  it('what is wrong is told with its place and nothing else: body, query, path, items by number', async () => {
    const detail = async (answer: ReturnType<typeof send>) => (await answer).json().detail as { loc: unknown }[]
    for (const problems of [
      await detail(send('POST', '/v1/approvals', agentOf('d'), { timeout: 0, timeout_effect: 'maybe' })),
      await detail(send('GET', '/v1/events?limit=0&since=x', agent)),
      await detail(send('POST', '/v1/sessions/batch', agent, { keys: ['a', 7] })),
    ])
      for (const problem of problems) expect(Object.keys(problem).sort()).toEqual(['loc', 'msg'])
    const places = (problems: { loc: unknown }[]) => problems.map(({ loc }) => JSON.stringify(loc)).sort()
    expect(places(await detail(send('POST', '/v1/approvals', agentOf('d'), { timeout: 0, message: 'm' })))).toEqual([
      '["body","agent_id"]',
      '["body","timeout"]',
      '["body","tool_name"]',
    ])
    expect(places(await detail(send('POST', '/v1/sessions/batch', agent, { keys: ['a', 7] })))).toEqual([
      '["body","keys",1]',
    ])
    expect(places(await detail(send('GET', '/v1/events?limit=0', agent)))).toEqual(['["query","limit"]'])
  })

  it('what is wrong in path, query and body is told at once', async () => {
    const places = async (answer: ReturnType<typeof send>) => {
      const { statusCode, json } = await answer.then((one) => ({ statusCode: one.statusCode, json: one.json() }))
      return [statusCode, json.detail.map(({ loc }: { loc: string[] }) => loc.join('.'))]
    }
    expect(await places(send('PUT', '/v1/approvals/not-a-uuid', admin, { approved: 'perhaps' }))).toEqual([
      422,
      ['path.approval_id', 'body.approved'],
    ])
    expect(await places(send('PUT', '/v1/approvals/not-a-uuid', admin))).toEqual([422, ['path.approval_id', 'body']])
    expect(await places(send('GET', '/v1/approvals/not-a-uuid?wait=61', admin))).toEqual([
      422,
      ['path.approval_id', 'query.wait'],
    ])
    expect(await places(send('PUT', '/v1/approvals/not-a-uuid', admin, { approved: true }))).toEqual([
      422,
      ['path.approval_id'],
    ])
  })

  it('malformed JSON is told with the offset, before credentials are judged', async () => {
    const answer = await send('POST', '/v1/keys', csrf, '{"env": prod}')
    expect([answer.statusCode, answer.json()]).toEqual([
      422,
      { detail: [{ loc: ['body', 8], msg: 'JSON decode error' }] },
    ])
  })

  it('credentials are judged before the rest of the input', async () => {
    for (const answer of [
      await send('POST', '/v1/keys', csrf, { env: 'moon' }),
      await send('DELETE', '/v1/keys/not-a-uuid', csrf),
      await send('GET', '/v1/events?limit=0'),
      await send('POST', '/v1/keys', csrf),
      await send('POST', '/v1/keys', { ...csrf, 'content-type': 'text/plain' }, 'env=production'),
      await send(
        'POST',
        '/v1/keys',
        { ...csrf, 'content-type': 'application/x-www-form-urlencoded' },
        'env=production',
      ),
    ])
      expect(answer.statusCode).toBe(401)
  })

  it('no body, an empty one, and one of another kind are a body that is missing', async () => {
    const missing = {
      detail: [{ loc: ['body'], msg: 'Field required: a JSON body with Content-Type: application/json' }],
    }
    for (const answer of [
      await send('POST', '/v1/keys', admin),
      await send('POST', '/v1/keys', { ...admin, 'content-type': 'application/json' }, ''),
      await send('POST', '/v1/keys', { ...admin, 'content-type': 'text/plain' }, '{"env":"production"}'),
      await send('POST', '/v1/keys', { ...admin, 'content-type': 'application/xml' }, '<env/>'),
      await send('POST', '/v1/keys', admin, 'null'),
    ])
      expect([answer.statusCode, answer.json()]).toEqual([422, missing])
    const list = await send('POST', '/v1/keys', admin, [])
    expect([list.statusCode, list.json().detail[0].loc]).toEqual([422, ['body']])
  })

  it('a call that needs no body may announce JSON all the same, as clients do', async () => {
    const headers = { ...admin, 'content-type': 'application/json' }
    const { id } = (await send('POST', '/v1/keys', admin, { env: 'staging' })).json()
    const answers = [
      await send('DELETE', `/v1/keys/${id}`, headers),
      await send('POST', '/v1/settings/rotate-signing-key', headers),
      await send('DELETE', '/v1/settings/ai', headers),
      await send('POST', '/v1/settings/ai/test', headers),
      await send('DELETE', '/v1/settings/purge-events?older_than_days=1', headers),
      await send('DELETE', '/v1/sessions/none', { ...agent, 'content-type': 'application/json' }),
    ]
    expect(answers.map((answer) => answer.statusCode)).toEqual([204, 201, 204, 200, 200, 200])
  })

  it('an unknown path is 404, a wrong method 405 with what is allowed', async () => {
    for (const url of ['/v1/nothing', '/v2/keys', '/', '', '/v1', '/v1/keys/a/b/c']) {
      const answer = await send('GET', url, admin)
      expect([url, answer.statusCode, answer.json()]).toEqual([url, 404, { detail: 'Not Found' }])
    }
    const wrong = await send('DELETE', '/v1/auth/me', admin)
    expect([wrong.statusCode, wrong.json(), wrong.headers.allow]).toEqual([
      405,
      { detail: 'Method Not Allowed' },
      'GET',
    ])
    expect((await send('PATCH', '/v1/bundles/evaluate', admin, {})).headers.allow).toContain('POST')
  })

  it('a trailing slash is sent to the path without, whatever the method, with its query', async () => {
    for (const method of ['GET', 'POST'] as const) {
      const answer = await send(method, '/v1/keys/?a=b', admin)
      expect([answer.statusCode, answer.headers.location]).toEqual([307, '/api/v1/keys?a=b'])
    }
  })

  it('paths with fixed names are found before those with a parameter in their place', async () => {
    const found = async (method: 'GET' | 'POST', url: string, headers: Record<string, string>, payload?: object) => {
      const answer = await send(method, `/v1${url}`, headers, payload)
      return [url, answer.statusCode, JSON.stringify(answer.json())]
    }
    // Each would answer otherwise if the fixed part were taken for a name, a version or an id.
    expect(await found('POST', '/bundles/evaluate', admin, {})).toEqual([
      '/bundles/evaluate',
      422,
      expect.stringContaining('yaml_content'),
    ])
    expect(await found('GET', '/bundles/none/current?env=production', admin)).toEqual([
      '/bundles/none/current?env=production',
      404,
      expect.not.stringContaining('version'),
    ])
    expect(await found('POST', '/contracts/import', admin, {})).toEqual([
      '/contracts/import',
      422,
      expect.stringContaining('yaml_content'),
    ])
    expect(await found('POST', '/contracts/assist', admin, {})).toEqual([
      '/contracts/assist',
      422,
      expect.stringContaining('messages'),
    ])
    expect(await found('POST', '/contracts/generate-description', admin, {})).toEqual([
      '/contracts/generate-description',
      422,
      expect.stringContaining('definition_yaml'),
    ])
    expect(await found('POST', '/sessions/batch', agent, { keys: [] })).toEqual([
      '/sessions/batch',
      200,
      '{"values":{}}',
    ])
    expect(await found('GET', '/agents/status', admin)).toEqual(['/agents/status', 200, '{"agents":[]}'])
    expect(await found('GET', '/agents/fleet-coverage', admin)).toEqual([
      '/agents/fleet-coverage',
      200,
      expect.stringContaining('fleet_summary'),
    ])
    expect(await found('GET', '/events/histogram', admin)).toEqual([
      '/events/histogram',
      422,
      expect.stringContaining('since'),
    ])
    expect(await found('POST', '/agent-registrations/bulk-assign', admin, {})).toEqual([
      '/agent-registrations/bulk-assign',
      422,
      expect.stringContaining('agent_ids'),
    ])
    expect((await found('GET', '/assignment-rules/resolve/agent-1', admin))[1]).toBe(200)
    expect((await found('GET', '/stream/dashboard', {}))[2]).toContain('Not authenticated.')
  })

  it('a fault of the server tells nothing of it', async () => {
    const own = await startTestServer()
    try {
      const headers = await own.admin()
      await own.server.database.db.schema.dropTable('api_keys').execute()
      const answer = await own.request({ method: 'GET', url: '/api/v1/keys', headers })
      expect([answer.statusCode, answer.json()]).toEqual([500, { detail: 'Internal Server Error' }])
    } finally {
      await own.close()
    }
  })

  function ingested(id: string, timestamp: unknown) {
    const event = { call_id: id, agent_id: id, tool_name: 't', verdict: 'v', mode: 'enforce', timestamp }
    return send('POST', '/v1/events', agent, { events: [event] })
  }
  function agentOf(name: string): Record<string, string> {
    return { ...agent, 'x-edictum-agent-id': name }
  }
  function asked(over: object = {}) {
    return { agent_id: 'a', tool_name: 't', message: 'm', ...over }
  }
})
