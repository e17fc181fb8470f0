import { readFile } from 'node:fs/promises'
import { parse } from 'yaml'
import type { Clock } from '../../ports/clock.ts'
import { type Model, ModelError, type ModelErrorClass, type ModelRequest } from '../../ports/model.ts'

/**
 * A model that plays turns from a YAML file: for demonstrations, tests, and agents that need no judgement.
 *
 * ```yaml
 * turns:
 *   - text: Let me look.                     # optional beside tool calls
 *     tool_calls:
 *       - name: read_file
 *         arguments: { path: data.csv }
 *   - text: It has three rows.               # no tool calls: the final answer
 *   - when: { agent: other-agent, prompt: weather }
 *     error: { class: rate_limit, message: Slow down, times: 2 }
 *     delay_ms: 100
 *   - text: And then
 *     cut_off: true                        # the answer ended at the length limit
 * ```
 *
 * A conversation plays, in order, the turns whose `when` fits it: `agent` is the agent's name, `prompt` a part of the first
 * user message, `last` a part of the newest message; a turn without `when` fits all. Where a conversation is, follows from
 * how many answers it holds. A turn with `error` fails the next answer `times` times (always, when left out) before it
 * passes. `delay_ms` passes before the turn takes effect. The file is read anew for each answer, and parsed when it has changed.
 */
export function createScriptedModel(deps: {
  clock: Clock
  load?: (path: string) => Promise<string>
  read?: ReadTurns
}): Model {
  const { clock, load = (path) => readFile(path, 'utf8'), read = readScript } = deps
  return {
    async generate(request) {
      const turns = read(request.model, await loadScript(request.model, load))
      const position = request.messages.filter((message) => message.role === 'assistant').length
      const { answer, errors } = turnAt(turns, request, position)
      for (const turn of errors) {
        if (turn.error && request.attempt <= (turn.error.times ?? Number.POSITIVE_INFINITY)) {
          await pause(clock, turn.delayMs, request.signal)
          throw new ModelError(turn.error.class, turn.error.message, undefined, turn.error.retryAfterMs)
        }
      }
      if (!answer)
        throw new ModelError(
          'invalid_input',
          `The script '${request.model}' has no answer ${position + 1} for the agent '${request.agent}'.`,
        )
      await pause(clock, answer.delayMs, request.signal)
      return {
        text: answer.text,
        toolCalls: structuredClone(answer.toolCalls).map((call, index) => ({
          id: `call_${position + 1}_${index + 1}`,
          ...call,
        })),
        isCutOff: answer.isCutOff,
        inputTokens: null,
        outputTokens: null,
      }
    },
  }
}

interface Turn {
  readonly when: { readonly agent?: string; readonly prompt?: string; readonly last?: string }
  readonly text: string
  readonly toolCalls: readonly { readonly name: string; readonly arguments: unknown }[]
  readonly isCutOff: boolean
  readonly delayMs: number
  readonly error: {
    readonly class: ModelErrorClass
    readonly message: string
    readonly times?: number
    readonly retryAfterMs: number | null
  } | null
}

/** The answer at a position, with the errors that stand between the answer before and this one. */
function turnAt(
  turns: readonly Turn[],
  request: ModelRequest,
  position: number,
): { answer: Turn | null; errors: Turn[] } {
  const prompt = request.messages.find((message) => message.role === 'user')?.content ?? ''
  const last = request.messages.at(-1)?.content ?? ''
  let answered = 0
  let errors: Turn[] = []
  for (const turn of turns) {
    if (turn.when.agent !== undefined && turn.when.agent !== request.agent) continue
    if (turn.when.prompt !== undefined && !prompt.includes(turn.when.prompt)) continue
    // What came last is known only for the turn that is due.
    if (turn.when.last !== undefined && answered === position && !last.includes(turn.when.last)) continue
    if (turn.error) {
      if (answered === position) errors.push(turn)
      continue
    }
    if (answered === position) return { answer: turn, errors }
    answered++
    errors = []
  }
  return { answer: null, errors }
}

/** Scripts whose turns are remembered. */
const REMEMBERED = 20

