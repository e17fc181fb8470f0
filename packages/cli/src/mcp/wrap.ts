import { isAbsolute, resolve } from 'node:path'
import { createGateway, createSkippingReader, type Gateway, PATIENCE } from '@lictor/mcp/gateway'
import { CliError } from '../errors.ts'
import type { Terminal } from '../terminal/terminal.ts'
import { askAboutHeld } from './ask-about-held.ts'
import { guardJudge } from './guard-judge.ts'
import { idIn, LARGEST_FROM_SERVER, LARGEST_TO_CLIENT, LARGEST_TO_SERVER } from './messages.ts'
import { type GuardChoice, openGuard } from './open-guard.ts'
import { openPinFiles, pinFolder, serverName } from './pin-files.ts'
import { processClock } from './process-clock.ts'
import { GRACE_MS, startMcpProcess } from './server-process.ts'

export interface WrapOptions extends GuardChoice {
  readonly name?: string
  readonly pins?: string
  readonly roots: 'forward' | 'hide'
  /** Seconds. */
  readonly patience: number
}

const pause = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds).unref())

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
    clock: processClock,
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
