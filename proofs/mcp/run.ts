/**
 * Real MCP servers, each with real clients, with and without `lictor mcp wrap` between them: what contracts do not change must be
 * the same, and of 200 calls each denied one must stay away from the server. Needs `npm run build`, npm and Python 3.10 with pip.
 *
 *   node --conditions=@lictor/source proofs/mcp/run.ts [SERVER …]
 *
 * The servers and clients are installed beside this file, as its lockfile and its lists say.
 */
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'

const here = fileURLToPath(new URL('.', import.meta.url))
const lictor = fileURLToPath(new URL('../../packages/cli/dist/bin.js', import.meta.url))
const CALLS = 200

type Call = readonly [name: string, args: Readonly<Record<string, unknown>>]

interface Server {
  readonly name: string
  /** @param folder of this run alone */
  readonly command: (folder: string) => readonly string[]
  /** Compared one by one. */
  readonly calls: readonly Call[]
  /** Made many times; the contract denies it where the argument is `forbidden`. */
  readonly often: (value: string) => Call
  readonly argument: string
}

const module = (path: string) => [process.execPath, join(here, 'node_modules', path)]
const python = (version: 1 | 2, program: string) => join(here, `.python-${version}`, 'bin', program)
/** One folder for all runs, where a server's answers name it. */
const shared = mkdtempSync(join(tmpdir(), 'lictor-proof-files-'))
writeFileSync(join(shared, 'notes.txt'), 'Hello.')

const servers: readonly Server[] = [
  {
    name: 'server-everything 2026.8.31',
    command: () => [...module('@modelcontextprotocol/server-everything/dist/index.js'), 'stdio'],
    calls: [
      ['get-sum', { a: 1, b: 2.5 }],
      ['get-sum', { a: 'one' }],
      ['get-structured-content', { location: 'Chicago' }],
      ['get-tiny-image', {}],
      ['get-annotated-message', { messageType: 'error', includeImage: true }],
      ['get-resource-links', { count: 3 }],
      ['trigger-sampling-request', { prompt: 'Hi', maxTokens: 10 }],
      ['trigger-long-running-operation', { duration: 0.2, steps: 2 }],
    ],
    often: (value) => ['echo', { message: value }],
    argument: 'message',
  },
  {
    name: 'server-filesystem 2026.8.31',
    command: () => [...module('@modelcontextprotocol/server-filesystem/dist/index.js'), shared],
    calls: [
      ['read_text_file', { path: join(shared, 'notes.txt') }],
      ['list_directory', { path: shared }],
      ['list_allowed_directories', {}],
      ['read_text_file', { path: '/etc/hostname' }],
    ],
    often: (value) => ['search_files', { path: shared, pattern: value }],
    argument: 'pattern',
  },
  {
    name: 'server-memory 2026.8.31',
    command: (folder) => [
      'env',
      `MEMORY_FILE_PATH=${join(folder, 'memory.jsonl')}`,
      ...module('@modelcontextprotocol/server-memory/dist/index.js'),
    ],
    calls: [
      ['create_entities', { entities: [{ name: 'Ada', entityType: 'person', observations: ['counts'] }] }],
      ['read_graph', {}],
    ],
    often: (value) => ['search_nodes', { query: value }],
    argument: 'query',
  },
  {
    name: 'context7-mcp 4.1.1',
    command: () => module('@upstash/context7-mcp/dist/index.js'),
    // Its tools need the network: calls without what they need do not.
    calls: [['resolve-library-id', {}]],
    often: (value) => ['resolve-library-id', { libraryName: value }],
    argument: 'libraryName',
  },
  {
    name: 'both eras (server 2.4.0)',
    command: () => [process.execPath, join(here, 'servers/both-eras.mjs')],
    calls: [
      ['deploy', { target: 'here' }],
      ['add', { a: 'x' }],
      ['add', { a: 1, b: 2 }],
    ],
    often: (value) => ['add', value === 'forbidden' ? { a: 1, b: 2, note: value } : { a: 1, b: 2 }],
    argument: 'note',
  },
  {
    name: 'mcp-server-time 2026.10.19',
    command: () => [python(2, 'mcp-server-time'), '--local-timezone', 'UTC'],
    calls: [['convert_time', { source_timezone: 'UTC', time: '16:30', target_timezone: 'Asia/Tokyo' }]],
    often: (value) => ['convert_time', { source_timezone: value, time: '16:30', target_timezone: 'UTC' }],
    argument: 'source_timezone',
  },
  {
    name: 'mcp-server-sqlite 2025.4.25',
    command: (folder) => [python(1, 'mcp-server-sqlite'), '--db-path', join(folder, 'db.sqlite')],
    calls: [
      ['create_table', { query: 'CREATE TABLE t (a INTEGER)' }],
      ['write_query', { query: 'INSERT INTO t VALUES (9007199254740993)' }],
      ['read_query', { query: 'SELECT * FROM t' }],
      ['read_query', { query: 'SELECT nothing' }],
    ],
    often: (value) => ['read_query', { query: `SELECT '${value}'` }],
    argument: 'query',
  },
]

const script = (name: string) => join(here, 'clients', name)
const clients: Readonly<Record<string, readonly string[]>> = {
  'TypeScript 1': [process.execPath, script('typescript-1.mjs')],
  'TypeScript 2, legacy': [process.execPath, script('typescript-2.mjs'), 'legacy'],
  'TypeScript 2, auto': [process.execPath, script('typescript-2.mjs'), 'auto'],
  'TypeScript 2, pinned': [process.execPath, script('typescript-2.mjs'), 'pin'],
  'Python 1': [python(1, 'python'), script('session.py')],
  'Python 2, session': [python(2, 'python'), script('session.py')],
  'Python 2, client': [python(2, 'python'), script('client.py')],
}

