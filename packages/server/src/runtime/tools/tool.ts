import type { ToolArguments } from '@lictor/contracts'
import type { TokenCaller, UserCaller } from '../../identity/caller.ts'
import type { FileAccess } from '../files/file-policy.ts'
import type { JudgedPath } from '../files/resolve.ts'
import type { FieldsOf, More } from '../record/event-types.ts'
import type { EventDraft } from '../record/events.ts'

/**
 * What an argument is, for whoever judges or runs the call: nobody guesses it by its name.
 * - `path`: a file or folder of the workspace. It is resolved once, before the call is judged; see `files/open.ts`. What is to be
 *   removed is the entry itself, a link also.
 * - `url`: an address. - `command`: a program or a command line. - `words`: the arguments of the command beside it.
 * - `environment`: variables for a command. - `content`: text that names nothing, whatever it looks like.
 */
export type ArgumentKind =
  | { readonly is: 'path'; readonly access: FileAccess | 'enter' | 'remove' }
  | { readonly is: 'url' | 'command' | 'words' | 'environment' | 'content' | 'setting' }

export type ArgumentRecord = ArgumentKind & {
  /** JSON Schema of the value. */
  readonly schema: Readonly<Record<string, unknown>>
  readonly isOptional?: true
}

export const toolSources = ['builtin', 'mcp_server', 'seal_gateway'] as const
/** Who runs a tool: this server, an MCP server of this node, or a gateway of its own. */
export type ToolSource = (typeof toolSources)[number]

export const toolCategories = [
  'agent_management',
  'workflow_management',
  'task_management',
  'system_management',
  'schema_validation',
  'filesystem',
  'execution',
  'web_network',
  'tool_discovery',
  'external',
] as const
export type ToolCategory = (typeof toolCategories)[number]

export const toolTags = ['read-only', 'destructive', 'network'] as const
/** What people look for tools by. */
export type ToolTag = (typeof toolTags)[number]

/** On whose behalf a call is made. */
export interface ToolCaller {
  readonly tenantId: string
  /** Whose rights tools that manage things act with: the same rules judge it as on the HTTP routes. */
  readonly principal: TokenCaller | UserCaller
  /** The execution that the call belongs to; null for a session of its own. */
  readonly executionId: string | null
  readonly agentId: string | null
  /** The session of SEAL that the call came by; absent for a call of a model. */
  readonly sealSessionId?: string
  /** By what the context of the caller is known: what it can be told of tools. */
  offers(tool: string): boolean
}

export type FileEvent = 'file_read' | 'file_written' | 'file_created' | 'file_deleted' | 'directory_listed'
type Whereabouts = 'volume_id' | 'path' | 'offset' | 'duration_ms'

/** A call as its handler gets it: judged, allowed, and with the paths as they were judged. */
export interface ToolRun {
  /** Of the call. It is the same when the call is made again after a crash. */
  readonly invocationId: string
  readonly args: Readonly<Record<string, unknown>>
  /** The path argument of this name. */
  path(name: string): JudgedPath
  /** Bytes the workspace may hold. */
  readonly diskLimit: number
  /** Whether the manifest lets the agent read this file below a folder that it may read. */
  mayRead(components: readonly string[]): boolean
  readonly caller: ToolCaller
  /** Fires when nobody waits for the result any more. */
  readonly signal: AbortSignal
  /**
   * Judge what the call has come to mean, for example by a redirect: by the security context and by the contracts in force.
   * @throws what ends the call when it would have been refused with these arguments
   */
  judgeAgain(args: Readonly<Record<string, unknown>>): Promise<void>
  /**
   * What was done with a file or folder of the workspace, told with what the call came to.
   * @param more fields of the event beside where it was and how long it took
   */
  touched<Type extends FileEvent>(type: Type, path: JudgedPath, more: Omit<FieldsOf<Type>, Whereabouts> & More): void
  /** Record what came about by the call, for the streams of whatever it belongs to. */
  tell(events: readonly EventDraft[]): Promise<void>
  /** Wait for something that may take long, without holding what others need meanwhile. */
  waiting<T>(work: () => Promise<T>): Promise<T>
}

export type ToolHandler = (run: ToolRun) => Promise<unknown>

/**
 * A tool, in one record. Its schema, what the model is told, how security contexts and contracts judge its arguments, and who
 * runs it are derived from here: a new tool is its record and its handler.
 */
