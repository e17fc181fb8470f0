import { isUtf8 } from 'node:buffer'
import type { Readable } from 'node:stream'
import { JOURNAL_TOPIC, type JournalNews } from '../../changes/journal/journal.ts'
import type { JournalEntry, JournalStore } from '../../changes/journal/store.ts'
import { scopeOfRecord } from '../../identity/scope.ts'
import type { Bus } from '../../ports/bus.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import { toWireTime } from '../../storage/instants.ts'
import { attachmentsOf, type FindAttached } from '../admission/attachments.ts'
import type { StartRequest } from '../admission/input.ts'
import type { Agent } from '../agents/agent.ts'
import type { Agents } from '../agents/agents.ts'
import { type Children, TASK_KEY } from '../children/children.ts'
import { type Executions, requireVersion } from '../executions/executions.ts'
import { type Execution, type ExecutionSummary, unfinished } from '../record/execution.ts'
import { BadArguments, type ToolCaller, type ToolRun } from '../tools/tool.ts'

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const LARGEST_FILE_BYTES = 10 * 1024 * 1024
const ENTRIES_AT_ONCE = 500

interface Page {
  readonly limit: number
  readonly offset: number
}

/** What a call waits for. */
export interface Wait<T> {
  readonly id: string
  look(): Promise<T>
  isOver(found: T): boolean
  readonly timeoutSeconds: number
  readonly pollSeconds: number
}

/** Executions as tools speak of them. */
export interface Tasks {
  /** By id or by name. @throws NotFound */
  agentOf(caller: ToolCaller, idOrName: string): Promise<Agent>
  /** An execution that starts another has it as a child: of a limited depth, within its own security context. */
  start(run: ToolRun, agent: Agent, request: StartRequest, version?: string): Promise<object>
  /** @throws NotFound, also for an execution of another tenant */
  get(caller: ToolCaller, id: unknown): Promise<Execution>
  /** Wait for the end of an execution, as the arguments of the call say; the time that ran out is an answer as well. */
  wait(run: ToolRun): Promise<object>
  /** Look again whenever something is told of a subject, until it is over or the time has run out; as it is then. */
  waitFor<T>(run: ToolRun, wait: Wait<T>): Promise<T>
  logs(caller: ToolCaller, id: unknown, page: Page): Promise<object>
  agentLogs(caller: ToolCaller, agent: Agent, page: Page): Promise<object>
  file(caller: ToolCaller, id: unknown, path: string): Promise<object>
}

