import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { CreateMessageRequestSchema, ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { bundleOf, everything, mcpBench } from './mcp-client.ts'
import { beginSession, gatewayBench, HEADERS, post } from './mcp-gateway.ts'

const bench = gatewayBench()
const own = mcpBench()
/** Denies a text in every tool, and takes numbers out of what one of them says. */
const CONTRACTS = bench.write(
  'contracts.yaml',
  bundleOf(
    `  - id: not-that
    type: pre
    tool: "*"
    when: { args.message: { contains: forbidden } }
    then: { effect: deny, message: Not that word. }
  - id: numbers
    type: post
    tool: one__echo
    when: { output.text: { matches: '\\d{3}-\\d{2}-\\d{4}' } }
    then: { effect: redact, message: A number. }
`,
    '  one__echo: { side_effect: read }',
  ),
)
const clients: Client[] = []
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close()
  await bench.stopAll()
})
afterAll(() => {
  bench.close()
  own.close()
})

/** What a server of a test's own answers where it only says back what it was told. */
const ECHO_TOOL = `
  if (method === 'tools/list') return say({ id, result: { tools: [tool('echo'), tool('die'), tool('slow')] } })
  if (method === 'tools/call' && params.name === 'die') process.exit(3)
  if (method === 'tools/call') return say({ id, result: text(String(params.arguments.message)) })`

/** A server whose calls are written down, before they are answered. */
function recorded(more = ''): { command: string[]; seen: () => string[] } {
  const file = join(own.folder, `seen-${Math.random()}`)
  const command = own.server(`
  if (method === 'tools/call') appendFileSync(${JSON.stringify(file)}, JSON.stringify(params) + '\\n')${more}${ECHO_TOOL}`)
  return { command, seen: () => (existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []) }
}

const textOf = (answer: { message: Record<string, unknown> }) =>
  (answer.message.result as { content?: { text?: string }[] } | undefined)?.content?.[0]?.text