function install(): void {
  const say = {
    cwd: here,
    stdio: ['ignore', process.stderr, process.stderr] as ['ignore', typeof process.stderr, typeof process.stderr],
  }
  if (!existsSync(join(here, 'node_modules')))
    execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], say)
  for (const version of [1, 2]) {
    const folder = join(here, `.python-${version}`)
    if (existsSync(join(folder, 'complete'))) continue
    execFileSync('python3', ['-m', 'venv', folder], say)
    execFileSync(join(folder, 'bin/pip'), ['install', '--quiet', '-r', join(here, `python-${version}.txt`)], say)
    writeFileSync(join(folder, 'complete'), '')
  }
}

interface Told {
  readonly answers: readonly unknown[]
  readonly [part: string]: unknown
}

/** What a client says it got; null where it could not connect. */
function ask(client: readonly string[], command: readonly string[], calls: readonly Call[]): Promise<Told | null> {
  const [program = '', ...args] = client
  const child = spawn(program, args, { cwd: here, stdio: ['pipe', 'pipe', 'pipe'] })
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  child.stderr.resume()
  child.stdin.end(JSON.stringify({ command, calls }))
  return new Promise((resolve) => {
    child.once('close', (code) => resolve(code === 0 ? (JSON.parse(said) as Told) : null))
  })
}

const shortly = (answer: unknown) => JSON.stringify(answer).slice(0, 300)

function isListed({ tools }: Told, name: string): boolean {
  const { tools: listed } = tools as { tools: readonly { readonly name: string }[] }
  return listed.some((tool) => tool.name === name)
}

const bundleFor = (server: Server): string => `apiVersion: edictum/v1
kind: ContractBundle
metadata: { name: proof }
defaults: { mode: enforce }
contracts:
  - id: not-that
    type: pre
    tool: ${server.often('')[0]}
    when: { args.${server.argument}: { contains: forbidden } }
    then: { effect: deny, message: Not that. }
`

/** What is wrong with a pair; empty where it holds. */
async function prove(server: Server, client: readonly string[]): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'lictor-proof-'))
  try {
    for (const run of ['direct', 'through']) mkdirSync(join(folder, run))
    writeFileSync(join(folder, 'bundle.yaml'), bundleFor(server))
    const isDenied = (index: number) => index % 3 === 0
    const often = Array.from({ length: CALLS }, (_, index) => server.often(isDenied(index) ? 'forbidden' : 'UTC'))
    const calls = [...server.calls, ...often]
    const reached = join(folder, 'reached')
    writeFileSync(reached, '')
    const direct = await ask(client, server.command(join(folder, 'direct')), [...server.calls, server.often('UTC')])
    const through = await ask(
      client,
      [
        process.execPath,
        lictor,
        ...['mcp', 'wrap', '--name', 'proof', '--pins', folder, '--contracts', join(folder, 'bundle.yaml'), '--'],
        ...[process.execPath, join(here, 'servers/tap.mjs'), reached],
        ...server.command(join(folder, 'through')),
      ],
      calls,
    )
    if (direct === null && through === null) return []
    if (direct === null || through === null)
      return [`connects ${direct === null ? 'only through the gateway' : 'only without the gateway'}`]
    const wrong: string[] = []
    const { answers: before, ...saidBefore } = direct
    const { answers: after, ...saidAfter } = through
    for (const part of Object.keys(saidBefore))
      if (!isDeepStrictEqual(saidBefore[part], saidAfter[part])) wrong.push(`${part} differs`)
    for (const [index, [name]] of server.calls.entries()) {
      const [was, is] = [before[index], after[index]]
      // A name that this client was not shown is refused by the gateway itself, whatever the server would make of it.
      const isSame = isListed(direct, name) ? isDeepStrictEqual(was, is) : JSON.stringify(is).includes('Unknown tool')
      if (!isSame) wrong.push(`${name} answers ${shortly(is)} instead of ${shortly(was)}`)
    }
    const usual = before[server.calls.length]
    for (const [index, answer] of after.slice(server.calls.length).entries()) {
      const isRefused = JSON.stringify(answer).includes('Refused (not-that)')
      if (isDenied(index) !== isRefused) wrong.push(`call ${index} was ${isRefused ? 'refused' : 'not refused'}`)
      else if (!isRefused && !isDeepStrictEqual(answer, usual)) wrong.push(`call ${index} answers otherwise`)
    }
    const lines = readFileSync(reached, 'utf8')
    if (lines.includes('forbidden')) wrong.push('a denied call reached the server')
    const made = lines.split('\n').filter((line) => line.includes(`"name":"${server.often('')[0]}"`)).length
    const expected = calls.filter(
      ([name], index) =>
        name === server.often('')[0] && (index < server.calls.length || !isDenied(index - server.calls.length)),
    ).length
    if (made !== expected) wrong.push(`the server was called ${made} times, not ${expected}`)
    return wrong.slice(0, 5)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

install()
const asked = process.argv.slice(2)
const chosen = servers.filter(({ name }) => asked.length === 0 || asked.some((one) => name.includes(one)))
let held = 0
let pairs = 0
try {
  for (const server of chosen) {
    for (const [name, client] of Object.entries(clients)) {
      const wrong = await prove(server, client)
      pairs++
      if (wrong.length === 0) held++
      else process.exitCode = 1
      console.log(`${server.name} with ${name}: ${wrong.length === 0 ? 'the same' : wrong.join('; ')}`)
    }
  }
} finally {
  rmSync(shared, { recursive: true, force: true })
}
console.log(`mcp: ${held} of ${pairs} pairs of server and client the same through the gateway, ${CALLS} calls each`)