export interface Tool {
  readonly name: string
  /** Names that manifests of published examples use. */
  readonly aliases: readonly string[]
  readonly description: string
  readonly source: ToolSource
  /** The server that has it, of a tool of an MCP server. */
  readonly server?: string
  readonly category: ToolCategory
  readonly tags: readonly ToolTag[]
  readonly sideEffect: 'read' | 'write' | 'irreversible'
  /** Made again after a crash in the middle of it, it does what it would have done once. */
  readonly isIdempotent: boolean
  /**
   * Arguments, and fields of results, that are for the caller and whom it tells alone: events and the audit log are told how many
   * bytes they have. Contracts and judges see the arguments.
   */
  readonly conceals?: readonly string[]
  /** The argument that names the file whose text the caller is given: gates count it as read. */
  readonly readsFile?: string
  /** Judges that a manifest sets over its tools (`spec.execution.tool_validation`) look at calls of this one. */
  readonly isSubjectToJudges: boolean
  /** The scope that a token must have, as on the HTTP route that does the same. */
  readonly requires?: string
  /** Only who runs the platform calls it, whatever the security context allows. */
  readonly isForOperators?: true
  readonly arguments: Readonly<Record<string, ArgumentRecord>>
  /**
   * What a call means beyond what its caller sends, found out before it is judged: it is judged, shown and run with it.
   * `find` throws what ends the call.
   */
  readonly implied?: {
    readonly arguments: Readonly<Record<string, ArgumentRecord>>
    find(caller: ToolCaller, args: Readonly<Record<string, unknown>>): Promise<Readonly<Record<string, unknown>>>
  }
  /** Of a tool that describes its arguments itself: its JSON Schema, as it came. */
  readonly foreignSchema?: Readonly<Record<string, unknown>>
  /** Runs the call in this server; null: the sandbox runs it. */
  readonly run: ToolHandler | null
}

/** What most tools of this server have in common. */
export const builtin = {
  aliases: [],
  source: 'builtin',
  tags: [],
  isSubjectToJudges: false,
} as const satisfies Partial<Tool>

/** JSON Schema of a tool's arguments. */
export interface ToolSchema {
  readonly type: 'object'
  readonly properties: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  readonly required: readonly string[]
  readonly additionalProperties: false
}

/** The schema of a tool's arguments, as models and clients are told it. */
export const schemaOf = (tool: Tool): ToolSchema | Readonly<Record<string, unknown>> =>
  tool.foreignSchema ?? ownSchemaOf(tool)

export function ownSchemaOf(tool: Pick<Tool, 'arguments'>): ToolSchema {
  const entries = Object.entries(tool.arguments)
  return {
    type: 'object',
    properties: Object.fromEntries(entries.map(([name, { schema }]) => [name, schema])),
    required: entries.filter(([, argument]) => !argument.isOptional).map(([name]) => name),
    additionalProperties: false,
  }
}

/** The names of a tool's arguments of this kind, in the record's order, and then of those that are implied. */
export const argumentsOf = (tool: Pick<Tool, 'arguments' | 'implied'>, is: ArgumentKind['is']): string[] =>
  [...Object.entries(tool.arguments), ...Object.entries(tool.implied?.arguments ?? {})]
    .filter(([, argument]) => argument.is === is)
    .map(([name]) => name)

/** What contracts are told of a tool's arguments. */
export function judgedArguments(tool: Tool): ToolArguments {
  const commands = argumentsOf(tool, 'command')
  const [command] = commands
  const [words] = argumentsOf(tool, 'words')
  return {
    paths: argumentsOf(tool, 'path'),
    urls: argumentsOf(tool, 'url'),
    commands,
    content: argumentsOf(tool, 'content'),
    // Taken apart, a command line is also judged as the one line that it is.
    ...(command !== undefined && words !== undefined ? { commandLine: { command, arguments: words } } : {}),
  }
}

/** What the guard is told of a tool. */
export const judgedTool = (tool: Tool) => ({
  sideEffect: tool.sideEffect,
  arguments: judgedArguments(tool),
  conceals: tool.conceals,
  readsFile: tool.readsFile,
})

/** A tool that could not do what it was asked; the message goes to the model. */
export class ToolFailed extends Error {
  override readonly name: string = 'ToolFailed'
  /** What the failure is in an HTTP answer; null where the tool itself ran and failed. */
  readonly status: number | null
  constructor(message: string, status: number | null = null, options?: ErrorOptions) {
    super(message, options)
    this.status = status
  }
}

/** The call is not one that the tool takes: an argument is missing, of another kind, or unknown. */
export class BadArguments extends ToolFailed {
  override readonly name = 'BadArguments'
  constructor(message: string) {
    super(message, 422)
  }
}

/** Nobody runs a tool of this name now. */
export class NotRouted extends ToolFailed {
  override readonly name = 'NotRouted'
  constructor(message: string, status: 404 | 502 = 404) {
    super(`Routing error: ${message}`, status)
  }
}

/** What no other call of the run can mend either: a setting of this server is missing. It ends the conversation. */
export class ToolFatal extends Error {
  override readonly name = 'ToolFatal'
  constructor(tool: string, reason: string) {
    super(`Tool '${tool}' terminated with fatal error: ${reason}`)
  }
}