describe('real servers and real clients', () => {
  let http = ''
  let child: ReturnType<typeof spawn>
  beforeAll(async () => {
    const probe = createServer().listen(0)
    await once(probe, 'listening')
    const { port } = probe.address() as { port: number }
    probe.close()
    const [program = '', entry = ''] = everything
    child = spawn(program, [entry, 'streamableHttp'], {
      env: { ...process.env, PORT: String(port) },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    for await (const chunk of child.stderr as NonNullable<typeof child.stderr>)
      if (String(chunk).includes('listening')) break
    child.stderr?.resume()
    http = `http://localhost:${port}/mcp`
  })
  afterAll(() => child.kill('SIGKILL'))

  async function sdkClient(transport: StdioClientTransport | StreamableHTTPClientTransport): Promise<Client> {
    const client = new Client(
      { name: 'test', version: '1' },
      { capabilities: { sampling: {}, elicitation: { form: {}, url: {} } } },
    )
    client.setRequestHandler(CreateMessageRequestSchema, async ({ params }) => ({
      model: 'none',
      role: 'assistant',
      content: { type: 'text', text: `sampled ${params.messages.length}` },
    }))
    client.setRequestHandler(ElicitRequestSchema, async () => ({ action: 'decline' }))
    // The types of the SDK's own transport do not say that its session may be undefined.
    await client.connect(transport as Parameters<Client['connect']>[0])
    clients.push(client)
    return client
  }

  const CALLS: readonly (readonly [string, Record<string, unknown>])[] = [
    ['echo', { message: 'hello' }],
    ['get-sum', { a: 1, b: 2.5 }],
    ['get-structured-content', { location: 'Chicago' }],
    ['get-tiny-image', {}],
    ['get-annotated-message', { messageType: 'error', includeImage: true }],
    ['get-resource-links', { count: 3 }],
    ['trigger-sampling-request', { prompt: 'Hi', maxTokens: 10 }],
    ['trigger-elicitation-request', {}],
    ['echo', { wrong: 1 }],
  ]

  /** What the client sees of one server; `prefix` is what the gateway put before names, taken off again. */
  async function seenBy(client: Client, name: string | null) {
    const published = (own: string) => (name === null ? own : `${name}__${own}`)
    const uri = (own: string) => (name === null ? own : `${name}+${own}`)
    const ofServer = (text: string) => name === null || text.startsWith(`${name}__`) || text.startsWith(`${name}+`)
    const { tools } = await client.listTools()
    const answers: unknown[] = []
    for (const [tool, args] of CALLS)
      answers.push(
        await client.callTool({ name: published(tool), arguments: args }).catch((error: Error) => error.message),
      )
    const { prompts } = await client.listPrompts()
    const { resources } = await client.listResources()
    const { resourceTemplates } = await client.listResourceTemplates()
    const [resource] = resources.filter((one) => ofServer(one.uri))
    const seen = {
      tools: tools.filter((one) => ofServer(one.name)),
      answers,
      prompts: prompts.filter((one) => ofServer(one.name)),
      resources: resources.filter((one) => ofServer(one.uri)),
      templates: resourceTemplates.filter((one) => ofServer(one.uriTemplate)),
      resource: await client.readResource({ uri: resource?.uri ?? '' }),
      dynamic: await client.readResource({ uri: uri('demo://resource/dynamic/text/1') }),
      prompt: await client.getPrompt({ name: published('simple-prompt') }),
      completion: await client.complete({
        ref: { type: 'ref/prompt', name: published('completable-prompt') },
        argument: { name: 'department', value: 'E' },
      }),
      log: await client.setLoggingLevel('error'),
    }
    const text = JSON.stringify(seen).replaceAll(/at \d\d?:\d\d:\d\d( [AP]M)?/g, 'at TIME')
    return JSON.parse(
      name === null ? text : text.replaceAll(`"${name}__`, '"').replaceAll(`"${name}+`, '"'),
    ) as typeof seen
  }

  it('what no contract changed is the same with and without the gateway, over standard streams and over HTTP', async () => {
    const { url } = await bench.start({ upstreams: { one: { command: everything }, two: { url: http } } }, CONTRACTS)
    const [program = '', ...args] = everything
    const direct = await seenBy(
      await sdkClient(new StdioClientTransport({ command: program, args, stderr: 'ignore' })),
      null,
    )
    const client = await sdkClient(new StreamableHTTPClientTransport(new URL(url)))
    // Tools that run as tasks alone are left out; the client has no roots.
    const callable = direct.tools.filter(({ execution }) => execution?.taskSupport !== 'required')
    expect(callable.length).toBeGreaterThan(11)
    for (const name of ['one', 'two']) {
      const through = await seenBy(client, name)
      expect(through).toEqual({ ...direct, tools: callable })
    }
    expect(client.getServerVersion()).toMatchObject({ name: 'lictor' })
    expect(client.getInstructions()).toMatch(/^# one\n\n[\s\S]*\n\n# two\n\n/)
  })

  it('contracts know a tool by the name that clients see, deny and redact, and the client takes it', async () => {
    const { url } = await bench.start({ upstreams: { one: { command: everything }, two: { url: http } } }, CONTRACTS)
    const client = await sdkClient(new StreamableHTTPClientTransport(new URL(url)))
    await client.listTools()
    for (const name of ['one__echo', 'two__echo'])
      expect(await client.callTool({ name, arguments: { message: 'forbidden' } })).toEqual({
        content: [{ type: 'text', text: 'Refused (not-that): Not that word. The call was not made.' }],
        isError: true,
      })
    const said = async (name: string) =>
      (await client.callTool({ name, arguments: { message: 'I am 123-45-6789' } })).content
    expect(await said('one__echo')).toEqual([{ type: 'text', text: 'Echo: I am [REDACTED]' }])
    expect(await said('two__echo')).toEqual([{ type: 'text', text: 'Echo: I am 123-45-6789' }])
  })

  it('progress comes at the token of the client, all of it, before the result and with it', async () => {
    const { url } = await bench.start({ upstreams: { one: { command: everything }, two: { url: http } } }, CONTRACTS)
    const session = await beginSession(url)
    for (const name of ['one', 'two']) {
      const { messages } = await session.call(
        `${name}__trigger-long-running-operation`,
        { duration: 0.2, steps: 4 },
        { _meta: { progressToken: `mine ${name}` } },
      )
      expect(messages.slice(0, -1).map(({ params }) => params)).toMatchObject(
        [1, 2, 3, 4].map((progress) => ({ progressToken: `mine ${name}`, progress, total: 4 })),
      )
      expect(messages.at(-1)).toHaveProperty('result')
    }
  })
})

describe('upstreams', () => {
  it('of 300 calls each denied one stays away from its server, and each other arrives once', async () => {
    const one = recorded()
    const { url } = await bench.start({ upstreams: { one: { command: one.command } } }, CONTRACTS)
    const session = await beginSession(url)
    const asked = Array.from({ length: 300 }, (_, i) => (i % 3 === 0 ? `forbidden ${i}` : `fine ${i}`))
    const answers = []
    for (let at = 0; at < asked.length; at += 100)
      answers.push(
        ...(await Promise.all(asked.slice(at, at + 100).map((message) => session.call('one__echo', { message })))),
      )
    const fine = asked.filter((message) => message.startsWith('fine'))
    expect(
      one
        .seen()
        .map((line) => JSON.parse(line).arguments.message)
        .sort(),
    ).toEqual(fine.sort())
    expect(answers.filter((answer) => textOf(answer)?.startsWith('Refused (not-that)'))).toHaveLength(100)
  })

  it('one that cannot be started does not take the tools of the others down, and its own answer why', async () => {
    const one = recorded()
    const { url } = await bench.start(
      { upstreams: { dead: { command: ['no-such-program'] }, one: { command: one.command } } },
      CONTRACTS,
    )
    const session = await beginSession(url)
    const { message } = await session.request('tools/list')
    expect((message.result as { tools: { name: string }[] }).tools.map(({ name }) => name)).toEqual([
      'one__echo',
      'one__die',
      'one__slow',
    ])
    expect(textOf(await session.call('one__echo', { message: 'hi' }))).toBe('hi')
    const answer = await session.call('dead__echo')
    expect(answer.message.result).toMatchObject({ isError: true })
    expect(textOf(answer)).toBe(
      "The upstream 'dead' is not there: The server cannot be started: spawn no-such-program ENOENT. The call was not made.",
    )
  })

  it('one that ends in the middle of a call says that nobody knows, is begun anew, and no call is made twice', async () => {
    const one = recorded()
    const other = recorded()
    const gateway = await bench.start(
      { upstreams: { one: { command: one.command }, other: { command: other.command } } },
      CONTRACTS,
    )
    const session = await beginSession(gateway.url)
    await session.request('tools/list')
    const broken = await session.call('one__die')
    expect(broken.message.error).toMatchObject({ code: -32_603 })
    expect((broken.message.error as Error).message).toMatch(
      /exit code 3.*Whether the call was carried out is not known\./,
    )
    expect(textOf(await session.call('other__echo', { message: 'still here' }))).toBe('still here')
    const { message } = await session.request('tools/list')
    expect(JSON.stringify(message)).toContain('"one__echo"')
    await expect
      .poll(async () => textOf(await session.call('one__echo', { message: 'again' })), { interval: 100 })
      .toBe('again')
    expect(one.seen().filter((line) => line.includes('"die"'))).toHaveLength(1)
    expect(JSON.stringify(gateway.log)).toContain('It is tried again in')
  })

  it('a session that a server over HTTP has forgotten is begun anew, and the call is made once', async () => {
    const made: string[] = []
    let current = 0
    const base = await bench.listen((request, response, body) => {
      if (request.method !== 'POST') return response.writeHead(405).end()
      const { id, method, params } = JSON.parse(body)
      const answer = (result: object) =>
        response
          .writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': `s${current}` })
          .end(JSON.stringify({ jsonrpc: '2.0', id, result }))
      if (method === 'initialize') {
        current++
        return answer({
          protocolVersion: '2025-11-25',
          capabilities: { tools: {} },
          serverInfo: { name: 'x', version: '1' },
        })
      }
      if (request.headers['mcp-session-id'] !== `s${current}`) return response.writeHead(404).end()
      if (id === undefined) return response.writeHead(202).end()
      if (method === 'tools/list') return answer({ tools: [{ name: 'echo', inputSchema: { type: 'object' } }] })
      made.push(params.arguments.message)
      return answer({ content: [{ type: 'text', text: `session ${current}` }] })
    })
    const { url } = await bench.start({ upstreams: { far: { url: `${base}/mcp` } } }, CONTRACTS)
    const session = await beginSession(url)
    expect(textOf(await session.call('far__echo', { message: 'a' }))).toBe('session 1')
    current = 5
    const answers = await Promise.all(['b', 'c', 'd'].map((message) => session.call('far__echo', { message })))
    expect(answers.map(textOf)).toEqual(['session 6', 'session 6', 'session 6'])
    expect(made.sort()).toEqual(['a', 'b', 'c', 'd'])
  })

  it('servers that know no sessions, over standard streams and over HTTP, are as any other to a client with one', async () => {
    const modern = 'io.modelcontextprotocol/protocolVersion'
    const answerTo = `({ method, params }) => {
  if (params?._meta?.['${modern}'] !== '2026-07-28') return { error: { code: -32022, message: 'not this version' } }
  if (method === 'server/discover') return { result: { supportedVersions: ['2026-07-28'], capabilities: { tools: {} }, instructions: 'Do.', resultType: 'complete' } }
  if (method === 'tools/list') return { result: { tools: [{ name: 'echo', inputSchema: { type: 'object' } }], resultType: 'complete' } }
  return { result: { content: [{ type: 'text', text: String(params.arguments.message) }], resultType: 'complete' } }
}`
    const script = own.write(
      'modern.mjs',
      `import { createInterface } from 'node:readline'
const answer = ${answerTo}
createInterface({ input: process.stdin }).on('line', (line) => {
  const message = JSON.parse(line)
  if (message.id !== undefined) console.log(JSON.stringify({ jsonrpc: '2.0', id: message.id, ...answer(message) }))
})`,
    )
    // The very function that the other server runs.
    const answer = new Function(`return ${answerTo}`)() as (message: object) => object
    const headers: unknown[] = []
    const far = await bench.listen((request, response, body) => {
      const message = JSON.parse(body)
      headers.push([
        request.headers['mcp-method'],
        request.headers['mcp-name'],
        request.headers['mcp-protocol-version'],
      ])
      response.writeHead(message.method === 'initialize' ? 400 : 200, { 'content-type': 'application/json' }).end(
        JSON.stringify({
          jsonrpc: '2.0',
          id: message.method === 'initialize' ? null : message.id,
          ...answer(message),
        }),
      )
    })
    const { url } = await bench.start(
      { upstreams: { near: { command: [process.execPath, script] }, far: { url: far } } },
      CONTRACTS,
    )
    const session = await beginSession(url)
    expect(session.begun.message.result).toMatchObject({ instructions: '# near\n\nDo.\n\n# far\n\nDo.' })
    for (const name of ['near', 'far'])
      expect(textOf(await session.call(`${name}__echo`, { message: `at ${name}` }))).toBe(`at ${name}`)
    expect(headers.at(-1)).toEqual(['tools/call', 'echo', '2026-07-28'])
  })

  it('a tool that changed is held back: neither listed nor called', async () => {
    const file = join(own.folder, 'changing')
    const command = own.server(`
  const more = existsSync(${JSON.stringify(file)}) ? { description: 'Another tool.' } : {}
  if (method === 'tools/list') return say({ id, result: { tools: [tool('echo', more), tool('other')] } })
  if (method === 'tools/call') return say({ id, result: text('ran') })`)
    const { url } = await bench.start({ upstreams: { changing: { command } } }, CONTRACTS)
    const before = await beginSession(url)
    expect(textOf(await before.call('changing__echo'))).toBe('ran')
    own.write('changing', '')
    const after = await beginSession(url)
    const { message } = await after.request('tools/list')
    expect((message.result as { tools: { name: string }[] }).tools.map(({ name }) => name)).toEqual(['changing__other'])
    expect(textOf(await after.call('changing__echo'))).toMatch(/^The tool 'changing__echo' is held back/)
  })

  it('names that clients do not take are mapped there and back', async () => {
    const one = recorded(`
  if (method === 'tools/list') return say({ id, result: { tools: [tool('greet (twice)'), tool('x'.repeat(80))] } })`)
    const { url } = await bench.start({ upstreams: { odd: { command: one.command } } }, CONTRACTS)
    const session = await beginSession(url)
    const { message } = await session.request('tools/list')
    const names = (message.result as { tools: { name: string }[] }).tools.map(({ name }) => name)
    for (const name of names) {
      expect(name).toMatch(/^odd__[a-zA-Z0-9_-]{1,59}$/)
      expect(textOf(await session.call(name, { message: name }))).toBe(name)
    }
    expect(one.seen().map((line) => JSON.parse(line).name)).toEqual(['greet (twice)', 'x'.repeat(80)])
  })
})

describe('who calls', () => {
  const TOKENS = { A_TOKEN: 'a-token-of-thirty-two-characters', B_TOKEN: 'b-token-of-thirty-two-characters' }
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
  const callers = {
    tokens: [
      { name: 'a', env: 'A_TOKEN', role: 'admin' },
      { name: 'b', env: 'B_TOKEN', role: 'reader' },
    ],
  }

  it('without a token, or with another, nobody is let in, and nothing is begun', async () => {
    const { url, log } = await bench.start(
      { callers, upstreams: { one: { command: recorded().command } } },
      CONTRACTS,
      {
        environment: TOKENS,
      },
    )
    for (const [headers, challenge] of [
      [{}, 'Bearer realm="lictor"'],
      [{ authorization: 'Basic eDp5' }, 'Bearer realm="lictor"'],
      [bearer(`${TOKENS.A_TOKEN}x`), 'Bearer realm="lictor", error="invalid_token"'],
    ] as const) {
      const answer = await post(url, { id: 1, method: 'initialize', params: {} }, headers)
      expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, challenge])
    }
    expect(log.filter(({ event }) => event === 'session_began')).toEqual([])
    expect(JSON.stringify(log)).not.toContain(TOKENS.A_TOKEN)
  })

  it('a session of one caller is none for another, whose streams stay empty', async () => {
    const one = recorded()
    const { url } = await bench.start({ callers, upstreams: { one: { command: one.command } } }, CONTRACTS, {
      environment: TOKENS,
    })
    const a = await beginSession(url, bearer(TOKENS.A_TOKEN))
    const b = await beginSession(url, bearer(TOKENS.B_TOKEN))
    const stolen = { ...a.headers, ...bearer(TOKENS.B_TOKEN) }
    const expected = {
      id: 9,
      error: { code: -32_001, message: "There is no such session: send 'initialize' to begin one." },
    }
    const asked = await post(url, { id: 9, method: 'tools/list' }, stolen)
    expect([asked.status, asked.message]).toMatchObject([404, expected])
    for (const method of ['GET', 'DELETE']) expect((await post(url, '', stolen, method)).status).toBe(404)
    // A stream of A by its id, asked for in the session of B.
    const { text } = await a.call('one__echo', { message: 'for A alone' })
    const eventId = /id: (\S+)\nevent/.exec(text)?.[1] ?? ''
    const resumed = await post(url, '', { ...b.headers, 'last-event-id': eventId.replace(/\d+$/, '0') }, 'GET')
    expect([resumed.status, resumed.text.includes('for A alone')]).toEqual([400, false])
  })

  it('contracts judge by who calls; the token reaches no server, by its environment or otherwise', async () => {
    const contracts = bench.write(
      'by-role.yaml',
      bundleOf(`  - id: admins
    type: pre
    tool: one__echo
    when: { principal.role: { not_equals: admin } }
    then: { effect: deny, message: Admins alone. }
`),
    )
    const seen: string[] = []
    const base = await bench.listen((request, response) => {
      seen.push(JSON.stringify(request.headers))
      response.writeHead(500).end()
    })
    const command = own.server(`
  if (method === 'tools/list') return say({ id, result: { tools: [tool('echo')] } })
  if (method === 'tools/call') return say({ id, result: text(JSON.stringify(process.env)) })`)
    const { url } = await bench.start({ callers, upstreams: { one: { command }, far: { url: base } } }, contracts, {
      environment: TOKENS,
    })
    const a = await beginSession(url, bearer(TOKENS.A_TOKEN))
    const b = await beginSession(url, bearer(TOKENS.B_TOKEN))
    expect(textOf(await b.call('one__echo'))).toBe('Refused (admins): Admins alone. The call was not made.')
    const environment = textOf(await a.call('one__echo')) ?? ''
    expect(environment).toContain('"PATH"')
    expect(seen.length).toBeGreaterThan(0)
    expect(environment + seen.join()).not.toMatch(/a-token-of|b-token-of|authorization/i)
  })

  it('without callers, requests under a name of a page, and from pages, are refused', async () => {
    const { url } = await bench.start({ upstreams: { one: { command: recorded().command } } }, CONTRACTS)
    const page = await post(url, { id: 1, method: 'ping' }, { origin: 'https://evil.example' })
    expect([page.status, page.message.error]).toEqual([
      403,
      { code: -32_600, message: 'Pages of "https://evil.example" may not call this server.' },
    ])
    const { request } = await import('node:http')
    const status = await new Promise((resolve, reject) => {
      request(url, { method: 'POST', headers: { ...HEADERS, host: 'evil.example:3333' } }, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
        .on('error', reject)
        .end('{}')
    })
    expect(status).toBe(403)
  })
})

describe('access tokens of an authorization server', () => {
  const RESOURCE = 'https://mcp.example.com/mcp'
  const METADATA = 'https://mcp.example.com/.well-known/oauth-protected-resource/mcp'

  async function issuer() {
    const { publicKey, privateKey } = await generateKeyPair('ES256')
    let isAway = false
    const keys = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES256' }] }
    const base = await bench.listen((_request, response) =>
      isAway
        ? response.writeHead(503).end()
        : response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(keys)),
    )
    return {
      config: { issuer: 'https://issuer.example', jwks_url: `${base}/keys`, resource: RESOURCE, scopes: ['mcp'] },
      away: () => {
        isAway = true
      },
      token: (
        over: { issuer?: string; audience?: string; subject?: string; scope?: string; expires?: string } = {},
        key = privateKey,
      ) =>
        new SignJWT({ scope: over.scope ?? 'mcp other' })
          .setProtectedHeader({ alg: 'ES256', kid: 'k' })
          .setIssuer(over.issuer ?? 'https://issuer.example')
          .setAudience(over.audience ?? RESOURCE)
          .setSubject(over.subject ?? 'ada')
          .setExpirationTime(over.expires ?? '5m')
          .sign(key),
    }
  }
  const initialize = { id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {} } }

  it('those for this server are let in, each of their people with sessions of their own; no other is, and each is told why', async () => {
    const { config, token } = await issuer()
    const one = recorded()
    const { url, log } = await bench.start(
      { callers: { oauth: config }, upstreams: { one: { command: one.command } } },
      CONTRACTS,
    )
    const ada = await beginSession(url, { authorization: `Bearer ${await token()}` })
    expect(textOf(await ada.call('one__echo', { message: 'hi' }))).toBe('hi')
    const bob = { authorization: `Bearer ${await token({ subject: 'bob' })}` }
    expect((await post(url, { id: 2, method: 'ping' }, { ...ada.headers, ...bob })).status).toBe(404)
    const stranger = (await generateKeyPair('ES256')).privateKey
    const invalid = `Bearer resource_metadata="${METADATA}", error="invalid_token"`
    const refused: [string, string | undefined, number, string][] = [
      ['none', undefined, 401, `Bearer resource_metadata="${METADATA}"`],
      ['no token at all', 'x.y.z', 401, invalid],
      ['another audience', await token({ audience: 'https://other.example' }), 401, invalid],
      ['another issuer', await token({ issuer: 'https://evil.example' }), 401, invalid],
      ['past its end', await token({ expires: '-5m' }), 401, invalid],
      ['another key', await token({}, stranger), 401, invalid],
      [
        'without its scope',
        await token({ scope: 'other' }),
        403,
        `Bearer resource_metadata="${METADATA}", error="insufficient_scope", scope="mcp"`,
      ],
    ]
    for (const [what, sent, status, challenge] of refused) {
      const answer = await post(url, initialize, sent === undefined ? {} : { authorization: `Bearer ${sent}` })
      expect([what, answer.status, answer.headers.get('www-authenticate')]).toEqual([what, status, challenge])
    }
    expect(log.filter(({ event }) => event === 'session_began')).toHaveLength(1)
  })

  it('anybody may read where tokens come from', async () => {
    const { config } = await issuer()
    const { url } = await bench.start(
      { callers: { oauth: config }, upstreams: { one: { command: ['true'] } } },
      CONTRACTS,
    )
    for (const path of ['/.well-known/oauth-protected-resource/mcp', '/.well-known/oauth-protected-resource'])
      expect((await post(url.replace('/mcp', path), '', {}, 'GET')).message).toEqual({
        resource: RESOURCE,
        authorization_servers: ['https://issuer.example'],
        bearer_methods_supported: ['header'],
        scopes_supported: ['mcp'],
      })
  })

  it('while the keys of the issuer cannot be had nobody is let in, and it is not said that the token is wrong', async () => {
    const { config, token, away } = await issuer()
    away()
    const { url } = await bench.start(
      { callers: { oauth: config }, upstreams: { one: { command: ['true'] } } },
      CONTRACTS,
    )
    const answer = await post(url, initialize, { authorization: `Bearer ${await token()}` })
    expect([answer.status, answer.headers.get('retry-after'), answer.headers.get('www-authenticate')]).toEqual([
      503,
      '5',
      null,
    ])
  })
})