export function createTasks(deps: {
  agents: () => Agents
  executions: () => Executions
  children: () => Pick<Children, 'spawn'>
  findAttached: FindAttached
  journalStore: Pick<JournalStore, 'after' | 'ofAgentAfter'>
  bus: Bus
  clock: Clock
  random: Random
}): Tasks {
  const { journalStore, bus, clock, random } = deps

  async function get(caller: ToolCaller, id: unknown): Promise<Execution> {
    return deps.executions().get(caller, idOf(id))
  }

  async function startChild(
    caller: ToolCaller,
    agent: Agent,
    { input, intent = null, attachments }: StartRequest,
    version: string | undefined,
  ): Promise<Execution> {
    const parent = await get(caller, caller.executionId)
    requireVersion(agent, version)
    const attached = await attachmentsOf(caller.principal, attachments, deps.findAttached)
    const key = `${TASK_KEY}${random.uuid()}`
    return deps.children().spawn(parent, { key, agent: agent.id, input, intent, attachments: attached })
  }

  /** Until something is told of the execution, or the time has come to look again, or nobody waits any more. */
  function news(id: string, milliseconds: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (finish: () => void) => () => {
        cancel()
        unsubscribe()
        signal.removeEventListener('abort', abort)
        finish()
      }
      const abort = settle(() => reject(signal.reason))
      const look = settle(resolve)
      const unsubscribe = bus.subscribe(JOURNAL_TOPIC, (message) => {
        if ((message as JournalNews).subject.id === id) look()
      })
      const cancel = clock.after(milliseconds, look)
      if (signal.aborted) abort()
      else signal.addEventListener('abort', abort, { once: true })
    })
  }

  async function waitFor<T>(
    { signal, waiting }: ToolRun,
    { id, look, isOver, timeoutSeconds, pollSeconds }: Wait<T>,
  ): Promise<T> {
    const until = clock.now() + timeoutSeconds * 1000
    let found = await look()
    if (isOver(found)) return found
    await waiting(async () => {
      while (!isOver(found) && clock.now() < until) {
        // Whatever is told between the look and the wait is seen at the next look.
        const told = news(id, Math.min(pollSeconds * 1000, until - clock.now()), signal)
        found = await look()
        if (isOver(found)) {
          told.catch(() => {})
          break
        }
        await told
        found = await look()
      }
    })
    return found
  }

  return {
    get,
    async agentOf(caller, idOrName) {
      const agents = deps.agents()
      return uuid.test(idOrName) ? agents.get(caller, idOrName.toLowerCase()) : agents.lookup(caller, idOrName)
    },
    async start({ caller }, agent, request, version) {
      const started =
        caller.executionId === null
          ? await deps.executions().start(caller.principal, agent.id, request, { version })
          : await startChild(caller, agent, request, version)
      return { execution_id: started.id, agent_id: agent.id, agent_name: agent.name, status: 'started' }
    },
    waitFor,
    async wait(run) {
      const { caller, args } = run
      const { timeout_seconds = 300, poll_interval_seconds = 10 } = args
      const id = idOf(args.execution_id)
      const execution = await waitFor<Execution>(run, {
        id,
        look: () => get(caller, id),
        isOver: hasEnded,
        timeoutSeconds: Number(timeout_seconds),
        pollSeconds: Number(poll_interval_seconds),
      })
      return hasEnded(execution)
        ? ended(execution)
        : { ...taskOf(execution), timed_out: true, message: `It has not ended within ${timeout_seconds} seconds.` }
    },
    async logs(caller, id, { limit, offset }) {
      const execution = await get(caller, id)
      const subject = { kind: 'execution', id: execution.id } as const
      const { rows, hasMore } = await journalStore.after(subject, offset, limit)
      return { ...taskOf(execution), logs: rows.map(eventOf), offset, has_more: hasMore }
    },
    async agentLogs(caller, agent, { limit, offset }) {
      const scope = scopeOfRecord(caller)
      let after = await deps.executions().historyStart(caller, agent.id)
      const found: JournalEntry[] = []
      let hasMore = true
      while (hasMore && found.length < offset + limit) {
        const page = await journalStore.ofAgentAfter(scope, agent.id, after, ENTRIES_AT_ONCE)
        found.push(...page.rows)
        after = page.rows.at(-1)?.id ?? after
        hasMore = page.hasMore && page.rows.length > 0
      }
      const logs = found.slice(offset, offset + limit).map(eventOf)
      return {
        agent_id: agent.id,
        agent_name: agent.name,
        logs,
        offset,
        has_more: hasMore || found.length > offset + limit,
      }
    },
    async file(caller, id, path) {
      const execution = await get(caller, id)
      const { name, size, open } = await deps.executions().readFile(caller.principal, execution.id, path)
      const bytes = await headOf(await open())
      const isText = isUtf8(bytes) && !bytes.includes(0)
      return {
        execution_id: execution.id,
        path,
        name,
        content: bytes.toString(isText ? 'utf8' : 'base64'),
        encoding: isText ? 'utf-8' : 'base64',
        size_bytes: bytes.length,
        ...(size > bytes.length ? { truncated: true, total_bytes: size } : {}),
      }
    },
  }
}

function idOf(id: unknown): string {
  if (typeof id === 'string' && uuid.test(id)) return id.toLowerCase()
  throw new BadArguments(`execution_id '${String(id)}' is no id of an execution; such an id is a UUID.`)
}

export const hasEnded = ({ status }: Pick<ExecutionSummary, 'status'>): boolean =>
  !unfinished.some((one) => one === status)

export const taskOf = (execution: ExecutionSummary) => ({
  execution_id: execution.id,
  agent_id: execution.agentId,
  agent_name: execution.agentName,
  status: execution.status,
  total_iterations: execution.totalIterations,
  error: execution.error,
  started_at: toWireTime(execution.startedAt),
  ended_at: execution.endedAt === null ? null : toWireTime(execution.endedAt),
})

const ended = (execution: Execution) => ({ ...taskOf(execution), output: execution.output, timed_out: false })

const eventOf = ({ data }: JournalEntry): unknown => JSON.parse(data)

async function headOf(content: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of content as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    length += chunk.length
    if (length >= LARGEST_FILE_BYTES) break
  }
  return Buffer.concat(chunks).subarray(0, LARGEST_FILE_BYTES)
}
