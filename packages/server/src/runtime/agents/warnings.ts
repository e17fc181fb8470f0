import type { AgentManifest } from '@lictor/aegis'
import { InvalidInput } from '../../errors.ts'
import { imageOf } from '../plan/image.ts'
import { InvalidHost, networkOf } from '../plan/network.ts'
import { type KnownTools, NotExecutable, planOf, requireTools } from '../plan/plan.ts'
import { isLeftOut } from '../plan/variables.ts'
import { scheduleProblem } from '../schedules/timing.ts'

/**
 * What whoever deploys a manifest should know, though it does not keep it from being deployed.
 * @param isolatesNetwork whether the sandbox of this server can keep an agent from the network; null: not known yet
 */
export function warningsOf(
  manifest: AgentManifest,
  tools: KnownTools,
  isolatesNetwork: boolean | null = null,
): string[] {
  return [
    ...manifest.warnings.map(({ path, message }) => (path ? `${path}: ${message}` : message)),
    ...imageWarnings(manifest),
    ...environmentWarnings(manifest),
    ...networkWarnings(manifest, isolatesNetwork),
    ...executionWarnings(manifest, tools),
  ]
}

function imageWarnings({ spec: { runtime } }: AgentManifest): string[] {
  const { isRequired, name } = imageOf(runtime)
  if (!isRequired || runtime.isolation === 'docker') return []
  return [
    `spec.runtime.image: '${name}' runs in containers alone; without isolation: docker, this server executes the agent only where LICTOR_SANDBOX is docker.`,
  ]
}

function environmentWarnings({ spec }: AgentManifest): string[] {
  return Object.entries(spec.env ?? {})
    .filter(([name, value]) => isLeftOut(name, value))
    .map(([name]) => `spec.env.${name}: agents are not given a variable of this name; it is left out.`)
}

/** Of an agent that every tenant sees. */
export function globalWarnings({ spec: { schedule } }: AgentManifest): string[] {
  if (schedule === undefined || schedule.type === 'manual' || schedule.enabled === false) return []
  return [
    'spec.schedule: an agent that every tenant sees belongs to none that it could be started for; nothing starts by it.',
  ]
}

/** @throws InvalidInput for a schedule that never comes, or is none */
export function requireTimely({ spec: { schedule } }: AgentManifest, now: number): void {
  const problem = scheduleProblem(schedule, now)
  if (problem !== null) throw new InvalidInput(`spec.schedule: ${problem}`, 'invalid_schedule')
}

function networkWarnings({ spec }: AgentManifest, isolatesNetwork: boolean | null): string[] {
  const { network } = spec.security ?? {}
  if (isolatesNetwork !== false || spec.runtime.isolation === 'docker' || network === undefined) return []
  try {
    if (!networkOf(network).isDemanded) return []
  } catch (error) {
    // What is wrong with it is told by itself.
    if (error instanceof InvalidHost) return []
    throw error
  }
  return [
    `spec.security.network: agents of this server run as plain processes, which cannot be kept from the network: it will refuse to execute this agent. Install bubblewrap, or write isolation: docker.`,
  ]
}

function executionWarnings(manifest: AgentManifest, tools: KnownTools): string[] {
  try {
    planOf(manifest)
    requireTools(manifest, tools)
    return []
  } catch (error) {
    if (error instanceof NotExecutable) return [`This server will refuse to execute this agent: ${error.message}`]
    throw error
  }
}

/** @throws InvalidInput for a manifest that names a tool or a language that there is not. */
export function requireKnown(manifest: AgentManifest, tools: KnownTools): void {
  try {
    planOf(manifest)
    requireTools(manifest, tools)
  } catch (error) {
    if (!(error instanceof NotExecutable)) throw error
    if (error.unknownAt)
      throw new InvalidInput([{ loc: ['body', ...error.unknownAt], msg: error.message }], error.message)
  }
}