describe('the era without sessions', () => {
  const VERSION = '2026-07-28'
  const meta = {
    'io.modelcontextprotocol/protocolVersion': VERSION,
    'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {},
  }
  const headersOf = (method: string, name?: string) => ({
    'mcp-protocol-version': VERSION,
    'mcp-method': method,
    ...(name === undefined ? {} : { 'mcp-name': name }),
  })

  it('each request stands alone: discovered, listed, called, denied, all answered as this era wants it', async () => {
    const one = recorded()
    const { url } = await bench.start({ upstreams: { one: { command: one.command } } }, CONTRACTS)
    const discovered = await post(
      url,
      { id: 1, method: 'server/discover', params: { _meta: meta } },
      headersOf('server/discover'),
    )
    expect(discovered.message.result).toMatchObject({
      supportedVersions: [VERSION],
      capabilities: { tools: { listChanged: true } },
      resultType: 'complete',
    })
    const listed = await post(url, { id: 'l', method: 'tools/list', params: { _meta: meta } }, headersOf('tools/list'))
    expect(listed.message).toMatchObject({
      id: 'l',
      result: { resultType: 'complete', ttlMs: 0, cacheScope: 'private' },
    })
    const call = (id: number, message: string) =>
      post(
        url,
        { id, method: 'tools/call', params: { name: 'one__echo', arguments: { message }, _meta: meta } },
        headersOf('tools/call', 'one__echo'),
      )
    // Requests of several clients may have one id.
    const answers = await Promise.all([call(7, 'first'), call(7, 'second'), call(7, 'forbidden')])
    expect(answers.map(({ message }) => message)).toMatchObject([
      { id: 7, result: { content: [{ text: 'first' }], resultType: 'complete' } },
      { id: 7, result: { content: [{ text: 'second' }], resultType: 'complete' } },
      { id: 7, result: { isError: true, resultType: 'complete' } },
    ])
    expect(answers[0]?.headers.get('content-type')).toBe('application/json')
    expect(one.seen()).toHaveLength(2)
    // What this era says beside each request is not for a server of the other.
    expect(one.seen().join()).not.toContain('io.modelcontextprotocol')
  })

  it('headers that say something else than the body, and what this era has not, have their exact answers', async () => {
    const one = recorded()
    const { url } = await bench.start({ upstreams: { one: { command: one.command } } }, CONTRACTS)
    const call = {
      id: 3,
      method: 'tools/call',
      params: { name: 'one__echo', arguments: { message: 'x' }, _meta: meta },
    }
    const right = headersOf('tools/call', 'one__echo')
    const other = { ...meta, 'io.modelcontextprotocol/protocolVersion': '2027-01-01' }
    const cases: [object, Record<string, string>, number, number][] = [
      [call, { ...right, 'mcp-name': 'one__other' }, 400, -32_020],
      [call, { ...right, 'mcp-method': 'tools/list' }, 400, -32_020],
      [call, { ...right, 'mcp-name': '' }, 400, -32_020],
      [call, { ...right, 'mcp-protocol-version': '2025-11-25' }, 400, -32_020],
      [{ id: 3, method: 'tools/list' }, headersOf('tools/list'), 400, -32_602],
      [
        { id: 3, method: 'tools/list', params: { _meta: other } },
        { ...headersOf('tools/list'), 'mcp-protocol-version': '2027-01-01' },
        400,
        -32_022,
      ],
      [{ id: 3, method: 'tools/secretly', params: { _meta: meta } }, headersOf('tools/secretly'), 404, -32_601],
      [{ id: 3, method: 'ping', params: { _meta: meta } }, headersOf('ping'), 404, -32_601],
    ]
    for (const [body, headers, status, code] of cases) {
      const answer = await post(url, body, headers)
      expect([answer.status, answer.message]).toMatchObject([status, { id: 3, error: { code } }])
    }
    expect(one.seen()).toEqual([])
    const encoded = `=?base64?${Buffer.from('one__echo').toString('base64')}?=`
    expect(textOf(await post(url, call, { ...right, 'mcp-name': encoded }))).toBe('x')
  })

  it('a client that goes away takes its call back', async () => {
    const file = join(own.folder, 'taken-back')
    const one = recorded(`
  if (method === 'notifications/cancelled') appendFileSync(${JSON.stringify(file)}, 'cancelled')
  if (method === 'tools/call' && params.name === 'slow') return`)
    const { url } = await bench.start({ upstreams: { one: { command: one.command } } }, CONTRACTS)
    const gone = new AbortController()
    const params = { name: 'one__slow', _meta: meta }
    const answer = fetch(url, {
      method: 'POST',
      headers: { ...HEADERS, ...headersOf('tools/call', 'one__slow') },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }),
      signal: gone.signal,
    })
    await expect.poll(() => one.seen().length).toBe(1)
    gone.abort()
    await expect(answer).rejects.toThrow()
    await expect.poll(() => existsSync(file)).toBe(true)
  })
})

