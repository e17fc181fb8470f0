/**
 * Real MCP servers behind one `lictor mcp serve`, over standard streams and over HTTP, with the real TypeScript clients before it:
 * what contracts do not change must be the same as without, but for what the gateway puts before names, and of 200 calls each
 * denied one must stay away from the server. Needs `npm run build` and npm.
 *
 *   node --conditions=@lictor/source proofs/mcp/serve.ts [SERVER …]
 */
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { isDeepStrictEqual } from 'node:util'
import {
  ask,
  bundleFor,
  CALLS,
  clients,
  here,
  install,
  isListed,
  lictor,
  type Server,
  servers,
  shared,
  shortly,
} from './subjects.ts'

/** Tools that ask the client, which the gateway cannot hand on in the era without sessions. */
const ASKING = ['trigger-sampling-request', 'deploy']
const UPSTREAM = 'proof'

interface Running {
  readonly url: string
  end(): Promise<void>
}

/** A program that says in a line of what it writes where it listens. */
async function start(
  command: readonly string[],
  environment: object,
  urlIn: (line: string) => string | null,
): Promise<Running> {
  const [program = '', ...args] = command
  const child = spawn(program, args, {
    cwd: here,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...environment },
  })
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const url = await new Promise<string>((resolve, reject) => {
    let said = ''
    createInterface({ input: child.stderr }).on('line', (line) => {
      said += line
      const found = urlIn(line)
      if (found !== null) resolve(found)
    })
    void exited.then(() => reject(new Error(`It ended: ${said}`)))
  })
  return {
    url,
    async end() {
      child.kill('SIGTERM')
      await exited
    },
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0)
  await new Promise((resolve) => probe.once('listening', resolve))
  const { port } = probe.address() as { port: number }
  probe.close()
  return port
}

async function gateway(folder: string, upstream: object): Promise<Running> {
  const config = join(folder, 'serve.json')
  writeFileSync(config, JSON.stringify({ listen: { port: 0 }, upstreams: { [UPSTREAM]: upstream } }))
  return start(
    [
      process.execPath,
      lictor,
      'mcp',
      'serve',
      '--config',
      config,
      '--pins',
      folder,
      '--contracts',
      join(folder, 'bundle.yaml'),
    ],
    {},
    (line) => (line.includes('"event":"listening"') ? (JSON.parse(line) as { url: string }).url : null),
  )
}

/** Without what the gateway puts before names, and without what one era says beside an answer and the other does not. */
function plain(value: unknown): unknown {
  if (typeof value === 'string')
    return value.startsWith(`${UPSTREAM}__`) || value.startsWith(`${UPSTREAM}+`)
      ? value.slice(UPSTREAM.length).replace(/^(__|\+)/, '')
      : value
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  const BESIDE = ['ttlMs', 'cacheScope', 'resultType']
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, member]) => {
      if (BESIDE.includes(name)) return []
      if (name !== '_meta') return [[name, plain(member)]]
      const { 'io.modelcontextprotocol/serverInfo': _, ...meta } = member as Record<string, unknown>
      return Object.keys(meta).length === 0 ? [] : [[name, plain(meta)]]
    }),
  )
}

