import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isAbsolute, resolve } from 'node:path'
import { PATIENCE } from '@lictor/mcp/gateway'
import { createMcpHttp, createSession, createSessions, createUpstream, mark, type OpenWay } from '@lictor/mcp/serve'
import { CliError } from '../errors.ts'
import type { Terminal } from '../terminal/terminal.ts'
import { version } from '../version.ts'
import { askAboutHeld } from './ask-about-held.ts'
import { createCallers, type McpCaller, readSecret } from './callers.ts'
import { guardJudge } from './guard-judge.ts'
import { LARGEST_TO_CLIENT, LARGEST_TO_SERVER } from './messages.ts'
import { type GuardChoice, openGuard } from './open-guard.ts'
import { openPinFiles, pinFolder } from './pin-files.ts'
import { processClock } from './process-clock.ts'
import { readServeConfig, type ServeConfig, type UpstreamConfig } from './serve-config.ts'
import { httpWay, processWay } from './upstream-ways.ts'

export interface ServeOptions extends GuardChoice {
  readonly config: string
  readonly pins?: string
  /** Seconds. */
  readonly patience: number
}

/** How long a new session waits for its upstreams; those that come later are announced. */
const START_MS = 10_000
const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]']

/**
 * Serve many MCP servers as one, under contract, until the process is asked to stop.
 * @returns the exit code
 * @throws CliError for a configuration that cannot be served
 */
export async function serve(options: ServeOptions, terminal: Terminal): Promise<number> {
  const place = (path: string) => (isAbsolute(path) ? path : resolve(terminal.workingDirectory, path))
  /** One line of JSON for each thing that happens; nothing of what messages say, and no token. */
  const log = (event: string, fields: Readonly<Record<string, unknown>> = {}) =>
    terminal.note(JSON.stringify({ time: new Date().toISOString(), event, ...fields }))
  const config = readServeConfig(place(options.config))
  const callers = createCallers(config, terminal.environment)
  const files = openPinFiles(options.pins === undefined ? pinFolder(terminal.environment) : place(options.pins))
  const guard = openGuard(options, terminal, {
    name: options.agent ?? 'mcp-gateway',
    note: (line) => log('guard', { message: line }),
    place,
  })
  const helds = new Map(
    config.upstreams.map(({ name }) => [
      name,
      askAboutHeld({
        server: name,
        files,
        guard: guard.get,
        note: (line) => log('held_tool', { upstream: name, message: line }),
        accepted: () => sessions.toolsAccepted(name),
      }),
    ]),
  )
  const upstreams = config.upstreams.map((one) =>
    createUpstream({
      name: one.name,
      open: wayOf(one, terminal, secretsOf(config)),
      pins: {
        read: () => files.read(one.name),
        keep(found) {
          files.keep(one.name, found)
          helds.get(one.name)?.ask(found.held)
        },
      },
      roots: one.roots,
      connectMs: one.connectSeconds * 1000,
    }),
  )
  const sessions = createSessions<McpCaller>({
    clock: processClock,
    newId: () => randomBytes(24).toString('base64url'),
    limits: {
      most: config.limits.sessions,
      mostPerCaller: config.limits.sessionsPerCaller,
      idleMs: config.limits.idleSeconds * 1000,
    },
    log,
    make: ({ id, caller, client, isShared, standing }) =>
      createSession({
        upstreams,
        judge: guardJudge(guard.get, { sessionId: `mcp-${id}`, principal: caller.principal }),
        clock: processClock,
        random: Math.random,
        patience: { ...PATIENCE, answerMs: options.patience * 1000 },
        limits: { largestToClient: LARGEST_TO_CLIENT, largestToServer: LARGEST_TO_SERVER },
        client,
        isShared,
        startMs: START_MS,
        standing,
        note: (line) => log('session', { session: mark(id), message: line }),
      }),
  })
  const answer = createMcpHttp<McpCaller>({
    sessions,
    authenticate: callers.authenticate,
    documents: callers.documents,
    path: config.path,
    ...doorOf(config),
    largestBody: config.limits.bodyBytes,
    mostUnderWay: config.limits.requestsPerSession,
    server: { name: 'lictor', version },
    clock: processClock,
    log,
  })
  const server = createServer((request, response) => void answer(request, response))
  server.listen(config.port, config.host)
  try {
    await once(server, 'listening')
  } catch (cause) {
    throw new CliError(
      'cannot_listen',
      `Nothing can listen at ${config.host}:${config.port}: ${(cause as Error).message}`,
      {
        hint: "Name another port under 'listen' in the configuration.",
        cause,
      },
    )
  }
  const { port } = server.address() as AddressInfo
  const host = config.host.includes(':') ? `[${config.host}]` : config.host
  log('listening', { url: `http://${host}:${port}${config.path}`, upstreams: upstreams.map(({ name }) => name) })

  await terminal.interrupted
  log('stopping')
  server.close()
  await sessions.close('The gateway stops.')
  server.closeAllConnections()
  for (const held of helds.values()) held.stop()
  await guard.close()
  log('stopped')
  return 0
}

/** Names of variables that this command is given for itself, and no server behind it. */
function secretsOf({ tokens, upstreams }: ServeConfig): readonly string[] {
  const headers = upstreams.flatMap((one) => (one.kind === 'http' ? Object.values(one.headers) : []))
  return [...tokens.map(({ secret }) => secret), ...headers].flatMap((one) =>
    typeof one === 'object' && 'env' in one ? [one.env] : [],
  )
}

function wayOf(one: UpstreamConfig, terminal: Terminal, secrets: readonly string[]): OpenWay {
  if (one.kind === 'process') {
    const kept = Object.entries(terminal.environment).filter(([name]) => !secrets.includes(name))
    return processWay(one.command, {
      environment: { ...Object.fromEntries(kept), ...one.environment },
      workingDirectory: one.workingDirectory,
      stderr: process.stderr,
    })
  }
  const headers = Object.entries(one.headers).map(([header, text]) => [
    header,
    typeof text === 'string'
      ? text
      : readSecret(text, terminal.environment, `The header '${header}' of the upstream '${one.name}'`),
  ])
  return httpWay(one.url, Object.fromEntries(headers))
}

/** A page that a person visits may send requests to this machine, under a name that it chose. */
function doorOf(config: ServeConfig) {
  const isOpen = config.tokens.length === 0 && config.oauth === null
  const nameOf = (host: string) => host.replace(/:\d+$/, '').toLowerCase()
  const own = [...LOOPBACK_NAMES, ...config.allowedHosts.map((one) => one.toLowerCase())]
  return {
    isHost: (host: string) =>
      isOpen || config.allowedHosts.length > 0 ? own.includes(nameOf(host)) || own.includes(host.toLowerCase()) : true,
    isOrigin: (origin: string) => config.allowedOrigins.includes(origin),
  }
}
