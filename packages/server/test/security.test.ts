import { createHook } from 'node:async_hooks'
import { connect } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { ADMIN, onEachDatabase, startTestServer, type TestServer } from './harness.ts'
import { libraryOf } from './library.ts'

const hostile = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "'; drop table users; --",
  "' or '1'='1",
  '%27%20or%201=1',
  '{{7*7}}#{7*7}<%= 7*7 %>',
  '../../etc/passwd',
  'a\r\nset-cookie: evil=1',
  '\\"\\u0022\\x00',
  '𝕳𝖊𝖑𝖑𝖔 ‮ ​ \ufeff',
  '__proto__',
  'constructor',
]

let t: TestServer
afterEach(() => t.close())

/** What the server answers to bytes written to a raw socket. */
function raw(address: string, bytes: string): Promise<string> {
  const { hostname, port } = new URL(address)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(bytes))
    let text = ''
    socket.on('data', (chunk) => (text += chunk.toString('latin1')))
    socket.on('close', () => resolve(text))
    socket.on('error', (error: NodeJS.ErrnoException) => (error.code === 'ECONNRESET' ? resolve(text) : reject(error)))
  })
}

const statusLines = (text: string): string[] => text.match(/^HTTP\/1\.1 \d+/gm) ?? []

onEachDatabase('hostile input', (start) => {
  const post = async (url: string, payload: unknown, headers?: Record<string, string>) =>
    t.request({
      method: 'POST',
      url,
      headers: { 'content-type': 'application/json', ...(headers ?? (await t.admin())) },
      payload: typeof payload === 'string' ? payload : JSON.stringify(payload),
    })

  it('markup and SQL in every text come back as they were sent, and nothing else happens', async () => {
    t = await start()
    const headers = await t.admin()
    const agent = await t.agent('production', 'agent-1')
    const library = libraryOf(t)
    for (const [index, text] of hostile.entries()) {
      const id = `contract-${index}`
      const created = await library.contract(id, { tool: text }, { name: text, description: text, tags: [text] })
      expect(created.statusCode).toBe(201)
      expect((await library.get(`/contracts/${id}`)).json()).toMatchObject({
        name: text,
        description: text,
        tags: [text],
        definition: { tool: text },
      })
      const found = await library.get(`/contracts?search=${encodeURIComponent(text)}`)
      expect(found.json()).toEqual(expect.arrayContaining([expect.objectContaining({ contract_id: id })]))
      expect((await library.get(`/contracts?tag=${encodeURIComponent(text)}`)).json()).toHaveLength(1)
      const composed = await library.compose(`composition-${index}`, [id], { description: text })
      expect(composed.statusCode).toBe(201)
      expect((await library.get(`/compositions/composition-${index}`)).json()).toMatchObject({ description: text })

      const event = {
        call_id: `${index}${text}`,
        agent_id: text,
        tool_name: text,
        verdict: 'call_denied',
        mode: 'enforce',
        timestamp: new Date(t.clock.now()).toISOString(),
        payload: { reason: text, [text]: text },
      }
      const ingested = await post('/api/v1/events', { events: [event] }, agent)
      if (ingested.statusCode === 200 && ingested.json().accepted === 1) {
        const listed = await library.get(`/events?tool_name=${encodeURIComponent(text)}`)
        expect(listed.json()).toMatchObject([{ tool_name: text, agent_id: text }])
        expect((listed.json() as { payload: Record<string, string> }[])[0]?.payload.reason).toBe(text)
        expect((await library.get(`/events?search=${encodeURIComponent(text)}`)).json()).toHaveLength(1)
      } else expect(ingested.statusCode).toBe(422)

      const approval = await post(
        '/api/v1/approvals',
        { agent_id: 'agent-1', tool_name: text, tool_args: { [text]: text }, message: text },
        { ...agent, 'x-edictum-agent-id': `agent-${index}` },
      )
      if (approval.statusCode === 201) {
        const read = await t.request({ method: 'GET', url: `/api/v1/approvals/${approval.json().id}`, headers })
        expect(read.json()).toMatchObject({ tool_name: text, message: text })
        expect(Object.entries(read.json().tool_args as object)).toEqual([[text, text]])
        const decided = await t.request({
          method: 'PUT',
          url: `/api/v1/approvals/${approval.json().id}`,
          headers,
          payload: { approved: false, reason: text },
        })
        expect(decided.json()).toMatchObject({ decision_reason: text })
      } else expect(approval.statusCode).toBe(422)

      const key = `/api/v1/sessions/${encodeURIComponent(`k${index}`)}`
      await t.request({ method: 'PUT', url: key, headers: agent, payload: { value: text } })
      expect((await t.request({ method: 'GET', url: key, headers: agent })).json()).toMatchObject({ value: text })
    }
    expect((await t.request({ method: 'GET', url: '/api/v1/auth/me', headers })).statusCode).toBe(200)
    expect(Object.keys({})).toEqual([])
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })

  it('NUL and lone surrogates never make the server fail, wherever they stand', async () => {
    t = await start()
    const headers = await t.admin()
    const agent = await t.agent()
    const lone = '"\\ud800x"'
    const nul = '"a\\u0000b"'
    const broken: string[] = []
    for (const text of [lone, nul]) {
      const bodies: [string, string, Record<string, string>][] = [
        [
          '/api/v1/contracts',
          `{"contract_id":"c1","name":${text},"type":"pre","definition":{"tool":${text}}}`,
          headers,
        ],
        [
          '/api/v1/contracts',
          `{"contract_id":"c2","name":"n","type":"pre","definition":{"deep":{${text}:[${text}]}}}`,
          headers,
        ],
        [
          '/api/v1/compositions',
          `{"name":"c","description":${text},"contracts":[],"tools_config":{${text}:${text}}}`,
          headers,
        ],
        ['/api/v1/bundles', `{"yaml_content":${text}}`, headers],
        [
          '/api/v1/bundles/evaluate',
          `{"yaml_content":${text},"tool_name":${text},"tool_args":{${text}:${text}}}`,
          headers,
        ],
        ['/api/v1/keys', `{"env":"production","label":${text}}`, headers],
        [
          '/api/v1/assignment-rules',
          `{"priority":1,"pattern":${text},"bundle_name":${text},"env":"production","tag_match":{${text}:${text}}}`,
          headers,
        ],
        [
          '/api/v1/notifications/channels',
          `{"name":${text},"channel_type":"webhook","config":{"url":${text}}}`,
          headers,
        ],
        [
          '/api/v1/events',
          `{"events":[{"call_id":${text},"agent_id":${text},"tool_name":${text},"verdict":"call_denied","mode":"enforce","timestamp":"2026-03-01T00:00:00Z","payload":{${text}:${text}}}]}`,
          agent,
        ],
        [
          '/api/v1/events',
          `{"events":[{"call_id":"c","agent_id":"a","tool_name":"t","verdict":"call_denied","mode":"enforce","timestamp":"2026-03-01T00:00:00Z","payload":{"a":{${text}:[${text}]}}}]}`,
          agent,
        ],
        [
          '/api/v1/approvals',
          `{"agent_id":"a","tool_name":${text},"message":${text},"tool_args":{${text}:${text}}}`,
          agent,
        ],
        ['/api/v1/approvals', `{"agent_id":"a","tool_name":"t","message":"m","tool_args":{${text}:${text}}}`, agent],
        ['/api/v1/sessions/batch', `{"keys":[${text}]}`, agent],
        ['/api/v1/auth/login', `{"email":${text},"password":${text}}`, headers],
        ['/api/v1/service-accounts', `{"name":${text}}`, headers],
        ['/v1/executions', `{"agent_id":${text},"input":${text}}`, headers],
      ]
      for (const [url, body, as] of bodies) {
        const answer = await post(url, body, as)
        if (answer.statusCode >= 500) broken.push(`${url} ${body}: ${answer.statusCode} ${answer.body}`)
      }
      for (const url of ['/contracts', '/compositions', '/events', '/approvals', '/assignment-rules', '/keys']) {
        const answer = await t.request({ method: 'GET', url: `/api/v1${url}`, headers })
        if (answer.statusCode !== 200) broken.push(`${url}: ${answer.statusCode} ${answer.body}`)
      }
    }
    for (const url of [
      '/api/v1/contracts/%00',
      '/api/v1/contracts?search=%00&type=%00&tag=%00',
      '/api/v1/events?search=%00&agent_id=%ED%A0%80&tool_name=%00',
      '/api/v1/agents/%00/history',
      '/api/v1/bundles/%00/1',
      '/api/v1/deployments?bundle_name=%00',
      '/api/v1/contracts/%ff%fe',
      '/api/v1/approvals/%00',
    ]) {
      const answer = await t.request({ method: 'GET', url, headers })
      if (answer.statusCode >= 500) broken.push(`${url}: ${answer.statusCode} ${answer.body}`)
    }
    expect(broken).toEqual([])
  })

  it('keys of prototypes are data at most', async () => {
    t = await start()
    const agent = await t.agent()
    for (const key of ['__proto__', 'constructor', 'prototype']) {
      const bodies: [string, string, Record<string, string> | undefined][] = [
        [
          '/api/v1/contracts',
          `{"contract_id":"c","name":"n","type":"pre","definition":{"${key}":{"polluted":1}},"${key}":{"polluted":1}}`,
          undefined,
        ],
        [
          '/api/v1/events',
          `{"events":[{"call_id":"${key}","agent_id":"a","tool_name":"t","verdict":"call_denied","mode":"enforce","timestamp":"2026-03-01T00:00:00Z","payload":{"${key}":{"polluted":1}}}]}`,
          agent,
        ],
        [
          '/api/v1/bundles/evaluate',
          `{"yaml_content":"{${key}: {polluted: 1}}","tool_name":"t","tool_args":{"${key}":{"polluted":1}}}`,
          undefined,
        ],
        ['/api/v1/sessions/batch', `{"keys":["${key}"]}`, agent],
      ]
      for (const [url, body, as] of bodies) expect((await post(url, body, as)).statusCode).toBeLessThan(500)
    }
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })

  it('a session made before the login is not taken over, and each login makes its own', async () => {
    t = await start()
    await t.admin()
    const planted = `edictum_session=${'A'.repeat(43)}`
    const login = () =>
      t.request({ method: 'POST', url: '/api/v1/auth/login', headers: { cookie: planted }, payload: ADMIN })
    const tokens = [await login(), await login()].map((answer) => String(answer.headers['set-cookie']))
    expect(tokens[0]).not.toContain('A'.repeat(43))
    expect(tokens[0]?.split(';')[0]).not.toBe(tokens[1]?.split(';')[0])
    for (const token of tokens) expect(token).toMatch(/HttpOnly/i)
    const me = (cookie: string) => t.request({ method: 'GET', url: '/api/v1/auth/me', headers: { cookie } })
    expect((await me(planted)).statusCode).toBe(401)
    const [cookie = ''] = (tokens[0] ?? '').split(';')
    expect((await me(cookie)).statusCode).toBe(200)
    await t.request({ method: 'POST', url: '/api/v1/auth/logout', headers: { cookie, 'x-requested-with': 'x' } })
    expect((await me(cookie)).statusCode).toBe(401)
  })
})

