import { createHash } from 'node:crypto'
import { AmbiguousText, checkUnambiguous, folded, isRecord, parseExact, type Span } from './json-text.ts'
import { INVALID_PARAMS, type Message, paramsOf, type RpcFailure } from './message.ts'

/** A request that is judged, as it was written. */
export interface CallRequest {
  readonly message: Message
  /** The name that contracts know it by. */
  readonly tool: string
  /** The name that the server knows it by. */
  readonly ownName: string
  readonly args: Readonly<Record<string, unknown>>
  /** Where the client wants to hear of progress; JSON text. */
  readonly token: string | null
  /** The client answers what the server asked for, in the era without sessions. */
  readonly isContinuation: boolean
  readonly isTask: boolean
}

/** A request that cannot be judged. */
export class Unjudgeable extends Error implements RpcFailure {
  override readonly name = 'Unjudgeable'
  readonly code = INVALID_PARAMS
}

/** What is no tool and is judged like one, by the names that contracts know it by. */
export const JUDGED_METHODS: Readonly<Record<string, string>> = {
  'resources/read': 'mcp.resources.read',
  'prompts/get': 'mcp.prompts.get',
  'completion/complete': 'mcp.completion.complete',
  'sampling/createMessage': 'mcp.sampling.createMessage',
  'elicitation/create': 'mcp.elicitation.create',
}

/** Parameters beside what is judged. */
const BESIDE = ['_meta', 'task', 'inputResponses', 'requestState']
/** Names of parameters that servers read. */
const READ = ['name', 'arguments', 'uri', 'ref', 'argument', 'context', ...BESIDE]

/**
 * @param toolName the name under which contracts know a tool
 * @throws Unjudgeable
 */
export function readCall(message: Message, toolName = (own: string): string => own): CallRequest {
  const params = paramsOf(message)
  const span = message.members.get('params')
  if (span !== undefined && !isRecord(message.value.params)) throw new Unjudgeable('The parameters are no object.')
  let members: Map<string, Span> | null = null
  try {
    if (span !== undefined) members = checkUnambiguous(message.text, span.start)
  } catch (error) {
    if (error instanceof AmbiguousText) throw new Unjudgeable(error.message)
    throw error
  }
  for (const name of Object.keys(params)) {
    // Some servers read names whatever their case: they would see another call than the one that is judged.
    const meant = READ.find((one) => folded(one) === folded(name))
    if (meant !== undefined && meant !== name) throw new Unjudgeable(`The parameter '${name}' is written '${meant}'.`)
  }
  const meta = isRecord(params._meta) ? params._meta : {}
  const { progressToken } = meta
  const beside = {
    message,
    token:
      typeof progressToken === 'string' || typeof progressToken === 'number' ? JSON.stringify(progressToken) : null,
    isContinuation: params.inputResponses !== undefined || params.requestState !== undefined,
    isTask: params.task !== undefined,
  }
  if (message.method !== 'tools/call') {
    const tool = JUDGED_METHODS[message.method] ?? message.method
    const exact = span === undefined ? {} : (parseExact(message.text.slice(span.start, span.end)) as object)
    const args = Object.fromEntries(Object.entries(exact).filter(([name]) => !BESIDE.includes(name)))
    return { ...beside, tool, ownName: tool, args }
  }
  if (typeof params.name !== 'string') throw new Unjudgeable('The name of a tool is a text.')
  if (params.arguments !== undefined && !isRecord(params.arguments))
    throw new Unjudgeable(`The arguments of '${params.name}' are no object.`)
  const place = members?.get('arguments')
  const args =
    place === undefined ? {} : (parseExact(message.text.slice(place.start, place.end)) as Record<string, unknown>)
  return { ...beside, tool: toolName(params.name), ownName: params.name, args }
}

/** @throws Unjudgeable for an argument that differs from one of the tool's own by its case alone */
export function checkArguments({ tool, args }: CallRequest, inputSchema: unknown): void {
  const properties = isRecord(inputSchema) && isRecord(inputSchema.properties) ? inputSchema.properties : {}
  const byCase = new Map(Object.keys(properties).map((name) => [folded(name), name]))
  for (const name of Object.keys(args)) {
    const meant = byCase.get(folded(name))
    if (meant !== undefined && !Object.hasOwn(properties, name))
      throw new Unjudgeable(`The tool '${tool}' has no argument '${name}': it is written '${meant}'.`)
  }
}

/** Of tool and arguments: the same question has the same digest. */
export function digestOf({ tool, args }: Pick<CallRequest, 'tool' | 'args'>): string {
  const text = JSON.stringify([tool, args], (_name, value: unknown) => {
    if (typeof value === 'bigint') return `${value}n`
    return isRecord(value) ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value
  })
  return createHash('sha256').update(text).digest('hex')
}
