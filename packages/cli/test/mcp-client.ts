import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export const everything = [
  process.execPath,
  join(
    createRequire(import.meta.url).resolve('@modelcontextprotocol/server-everything/package.json'),
    '../dist/index.js',
  ),
  'stdio',
]
const main = fileURLToPath(new URL('../src/bin.ts', import.meta.url))
/** The command before the arguments of `lictor`. */
export const LICTOR = [process.execPath, '--conditions=@lictor/source', '--disable-warning=ExperimentalWarning', main]

export type Said = Record<string, unknown> & { readonly id?: unknown; readonly method?: string }

/** A client without any SDK: lines out, lines in. */
export interface RawClient {
  readonly child: ChildProcessWithoutNullStreams
  /** Everything that came, read; and as it came. */
  readonly said: Said[]
  readonly lines: string[]
  stderr(): string
  send(message: object | string): void
  /** The first message, past or to come, that is one of these. */
  until(isIt: (message: Said) => boolean): Promise<Said>
  request(method: string, params?: object): Promise<Said>
  call(name: string, args?: object, more?: object): Promise<Said>
  /** From the first message to tools that may be called. */
  begin(capabilities?: object): Promise<Said>
  /** Its output ends. Resolves with the exit code. */
  end(): Promise<number | null>
}

const running = new Set<ChildProcessWithoutNullStreams>()

export function rawClient(command: readonly string[], env: NodeJS.ProcessEnv = process.env): RawClient {
  const [program = '', ...args] = command
  const child = spawn(program, args, { stdio: 'pipe', env })
  running.add(child)
  const exited = once(child, 'close').then(([code]) => {
    running.delete(child)
    return code as number | null
  })
  const said: Said[] = []
  const lines: string[] = []
  const waiting = new Set<() => void>()
  let stderr = ''
  child.stdin.on('error', () => {})
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
  })
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line)
    said.push(JSON.parse(line) as Said)
    for (const look of waiting) look()
  })
  let nextId = 1
  const client: RawClient = {
    child,
    said,
    lines,
    stderr: () => stderr,
    send(message) {
      child.stdin.write(`${typeof message === 'string' ? message : JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
    },
    async until(isIt) {
      const found = said.find(isIt)
      if (found) return found
      return new Promise<Said>((resolve, reject) => {
        const look = () => {
          const found = said.find(isIt)
          if (found === undefined) return
          waiting.delete(look)
          resolve(found)
        }
        waiting.add(look)
        void exited.then((code) => reject(new Error(`It ended with ${code} before that came: ${stderr}`)))
      })
    },
    request(method, params) {
      const id = nextId++
      client.send({ id, method, ...(params === undefined ? {} : { params }) })
      return client.until((message) => message.id === id && message.method === undefined)
    },
    call: (name, args = {}, more = {}) => client.request('tools/call', { name, arguments: args, ...more }),
    async begin(capabilities = {}) {
      const clientInfo = { name: 'raw', version: '1' }
      const answer = await client.request('initialize', { protocolVersion: '2025-11-25', capabilities, clientInfo })
      client.send({ method: 'notifications/initialized' })
      return answer
    },
    end() {
      child.stdin.end()
      return exited
    },
  }
  return client
}

/** Ends what tests left running, by its own handle. */
export function endClients(): void {
  for (const child of running) child.kill('SIGKILL')
}

/** A folder for a test's files, with a server of its own in it where it writes one. */
export function mcpBench() {
  const folder = mkdtempSync(join(tmpdir(), 'lictor-mcp-wrap-'))
  let count = 0
  const write = (name: string, text: string): string => {
    const path = join(folder, name)
    writeFileSync(path, text)
    return path
  }
  return {
    folder,
    write,
    /** The command of a server: `answer` is the body of a function of the message. */
    server(answer: string): string[] {
      return [
        process.execPath,
        write(
          `server-${count++}.mjs`,
          `import { createInterface } from 'node:readline'
import { appendFileSync, existsSync } from 'node:fs'
const say = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n')
const text = (said) => ({ content: [{ type: 'text', text: said }] })
const tool = (name, more = {}) => ({ name, description: 'A tool.', inputSchema: { type: 'object' }, ...more })
createInterface({ input: process.stdin }).on('line', async (line) => {
  const message = JSON.parse(line)
  const { id, method, params } = message
  if (method === 'initialize') return say({ id, result: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'raw', version: '1' } } })
  ${answer}
})
`,
        ),
      ]
    },
    wrap: (contracts: string, server: readonly string[], ...options: string[]): string[] => [
      ...LICTOR,
      'mcp',
      'wrap',
      '--pins',
      join(folder, 'pins'),
      '--name',
      'test',
      '--contracts',
      contracts,
      ...options,
      '--',
      ...server,
    ],
    close: () => rmSync(folder, { recursive: true, force: true }),
  }
}

export const bundleOf = (contracts: string, tools = ''): string => `apiVersion: edictum/v1
kind: ContractBundle
metadata: { name: mcp }
defaults: { mode: enforce }
${tools === '' ? '' : `tools:\n${tools}`}
contracts:
${contracts}`

/** Denies a text, and takes numbers out of what comes back. */
export const ECHO = bundleOf(
  `  - id: not-that
    type: pre
    tool: echo
    when: { args.message: { contains: forbidden } }
    then: { effect: deny, message: Not that word. }
  - id: numbers
    type: post
    tool: echo
    when: { output.text: { matches: '\\d{3}-\\d{2}-\\d{4}' } }
    then: { effect: redact, message: A number. }
`,
  '  echo: { side_effect: read }',
)
