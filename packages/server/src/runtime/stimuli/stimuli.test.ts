import { createHmac, randomUUID } from 'node:crypto'
import { afterEach, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { deployAgent, serviceHeaders, until } from '../../../test/runtime.ts'

const SECRET = 'a-secret-of-the-shop'
const sign = (body: string | Buffer, secret = SECRET) =>
  `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`

onEachDatabase('stimuli', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  it('a tenant that is suspended begins nothing by webhooks, and does again when it is resumed', async () => {
    const { hook, source, workflow, runs } = await open()
    expect((await workflow()).statusCode).toBe(200)
    await source({ source: 'shop', workflow: 'flow', secret: SECRET })
    const status = (value: string) => t.server.database.db.updateTable('tenants').set({ status: value }).execute()
    await status('suspended')
    const refused = await hook('{"n":1}', { 'x-aegis-signature': sign('{"n":1}') })
    expect([refused.statusCode, refused.json().error]).toEqual([403, 'tenant_suspended'])
    await status('active')
    expect(await runs()).toEqual([])
    expect((await hook('{"n":1}', { 'x-aegis-signature': sign('{"n":1}') })).statusCode).toBe(202)
    expect(await runs()).toHaveLength(1)
  })

  async function open(environment: Record<string, string> = {}) {
    t = await start({ environment: { LICTOR_SANDBOX: 'process', ...environment } })
    const headers = await serviceHeaders(t)
    const send = (
      method: 'GET' | 'POST' | 'DELETE',
      url: string,
      payload?: object,
      as: Record<string, string> = headers,
    ) => t.request({ method, url, headers: as, ...(payload === undefined ? {} : { payload }) })
    const source = async (given: object, as = headers) => {
      const answer = await send('POST', '/v1/stimuli/sources', given, as)
      if (answer.statusCode !== 200) throw new Error(answer.body)
      return answer.json()
    }
    return {
      headers,
      send,
      source,
      workflow: (name = 'flow', states: object = waits, metadata: object = {}, as = headers) =>
        send(
          'POST',
          '/v1/workflows?force=true',
          {
            apiVersion: '100monkeys.ai/v1',
            kind: 'Workflow',
            metadata: { name, ...metadata },
            spec: { initial_state: Object.keys(states)[0], states },
          },
          as,
        ),
      agent: (name: string, turns: readonly object[]) =>
        deployAgent(
          t,
          headers,
          { runtime: { language: 'javascript', version: '20', model: 'scripted' } },
          { name, annotations: { 'lictor.dev/script': stringify({ turns }) } },
        ),
      hook: (body: string | Buffer, more: Record<string, string> = {}, name = 'shop') =>
        t.request({ method: 'POST', url: `/v1/webhooks/${name}`, headers: more, payload: body }),
      runs: async (as = headers) =>
        (await send('GET', '/v1/workflows/executions', undefined, as)).json<{ executions: { id: string }[] }>()
          .executions,
      stimuli: async (as = headers) =>
        (await send('GET', '/v1/stimuli', undefined, as)).json<{ stimuli: Record<string, unknown>[] }>().stimuli,
      run: async (id: string) => (await send('GET', `/v1/workflows/executions/${id}`)).json(),
    }
  }
  const waits = { ASK: { kind: 'Human', prompt: '{{input.payload.order}}', transitions: [] } }

  it('of a registered source begin its workflow: 202 with the run, and both are recorded', async () => {
    const w = await open()
    await w.workflow()
    expect(await w.source({ source: 'Shop', workflow: 'flow', secret: SECRET })).toMatchObject({
      source: 'shop',
      has_secret: true,
      signature: 'aegis',
    })
    const body = '{"order": 7, "text": "\\u001b ü"}'
    const answer = await w.hook(body, { 'x-aegis-signature': sign(body), 'content-type': 'application/json' })
    expect(answer.statusCode).toBe(202)
    const { stimulus_id: id, workflow_execution_id: runId } = answer.json()
    expect(answer.headers.location).toBe(`/v1/workflows/executions/${runId}/logs`)
    expect(await w.run(runId)).toMatchObject({
      workflow_name: 'flow',
      input: { stimulus_content: body, stimulus_source: 'shop', stimulus_id: id, payload: { order: 7 } },
    })
    const found = (await w.send('GET', `/v1/stimuli/${id}`)).json()
    expect(found).toMatchObject({
      id,
      source: 'shop',
      status: 'classified',
      classification: 'flow',
      workflow_execution_id: runId,
      confidence: 1,
      routing_mode: 'Deterministic',
      stimulus: { id },
    })
    expect(Object.keys(found.headers)).not.toContain('x-aegis-signature')
    const told = await t.server.database.db.selectFrom('journal_entries').select('type').orderBy('id').execute()
    const types = told.map(({ type }) => type).filter((type) => type.startsWith('stimulus'))
    expect(types).toEqual(['stimulus_received', 'stimulus_classified'])
    expect((await w.send('GET', `/v1/stimuli/${randomUUID()}`)).json()).toMatchObject({ error: 'stimulus not found' })
  })

  it('with one key at once, in sequence and after a restart begin one run; the others are told of the first', async () => {
    const w = await open({ LICTOR_SESSION_TTL_HOURS: '48' })
    await w.workflow()
    await w.source({ source: 'shop', workflow: 'flow', secret: SECRET })
    const body = '{"order":1}'
    const once = () => w.hook(body, { 'x-aegis-signature': sign(body), 'x-idempotency-key': 'delivery-1' })
    const answers = await Promise.all(Array.from({ length: 20 }, once))
    const taken = answers.filter(({ statusCode }) => statusCode === 202)
    expect(taken).toHaveLength(1)
    const first = taken[0]?.json().stimulus_id
    await t.restart()
    answers.push(await once())
    for (const answer of answers.filter(({ statusCode }) => statusCode !== 202))
      expect([answer.statusCode, answer.json()]).toMatchObject([
        409,
        { error: 'idempotent_duplicate', original_stimulus_id: first },
      ])
    expect(await w.runs()).toHaveLength(1)
    expect(await w.stimuli()).toHaveLength(1)
    t.clock.set(t.clock.now() + 24 * 3_600_000 + 1000)
    const headers = await serviceHeaders(t)
    expect((await once()).statusCode).toBe(202)
    expect(await w.runs(headers)).toHaveLength(2)
    // The key is one of the source: another source knows it not.
    await w.source({ source: 'other', workflow: 'flow', secret: SECRET }, headers)
    const other = await w.hook(body, { 'x-aegis-signature': sign(body), 'x-idempotency-key': 'delivery-1' }, 'other')
    expect(other.statusCode).toBe(202)
  })

  it('with a signature that is missing, broken, of another body or of another tenant are refused by name, and begin nothing', async () => {
    const w = await open()
    await w.workflow()
    await w.source({ source: 'shop', workflow: 'flow', secret: SECRET })
    await w.source({ source: 'open', workflow: 'flow' })
    const stranger = await serviceHeaders(t, {}, await t.otherTenant())
    await w.workflow('theirs', waits, {}, stranger)
    await w.source({ source: 'theirs', workflow: 'theirs', secret: 'the-secret-of-others' }, stranger)
    const body = '{"order":1}'
    const refused = async (more: Record<string, string>, sent: string | Buffer = body, name = 'shop') => {
      const answer = await w.hook(sent, more, name)
      return [answer.statusCode, answer.json<{ error: string }>().error]
    }
    const yesterday = sign('{"order":0}')
    expect(await refused({})).toEqual([401, 'missing_signature'])
    expect(await refused({ 'x-aegis-signature': 'md5=00' })).toEqual([400, 'malformed_signature'])
    expect(await refused({ 'x-aegis-signature': 'sha256=zz' })).toEqual([400, 'invalid_hex'])
    expect(await refused({ 'x-aegis-signature': yesterday })).toEqual([401, 'invalid_signature'])
    expect(await refused({ 'x-aegis-signature': sign(body) }, '{"order":2}')).toEqual([401, 'invalid_signature'])
    expect(await refused({ 'x-aegis-signature': sign(body, 'the-secret-of-others') })).toEqual([
      401,
      'invalid_signature',
    ])
    expect(await refused({ 'x-aegis-signature': sign(body) }, body, 'theirs')).toEqual([401, 'invalid_signature'])
    expect(await refused({ 'x-aegis-signature': sign(body) }, body, 'open')).toEqual([401, 'secret_not_found'])
    expect(await refused({ 'x-aegis-signature': sign(body) }, body, 'nobody')).toEqual([
      404,
      'unregistered_webhook_source',
    ])
    expect(await refused({ authorization: 'Bearer nonsense' })).toEqual([401, 'unauthorized'])
    const reader = await serviceHeaders(t, { role: 'aegis:readonly' })
    expect(await refused(reader)).toEqual([403, 'insufficient_scope'])
    expect(await refused(w.headers, body, 'nobody')).toEqual([404, 'unregistered_webhook_source'])
    const large = Buffer.alloc(10 * 1024 ** 2, 'x')
    expect(await refused({ 'x-aegis-signature': sign(large) }, large)).toEqual([413, 'payload_too_large'])
    expect(await w.runs()).toEqual([])
    expect(await w.stimuli()).toEqual([])
    // Upper case is hex as well.
    const shouted = `sha256=${sign(body).slice(7).toUpperCase()}`
    expect((await w.hook(body, { 'x-aegis-signature': shouted })).statusCode).toBe(202)
  })

  it('are taken over the bytes as they came: any type, any charset, compressed, with a mark, empty', async () => {
    const w = await open()
    await w.workflow('flow', { ASK: { kind: 'Human', prompt: 'x', transitions: [] } })
    await w.source({ source: 'shop', workflow: 'flow', secret: SECRET })
    const latin = Buffer.from('{"name":"M\xfcller"}', 'latin1')
    const bodies: [Buffer | string, string][] = [
      ['{"a":"\\u001B"}', 'application/json'],
      ['{"a":\r\n1}', 'application/json; charset=utf-8'],
      ['\uFEFF{"a":1}', 'application/json'],
      ['payload=%7B%22a%22%3A1%7D', 'application/x-www-form-urlencoded'],
      [latin, 'application/json; charset=iso-8859-1'],
      [latin, 'text/plain; charset=nonsense'],
      [Buffer.from([0x1f, 0x8b, 8, 0, 0xff]), 'application/gzip'],
      ['a\0b', 'text/plain'],
      ['{"a":', 'application/json'],
      ['<a/>', 'no type at all'],
      ['<a/>', 'text/xml; charset="'],
      ['', 'application/json'],
    ]
    for (const [body, type] of bodies) {
      const answer = await w.hook(body, { 'x-aegis-signature': sign(body), 'content-type': type })
      expect([type, answer.statusCode]).toEqual([type, 202])
      const { input } = await w.run(answer.json().workflow_execution_id)
      const bytes = Buffer.from(input.stimulus_content, input.stimulus_encoding ?? 'utf8')
      expect(bytes.equals(Buffer.from(body))).toBe(true)
    }
    expect((await w.hook('', { 'x-aegis-signature': sign('') })).statusCode).toBe(202)
  })

  it('of a source that Stripe signs are good for five minutes, and once', async () => {
    const w = await open()
    await w.workflow()
    const stripeSecret = 'whsec_of-a-test'
    expect(await w.source({ source: 'stripe', workflow: 'flow', secret: stripeSecret })).toMatchObject({
      signature: 'stripe',
    })
    const body = '{"id":"evt_1","order":1}'
    const stamped = (seconds: number, sent = body, secret = stripeSecret) =>
      `t=${seconds},v0=00,v1=${createHmac('sha256', secret).update(`${seconds}.${sent}`).digest('hex')}`
    const now = Math.floor(t.clock.now() / 1000)
    const hook = async (signature: string, sent = body) => {
      const answer = await w.hook(sent, { 'stripe-signature': signature }, 'stripe')
      return [answer.statusCode, answer.json<{ error?: string }>().error]
    }
    expect(await hook(stamped(now - 86_400))).toEqual([401, 'timestamp_outside_tolerance'])
    expect(await hook(stamped(now + 301))).toEqual([401, 'timestamp_outside_tolerance'])
    expect(await hook('v1=00')).toEqual([401, 'malformed_signature'])
    expect(await hook(stamped(now, body, 'whsec_of-another'))).toEqual([401, 'invalid_signature'])
    // The instant is signed as well.
    expect(await hook(stamped(now - 1).replace(`t=${now - 1}`, `t=${now}`))).toEqual([401, 'invalid_signature'])
    // The other form proves nothing here.
    const other = await w.hook(body, { 'x-aegis-signature': sign(body, stripeSecret) }, 'stripe')
    expect(other.json()).toMatchObject({ error: 'missing_signature' })
    expect(await hook(stamped(now - 299))).toEqual([202, undefined])
    // Captured and sent again, or sent again by Stripe itself with another instant.
    expect(await hook(stamped(now - 299))).toEqual([409, 'idempotent_duplicate'])
    expect(await hook(stamped(now))).toEqual([409, 'idempotent_duplicate'])
    expect(await hook(`${stamped(now, '{"id":"evt_2"}')},v1=${'0'.repeat(64)}`, '{"id":"evt_2"}')).toEqual([
      202,
      undefined,
    ])
  })

  it('belong to the tenant whose secret matches, whatever their headers say; one secret of two tenants is nobody’s', async () => {
    const w = await open()
    await w.workflow()
    await w.source({ source: 'shop', workflow: 'flow', secret: SECRET })
    const stranger = await serviceHeaders(t, {}, await t.otherTenant())
    await w.workflow('flow', waits, {}, stranger)
    await w.source({ source: 'shop', workflow: 'flow', secret: 'the-secret-of-others' }, stranger)
    const mine = (await w.send('GET', '/v1/stimuli/sources')).json().sources[0].tenant_id
    const body = '{}'
    const more = { 'x-tenant-id': mine, 'x-aegis-tenant': mine, authorization: 'Bearer expired' }
    const theirs = await w.hook(body, { ...more, 'x-aegis-signature': sign(body, 'the-secret-of-others') })
    expect(theirs.statusCode).toBe(202)
    expect([await w.runs(), (await w.runs(stranger)).length]).toEqual([[], 1])
    expect(Object.keys((await w.stimuli(stranger))[0]?.headers as object)).not.toContain('x-tenant-id')
    await w.source({ source: 'shop', workflow: 'flow', secret: SECRET }, stranger)
    const both = await w.hook(body, { 'x-aegis-signature': sign(body) })
    expect([both.statusCode, both.json().error]).toEqual([409, 'ambiguous_webhook_route'])
  })

  it('are known by a secret of the environment too, in both spellings, and by GitHub’s header', async () => {
    const w = await open({
      AEGIS_WEBHOOK_SECRET_TEST_TEAM_GIT_HUB: 'of-the-environment',
      AEGIS_WEBHOOK_SECRET_SHOP: 'older-spelling',
      LICTOR_WEBHOOK_SECRET_SHOP: 'newer-spelling',
    })
    await w.workflow()
    const { db } = t.server.database
    const mine = (await w.send('GET', '/v1/workflows')).json().workflows[0].tenant_id
    await db.updateTable('tenants').set({ slug: 'test-team' }).where('id', '=', mine).execute()
    await t.otherTenant()
    const body = '{"action":"opened"}'
    const hook = (name: string, secret: string) =>
      w.hook(body, { 'x-hub-signature-256': sign(body, secret), 'x-github-delivery': 'a-b-c' }, name)
    const nowhere = await hook('git.hub', 'of-the-environment')
    expect([nowhere.statusCode, nowhere.json().error]).toEqual([422, 'no_router_configured'])
    await w.source({ source: '*', workflow: 'flow' })
    // What began nothing keeps its key.
    expect((await hook('git.hub', 'of-the-environment')).json()).toMatchObject({ error: 'idempotent_duplicate' })
    const answer = await w.hook(body, { 'x-hub-signature-256': sign(body, 'of-the-environment') }, 'Git.Hub')
    expect(answer.statusCode).toBe(202)
    // With several tenants, the secret of a source alone is theirs who registered it.
    expect((await hook('shop', 'newer-spelling')).statusCode).toBe(404)
    await w.source({ source: 'shop', workflow: 'flow' })
    expect((await hook('shop', 'older-spelling')).json()).toMatchObject({ error: 'invalid_signature' })
    expect((await hook('shop', 'newer-spelling')).statusCode).toBe(202)
  })

  it('with a bearer instead of a signature are the caller’s; by the API they need content and take any key', async () => {
    const w = await open()
    await w.workflow()
    await w.source({ source: 'shop', workflow: 'flow', secret: SECRET })
    const hook = await w.hook('{"order":1}', { ...w.headers, 'content-type': 'application/json' })
    expect(hook.statusCode).toBe(202)
    const post = (payload: object, as = w.headers) => w.send('POST', '/v1/stimuli', payload, as)
    expect((await post({})).statusCode).toBe(422)
    expect((await post({ content: 'x' })).json()).toMatchObject({ error: 'no_router_configured' })
    expect((await post({ content: 'x', source: 'a/b' })).statusCode).toBe(422)
    await w.source({ source: 'http_api', workflow: 'flow' })
    const sent = await post({ content: { order: 2 }, idempotency_key: 'k', headers: { 'X-One': 'two', Cookie: 'c' } })
    expect(sent.statusCode).toBe(202)
    expect((await w.run(sent.json().workflow_execution_id)).input).toMatchObject({
      stimulus_content: '{"order":2}',
      headers: { 'x-one': 'two' },
    })
    expect((await post({ content: 'x' }, { ...w.headers, 'idempotency-key': 'k' })).statusCode).toBe(409)
    expect((await post({ content: 'x', idempotency_key: 'ü' })).statusCode).toBe(422)
    const listed = (await w.send('GET', '/v1/stimuli?limit=1')).json()
    expect([listed.count, listed.items]).toEqual([1, listed.stimuli])
    const reader = await serviceHeaders(t, { role: 'aegis:readonly' })
    expect((await post({ content: 'x' }, reader)).statusCode).toBe(403)
  })

  it('are listed with the beginning of a long content, and read whole one by one', async () => {
    const w = await open()
    await w.workflow()
    await w.source({ source: 'http_api', workflow: 'flow' })
    const contents = ['x'.repeat(32_768), 'ü'.repeat(16_385)]
    for (const content of contents) expect((await w.send('POST', '/v1/stimuli', { content })).statusCode).toBe(202)
    const { stimuli } = (await w.send('GET', '/v1/stimuli')).json<{ stimuli: Record<string, unknown>[] }>()
    const byBytes = stimuli.sort((a, b) => Number(a.content_bytes) - Number(b.content_bytes))
    expect(byBytes).toMatchObject([
      { content: contents[0], content_shortened: false, content_bytes: 32_768 },
      { content: 'ü'.repeat(1_024), content_shortened: true, content_bytes: 32_770 },
    ])
    const whole = await w.send('GET', `/v1/stimuli/${byBytes[1]?.id}`)
    expect(whole.json()).toMatchObject({ content: contents[1], stimulus: { content: contents[1] } })
  })

  it('whose workflow is gone, or takes no such input, are recorded as rejected', async () => {
    const w = await open()
    await w.workflow('strict', waits, { input_schema: { type: 'object', required: ['nothing'] } })
    await w.workflow('gone')
    await w.source({ source: 'a', workflow: 'strict' })
    await w.source({ source: 'b', workflow: 'gone' })
    await w.send('DELETE', '/v1/workflows/gone')
    const strict = await w.send('POST', '/v1/stimuli', { content: 'x', source: 'a', idempotency_key: 'k' })
    expect([strict.statusCode, strict.json().error]).toEqual([422, 'workflow_error'])
    const gone = await w.send('POST', '/v1/stimuli', { content: 'x', source: 'b' })
    expect([gone.statusCode, gone.json().error]).toEqual([422, 'unknown_workflow'])
    const found = await w.stimuli()
    expect(found.map(({ source, status }) => [source, status]).sort()).toEqual([
      ['a', 'rejected'],
      ['b', 'classification_failed'],
    ])
    const again = await w.send('POST', '/v1/stimuli', { content: 'x', source: 'a', idempotency_key: 'k' })
    expect(again.json()).toMatchObject({
      error: 'idempotent_duplicate',
      original_stimulus_id: strict.json().stimulus_id,
    })
    expect(await w.runs()).toEqual([])
  })

  it('of a source with a router begin what it chooses surely enough, and nothing where it does not', async () => {
    const w = await open()
    await w.workflow()
    const routed = async (turns: readonly object[]) => {
      const name = `router-${randomUUID()}`
      await w.agent(name, turns)
      await w.source({ source: 'mail', router_agent: name })
      return w.send('POST', '/v1/stimuli', { content: 'Ship it', source: 'mail' })
    }
    await t.listen()
    const good = await routed([{ text: '```json\n{"workflow": "flow", "confidence": 0.9}\n```' }])
    expect(good.statusCode).toBe(202)
    expect((await w.send('GET', `/v1/stimuli/${good.json().stimulus_id}`)).json()).toMatchObject({
      status: 'classified',
      routing_mode: 'LlmClassified',
      confidence: 0.9,
      workflow_execution_id: good.json().workflow_execution_id,
    })
    const wrong: [readonly object[], string, string][] = [
      [[{ text: '{"workflow": "flow", "confidence": 0.69}' }], 'classification_failed', 'rejected'],
      [[{ text: 'flow, I think' }], 'classification_parse_error', 'classification_failed'],
      [[{ text: '{"workflow": "flow", "confidence": "high"}' }], 'classification_parse_error', 'classification_failed'],
      [[{ text: '{"workflow": "nothing", "confidence": 1}' }], 'unknown_workflow', 'classification_failed'],
      [[{ error: 'overloaded' }], 'router_agent_failed', 'classification_failed'],
    ]
    for (const [turns, code, status] of wrong) {
      const answer = await routed(turns)
      expect([answer.statusCode, answer.json().error]).toEqual([422, code])
      expect((await w.send('GET', `/v1/stimuli/${answer.json().stimulus_id}`)).json()).toMatchObject({ status })
    }
    expect(await w.runs()).toHaveLength(1)
    const told = await t.server.database.db.selectFrom('journal_entries').select('type').execute()
    const types = new Set(told.map(({ type }) => type))
    expect([types.has('stimulus_rejected'), types.has('stimulus_classification_failed')]).toEqual([true, true])
  })

  it('wait at most 30 s for a router: then nothing is begun, and the router is cancelled', async () => {
    const w = await open()
    await t.listen()
    await w.workflow()
    await w.agent('slow', [{ text: '{"workflow": "flow", "confidence": 1}', delay_ms: 600_000 }])
    await w.source({ source: 'mail', router_agent: 'slow' })
    const answer = w.send('POST', '/v1/stimuli', { content: 'x', source: 'mail', idempotency_key: 'k' })
    const executions = async () =>
      (await w.send('GET', '/v1/executions')).json<{ executions: { status: string }[] }>().executions
    await until(async () => (await executions())[0]?.status === 'running')
    expect((await w.stimuli())[0]).toMatchObject({ status: 'received' })
    await t.clock.advance(30_000)
    expect([(await answer).statusCode, (await answer).json().error]).toEqual([422, 'router_agent_failed'])
    await until(async () => (await executions())[0]?.status === 'cancelled')
    expect(await w.runs()).toEqual([])
    expect((await w.stimuli())[0]).toMatchObject({ status: 'classification_failed' })
  })

  it('sources are changed without their secret, and taken back; wrong ones are refused with the field', async () => {
    const w = await open()
    await w.workflow()
    await w.source({ source: 'shop', workflow: 'flow', secret: SECRET })
    expect(await w.source({ source: 'SHOP', workflow: 'flow', signature: 'stripe' })).toMatchObject({
      has_secret: true,
      signature: 'stripe',
    })
    const refused = async (given: object) => (await w.send('POST', '/v1/stimuli/sources', given)).json().message
    expect(await refused({ source: 'a b', workflow: 'flow' })).toMatch(/without '\/', blanks/)
    expect(await refused({ source: 'a' })).toMatch(/needs a workflow/)
    expect(await refused({ source: 'a', workflow: 'nothing' })).toMatch(/nothing/)
    expect(await refused({ source: 'a', router_agent: 'nobody' })).toMatch(/nobody/)
    expect(await refused({ source: 'a', workflow: 'flow', secret: 'short' })).toMatch(/at least 8/)
    expect(await refused({ source: '*', workflow: 'flow', secret: SECRET })).toMatch(/source of their own/)
    expect(JSON.stringify((await w.send('GET', '/v1/stimuli/sources')).json())).not.toContain(SECRET)
    expect((await w.send('DELETE', '/v1/stimuli/sources/Shop')).json()).toMatchObject({ source: 'shop' })
    expect((await w.send('DELETE', '/v1/stimuli/sources/shop')).statusCode).toBe(404)
  })
})