describe('bad input', () => {
  it('each has its exact answer, and the gateway goes on', async () => {
    const one = recorded()
    const { url } = await bench.start(
      { limits: { sessions_per_caller: 1 }, upstreams: { one: { command: one.command } } },
      CONTRACTS,
    )
    const { headers, call } = await beginSession(url)
    const ping = { id: 1, method: 'ping' }
    const initialize = { id: 'i', method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {} } }
    const failure = (id: unknown, code: number, message: string) => ({ jsonrpc: '2.0', id, error: { code, message } })
    const cases: [string, object | string, Record<string, string>, number, object][] = [
      ['no JSON', 'hello', {}, 400, failure(null, -32_700, 'This is no JSON.')],
      ['nothing', '', {}, 400, failure(null, -32_700, 'This is no JSON.')],
      [
        'a batch',
        '[{"jsonrpc":"2.0","id":1,"method":"ping"}]',
        {},
        400,
        failure(null, -32_600, 'Several messages in one are not taken: send each alone.'),
      ],
      [
        'another content type',
        ping,
        { 'content-type': 'text/plain' },
        415,
        failure(null, -32_600, 'A message is sent as application/json, and not compressed.'),
      ],
      [
        'only JSON accepted',
        ping,
        { accept: 'application/json' },
        406,
        failure(null, -32_600, 'Accept both application/json and text/event-stream.'),
      ],
      [
        '10 MiB',
        `"${'x'.repeat(10 * 1024 * 1024)}"`,
        {},
        413,
        failure(null, -32_600, 'A message may have 9000000 bytes; this one has more, and was not read.'),
      ],
      [
        'no session',
        ping,
        { 'mcp-session-id': '' },
        400,
        failure(1, -32_600, "There is no session: send 'initialize' first, then its Mcp-Session-Id."),
      ],
      [
        'an unknown session',
        ping,
        { 'mcp-session-id': 'other' },
        404,
        failure(1, -32_001, "There is no such session: send 'initialize' to begin one."),
      ],
      [
        'an unknown version',
        ping,
        { 'mcp-protocol-version': '1999-01-01' },
        400,
        failure(1, -32_600, 'The version "1999-01-01" is not served: 2026-07-28, 2025-11-25, 2025-06-18, 2025-03-26.'),
      ],
      [
        'an unknown method',
        { id: 2, method: 'tools/secretly' },
        {},
        200,
        failure(2, -32_601, "The gateway does not know 'tools/secretly'."),
      ],
      ['a second handshake', initialize, {}, 400, failure('i', -32_600, 'This session is initialized already.')],
      [
        'too many sessions',
        initialize,
        { 'mcp-session-id': '' },
        503,
        failure('i', -32_600, 'There are too many sessions: end one, or try again later.'),
      ],
      [
        'an unknown tool',
        { id: 3, method: 'tools/call', params: { name: 'one__other' } },
        {},
        200,
        failure(3, -32_602, 'Unknown tool: one__other'),
      ],
      [
        'a tool of an unknown upstream',
        { id: 3, method: 'tools/call', params: { name: 'two__echo' } },
        {},
        200,
        failure(3, -32_602, 'Unknown tool: two__echo'),
      ],
      [
        'a name twice',
        '{"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"name":"one__echo","name":"one__die"}}',
        {},
        200,
        failure(4, -32_602, 'The member "name" occurs twice.'),
      ],
      [
        'an unknown resource',
        { id: 5, method: 'resources/read', params: { uri: 'file:///etc/passwd' } },
        {},
        200,
        failure(5, -32_602, 'Unknown resource: file:///etc/passwd'),
      ],
      [
        'a cursor',
        { id: 6, method: 'tools/list', params: { cursor: 'x' } },
        {},
        200,
        failure(6, -32_602, 'There is no page "x".'),
      ],
      [
        'an event that was not',
        '',
        { 'last-event-id': '77_1' },
        400,
        failure(null, -32_600, 'There is no event "77_1" to go on from.'),
      ],
    ]
    for (const [what, body, more, status, message] of cases) {
      const answer = await post(
        url,
        body,
        { ...headers, ...more },
        more['last-event-id'] === undefined ? 'POST' : 'GET',
      )
      expect([what, answer.status, answer.message]).toEqual([what, status, message])
    }
    expect((await post(url, '', headers, 'PUT')).status).toBe(405)
    expect((await post(url.replace('/mcp', '/other'), ping, headers)).status).toBe(404)
    expect(one.seen()).toEqual([])
    expect(textOf(await call('one__echo', { message: 'on' }))).toBe('on')
  })

  it('a second request under an id that is under way is not taken, and the first is answered', async () => {
    const one = recorded(`
  if (method === 'tools/call' && params.name === 'slow') return setTimeout(() => say({ id, result: text('slow') }), params.arguments.ms)`)
    const { url } = await bench.start({ upstreams: { one: { command: one.command } } }, CONTRACTS)
    const session = await beginSession(url)
    const params = { name: 'one__slow', arguments: { ms: 500 } }
    const first = session.request('tools/call', params, 'same')
    await expect.poll(() => one.seen().length).toBe(1)
    const second = await session.request('tools/call', params, 'same')
    expect([second.status, second.message]).toEqual([
      400,
      { jsonrpc: '2.0', id: null, error: { code: -32_600, message: 'The request "same" is under way already.' } },
    ])
    expect((await first).message).toMatchObject({ id: 'same', result: { content: [{ text: 'slow' }] } })
    expect(one.seen()).toHaveLength(1)
  })
})