it('deep nesting is refused before it can poison a list; huge numbers of keys are taken or refused', async () => {
  t = await startTestServer()
  const headers = { ...(await t.admin()), 'content-type': 'application/json' }
  const agent = { ...(await t.agent()), 'content-type': 'application/json' }
  const deep = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`
  const array = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`
  const wide = `{${Array.from({ length: 50_000 }, (_, index) => `"k${index}":1`).join(',')}}`
  const bodies = (value: string): [string, string, Record<string, string>][] => [
    ['/api/v1/contracts', `{"contract_id":"c","name":"n","type":"pre","definition":{"x":${value}}}`, headers],
    ['/api/v1/compositions', `{"name":"c","contracts":[],"tools_config":{"x":${value}}}`, headers],
    ['/api/v1/bundles/evaluate', `{"yaml_content":"a: 1","tool_name":"t","tool_args":{"x":${value}}}`, headers],
    ['/api/v1/approvals', `{"agent_id":"a","tool_name":"t","message":"m","tool_args":{"x":${value}}}`, agent],
  ]
  for (const value of [deep(1_001), deep(5_000), deep(100_000), array(200_000)])
    for (const [url, payload, as] of bodies(value)) {
      const answer = await t.request({ method: 'POST', url, headers: as, payload })
      expect([url, answer.statusCode, answer.json().detail]).toEqual([
        url,
        422,
        [{ loc: ['body'], msg: 'Value error, nested deeper than 1000 levels' }],
      ])
    }
  for (const [url, payload, as] of bodies(wide))
    expect((await t.request({ method: 'POST', url, headers: as, payload })).statusCode).toBeLessThan(500)
  const documents = [deep(100_000), array(200_000), wide]
  for (const yaml_content of documents)
    for (const url of ['/api/v1/bundles', '/api/v1/contracts/import']) {
      const answer = await t.request({ method: 'POST', url, headers, payload: JSON.stringify({ yaml_content }) })
      expect([url, answer.statusCode]).toEqual([url, 422])
    }
  for (const url of ['/api/v1/contracts', '/api/v1/events', '/api/v1/approvals', '/api/v1/compositions'])
    expect((await t.request({ method: 'GET', url, headers })).statusCode).toBe(200)
})