/** What is wrong with a pair; empty where it holds. */
async function prove(server: Server, name: string, isHttp: boolean): Promise<string[]> {
  const client = clients[name] as readonly string[]
  const folder = mkdtempSync(join(tmpdir(), 'lictor-proof-'))
  const running: Running[] = []
  try {
    for (const run of ['direct', 'through']) mkdirSync(join(folder, run))
    writeFileSync(join(folder, 'bundle.yaml'), bundleFor(server).replace('tool: ', `tool: ${UPSTREAM}__`))
    const reached = join(folder, 'reached')
    writeFileSync(reached, '')
    const isDenied = (index: number) => index % 3 === 0
    const often = Array.from({ length: CALLS }, (_, index) => server.often(isDenied(index) ? 'forbidden' : 'UTC'))
    const calls = [...server.calls, ...often].map(([tool, args]) => [`${UPSTREAM}__${tool}`, args] as const)
    if (isHttp) {
      const port = String(await freePort())
      const command = [...server.command(folder).slice(0, -1), 'streamableHttp']
      running.push(
        await start(command, { PORT: port }, (line) =>
          line.includes('listening') ? `http://localhost:${port}/mcp` : null,
        ),
      )
    }
    const upstream = isHttp
      ? { url: running[0]?.url }
      : {
          command: [
            process.execPath,
            join(here, 'servers/tap.mjs'),
            reached,
            ...server.command(join(folder, 'through')),
          ],
        }
    const before = await gateway(folder, upstream)
    running.push(before)
    const direct = await ask(client, { command: server.command(join(folder, 'direct')) }, [
      ...server.calls,
      server.often('UTC'),
    ])
    const through = await ask(client, { url: before.url }, calls)
    // A client that is pinned to the newer era comes through to any server, which it does not without.
    if (direct === null || through === null) return through === null ? ['does not connect through the gateway'] : []
    const wrong: string[] = []
    const isModern = /auto|pinned/.test(name)
    for (const part of ['tools', 'prompts', 'resources']) {
      const [was, is] = [plain(direct[part]), plain(through[part])] as [
        Record<string, unknown[]> | null,
        Record<string, unknown[]> | null,
      ]
      const listed = (all: typeof was) =>
        (all?.[part] ?? []) as { name: string; execution?: { taskSupport?: string } }[]
      // Clients of the newer era take away what it knows no more.
      const shown = (one: { name: string; execution?: unknown }) => (isModern ? { ...one, execution: null } : one)
      const expected = listed(was).flatMap((one) => (one.execution?.taskSupport === 'required' ? [] : [shown(one)]))
      const known = isModern ? expected.filter((one) => listed(is).some((other) => other.name === one.name)) : expected
      if (!isDeepStrictEqual(known, listed(is).map(shown))) wrong.push(`${part} differ`)
      if (expected.length - known.length > 5) wrong.push(`${part} are missing`)
    }
    for (const [index, [tool]] of server.calls.entries()) {
      if (isModern && ASKING.includes(tool)) continue
      const [was, is] = [plain(direct.answers[index]), plain(through.answers[index])]
      const isSame = isListed(direct, tool) ? isDeepStrictEqual(was, is) : JSON.stringify(is).includes('Unknown tool')
      if (!isSame) wrong.push(`${tool} answers ${shortly(is)} instead of ${shortly(was)}`)
    }
    const usual = plain(direct.answers[server.calls.length])
    for (const [index, answer] of through.answers.slice(server.calls.length).entries()) {
      const isRefused = JSON.stringify(answer).includes('Refused (not-that)')
      if (isDenied(index) !== isRefused)
        wrong.push(`call ${index} was ${isRefused ? 'refused' : 'not refused'}: ${shortly(answer)}`)
      else if (!isRefused && !isDeepStrictEqual(plain(answer), usual))
        wrong.push(`call ${index} answers otherwise: ${shortly(answer)}`)
    }
    if (readFileSync(reached, 'utf8').includes('forbidden')) wrong.push('a denied call reached the server')
    return wrong.slice(0, 5)
  } finally {
    for (const one of running.reverse()) await one.end()
    rmSync(folder, { recursive: true, force: true })
  }
}

install(['node_modules'])
const asked = process.argv.slice(2)
const chosen = servers.filter(
  ({ name, isPython }) => !isPython && (asked.length === 0 || asked.some((one) => name.includes(one))),
)
let held = 0
let pairs = 0
try {
  for (const server of chosen)
    for (const isHttp of server.hasHttp ? [false, true] : [false])
      for (const name of Object.keys(clients).filter((one) => one.startsWith('TypeScript'))) {
        const wrong = await prove(server, name, isHttp)
        pairs++
        if (wrong.length === 0) held++
        else process.exitCode = 1
        console.log(
          `${server.name}${isHttp ? ' over HTTP' : ''} with ${name}: ${wrong.length === 0 ? 'the same' : wrong.join('; ')}`,
        )
      }
} finally {
  rmSync(shared, { recursive: true, force: true })
}
console.log(
  `mcp serve: ${held} of ${pairs} pairs of server and client the same through the gateway, ${CALLS} calls each`,
)
