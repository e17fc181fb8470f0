import type { ContainerStep, WorkflowManifestDocument, WorkflowState } from '@lictor/aegis'
import { preValidatorOf } from '../interpreter/pre-validator.ts'
import { outputHandlerIn } from '../interpreter/refine.ts'
import { referenceIn, schemeOf } from '../references/reference.ts'
import { declaredMounts, declaredVolumes } from '../run-volumes/declared.ts'

/**
 * Why this server does not run a workflow, in a sentence that names the state; null for one that it runs. Told when a run is
 * started, so that none ends in the middle over something that was known before.
 */
export function unsupportedIn({ spec }: WorkflowManifestDocument): string | null {
  const storage = refusal(() => declaredVolumes(spec))
  if (storage !== null) return storage
  for (const [name, state] of Object.entries(spec.states)) {
    const problem = handlerProblem(state) ?? problemOf(state) ?? refusal(() => declaredMounts(spec, state))
    if (problem !== null) return `State '${name}': ${problem}`
  }
  return null
}

function problemOf(state: WorkflowState): string | null {
  switch (state.kind) {
    case 'Agent':
      return agentProblem(state)
    case 'ContainerRun':
      return containerProblem(state)
    case 'ParallelContainerRun':
      return state.steps.map(containerProblem).find((problem) => problem !== null) ?? null
    default:
      return null
  }
}

function containerProblem(step: ContainerStep): string | null {
  const of = step.name === undefined || step.name === '' ? 'its container' : `the container '${step.name}'`
  if (step.registry_credentials !== undefined)
    return `${of} has registry_credentials, which this server does not read: whoever runs it sets LICTOR_REGISTRY_LOGINS. Leave it out.`
  if (step.network_mode !== undefined && step.network_mode !== 'none')
    return `${of} has the network_mode '${step.network_mode}', and containers of workflows have no network here. Write none, or leave it out.`
  return null
}

function agentProblem(state: Extract<WorkflowState, { kind: 'Agent' }>): string | null {
  if (state.isolation !== undefined && state.isolation !== 'inherit')
    return `it asks for isolation '${state.isolation}', which this server leaves to the agent's own manifest. Write inherit, or leave it out.`
  return refusal(() => preValidatorOf(state.pre_execution_validator))
}

function refusal(judge: () => unknown): string | null {
  try {
    judge()
    return null
  } catch (error) {
    return (error as Error).message
  }
}

function handlerProblem(state: WorkflowState): string | null {
  try {
    const handler = outputHandlerIn(state)
    if (handler?.type !== 'webhook') return null
    const referring = Object.entries(handler.headers).find(([, value]) => referenceIn(schemeOf(value).named) !== null)
    return referring === undefined
      ? null
      : `output_handler.headers.${referring[0]} refers to a secret, which this server hands to agents alone. Let an agent with an output handler of its own do it.`
  } catch (error) {
    return (error as Error).message.replace(/^spec\./, '')
  }
}
