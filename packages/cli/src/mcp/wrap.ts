import { isAbsolute, resolve } from 'node:path'
import { Edictum, FileAuditSink, type Guard, type Logger } from '@lictor/guard'
import { createGateway, createSkippingReader, type Gateway, PATIENCE } from '@lictor/mcp/gateway'
import { CliError } from '../errors.ts'
import type { Terminal } from '../terminal/terminal.ts'
import { askAboutHeld } from './ask-about-held.ts'
import { guardJudge, isMcpSuccess } from './guard-judge.ts'
import { openPinFiles, pinFolder, serverName } from './pin-files.ts'
import { GRACE_MS, startMcpProcess } from './server-process.ts'

export interface WrapOptions {
  /** Bundles, composed left to right; empty when a server gives the contracts. */
  readonly contracts: readonly string[]
  readonly url?: string
  readonly agent?: string
  readonly bundle?: string
  readonly env: string
  readonly name?: string
  readonly pins?: string
  readonly audit?: string
  readonly mode?: 'enforce' | 'observe'
  readonly roots: 'forward' | 'hide'
  /** Seconds. */
  readonly patience: number
}

const pause = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds).unref())

/** Clients of both SDKs take 10 MiB a message. */
const LARGEST_TO_CLIENT = 9_000_000
const LARGEST_TO_SERVER = 9_000_000
/** More is dropped, and the call it answers is told so. */
const LARGEST_FROM_SERVER = 32 * 1024 * 1024

/** Events that are kept in memory; whoever wants them all names a file, or connects to a server. */
const EVENTS_KEPT = 1000

/**
 * Stand between the client on standard input and output and the server that `command` starts.
 * @returns the exit code: that of the server where it ended first, 0 where the client did
 * @throws CliError when there is nothing to judge by, or the server cannot be started
 */
export async function wrap(command: readonly string[], options: WrapOptions, terminal: Terminal): Promise<number> {
  const note = (line: string) => terminal.note(`lictor mcp: ${line}`)
  const place = (path: string) => (isAbsolute(path) ? path : resolve(terminal.workingDirectory, path))
  const name = options.name ?? serverName(command)
  if (!/^[a-zA-Z0-9][\w.-]{0,79}$/.test(name))
    throw new CliError('usage', `--name ${name}: letters, digits, '.', '_' and '-', at most 80.`, { exitCode: 2 })
  const files = openPinFiles(options.pins === undefined ? pinFolder(terminal.environment) : place(options.pins))
  const guard = openGuard(options, terminal, { name, note, place })
  const server = await startMcpProcess(command, {
    environment: terminal.environment,
    workingDirectory: terminal.workingDirectory,
    stderr: process.stderr,
  })
  let gateway: Gateway | null = null
  const held = askAboutHeld({
    server: name,
    files,
    guard: guard.get,
    note,
    accepted: () => gateway?.toolsAccepted(),
  })
  const opened = createGateway({
    judge: guardJudge(guard.get),
    pins: {
      read: () => files.read(name),
      keep(found) {
        files.keep(name, found)
        held.ask(found.held)
      },
    },
    clock: {
      now: () => Date.now(),
      after(milliseconds, task) {
        // What only waits for its time keeps no process alive.
        const timer = setTimeout(task, milliseconds).unref()
        return () => clearTimeout(timer)
      },
    },
    patience: { ...PATIENCE, answerMs: options.patience * 1000 },
    toClient: (text) => process.stdout.write(`${text}\n`),
    toServer: (text) => server.write(`${text}\n`),
    note,
    server: name,
    roots: options.roots,
    largestToClient: LARGEST_TO_CLIENT,
    largestToServer: LARGEST_TO_SERVER,
  })
  gateway = opened

  const fromServer = createSkippingReader(LARGEST_FROM_SERVER, ({ bytes, head, tail }) =>
    opened.tooLong(Number(idIn(head, tail) ?? Number.NaN) || null, bytes),
  )
  server.onOutput((chunk) => {
    for (const line of fromServer.push(chunk)) opened.fromServer(line)
  })
  const fromClient = createSkippingReader(LARGEST_FROM_SERVER, ({ bytes, head, tail }) =>
    opened.tooLongFromClient(idIn(head, tail), bytes),
  )
  process.stdin.on('data', (chunk: Buffer) => {
    for (const line of fromClient.push(chunk)) opened.fromClient(line)
  })
  // A server that reads nothing gets nothing more, and what waits stays with the client.
  server.onPressure({ full: () => process.stdin.pause(), free: () => process.stdin.resume() })
  const clientEnded = new Promise<'client'>((ended) => {
    process.stdin.once('end', () => ended('client'))
    process.stdin.once('error', () => ended('client'))
    void terminal.interrupted.then(() => ended('client'))
  })

  const first = await Promise.race([clientEnded, server.ended])
  if (first === 'client') {
    await Promise.race([opened.clientEnded(), server.ended, pause(GRACE_MS)])
    await server.end()
  }
  const { code, reason } = await server.ended
  await opened.serverEnded(reason)
  held.stop()
  await guard.close()
  process.stdin.destroy()
  if (first === 'client') return 0
  note(reason)
  return code === 0 ? 1 : code
}

