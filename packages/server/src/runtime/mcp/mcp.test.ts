import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { startTestServer, type TestServer } from '../../../test/harness.ts'
import { manualClock } from '../../../test/manual-clock.ts'
import { allEvents, call, deployAgent, serviceHeaders, startExecution, until, world } from '../../../test/runtime.ts'
import { systemClock } from '../../adapters/clock/system.ts'
import { openMcpProcesses } from '../../adapters/mcp/processes.ts'
import { readConfig } from '../../config.ts'
import type { Clock } from '../../ports/clock.ts'
import type { EventDraft } from '../record/events.ts'
import { capabilityOf, nameTools } from './names.ts'
import { createMcpServer, type McpServer } from './server.ts'
import { createMcpServers } from './servers.ts'

const home = mkdtempSync(join(tmpdir(), 'lictor-mcp-node-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))
let files = 0
function file(name: string, text: string): string {
  const path = join(home, `${files++}-${name}`)
  writeFileSync(path, text)
  return path
}
const settingsFile = (servers: readonly object[]) => file('mcp.yaml', stringify({ mcp_servers: servers }))
/** A server of a test's own: `answer` is the body of a function of the message. */
const script = (answer: string) =>
  file(
    'server.mjs',
    `import { createInterface } from 'node:readline'
import { spawn } from 'node:child_process'
import { existsSync, writeFileSync, appendFileSync, readFileSync } from 'node:fs'
const say = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n')
const hello = (id) => say({ id, result: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'raw', version: '1' } } })
const tools = (id, ...names) => say({ id, result: { tools: names.map((name) => ({ name, description: 'Does ' + name, inputSchema: { type: 'object', properties: { x: {} } } })) } })
createInterface({ input: process.stdin }).on('line', async (line) => {
  const { id, method, params } = JSON.parse(line)
  ${answer}
})
`,
  )
const usual = "if (method === 'initialize') hello(id); if (method === 'tools/list') tools(id, 'do');"

/** Ids of processes whose command line holds this text. */
const processesWith = (text: string): string[] => {
  try {
    return execFileSync('pgrep', ['-f', text], { encoding: 'utf8' }).trim().split('\n').filter(Boolean)
  } catch {
    return []
  }
}

const everything = join(
  createRequire(import.meta.url).resolve('@modelcontextprotocol/server-everything/package.json'),
  '../dist/index.js',
)

describe('MCP servers of the node', () => {
  let t: TestServer
  afterEach(() => t.close())
  const open = (servers: readonly object[], environment: Record<string, string> = {}) =>
    world(async (script) => {
      t = await startTestServer({
        environment: {
          ...script,
          ...environment,
          LICTOR_SANDBOX: 'process',
          LICTOR_MCP_SERVERS: settingsFile(servers),
        },
      })
      return t
    })
  it('a real server: its tools are listed, called by an agent, and its secrets seen by nobody', async () => {
    const w = await open(
      [
        {
          name: 'ev',
          executable: process.execPath,
          args: [everything, 'stdio'],
          credentials: { API_TOKEN: 'env:THE_TOKEN' },
          capabilities: ['web.*'],
        },
      ],
      { THE_TOKEN: 'correct-horse-battery' },
    )(
      [
        call('web.echo', { message: 'Grün' }),
        call('web.get-env', {}),
        call('web.echo', {}),
        call('web.unknown', {}),
        call('aegis.tools.list', { source: 'mcp_server' }),
        { text: 'Done.' },
      ],
      { tools: ['aegis.tools.list'] },
    )
    await until(async () => {
      const answer = await t.request({ method: 'GET', url: '/v1/tools/servers', headers: w.headers })
      return answer.json().servers[0].status === 'running'
    })
    const agent = await deployAgent(
      t,
      w.headers,
      { tools: ['web.echo', 'web.get-env', 'aegis.tools.list'] },
      { name: 'caller' },
    )
    const started = await t.request({
      method: 'POST',
      url: '/v1/executions',
      headers: w.headers,
      payload: { agent_id: agent, input: 'x' },
    })
    const events = await w.events(started.json<{ execution_id: string }>().execution_id)
    const told = w.told(events).slice(1)
    expect(JSON.parse(told[0] ?? '')).toEqual({ content: [{ type: 'text', text: 'Echo: Grün' }] })
    expect(told[1]).toContain('***')
    expect(told[2]).toContain("required field 'message' is missing or null for tool 'web.echo'")
    expect(told[3]).toContain('is not available')
    const listed = JSON.parse(told[4] ?? '').tools as { name: string; server: string; inputSchema: object }[]
    expect(listed.find(({ name }) => name === 'web.echo')).toMatchObject({ server: 'ev', source: 'mcp_server' })
    expect(JSON.stringify(events)).not.toContain('correct-horse-battery')
    expect(events.find(({ type }) => type === 'tool_invocation_started')).toMatchObject({ server_id: 'ev' })
    // A name that no server has is none that a manifest can ask for.
    const refused = await t.request({
      method: 'POST',
      url: '/v1/agents',
      headers: { ...w.headers, 'content-type': 'application/json' },
      payload: { name: 'bad', language: 'python', version: '3.12', instruction: 'x', tools: ['web.no-such'] },
    })
    expect(refused.statusCode).toBe(422)
    expect(refused.body).toContain("'web.no-such'")
    const shown = await t.request({ method: 'GET', url: '/v1/tools/web.echo', headers: w.headers })
    expect(shown.json()).toMatchObject({ name: 'web.echo', server: 'ev' })
    const forbidden = await t.request({ method: 'GET', url: '/v1/tools/servers', headers: await t.member() })
    expect(forbidden.statusCode).toBe(403)
  })

  it('the example runs as its page says', async () => {
    const folder = join(import.meta.dirname, '../../../../../examples/mcp-server')
    t = await startTestServer({
      environment: {
        LICTOR_SANDBOX: 'process',
        LICTOR_MCP_SERVERS: join(folder, 'mcp.yaml'),
        LICTOR_MODEL_SCRIPT: join(folder, 'turns.yaml'),
      },
    })
    const address = await t.listen()
    const headers = await serviceHeaders(t)
    const deployed = await t.request({
      method: 'POST',
      url: '/v1/agents',
      headers: { ...headers, 'content-type': 'text/yaml' },
      payload: readFileSync(join(folder, 'agent.yaml'), 'utf8'),
    })
    expect(deployed.json()).toMatchObject({ warnings: [] })
    const id = await startExecution(t, headers, deployed.json<{ id: string }>().id)
    const events = await allEvents(address, headers, id)
    expect(events.at(-1)).toMatchObject({ type: 'execution_completed', final_output: 'Your notes: Water the plants' })
    expect(events.filter(({ type }) => type === 'tool_invocation_completed')).toHaveLength(2)
  })

  it('no process is left over when the server stops, with what the servers started', async () => {
    const stray = `stray-${Date.now()}`
    const path = script(`
      if (method === 'initialize') {
        spawn('setsid', ['sh', '-c', 'while true; do sleep 1; done # ${stray}'], { detached: true, stdio: 'ignore' }).unref()
        hello(id)
      }
      if (method === 'tools/list') tools(id, 'do')`)
    const w = await open([{ name: 'strays', executable: process.execPath, args: [path] }])([], { tools: ['fs.read'] })
    await until(async () => {
      const answer = await t.request({ method: 'GET', url: '/v1/tools/servers', headers: w.headers })
      return answer.json().servers[0].status === 'running' && processesWith(stray).length > 0
    })
    await t.server.close()
    expect(processesWith(stray)).toEqual([])
    expect(processesWith(path)).toEqual([])
  })
})

describe('one MCP server', () => {
  const running: McpServer[] = []
  afterEach(async () => {
    for (const server of running.splice(0)) await server.stop()
  })
  const logged: unknown[] = []
  const happened: EventDraft[] = []
  let secret = 'first-value'
  function serverOf(entry: object, over: { clock?: Clock } = {}): McpServer {
    const config = readConfig({
      LICTOR_DATA_DIR: mkdtempSync(join(home, 'data-')),
      LICTOR_MCP_SERVERS: settingsFile([{ name: 'raw', executable: process.execPath, ...entry }]),
    })
    const [settings] = config.mcpServers
    if (!settings) throw new Error('no server')
    const clock = over.clock ?? systemClock
    const logger = pino({ level: 'info' }, { write: (line: string) => void logged.push(JSON.parse(line)) })
    const server = createMcpServer(settings, {
      processes: openMcpProcesses({
        owner: `test-${process.pid}-${files}`,
        clock: systemClock,
        logger: { warn: () => {} },
      }),
      fetch: globalThis.fetch,
      clock,
      logger,
      readSecret: async () => secret,
      record: async (event) => void happened.push(event),
    })
    running.push(server)
    server.start()
    return server
  }
  const never = new AbortController().signal
  const is = (server: McpServer, status: string) => until(async () => server.state().status === status)

  it('a server that dies in the middle of a call: the call fails, says that its outcome is unknown, and the next one is served', async () => {
    const path = script(
      `${usual} if (method === 'tools/call') { if (params.arguments.x === 'die') process.exit(9); say({ id, result: { content: [] } }) }`,
    )
    const server = serverOf({ args: [path] })
    await is(server, 'running')
    await expect(server.call('do', { x: 'die' }, never)).rejects.toThrow(/exit code 9.*not known/)
    expect(await server.call('do', {}, never)).toEqual({ content: [] })
    expect(server.state()).toMatchObject({ status: 'running', failures: 1, error: null })
  })

  it('a server that cannot be started fails each call in bounded time, and says why; it is tried again by itself', async () => {
    const clock = manualClock()
    const mark = join(home, `started-${files++}`)
    const path = script(`appendFileSync('${mark}', 'x'); process.stderr.write('no database'); process.exit(4)`)
    const server = serverOf({ args: [path] }, { clock })
    for (let failures = 1; failures <= 5; failures++) {
      await until(async () => server.state().failures === failures)
      expect(server.state()).toMatchObject({ status: 'failed', error: expect.stringContaining('exit code 4') })
      // The pause doubles each time; it is over now.
      clock.advance(1000 * 2 ** (failures - 1))
    }
    await expect(server.call('do', {}, never)).rejects.toThrow(/'raw' cannot be started: .*no database/)
  })

  it('a server that hangs in its handshake is ended when its time is over, and stopping does not wait for it', async () => {
    const path = script('')
    const server = serverOf({ args: [path], connect_timeout_seconds: 0.2 })
    await expect(server.call('do', {}, never)).rejects.toThrow('not ready within 0.2 seconds')
    const hung = serverOf({ args: [path] })
    expect(hung.state().status).toBe('starting')
    await hung.stop()
    await server.stop()
    expect(processesWith(path)).toEqual([])
  })

  it('a server that answers no check is unhealthy, and started anew', async () => {
    const clock = manualClock()
    const mark = join(home, `hung-${files++}`)
    const path = script(`
      if (method === 'initialize') hello(id)
      if (method === 'tools/list') { if (!globalThis.listed || existsSync('${mark}')) tools(id, 'do'); globalThis.listed = true }
      if (method === 'tools/call') say({ id, result: process.pid })`)
    const server = serverOf({ args: [path] }, { clock })
    await is(server, 'running')
    const first = await server.call('do', {}, never)
    logged.length = 0
    clock.advance(60_000)
    await until(async () => {
      // The check waits by the same clock.
      clock.advance(5_000)
      return logged.some((line) => (line as { event?: string }).event === 'tool_server_unhealthy')
    })
    writeFileSync(mark, '')
    await is(server, 'running')
    expect(await server.call('do', {}, never)).not.toBe(first)
  })

  it('an error of a tool is an error, a result is itself; a flood beside them harms nothing', async () => {
    const path = script(`${usual}
      if (method === 'tools/call') {
        for (let i = 0; i < 100; i++) process.stderr.write('x'.repeat(65536))
        if (params.arguments.x === 'fail') say({ id, result: { isError: true, content: [{ type: 'text', text: 'No such city.' }] } })
        else if (params.arguments.x === 'error') say({ id, error: { code: -32602, message: 'bad' } })
        else say({ id, result: { content: [{ type: 'text', text: 'ok' }], structuredContent: { n: 1 } } })
      }`)
    const server = serverOf({ args: [path], capabilities: ['do', { name: 'more.*', skip_judge: true }] })
    const servers = createMcpServers({ servers: [server], reap: async () => 0 })
    // A manifest may name it before the server was ever up.
    expect(servers.find('do')).toMatchObject({ name: 'do', source: 'mcp_server', isSubjectToJudges: true })
    expect(servers.find('more.x')).toMatchObject({ isSubjectToJudges: false })
    expect(servers.find('less.x')).toBeNull()
    await is(server, 'running')
    expect(servers.find('more.x')).toBeNull()
    const run = (args: object) =>
      servers.find('do')?.run?.({ args, signal: never } as never) ?? Promise.reject(new Error('there is no tool'))
    expect(await run({})).toEqual({ content: [{ type: 'text', text: 'ok' }], structuredContent: { n: 1 } })
    await expect(run({ x: 'fail' })).rejects.toThrow('No such city.')
    await expect(run({ x: 'error' })).rejects.toThrow('bad')
  })

  it('a result beyond all measure ends the call, and the server is there for the next one', async () => {
    const path = script(`${usual}
      if (method === 'tools/call') say({ id, result: params.arguments.x ? 'x'.repeat(40 * 1024 * 1024) : 'small' })`)
    const server = serverOf({ args: [path] })
    await expect(server.call('do', { x: 1 }, never)).rejects.toThrow('more than 33554432 bytes')
    expect(await server.call('do', {}, never)).toBe('small')
  })

  it('a secret that has another value reaches the server at the next call; neither is seen', async () => {
    const clock = manualClock()
    const path = script(`${usual} if (method === 'tools/call') say({ id, result: 'The key is ' + process.env.KEY })`)
    secret = 'first-value'
    const server = serverOf({ args: [path], credentials: { KEY: 'secret:deploy/key' } }, { clock })
    await is(server, 'running')
    expect(await server.call('do', {}, never)).toBe('The key is ***')
    const before = server.state().startedAt
    secret = 'second-value'
    clock.advance(3000)
    expect(await server.call('do', {}, never)).toBe('The key is ***')
    expect(server.state().startedAt).not.toBe(before)
    expect(JSON.stringify(logged)).not.toMatch(/first-value|second-value/)
  })

  it('a server at work is replaced for a secret that has another value; the call under way ends with the old one', async () => {
    const clock = manualClock()
    const gate = join(home, `gate-${files++}`)
    const path = script(`
      ${usual}
      const answer = () => say({ id, result: process.env.KEY === 'second-key' ? 'the new' : 'the old' })
      if (method === 'tools/call' && params.arguments.waits) {
        const waiting = setInterval(() => {
          if (!existsSync('${gate}')) return
          clearInterval(waiting)
          answer()
        }, 10)
      } else if (method === 'tools/call') answer()`)
    secret = 'first-key'
    const server = serverOf({ args: [path], credentials: { KEY: 'secret:deploy/key' } }, { clock })
    await is(server, 'running')
    const underWay = server.call('do', { waits: true }, never)
    expect(await server.call('do', {}, never)).toBe('the old')
    secret = 'second-key'
    clock.advance(3000)
    expect(await server.call('do', {}, never)).toBe('the new')
    writeFileSync(gate, '')
    expect(await underWay).toBe('the old')
    expect(server.state()).toMatchObject({ status: 'running', failures: 0 })
  })

  it('tells what becomes of it, in order, and nothing of its secrets', async () => {
    const path = script(
      `${usual} if (method === 'tools/call') { console.error('dying with ' + process.env.KEY); process.exit(3) }`,
    )
    secret = 'a-key-of-its-own'
    happened.length = 0
    const server = serverOf({ args: [path], credentials: { KEY: 'secret:deploy/key' } }, { clock: manualClock() })
    await is(server, 'running')
    await expect(server.call('do', {}, never)).rejects.toThrow()
    await is(server, 'failed')
    await server.stop()
    expect(happened.map(({ type }) => type)).toEqual([
      'tool_server_registered',
      'tool_server_started',
      'tool_server_failed',
      'tool_server_stopped',
    ])
    expect(happened[1]?.fields).toMatchObject({ server_id: 'raw', name: 'raw', process_id: expect.any(Number) })
    expect(JSON.stringify(happened)).not.toContain(secret)
  })

  it('sees nothing of the environment of this process but what every program needs', async () => {
    process.env.LICTOR_TEST_ONLY_SECRET = 'not-for-servers'
    const path = script(`${usual} if (method === 'tools/call') say({ id, result: Object.keys(process.env) })`)
    const server = serverOf({ args: [path], env: { MINE: 'x' } })
    const names = (await server.call('do', {}, never)) as string[]
    delete process.env.LICTOR_TEST_ONLY_SECRET
    expect(names).toEqual(expect.arrayContaining(['PATH', 'MINE']))
    expect(names).not.toContain('LICTOR_TEST_ONLY_SECRET')
    expect(names.filter((name) => /^(npm_|VITEST|NODE_)/.test(name))).toEqual([])
  })
})

describe('the file that names them', () => {
  const read = (text: string, environment: Record<string, string> = {}) =>
    readConfig({
      LICTOR_DATA_DIR: mkdtempSync(join(home, 'data-')),
      LICTOR_MCP_SERVERS: file('mcp.yaml', text),
      ...environment,
    }).mcpServers

  it('is read with its defaults, also as the document of a node', () => {
    const [server] = read('spec: {mcp_servers: [{name: a, executable: x, credentials: {K: env:HERE}}]}', { HERE: 'v' })
    expect(server).toMatchObject({
      name: 'a',
      capabilities: [{ name: 'a.*', skipsJudge: false }],
      credentials: { K: { kind: 'value', value: 'v' } },
      health: { intervalMs: 60_000, timeoutMs: 5_000, method: 'tools/list' },
      limits: { cpuMillicores: 1000, memoryBytes: 512 * 1024 ** 2 },
    })
    expect(read('mcp_servers: [{name: a, executable: x, enabled: false}]')).toEqual([])
  })

  it.each([
    ['mcp_servers: [{name: a}]', "the server 'a' takes either an executable or a url"],
    ['mcp_servers: [{name: a, executable: x, url: "http://x"}]', 'either an executable or a url'],
    [
      'mcp_servers: [{name: a, executable: x, comand: y}]',
      "mcp_servers[0] must NOT have additional properties ('comand')",
    ],
    ['mcp_servers: [{name: a, executable: x, args: y}]', 'mcp_servers[0].args must be array'],
    ['mcp_servers: [{name: a, executable: x}, {name: a, executable: y}]', "two servers are called 'a'"],
    ['mcp_servers: [{name: a, executable: x, credentials: {K: plain}}]', 'mcp_servers[0].credentials.K must match'],
    ['mcp_servers: [{name: a, executable: x, credentials: {K: env:MISSING_ONE}}]', 'MISSING_ONE, which is not set'],
    ['servers: []', 'it takes a list of servers'],
    ['{', 'it cannot be read'],
  ])('%s: %s', (text, message) => {
    expect(() => read(text)).toThrow(message)
  })
})

describe('names of tools', () => {
  it('a name first, then the prefix, which is kept where it is there already', () => {
    const capabilities = [
      { name: 'gh.*', skipsJudge: false },
      { name: 'exact', skipsJudge: true },
    ]
    expect(
      nameTools(capabilities, [{ name: 'exact' }, { name: 'search' }, { name: 'gh.pull' }]).map(({ name }) => name),
    ).toEqual(['exact', 'gh.search', 'gh.pull'])
    expect(nameTools([{ name: 'exact', skipsJudge: true }], [{ name: 'other' }])).toEqual([])
    expect(capabilityOf(capabilities, 'gh.')).toBeNull()
    expect(capabilityOf(capabilities, 'ghx')).toBeNull()
  })
})
