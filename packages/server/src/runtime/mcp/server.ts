import {
  type CallOptions,
  connect,
  httpTransport,
  type McpClient,
  McpSessionLost,
  type McpTool,
  type OpenTransport,
  stdioTransport,
} from '@lictor/mcp'
import { pauseAfter } from '@lictor/wire'
import type { Logger } from 'pino'
import type { McpServerSettings } from '../../mcp-settings.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Fetch } from '../../ports/fetch.ts'
import type { McpProcesses } from '../../ports/mcp-processes.ts'
import { microsOf, toWireTime } from '../../storage/instants.ts'
import { version } from '../../version.ts'
import { createMask } from '../masking/mask.ts'
import type { FieldsOf } from '../record/event-types.ts'
import type { EventDraft } from '../record/events.ts'
import { areFromSecrets, type ReadSecretValue, resolveCredentials } from './credentials.ts'

export type McpStatus = 'stopped' | 'starting' | 'running' | 'unhealthy' | 'failed'

/** How a server of this node is. */
export interface McpServerState {
  readonly name: string
  readonly status: McpStatus
  readonly era: 'legacy' | 'modern' | null
  /** Why it is not running, in a sentence; null while it is. */
  readonly error: string | null
  /** Failures in a row. */
  readonly failures: number
  /** Milliseconds since the Unix epoch; null before the first. */
  readonly startedAt: number | null
  readonly lastHealthyAt: number | null
  readonly tools: readonly string[]
}

