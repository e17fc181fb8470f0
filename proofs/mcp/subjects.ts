/** The servers and clients that the gateway is proven with. */
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const here = fileURLToPath(new URL('.', import.meta.url))
export const lictor = fileURLToPath(new URL('../../packages/cli/dist/bin.js', import.meta.url))
export const CALLS = 200

export type Call = readonly [name: string, args: Readonly<Record<string, unknown>>]

export interface Server {
  readonly name: string
  /** @param folder of this run alone */
  readonly command: (folder: string) => readonly string[]
  /** Compared one by one. */
  readonly calls: readonly Call[]
  /** Made many times; the contract denies it where the argument is `forbidden`. */
  readonly often: (value: string) => Call
  readonly argument: string
  readonly isPython?: true
  /** Its command's last argument may be `streamableHttp`, at the port in `PORT`. */
  readonly hasHttp?: true
}

const module = (path: string) => [process.execPath, join(here, 'node_modules', path)]
const python = (version: 1 | 2, program: string) => join(here, `.python-${version}`, 'bin', program)
/** One folder for all runs, where a server's answers name it. */
export const shared = mkdtempSync(join(tmpdir(), 'lictor-proof-files-'))
writeFileSync(join(shared, 'notes.txt'), 'Hello.')

export const servers: readonly Server[] = [
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
    hasHttp: true,
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
    isPython: true,
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
    isPython: true,
  },
]

const script = (name: string) => join(here, 'clients', name)
export const clients: Readonly<Record<string, readonly string[]>> = {
  'TypeScript 1': [process.execPath, script('typescript-1.mjs')],
  'TypeScript 2, legacy': [process.execPath, script('typescript-2.mjs'), 'legacy'],
  'TypeScript 2, auto': [process.execPath, script('typescript-2.mjs'), 'auto'],
  'TypeScript 2, pinned': [process.execPath, script('typescript-2.mjs'), 'pin'],
  'Python 1': [python(1, 'python'), script('session.py')],
  'Python 2, session': [python(2, 'python'), script('session.py')],
  'Python 2, client': [python(2, 'python'), script('client.py')],
}

/** @param parts what is installed where it is not there yet */
export function install(parts: readonly ('node_modules' | 'python')[] = ['node_modules', 'python']): void {
  const say = {
    cwd: here,
    stdio: ['ignore', process.stderr, process.stderr] as ['ignore', typeof process.stderr, typeof process.stderr],
  }
  if (!existsSync(join(here, 'node_modules')))
    execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], say)
  for (const version of parts.includes('python') ? [1, 2] : []) {
    const folder = join(here, `.python-${version}`)
    if (existsSync(join(folder, 'complete'))) continue
    execFileSync('python3', ['-m', 'venv', folder], say)
    execFileSync(join(folder, 'bin/pip'), ['install', '--quiet', '-r', join(here, `python-${version}.txt`)], say)
    writeFileSync(join(folder, 'complete'), '')
  }
}

export interface Told {
  readonly answers: readonly unknown[]
  readonly [part: string]: unknown
}

/** What a client says it got; null where it could not connect. */
export function ask(
  client: readonly string[],
  to: { readonly command: readonly string[] } | { readonly url: string },
  calls: readonly Call[],
): Promise<Told | null> {
  const [program = '', ...args] = client
  const child = spawn(program, args, { cwd: here, stdio: ['pipe', 'pipe', 'pipe'] })
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  child.stderr.resume()
  child.stdin.end(JSON.stringify({ ...to, calls }))
  return new Promise((resolve) => {
    child.once('close', (code) => resolve(code === 0 ? (JSON.parse(said) as Told) : null))
  })
}

export const shortly = (answer: unknown) => JSON.stringify(answer).slice(0, 300)

export function isListed({ tools }: Told, name: string): boolean {
  const { tools: listed } = tools as { tools: readonly { readonly name: string }[] }
  return listed.some((tool) => tool.name === name)
}

export const bundleFor = (server: Server): string => `apiVersion: edictum/v1
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