/** The turns of a script by its text; `path` is what errors call it. @throws ModelError */
type ReadTurns = (path: string, text: string) => readonly Turn[]

/** Reads a script that many models play once. */
export function rememberScripts(): ReadTurns {
  const known = new Map<string, readonly Turn[]>()
  return (path, text) => {
    const key = `${path}\n${text}`
    const turns = known.get(key) ?? readScript(path, text)
    if (!known.has(key) && known.size >= REMEMBERED) known.delete(known.keys().next().value ?? '')
    known.set(key, turns)
    return turns
  }
}

async function loadScript(path: string, load: (path: string) => Promise<string>): Promise<string> {
  try {
    return await load(path)
  } catch {
    throw new ModelError('model_not_found', `The script '${path}' of the scripted model cannot be read.`)
  }
}

function readScript(path: string, text: string): Turn[] {
  let document: unknown
  try {
    document = parse(text)
  } catch (error) {
    throw new ModelError('invalid_input', `The script '${path}' is no YAML: ${(error as Error).message}`)
  }
  const turns = (document as { turns?: unknown } | null)?.turns
  if (!Array.isArray(turns)) throw new ModelError('invalid_input', `The script '${path}' has no list 'turns'.`)
  return turns.map((turn, index) => readTurn(turn, `The script '${path}', turn ${index + 1},`))
}

const classes: readonly string[] = [
  'authentication',
  'rate_limit',
  'model_not_found',
  'invalid_input',
  'service_unavailable',
  'network',
  'provider',
  'timeout',
] satisfies ModelErrorClass[]

const asRecord = (value: unknown): Record<string, unknown> | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null

function readTurn(value: unknown, where: string): Turn {
  const wrong = (what: string) => new ModelError('invalid_input', `${where} ${what}.`)
  const turn = asRecord(value)
  if (!turn) throw wrong('is not an object')
  const unknown = Object.keys(turn).find(
    (key) => !['when', 'text', 'tool_calls', 'cut_off', 'delay_ms', 'error'].includes(key),
  )
  if (unknown !== undefined) throw wrong(`has the unknown key '${unknown}'`)
  const calls = turn.tool_calls ?? []
  if (!Array.isArray(calls)) throw wrong("has 'tool_calls' that are no list")
  const error = asRecord(turn.error)
  if (turn.error !== undefined && !error) throw wrong("has an 'error' that is no object")
  const errorClass = error?.class ?? 'provider'
  if (!classes.includes(String(errorClass))) throw wrong(`has an error class that is not one of ${classes.join(', ')}`)
  const text = typeof turn.text === 'string' ? turn.text : ''
  if (!error && text === '' && calls.length === 0) throw wrong("needs 'text', 'tool_calls' or 'error'")
  return {
    when: (asRecord(turn.when) ?? {}) as Turn['when'],
    text,
    toolCalls: calls.map((call: unknown) => {
      const { name, arguments: args = {} } = asRecord(call) ?? {}
      if (typeof name !== 'string') throw wrong("has a tool call without 'name'")
      return { name, arguments: args }
    }),
    isCutOff: turn.cut_off === true,
    delayMs: typeof turn.delay_ms === 'number' ? turn.delay_ms : 0,
    error: error
      ? {
          class: errorClass as ModelErrorClass,
          message: typeof error.message === 'string' ? error.message : 'The script says so.',
          retryAfterMs: typeof error.retry_after_ms === 'number' ? error.retry_after_ms : null,
          ...(typeof error.times === 'number' ? { times: error.times } : {}),
        }
      : null,
  }
}

/** Wait by the clock; a caller that gives up ends the wait. */
function pause(clock: Clock, milliseconds: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.reject(signal.reason)
  if (milliseconds <= 0) return Promise.resolve()
  return new Promise((resolve, reject) => {
    const giveUp = () => {
      cancel()
      reject(signal.reason)
    }
    const cancel = clock.after(milliseconds, () => {
      signal.removeEventListener('abort', giveUp)
      resolve()
    })
    signal.addEventListener('abort', giveUp, { once: true })
  })
}