describe('sessions and streams', () => {
  it('a client that loses its connection gets the rest of its call by the last event it had, and the call is made once', async () => {
    const one = recorded(`
  if (method === 'tools/call' && params.name === 'slow') return void (globalThis.answer = () => say({ id, result: text('late') }))
  if (method === 'tools/call') globalThis.answer?.()`)
    const { url } = await bench.start({ upstreams: { one: { command: one.command } } }, CONTRACTS)
    const session = await beginSession(url)
    const gone = new AbortController()
    const response = await fetch(url, {
      method: 'POST',
      headers: { ...HEADERS, ...session.headers },
      body: JSON.stringify({ jsonrpc: '2.0', id: 'l', method: 'tools/call', params: { name: 'one__slow' } }),
      signal: gone.signal,
    })
    const reader = (response.body as ReadableStream<Uint8Array>).getReader()
    const priming = new TextDecoder().decode((await reader.read()).value)
    expect(priming).toMatch(/^id: \d+_0\ndata: \n\n$/)
    await expect.poll(() => one.seen().length).toBe(1)
    gone.abort()
    // The other call lets the first one end.
    await session.call('one__echo', { message: 'now' })
    const lastEventId = /id: (\S+)/.exec(priming)?.[1] ?? ''
    const resumed = await post(url, '', { ...session.headers, 'last-event-id': lastEventId }, 'GET')
    expect(resumed.messages).toMatchObject([{ id: 'l', result: { content: [{ text: 'late' }] } }])
    const had = /id: (\S+)\nevent/.exec(resumed.text)?.[1] ?? ''
    expect((await post(url, '', { ...session.headers, 'last-event-id': had }, 'GET')).messages).toEqual([])
    expect(one.seen().filter((line) => line.includes('slow'))).toHaveLength(1)
  })

  it('a call that is cancelled is cancelled at its server, and its stream ends without an answer', async () => {
    const file = join(own.folder, 'cancelled')
    const one = recorded(`
  if (method === 'notifications/cancelled') appendFileSync(${JSON.stringify(file)}, JSON.stringify(params))
  if (method === 'tools/call' && params.name === 'slow') return`)
    const { url } = await bench.start({ upstreams: { one: { command: one.command } } }, CONTRACTS)
    const session = await beginSession(url)
    const answer = session.request('tools/call', { name: 'one__slow' }, 'c')
    await expect.poll(() => one.seen().length).toBe(1)
    const params = { requestId: 'c', reason: 'no more' }
    expect((await post(url, { method: 'notifications/cancelled', params }, session.headers)).status).toBe(202)
    expect((await answer).messages).toEqual([])
    await expect
      .poll(() => existsSync(file) && readFileSync(file, 'utf8'))
      .toMatch(/"requestId":\d+,"reason":"no more"/)
  })

  it('a session that is deleted ends its servers, and is none afterwards', async () => {
    const file = join(own.folder, 'ended')
    const one = recorded(`
  if (method === 'notifications/initialized') process.stdin.on('end', () => appendFileSync(${JSON.stringify(file)}, 'ended'))`)
    const { url } = await bench.start({ upstreams: { one: { command: one.command } } }, CONTRACTS)
    const session = await beginSession(url)
    expect((await post(url, '', session.headers, 'DELETE')).status).toBe(204)
    expect(existsSync(file)).toBe(true)
    expect((await session.request('ping')).status).toBe(404)
  })

  it('a stop answers what is under way, and leaves no server', async () => {
    const one = recorded(`
  if (method === 'tools/call' && params.name === 'slow') return`)
    const gateway = await bench.start({ upstreams: { one: { command: one.command } } }, CONTRACTS)
    const session = await beginSession(gateway.url)
    const answer = session.call('one__slow')
    await expect.poll(() => one.seen().length).toBe(1)
    expect(await gateway.stop()).toBe(0)
    expect((await answer).message.error).toEqual({
      code: -32_603,
      message: 'The gateway stops. Whether the call was carried out is not known.',
    })
    expect(gateway.log.at(-1)).toMatchObject({ event: 'stopped' })
  })
})