it('YAML bombs and patterns that would run for ages are refused, or cost nothing', async () => {
  t = await startTestServer()
  const headers = await t.admin()
  const laughs = ['a: &a [x,x,x,x,x,x,x,x,x,x]']
  for (let level = 1; level < 12; level++) {
    const [name, below] = [String.fromCharCode(97 + level), String.fromCharCode(96 + level)]
    laughs.push(`${name}: &${name} [${Array.from({ length: 10 }, () => `*${below}`).join(',')}]`)
  }
  const pattern = (regex: string) => `apiVersion: edictum/v1
kind: ContractBundle
metadata: {name: bomb}
defaults: {mode: enforce}
contracts:
  - {id: bomb, type: pre, tool: x, when: {args.a: {matches: '${regex}'}}, then: {effect: deny, message: m}}
`
  const documents = [laughs.join('\n'), 'a: &a [*a]', 'x: !!js/function "function(){}"', `[${'['.repeat(5000)}`]
  for (const yaml_content of documents)
    for (const url of ['/api/v1/bundles', '/api/v1/contracts/import', '/api/v1/bundles/evaluate']) {
      const answer = await t.request({ method: 'POST', url, headers, payload: { yaml_content, tool_name: 'x' } })
      expect([url, answer.statusCode]).toEqual([url, 422])
      expect(answer.body).not.toMatch(/node_modules|at .*\.ts:/)
    }
  for (const regex of ['(a+)+$', '(a|a)*b', '(.*a){20}', '^(([a-z])+.)+[A-Z]([a-z])+$']) {
    const payload = { yaml_content: pattern(regex), tool_name: 'x', tool_args: { a: 'a'.repeat(50_000) } }
    const uploaded = await t.request({ method: 'POST', url: '/api/v1/bundles', headers, payload })
    expect([201, 422]).toContain(uploaded.statusCode)
    const judged = await t.request({ method: 'POST', url: '/api/v1/bundles/evaluate', headers, payload })
    expect([200, 422]).toContain(judged.statusCode)
  }
})