/** One MCP server: started, watched, started again, and ended with all it started. */
export interface McpServer {
  readonly settings: McpServerSettings
  state(): McpServerState
  /** As it last listed them; null before it ever did. */
  readonly tools: readonly McpTool[] | null
  start(): void
  /**
   * Call a tool. A server that is down is started anew first, in bounded time.
   * @throws Error in words for the model; the signal's reason
   */
  call(name: string, args: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<unknown>
  stop(): Promise<void>
}

const LARGEST_MESSAGE = 32 * 1024 * 1024
const BACK_OFF = { firstMs: 1000, longestMs: 60_000 }
/** A server that was up for this long begins anew to count its failures. */
const STEADY_MS = 60_000
const MOST_MISSED_CHECKS = 3
/** How often it is looked at, at a call, whether a secret has another value now. */
const FRESH_MS = 2000
/** Characters of a reason that an event keeps. */
const LONGEST_REASON = 2000

type ServerEvent =
  | 'tool_server_registered'
  | 'tool_server_started'
  | 'tool_server_stopped'
  | 'tool_server_failed'
  | 'tool_server_unhealthy'

export function createMcpServer(
  settings: McpServerSettings,
  deps: {
    processes: McpProcesses
    fetch: Fetch
    clock: Clock
    logger: Logger
    readSecret: ReadSecretValue
    /** Keep what happened to it. */
    record: (event: EventDraft) => Promise<void>
  },
): McpServer {
  const { clock, processes, readSecret } = deps
  const logger = deps.logger.child({ mcp_server: settings.name })
  let status: McpStatus = 'stopped'
  let error: string | null = null
  let failures = 0
  let startedAt: number | null = null
  let lastHealthyAt: number | null = null
  let missedChecks = 0
  let credentials: Readonly<Record<string, string>> = {}
  let checkedAt = 0
  let client: McpClient | null = null
  let starting: Promise<McpClient> | null = null
  let tools: readonly McpTool[] | null = null
  let isStopped = true
  let processId: number | null = null
  let stopping = new AbortController()
  /** Calls under way, by the connection that they were made on. */
  const busy = new Map<McpClient, number>()
  /** Connections that get no further call, and end with their last one. */
  const leaving = new Set<McpClient>()
  let cancelRestart = () => {}
  let cancelCheck = () => {}

  /** Takes out what the server was given in secret: it may show it in what it says. */
  let mask = createMask([])
  /** Also what it was given before: a process that knows the old value may still answer. */
  const handedOver = new Set<string>()
  const plain = (text: string): string => mask.text(text, true)

  /** In order, and none waited for: a server works also while nothing can be stored. */
  let recorded: Promise<void> = Promise.resolve()

  /** What happened to it is told in the log of this node, and in its tenant. */
  function tell<Type extends ServerEvent>(
    event: Type,
    more: object,
    fields: Omit<FieldsOf<Type>, 'server_id' | 'name'>,
  ): void {
    const shown: object = { event, server_id: settings.name, ...fields, ...more }
    const level = event === 'tool_server_failed' || event === 'tool_server_unhealthy' ? 'warn' : 'info'
    logger[level](shown, event.replaceAll('_', ' '))
    recorded = recorded
      .then(() => deps.record({ type: event, fields: { server_id: settings.name, name: settings.name, ...fields } }))
      .catch((err: unknown) => logger.warn({ err, event }, 'what happened to an MCP server could not be stored'))
  }

  const resolved = () => resolveCredentials(settings.credentials, { tenant: settings.tenant, readSecret })

  function transport(http: { protocolVersion: string | null; isModern: boolean }): OpenTransport {
    const { endpoint } = settings
    if (endpoint.kind === 'http')
      return httpTransport(
        {
          url: endpoint.url,
          headers: { ...endpoint.headers, ...credentials },
          fetch: deps.fetch,
          largestMessage: LARGEST_MESSAGE,
        },
        http,
      )
    return stdioTransport({
      largestMessage: LARGEST_MESSAGE,
      async start() {
        const process = await processes.start({
          id: settings.name,
          command: endpoint.executable,
          args: endpoint.args,
          env: { ...endpoint.env, ...credentials },
          cwd: endpoint.cwd,
          memory: settings.limits.memoryBytes,
          cpu: settings.limits.cpuMillicores,
        })
        processId = process.pid
        return process
      },
    })
  }

  async function begin(): Promise<McpClient> {
    cancelRestart()
    status = 'starting'
    try {
      credentials = await resolved()
      for (const value of Object.values(credentials)) handedOver.add(value)
      mask = createMask([...handedOver])
      checkedAt = clock.now()
      const http = { protocolVersion: null, isModern: false }
      let opened: McpClient | null = null
      const connected = await connect({
        open: transport(http),
        clock,
        name: 'lictor',
        version,
        connectMs: settings.connectMs,
        signal: stopping.signal,
        http,
        onToolsChanged: () => void (opened && list(opened).catch(() => {})),
        onClosed: (reason) => {
          if (opened !== null && client === opened) lost(reason)
        },
      })
      opened = connected
      try {
        await list(connected)
      } catch (cause) {
        await connected.close()
        throw cause
      }
      if (isStopped) {
        await connected.close()
        throw new Error('This server is stopping.')
      }
      client = connected
      status = 'running'
      error = null
      missedChecks = 0
      startedAt = clock.now()
      lastHealthyAt = startedAt
      tell('tool_server_started', { era: connected.era, tools: tools?.length ?? 0 }, { process_id: processId })
      watch()
      return connected
    } catch (cause) {
      failed(plain((cause as Error).message))
      throw new Error(`The MCP server '${settings.name}' cannot be started: ${error}`, { cause })
    }
  }

  async function list(from: McpClient): Promise<void> {
    const listed = await from.listTools({ timeoutMs: settings.connectMs })
    // One that only runs as a task of its own is none that can be called and waited for.
    tools = listed.filter(
      (tool) => (tool.execution as { taskSupport?: unknown } | undefined)?.taskSupport !== 'required',
    )
  }

  function failed(reason: string): void {
    client = null
    cancelCheck()
    if (isStopped) {
      status = 'stopped'
      return
    }
    status = 'failed'
    error = reason
    failures++
    tell('tool_server_failed', { failures }, { error: reason.slice(0, LONGEST_REASON) })
    cancelRestart()
    cancelRestart = clock.after(pauseAfter(failures, BACK_OFF), () => void ensure().catch(() => {}))
  }

  function lost(reason: string): void {
    if (startedAt !== null && clock.now() - startedAt >= STEADY_MS) failures = 0
    failed(plain(reason))
  }

  /** The connection there is, or a new one; everybody who asks meanwhile waits for the same. */
  function ensure(): Promise<McpClient> {
    if (isStopped) return Promise.reject(new Error(`The MCP server '${settings.name}' is stopped.`))
    if (client !== null && status === 'running') return Promise.resolve(client)
    starting ??= (client === null ? begin() : restart()).finally(() => {
      starting = null
    })
    return starting
  }

  async function restart(): Promise<McpClient> {
    const old = client
    client = null
    cancelCheck()
    await old?.close()
    return begin()
  }

  /** A new process for what comes; calls under way end with the one that they were made to. */
  async function replace(): Promise<McpClient> {
    const old = client
    if (old === null || !busy.has(old)) return restart()
    client = null
    cancelCheck()
    leaving.add(old)
    return begin()
  }

  function enter(connection: McpClient): void {
    busy.set(connection, (busy.get(connection) ?? 0) + 1)
  }

  function leave(connection: McpClient): void {
    const left = (busy.get(connection) ?? 1) - 1
    if (left > 0) {
      busy.set(connection, left)
      return
    }
    busy.delete(connection)
    if (leaving.delete(connection)) void connection.close().catch(() => {})
  }

  function watch(): void {
    cancelCheck()
    cancelCheck = clock.after(settings.health.intervalMs, () => void check())
  }

  async function check(): Promise<void> {
    const checked = client
    if (checked === null) return
    try {
      await renewed()
      if (client !== checked) return
      const method =
        checked.era === 'modern' && settings.health.method === 'ping' ? 'server/discover' : settings.health.method
      await checked.request(method, {}, { timeoutMs: settings.health.timeoutMs })
      if (client !== checked) return
      missedChecks = 0
      lastHealthyAt = clock.now()
      if (status === 'unhealthy') tell('tool_server_started', { recovered: true }, { process_id: processId })
      status = 'running'
      error = null
    } catch (cause) {
      if (client !== checked) return
      if (cause instanceof McpSessionLost) return forget(checked, cause.message)
      missedChecks++
      error = plain((cause as Error).message)
      status = 'unhealthy'
      tell(
        'tool_server_unhealthy',
        { error },
        { last_healthy: lastHealthyAt === null ? null : toWireTime(microsOf(lastHealthyAt)) },
      )
      // One that is at work may have no time to answer; one that has nothing to do has.
      if (!busy.has(checked) || missedChecks >= MOST_MISSED_CHECKS) {
        void ensure().catch(() => {})
        return
      }
    }
    watch()
  }

  /** A secret that has another value is given to a new process: the old one knows the old. */
  async function renewed(): Promise<void> {
    if (client === null || !areFromSecrets(settings.credentials) || clock.now() - checkedAt < FRESH_MS) return
    const now = await resolved()
    checkedAt = clock.now()
    if (JSON.stringify(now) === JSON.stringify(credentials)) return
    tell('tool_server_stopped', { reason: 'a secret has another value' }, {})
    starting ??= replace().finally(() => {
      starting = null
    })
    await starting
  }

  async function callOn(
    connection: McpClient,
    name: string,
    args: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
  ): Promise<unknown> {
    enter(connection)
    try {
      const options: CallOptions = { signal, timeoutMs: settings.callMs }
      return mask.value(await connection.callTool(name, args, options))
    } catch (cause) {
      if (cause instanceof McpSessionLost) forget(connection, cause.message)
      throw cause
    } finally {
      leave(connection)
    }
  }

  /** The server knows the session no more: another is begun. What is out on it may still be answered. */
  function forget(connection: McpClient, reason: string): void {
    if (client !== connection || isStopped) return
    client = null
    cancelCheck()
    if (busy.has(connection)) leaving.add(connection)
    else void connection.close().catch(() => {})
    tell('tool_server_stopped', { reason: plain(reason) }, {})
    void ensure().catch(() => {})
  }

  return {
    settings,
    get tools() {
      return tools
    },
    state: () => ({
      name: settings.name,
      status,
      era: client?.era ?? null,
      error: status === 'running' ? null : error,
      failures,
      startedAt,
      lastHealthyAt,
      tools: (tools ?? []).map(({ name }) => name),
    }),
    start() {
      isStopped = false
      stopping = new AbortController()
      tell('tool_server_registered', {}, { capabilities: settings.capabilities.map(({ name }) => name) })
      void ensure().catch(() => {})
    },
    async call(name, args, signal) {
      await renewed()
      try {
        return await callOn(await ensure(), name, args, signal).catch(async (cause: unknown) => {
          if (!(cause instanceof McpSessionLost)) throw cause
          // It was not carried out: it is made under a new session, once.
          return callOn(await ensure(), name, args, signal)
        })
      } catch (cause) {
        signal.throwIfAborted()
        const { name: kind, message } = cause as Error
        const unknown = kind === 'McpDisconnected' ? ' Whether the call was carried out is not known.' : ''
        throw new Error(plain(`${message}${unknown}`), { cause })
      }
    },
    async stop() {
      if (isStopped) return
      isStopped = true
      stopping.abort(new Error('This server is stopping.'))
      cancelRestart()
      cancelCheck()
      await starting?.catch(() => {})
      const open = client === null ? [...leaving] : [client, ...leaving]
      client = null
      leaving.clear()
      await Promise.all(open.map((one) => one.close()))
      status = 'stopped'
      tell('tool_server_stopped', {}, {})
      await recorded
    },
  }
}
