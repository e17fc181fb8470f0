import type { AgentManifestDocument } from '@lictor/aegis'
import { Conflict } from '../../errors.ts'
import { type Environment, environments } from '../../identity/keys.ts'
import type { TenantScope } from '../../identity/scope.ts'
import type { SecurityContexts } from '../contexts/contexts.ts'
import { DEFAULT_CONTEXT, type SecurityContext } from '../contexts/security-contexts.ts'
import { type KnownTools, NotExecutable, planOf, requireTools } from '../plan/plan.ts'
import { type ContextSources, contextOf } from './context.ts'
import { overridesOf, refuse, requireFits, type StartRequest, userInputOf, withAttachments } from './input.ts'
import { renderPrompt } from './prompt.ts'

/** What an execution is created with. */
export interface Admitted {
  readonly input: unknown
  readonly intent: string | null
  readonly prompt: string
  readonly securityContext: SecurityContext
  readonly env: Environment
}

/**
 * Whether an agent can be executed with this input, and the prompt that makes: its state, its security context, its input, its
 * tools, then what the prompt is made of. What is refused here leaves no trace.
 * @throws InvalidInput, Conflict for an agent that is not active
 */
export type Admit = (
  agent: { readonly name: string; readonly status: string; readonly manifest: AgentManifestDocument },
  request: StartRequest,
  scope: TenantScope,
) => Promise<Admitted>

export function createAdmit(deps: {
  tools: KnownTools
  sources: ContextSources
  contexts: Pick<SecurityContexts, 'find'>
}): Admit {
  const { tools, sources, contexts } = deps

  async function securityContextOf(scope: TenantScope, name: string | undefined): Promise<SecurityContext> {
    return (await contexts.find(scope, name ?? DEFAULT_CONTEXT)) ?? refuse(`Unknown security context: '${name}'`)
  }

  return async ({ name, status, manifest }, request, scope) => {
    if (status !== 'active') {
      const message = `Agent '${name}' is ${status}; only an active agent can be executed.`
      throw new Conflict(message, message)
    }
    const { spec } = manifest
    const securityContext = await securityContextOf(scope, spec.security_context)
    const intent = request.intent?.trim() ? request.intent : null
    const given = userInputOf(request, spec.task?.input_data)
    requireFits(spec.input_schema, given)
    const { instruction } = executable(() => {
      const plan = planOf(manifest)
      requireTools(manifest, tools)
      return plan
    })
    const overrides = overridesOf(request.context_overrides)
    const input = withAttachments(given, request.attachments ?? [])
    const context = await contextOf(spec.context ?? [], sources)
    const template = spec.task?.prompt_template
    const prompt = await renderPrompt({ template, instruction, intent, input, context, overrides }).catch(
      (error: unknown) => refuse(`spec.task.prompt_template is broken: ${(error as Error).message}`),
    )
    return { input, intent, prompt, securityContext, env: environmentOfAgent(manifest) }
  }
}

function executable<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof NotExecutable) refuse(error.message)
    throw error
  }
}

/** Where an agent runs: its label `environment`, else production. */
export function environmentOfAgent({ metadata }: AgentManifestDocument): Environment {
  const label = metadata.labels?.environment
  return environments.find((env) => env === label) ?? 'production'
}
