import { afterEach, expect, it } from 'vitest'
import { type AiProvider, aiProvider, type Turn } from '../../../test/ai-provider.ts'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'

const KEY = 'sk-test-0123456789-the-end'

/** The assistant's answers, field by field. */
onEachDatabase('the assistant API', (start) => {
  let t: TestServer
  let provider: AiProvider | undefined
  afterEach(async () => {
    await t.close()
    await provider?.close()
    provider = undefined
  })

  const send = async (
    method: 'GET' | 'PUT' | 'POST' | 'DELETE',
    url: string,
    payload?: object,
    headers?: Record<string, string>,
  ) =>
    t.request({
      method,
      url: `/api/v1${url}`,
      headers: headers ?? (await t.admin()),
      ...(payload ? { payload } : {}),
    })
  async function begin(turns: readonly Turn[], settings: object = {}) {
    provider = await aiProvider(turns)
    t = await start({
      environment: {
        LICTOR_OUTBOUND_ALLOW: '127.0.0.0/8',
        LICTOR_ANTHROPIC_BASE_URL: `${provider.url}/v1`,
        LICTOR_AI_PRICES_URL: 'none',
      },
    })
    const answer = await send('PUT', '/settings/ai', { provider: 'anthropic', api_key: KEY, ...settings })
    expect([answer.statusCode, answer.json()]).toEqual([200, { configured: true }])
    return provider
  }
  const conversation = { messages: [{ role: 'user', content: 'hello' }] }
  const usage = async (query = '') => (await send('GET', `/settings/ai/usage${query}`)).json()

  it('settings are for everybody who is signed in, administrator or not, and for no key', async () => {
    t = await start()
    const member = await t.member()
    expect((await send('PUT', '/settings/ai', { provider: 'openai', api_key: KEY }, member)).statusCode).toBe(200)
    expect((await send('GET', '/settings/ai', undefined, member)).json()).toEqual({
      provider: 'openai',
      api_key_masked: 'sk-test-...-end',
      model: null,
      base_url: null,
      configured: true,
    })
    expect((await send('DELETE', '/settings/ai', undefined, member)).statusCode).toBe(204)
    const agent = await t.agent()
    for (const [method, url] of [
      ['GET', '/settings/ai'],
      ['PUT', '/settings/ai'],
      ['DELETE', '/settings/ai'],
      ['POST', '/settings/ai/test'],
      ['GET', '/settings/ai/usage'],
      ['POST', '/contracts/assist'],
      ['POST', '/contracts/generate-description'],
    ] as const)
      expect([url, (await send(method, url, {}, agent)).statusCode]).toEqual([url, 401])
  })

  it('what is written replaces what was, but for a key that is not named; a model of 200 and a key of 500 characters are taken', async () => {
    t = await start()
    await send('PUT', '/settings/ai', { provider: 'openai', api_key: 'k'.repeat(500), model: 'm'.repeat(200) })
    await send('PUT', '/settings/ai', { provider: 'anthropic' })
    expect((await send('GET', '/settings/ai')).json()).toEqual({
      provider: 'anthropic',
      api_key_masked: 'kkkkkkkk...kkkk',
      model: null,
      base_url: null,
      configured: true,
    })
    expect(await t.server.database.db.selectFrom('ai_settings').select('provider').execute()).toHaveLength(1)
  })

  it('the model that is named is asked, else the default of the provider', async () => {
    const asked = await begin([{ text: 'ok' }])
    await send('POST', '/contracts/assist', conversation)
    await send('PUT', '/settings/ai', { provider: 'anthropic', model: 'model-x' })
    await send('POST', '/contracts/assist', conversation)
    expect(asked.questions.map(({ body }) => body.model)).toEqual(['claude-haiku-4-5-20251001', 'model-x'])
  })

  it('an address that was set while another provider was chosen does not move Anthropic', async () => {
    const asked = await begin([{ text: 'ok' }], { base_url: 'http://127.0.0.1:9/elsewhere' })
    expect((await send('POST', '/settings/ai/test')).json()).toMatchObject({ ok: true })
    expect(asked.questions[0]?.path).toBe('/v1/messages')
  })

  it('the connection test is short, and costs nothing of the usage', async () => {
    const asked = await begin([{ text: 'ready' }])
    expect((await send('POST', '/settings/ai/test')).json()).toEqual({
      ok: true,
      model: 'claude-haiku-4-5-20251001',
      latency_ms: expect.any(Number),
      error: null,
    })
    expect(asked.questions[0]?.body.max_tokens).toBe(100)
    expect(await usage()).toMatchObject({ query_count: 0, daily: [] })
  })

  it('usage is that of as many days as asked for, thirty unless said; unknown prices are null', async () => {
    await begin([{ text: 'ok' }])
    await send('POST', '/contracts/assist', conversation)
    t.clock.set(t.clock.now() + 31 * 86_400_000)
    const login = await t.request({
      method: 'POST',
      url: '/api/v1/auth/login',
      payload: { email: 'admin@example.com', password: 'correct horse battery' },
    })
    const headers = { cookie: String(login.headers['set-cookie']).split(';')[0] ?? '', 'x-requested-with': 'x' }
    await send('POST', '/contracts/generate-description', { name: 'n', type: 'pre', definition_yaml: 'id: n' }, headers)
    const days = async (query: string) => (await send('GET', `/settings/ai/usage${query}`, undefined, headers)).json()
    const today = { date: '2026-04-01', input_tokens: 7, output_tokens: 3, cost_usd: null, queries: 1 }
    expect(await days('')).toEqual({
      total_input_tokens: 7,
      total_output_tokens: 3,
      total_cost_usd: null,
      query_count: 1,
      avg_tokens_per_second: 0,
      daily: [today],
    })
    expect((await days('?days=365')).daily).toEqual([{ ...today, date: '2026-03-01' }, today])
    expect((await days('?days=1')).query_count).toBe(1)
  })

  it('speed is the mean over the requests, with one decimal', async () => {
    t = await start()
    const tenant = (await send('GET', '/auth/me')).json().tenant_id
    const row = (output_tokens: number, duration_ms: number) => ({
      tenant_id: tenant,
      provider: 'openai',
      model: 'm',
      input_tokens: 10,
      output_tokens,
      duration_ms,
      cost: 1_234_567,
      request_type: 'assist',
      created_at: t.clock.now() * 1000,
    })
    // 100, 33.33 and, having taken no time, none.
    await t.server.database.db
      .insertInto('ai_usage')
      .values([row(100, 1_000), row(100, 3_000), row(5, 0)])
      .execute()
    expect(await usage()).toEqual({
      total_input_tokens: 30,
      total_output_tokens: 205,
      total_cost_usd: 3.703701,
      query_count: 3,
      avg_tokens_per_second: 66.7,
      daily: [{ date: '2026-03-01', input_tokens: 30, output_tokens: 205, cost_usd: 3.703701, queries: 3 }],
    })
  })

  it('fifty messages of ten thousand characters and a long document are taken', async () => {
    const asked = await begin([{ text: 'ok' }])
    const messages = Array.from({ length: 50 }, (_, index) => ({
      role: index % 2 === 0 ? 'user' : 'assistant',
      content: 'x'.repeat(10_000),
    }))
    const answer = await send('POST', '/contracts/assist', { messages, current_yaml: 'y'.repeat(50_000) })
    expect([answer.statusCode, asked.questions.length]).toEqual([200, 1])
    const described = await send('POST', '/contracts/generate-description', {
      name: 'n'.repeat(255),
      type: 'p'.repeat(32),
      definition_yaml: 'x'.repeat(50_000),
      tags: Array.from({ length: 20 }, () => 't'.repeat(64)),
    })
    expect(described.statusCode).toBe(200)
  })

  it('the model is told of thirty contracts, the newest, and of thirty tools of the last week, the most used, with denials', async () => {
    const asked = await begin([{ text: 'ok' }])
    for (let index = 0; index < 32; index++) {
      await send('POST', '/contracts', { contract_id: `contract-${index}`, name: 'n', type: 'pre', definition: {} })
      t.clock.set(t.clock.now() + 1)
    }
    const agent = await t.agent()
    const event = (call_id: string, tool_name: string, verdict: string, timestamp: string) => ({
      call_id,
      agent_id: 'a',
      tool_name,
      verdict,
      mode: 'enforce',
      timestamp,
    })
    await send(
      'POST',
      '/events',
      {
        events: [
          ...Array.from({ length: 31 }, (_, tool) =>
            Array.from({ length: tool + 1 }, (_, call) =>
              event(
                `${tool}-${call}`,
                `tool-${tool}`,
                call === 0 ? 'call_denied' : 'call_allowed',
                '2026-03-01T11:00:00Z',
              ),
            ),
          ).flat(),
          event('old', 'tool-of-last-month', 'call_denied', '2026-02-01T11:00:00Z'),
        ],
      },
      agent,
    )
    await send('POST', '/contracts/assist', conversation)
    const [first] = (asked.questions[0]?.body.messages ?? []) as { content: unknown }[]
    const told = JSON.stringify(first?.content)
    expect(told.match(/contract-\d+ \(pre\)/g)).toHaveLength(30)
    expect(told).toContain('contract-31 (pre)')
    expect(told).not.toContain('contract-1 (pre)')
    expect(told.match(/tool-\d+: /g)).toHaveLength(30)
    expect(told).toContain('tool-30: 31, 1')
    expect(told).not.toContain('tool-0: ')
    expect(told).not.toContain('tool-of-last-month')
  })
})