/** The id of a dropped line, as JSON text: it is written first or last. */
function idIn(head: string, tail: string): string | null {
  const id = String.raw`"id"\s*:\s*(-?\d+|"[^"\\]*")`
  const version = String.raw`"jsonrpc"\s*:\s*"2\.0"`
  const first = new RegExp(String.raw`^\s*\{\s*(?:${version}\s*,\s*)?${id}\s*[,}]`).exec(head)
  const last = new RegExp(String.raw`,\s*${id}\s*(?:,\s*${version}\s*)?\}\s*$`).exec(tail)
  return first?.[1] ?? last?.[1] ?? null
}

interface OpenedGuard {
  get(): Guard | Promise<Guard>
  close(): Promise<void>
}

function openGuard(
  options: WrapOptions,
  { environment }: Terminal,
  { name, note, place }: { name: string; note: (line: string) => void; place: (path: string) => string },
): OpenedGuard {
  const logger: Logger = { debug() {}, info() {}, warn: note, error: note }
  const shared = {
    logger,
    environment: options.env,
    localEvents: EVENTS_KEPT,
    successCheck: isMcpSuccess,
    environmentVariables: environment,
    ...(options.mode === undefined ? {} : { mode: options.mode }),
  }
  const audit = options.audit === undefined ? {} : { auditSink: new FileAuditSink(place(options.audit)) }
  if (options.contracts.length > 0) {
    // Read at once: who gave a file with a fault in it is told before any client connects.
    const guard = Edictum.fromYaml(options.contracts.map(place), { ...shared, ...audit })
    return { get: () => guard, close: () => guard.close() }
  }
  const url = options.url ?? environment.LICTOR_URL
  const apiKey = environment.LICTOR_API_KEY
  if (url === undefined || !apiKey)
    throw new CliError('no_contracts', 'Nothing says what the tools may do.', {
      exitCode: 2,
      hint: 'Name contracts with --contracts FILE, or a server with --url (or LICTOR_URL) and its key in LICTOR_API_KEY.',
    })
  let connecting: Promise<Guard> | null = null
  let made: Guard | null = null
  return {
    get() {
      if (made !== null) return made
      connecting ??= Edictum.fromServer({
        ...shared,
        url,
        apiKey,
        agentId: options.agent ?? name,
        bundleName: options.bundle ?? null,
        allowInsecure: false,
      }).then(
        (guard) => {
          made = guard
          return guard
        },
        (error: unknown) => {
          // The next call tries anew.
          connecting = null
          throw error
        },
      )
      return connecting
    },
    async close() {
      await connecting?.catch(() => {})
      await made?.close()
    },
  }
}
