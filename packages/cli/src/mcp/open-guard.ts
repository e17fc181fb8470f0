import { Edictum, FileAuditSink, type Guard, type Logger } from '@lictor/guard'
import { CliError } from '../errors.ts'
import type { Terminal } from '../terminal/terminal.ts'
import { isMcpSuccess } from './guard-judge.ts'

/** Events that are kept in memory; whoever wants them all names a file, or connects to a server. */
const EVENTS_KEPT = 1000

/** The guard that judges, made when it is needed. */
export interface OpenedGuard {
  get(): Guard | Promise<Guard>
  close(): Promise<void>
}

/** Where contracts come from, and where events go. */
export interface GuardChoice {
  /** Bundles, composed left to right; empty when a server gives the contracts. */
  readonly contracts: readonly string[]
  readonly url?: string
  readonly agent?: string
  readonly bundle?: string
  readonly env: string
  readonly audit?: string
  readonly mode?: 'enforce' | 'observe'
}

/** @throws CliError when there is nothing to judge by */
export function openGuard(
  options: GuardChoice,
  { environment }: Pick<Terminal, 'environment'>,
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