it('a login does the same work whoever it names', async () => {
  t = await startTestServer()
  await t.admin()
  // Time on a busy machine proves nothing; what takes the time is counted instead.
  let derivations = 0
  const watching = createHook({
    init(_id, type) {
      if (type === 'SCRYPTREQUEST') derivations++
    },
  }).enable()
  const work: number[] = []
  const answers: Awaited<ReturnType<TestServer['request']>>[] = []
  for (const email of [ADMIN.email, 'nobody@example.com', '', "' or 1=1 --@example.com"]) {
    const before = derivations
    answers.push(
      await t.request({
        method: 'POST',
        url: '/api/v1/auth/login',
        payload: { email, password: 'wrong password here' },
      }),
    )
    work.push(derivations - before)
  }
  watching.disable()
  expect(work).toEqual([1, 1, 1, 1])
  for (const answer of answers) expect([answer.statusCode, answer.body]).toEqual([401, answers[0]?.body])
})

it('no value breaks out of a header', async () => {
  t = await startTestServer()
  const headers = await t.admin()
  const evil = '%0d%0aset-cookie:%20evil=1'
  for (const url of [
    `/api/v1/contracts/${evil}/`,
    `/api/v1/keys/?x=${evil}`,
    `/${evil}`,
    `/dashboard/${evil}`,
    `/api/v1/bundles/${evil}/1/yaml`,
  ]) {
    const answer = await t.request({ method: 'GET', url, headers })
    expect(answer.statusCode).toBeLessThan(500)
    expect(String(answer.headers['set-cookie'] ?? '')).not.toContain('evil')
    expect(String(answer.headers.location ?? '')).not.toMatch(/[\r\n]/)
  }
  const address = await t.listen()
  const text = await raw(
    address,
    'GET /api/v1/health HTTP/1.1\r\nHost: x\r\nX-Request-Id: evil\r\n\tset-cookie: a=b\r\nConnection: close\r\n\r\n',
  )
  expect(text).not.toContain('evil')
})

