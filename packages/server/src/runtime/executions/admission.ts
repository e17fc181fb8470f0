import type { AgentManifestDocument, ContextItem } from '@lictor/aegis'
import { Ajv } from 'ajv'
import addFormatsModule from 'ajv-formats'
import { Conflict, InvalidInput } from '../../errors.ts'
import { environments } from '../../identity/keys.ts'
import { findTool } from '../tools/catalogue.ts'
import { DEFAULT_CONTEXT, findContext, type SecurityContext } from '../tools/security-contexts.ts'
import { NotExecutable, planOf } from './plan.ts'
import { renderPrompt } from './prompt.ts'

// The package's CommonJS export arrives as the namespace under nodenext.
const addFormats = addFormatsModule as unknown as typeof addFormatsModule.default

/** What a caller wants an agent to do. */
export interface StartRequest {
  readonly input?: unknown
  readonly intent?: string | null | undefined
  readonly context_overrides?: unknown
  readonly attachments?: readonly unknown[] | null | undefined
}

/** What an execution is created with. */
export interface Admitted {
  readonly input: unknown
  readonly intent: string | null
  readonly prompt: string
  readonly securityContext: SecurityContext
  readonly env: string
}

const reserved = ['instruction', 'iteration_number', 'previous_error']
const LARGEST_CONTEXT_BYTES = 10 * 1024 ** 2

/**
 * Whether an agent can be executed with this input, and the prompt that makes (aegis-runtime §2.2 to §2.4). Pure: what is
 * refused here leaves no trace.
 * @throws InvalidInput, Conflict for an agent that is not active
 */
export async function admit(
  agent: { readonly name: string; readonly status: string },
  manifest: AgentManifestDocument,
  request: StartRequest,
): Promise<Admitted> {
  if (agent.status !== 'active') {
    const message = `Agent '${agent.name}' is ${agent.status}; only an active agent can be executed.`
    throw new Conflict(message, message)
  }
  const { spec } = manifest
  const intent = request.intent?.trim() ? request.intent : null
  const overrides = readOverrides(request.context_overrides)
  const given = request.input === undefined || request.input === '' ? null : request.input
  if (given === null && intent === null) refuse('Input is null or empty')
  const input = withAttachments(given, request.attachments ?? [])
  if (spec.input_schema) validateInput(spec.input_schema, given)
  try {
    const plan = planOf(manifest)
    for (const name of plan.tools) {
      if (!findTool(name))
        refuse(`Agent requested tool '${name}' but it is not available in the current node configuration.`)
    }
    return {
      input,
      intent,
      prompt: await render(manifest, plan.instruction, intent, input, overrides),
      securityContext: contextOf(spec.security_context),
      env: environmentOfAgent(manifest),
    }
  } catch (error) {
    if (error instanceof NotExecutable) refuse(error.message)
    throw error
  }
}

/** Where an agent runs: its label `environment`, else production. */
export function environmentOfAgent({ metadata }: AgentManifestDocument): string {
  const label = metadata.labels?.environment
  return environments.find((env) => env === label) ?? 'production'
}

function refuse(message: string): never {
  throw new InvalidInput(message, message)
}

function readOverrides(value: unknown): Record<string, unknown> {
  if (value === undefined || value === null) return {}
  if (typeof value !== 'object' || Array.isArray(value)) refuse('Context overrides must be a JSON object')
  for (const key of reserved) {
    if (Object.hasOwn(value, key)) refuse(`Context override key '${key}' is reserved and cannot be overridden`)
  }
  return value as Record<string, unknown>
}

function withAttachments(input: unknown, attachments: readonly unknown[]): unknown {
  if (attachments.length === 0) return input
  return typeof input === 'object' && input !== null && !Array.isArray(input)
    ? { ...input, attachments }
    : { value: input, attachments }
}

function validateInput(schema: Record<string, unknown>, input: unknown): void {
  const ajv = new Ajv({ allErrors: true, strict: false })
  addFormats(ajv)
  let validate: ReturnType<typeof ajv.compile>
  try {
    validate = ajv.compile(schema)
  } catch (error) {
    refuse(`Agent input_schema is invalid: ${(error as Error).message}`)
  }
  if (validate(input)) return
  const problems = (validate.errors ?? []).map((error) => `${error.instancePath || 'input'} ${error.message}`)
  refuse(`Input validation failed: ${problems.join('; ')}`)
}

async function render(
  manifest: AgentManifestDocument,
  instruction: string,
  intent: string | null,
  input: unknown,
  overrides: Record<string, unknown>,
): Promise<string> {
  const context = contextText(manifest.spec.context ?? [])
  try {
    return await renderPrompt({
      template: manifest.spec.task?.prompt_template,
      instruction,
      intent,
      input,
      context,
      overrides,
    })
  } catch (error) {
    return refuse(`spec.task.prompt_template is broken: ${(error as Error).message}`)
  }
}

/** `spec.context` as one text; only what the manifest itself carries is taken in. */
function contextText(items: readonly ContextItem[]): string {
  const entries = items.map((item, index) => {
    if (item.type !== 'text')
      refuse(`spec.context[${index}]: context of the type '${item.type}' is not available on this server; use 'text'.`)
    return `# ${item.description ?? 'Context'}\n\n${item.content}\n\n---\n\n`
  })
  const text = entries.join('')
  if (Buffer.byteLength(text) > LARGEST_CONTEXT_BYTES) refuse('spec.context is larger than 10 MB.')
  return text
}

function contextOf(name: string | undefined): SecurityContext {
  const context = findContext(name ?? DEFAULT_CONTEXT)
  if (!context) refuse(`Unknown security context: '${name}'`)
  return context
}
