import {
  anyObject,
  boolean,
  formatPath,
  type Issue,
  integer,
  isRecord,
  list,
  mapOf,
  type Path,
  record,
  type Shape,
  string,
  tagged,
  word,
} from '../shape/shape.ts'
import {
  type AgentMessage,
  DISPATCH_DEFAULTS,
  type DispatchMessage,
  type DispatchResultMessage,
  type FinalMessage,
  type GenerateMessage,
  type OrchestratorMessage,
} from './messages.ts'

/** A message that is not of the dispatch protocol. `issues` names each field and what is wrong with it. */
export class DispatchMessageError extends Error {
  readonly code = 'dispatch_message_invalid'
  readonly issues: readonly Issue[]

  constructor(issues: readonly Issue[]) {
    super(`not a dispatch message: ${issues.map(({ message }) => message).join('; ')}`)
    this.name = 'DispatchMessageError'
    this.issues = issues
  }
}

const conversation = list(anyObject)

/** Fields a sender may leave out are optional here; the parse functions fill in their defaults. */
type Sent<T, Optional extends keyof T> = Omit<T, Optional> & Partial<Pick<T, Optional>>

type SentGenerate = Sent<GenerateMessage, 'agent_id' | 'model_alias' | 'messages'>
type SentResult = Sent<DispatchResultMessage, 'stderr' | 'duration_ms' | 'truncated'>
type SentFinal = Sent<FinalMessage, 'tool_calls_executed' | 'conversation'>
type SentDispatch = Sent<
  DispatchMessage,
  'command' | 'args' | 'cwd' | 'env_additions' | 'timeout_secs' | 'max_output_bytes'
>

const agentShape = tagged<SentGenerate | SentResult>({
  generate: record<SentGenerate>(
    {
      type: word(['generate']),
      agent_id: string,
      execution_id: string,
      iteration_number: integer({ min: 1 }),
      model_alias: string,
      prompt: string,
      messages: conversation,
    },
    { required: ['execution_id', 'iteration_number', 'prompt'], unknownKeys: 'keep' },
  ),
  dispatch_result: record<SentResult>(
    {
      type: word(['dispatch_result']),
      execution_id: string,
      dispatch_id: string,
      exit_code: integer(),
      stdout: string,
      stderr: string,
      duration_ms: integer({ min: 0 }),
      truncated: boolean,
    },
    { required: ['execution_id', 'dispatch_id', 'exit_code', 'stdout'], unknownKeys: 'keep' },
  ),
})

const orchestratorShape = tagged<SentFinal | SentDispatch>({
  final: record<SentFinal>(
    { type: word(['final']), content: string, tool_calls_executed: integer({ min: 0 }), conversation },
    { required: ['content'], unknownKeys: 'keep' },
  ),
  dispatch: record<SentDispatch>(
    {
      type: word(['dispatch']),
      dispatch_id: string,
      action: string,
      command: string,
      args: list(string),
      cwd: string,
      env_additions: mapOf(string),
      timeout_secs: integer({ min: 1 }),
      max_output_bytes: integer({ min: 0 }),
      shell: boolean,
      follow_links: boolean,
    },
    { required: ['dispatch_id', 'action'], unknownKeys: 'keep' },
  ),
})

/**
 * Read a request body of the dispatch gateway, defaults filled in.
 *
 * @throws DispatchMessageError
 */
export function parseAgentMessage(value: unknown): AgentMessage {
  const message = read(agentShape, value)
  if (message.type === 'generate') {
    return {
      type: 'generate',
      agent_id: message.agent_id ?? '',
      execution_id: message.execution_id,
      iteration_number: message.iteration_number,
      model_alias: message.model_alias ?? DISPATCH_DEFAULTS.modelAlias,
      prompt: message.prompt,
      messages: message.messages ?? [],
    }
  }
  return {
    type: 'dispatch_result',
    execution_id: message.execution_id,
    dispatch_id: message.dispatch_id,
    exit_code: message.exit_code,
    stdout: message.stdout,
    stderr: message.stderr ?? '',
    duration_ms: message.duration_ms ?? 0,
    truncated: message.truncated ?? false,
  }
}

/**
 * Read an answer of the dispatch gateway, defaults filled in. An answer without `type` that carries `content` is taken
 * as final: published orchestrators leave the type out.
 *
 * @throws DispatchMessageError
 */
export function parseOrchestratorMessage(value: unknown): OrchestratorMessage {
  const typed = isRecord(value) && value.type == null && 'content' in value ? { ...value, type: 'final' } : value
  const message = read(orchestratorShape, typed)
  if (message.type === 'final') {
    return {
      type: 'final',
      content: message.content,
      tool_calls_executed: message.tool_calls_executed ?? 0,
      conversation: message.conversation ?? [],
    }
  }
  return {
    type: 'dispatch',
    dispatch_id: message.dispatch_id,
    action: message.action,
    command: message.command ?? null,
    args: message.args ?? [],
    cwd: message.cwd ?? DISPATCH_DEFAULTS.cwd,
    env_additions: message.env_additions ?? {},
    timeout_secs: message.timeout_secs ?? DISPATCH_DEFAULTS.timeoutSecs,
    max_output_bytes: message.max_output_bytes ?? DISPATCH_DEFAULTS.maxOutputBytes,
    ...(message.shell !== undefined && { shell: message.shell }),
    ...(message.follow_links !== undefined && { follow_links: message.follow_links }),
  }
}

function read<T>(shape: Shape<T>, value: unknown): T {
  const issues: Issue[] = []
  const report = (path: Path, message: string): void => {
    issues.push({ path: formatPath(path), message, severity: 'error' })
  }
  const message = shape(value, [], { report, written: () => undefined })
  if (message === undefined || issues.length > 0) throw new DispatchMessageError(issues)
  return message
}