it('a redirect never leads to another host', async () => {
  t = await startTestServer()
  for (const url of [
    '//evil.example.com/',
    '//evil.example.com/api/v1/keys/',
    '/\\evil.example.com/',
    '/api/v1/keys//',
  ]) {
    const answer = await t.request({ method: 'GET', url })
    expect(String(answer.headers.location ?? '/')).toMatch(/^\/(?![/\\])/)
  }
})

it('a body over the limit is refused however its length is told, and never read as a second request', async () => {
  t = await startTestServer()
  const address = await t.listen()
  const head = 'POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'
  const smuggled = 'GET /api/v1/health HTTP/1.1\r\nHost: x\r\n\r\n'
  const large = `{"email":"${'x'.repeat(5000)}"}`
  const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`
  const only = async (bytes: string, ...expected: number[]) => {
    let isOver = false
    const answer = raw(address, bytes).finally(() => {
      isOver = true
    })
    // A body that was promised and does not come is waited for, for a while.
    while (!isOver) {
      await t.clock.advance(1_000)
      await new Promise((resolve) => setImmediate(resolve))
    }
    const text = await answer
    const statuses = statusLines(text).map((line) => Number(line.slice(-3)))
    expect(statuses).toHaveLength(1)
    expect(expected).toContain(statuses[0])
  }
  await only(`${head}Content-Length: ${large.length}\r\n\r\n${large}`, 413)
  await only(`${head}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n${chunk(large)}0\r\n\r\n`, 413)
  await only(`${head}Content-Length: 99999\r\n\r\n{}${smuggled}`, 413)
  // Two lengths, or a length beside chunks, are what smuggling is made of.
  await only(`${head}Content-Length: 2\r\nContent-Length: 44\r\n\r\n{}${smuggled}`, 400)
  await only(`${head}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`, 400)
  await only(`${head}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${smuggled}`, 400, 501)
  await only(`${head}Content-Length: -1\r\n\r\n{}`, 400)
  await only(`${head}Content-Length: 0x10\r\n\r\n{}`, 400)
  await only(`${head} Content-Length: 2\r\n\r\n{}`, 400)
  await only(`GET /api/v1/health HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(70_000)}\r\n\r\n`, 431)
})

it('credentials that come twice are not added up', async () => {
  t = await startTestServer()
  const { authorization } = await t.agent()
  const { cookie } = await t.admin()
  const address = await t.listen()
  const ask = (lines: string) =>
    raw(address, `GET /api/v1/events HTTP/1.1\r\nHost: x\r\n${lines}Connection: close\r\n\r\n`)
  const status = async (lines: string) => statusLines(await ask(lines))[0]
  expect(await status(`Authorization: ${authorization}\r\n`)).toContain('200')
  expect(await status(`Authorization: Bearer edk_production_x\r\nAuthorization: ${authorization}\r\n`)).toContain('401')
  expect(await status(`Authorization: Bearer edk_production_x\r\nCookie: ${cookie}\r\n`)).toContain('401')
})

it('methods that no route has are refused with what is allowed; none is ever reflected', async () => {
  t = await startTestServer()
  const headers = await t.admin()
  for (const method of ['HEAD', 'OPTIONS'] as const) {
    const answer = await t.request({ method, url: '/api/v1/keys', headers })
    expect([method, answer.statusCode]).toEqual([method, 405])
    expect(answer.headers.allow).toBe('GET, POST')
  }
  const address = await t.listen()
  for (const method of ['TRACE', 'CONNECT', 'PROPFIND', 'FOO']) {
    const text = await raw(
      address,
      `${method} /api/v1/keys HTTP/1.1\r\nHost: x\r\nCookie: ${headers.cookie}\r\nConnection: close\r\n\r\n`,
    )
    expect(text).not.toContain(headers.cookie)
    expect(statusLines(text).filter((line) => /[23]\d\d$/.test(line))).toEqual([])
  }
})
