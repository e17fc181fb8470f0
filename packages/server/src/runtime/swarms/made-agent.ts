import { AgentManifest, type AgentManifestDocument, ManifestError } from '@lictor/aegis'
import type { MadeAgent } from '../children/children.ts'
import { type ExecutionPlan, NotExecutable, planOf } from '../plan/plan.ts'
import { ToolFailed } from '../tools/tool.ts'

/**
 * The fields that a manifest may have which an agent writes. Whatever else reaches beyond the agent that wrote it — volumes, secrets,
 * images, webhooks, a clock — takes somebody who may deploy agents.
 */
const fields: Readonly<Record<string, readonly string[]>> = {
  metadata: ['name', 'version', 'description', 'tags', 'labels', 'annotations'],
  spec: [...['runtime', 'task', 'execution', 'security', 'security_context', 'tools', 'advanced', 'input_schema']],
  'spec.runtime': ['language', 'version', 'model', 'temperature', 'isolation'],
  'spec.task': ['instruction', 'prompt_template', 'input_data'],
  'spec.advanced': ['swarm_enabled'],
}

/** Numbers of a plan that are no larger than those of the agent that wrote it, by the fields that they come from. */
const bounded = [
  ['spec.security.resources.cpu', 'cpu'],
  ['spec.security.resources.memory', 'memory'],
  ['spec.security.resources.disk', 'disk'],
  ['spec.security.resources.timeout', 'limit'],
  ['metadata.annotations.lictor.dev/max-questions', 'maxQuestions'],
] as const satisfies readonly (readonly [string, keyof ExecutionPlan])[]

const refuse = (message: string): never => {
  throw new ToolFailed(message, 422)
}

/**
 * An agent of another's making, from the manifest that it wrote: deployed nowhere, and within what its maker may.
 * @param canonical the name of a tool, of any of its names
 * @throws ToolFailed naming the field that is wrong, or reaches further than the maker's
 */
export function madeAgentOf(
  text: string,
  maker: AgentManifestDocument,
  { id, canonical }: { readonly id: string; readonly canonical: (tool: string) => string },
): MadeAgent {
  const written = read(text)
  requireFields(written)
  if (written.metadata.labels?.role === 'judge')
    refuse('metadata.labels.role: an agent that another writes is no judge; judges are deployed.')
  const manifest = within(written, maker)
  const [own, makers] = [planned(manifest), planOf(maker)]
  for (const [field, name] of bounded)
    if (own[name] > makers[name])
      refuse(`${field}: ${own[name]} is more than the ${makers[name]} of the agent that begins it.`)
  const allowed = new Set(makers.tools.map(canonical))
  const foreign = own.tools.find((name) => !allowed.has(canonical(name)))
  if (foreign !== undefined) refuse(`spec.tools: '${foreign}' is none of the tools of the agent that begins it.`)
  return { id, name: manifest.metadata.name, version: manifest.metadata.version, status: 'active', manifest }
}

function read(text: string): AgentManifestDocument {
  try {
    return AgentManifest.parse(text).toJSON()
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error
    return refuse(`manifest_yaml: ${error.message}`)
  }
}

function planned(manifest: AgentManifestDocument): ExecutionPlan {
  try {
    return planOf(manifest)
  } catch (error) {
    if (!(error instanceof NotExecutable)) throw error
    return refuse(error.message)
  }
}

function requireFields(manifest: AgentManifestDocument): void {
  for (const [path, known] of Object.entries(fields)) {
    const value = path.split('.').reduce<unknown>((of, key) => (of as Record<string, unknown>)?.[key], manifest)
    const unknown = Object.entries(value ?? {}).find(([key, set]) => set !== undefined && !known.includes(key))
    if (unknown)
      refuse(`${path}.${unknown[0]}: an agent that another writes cannot have it; whoever may deploy agents can.`)
  }
}

/** With what its maker is kept from, and in the same kind of sandbox. */
function within(own: AgentManifestDocument, maker: AgentManifestDocument): AgentManifestDocument {
  const [mine, makers] = [own.spec.security ?? {}, maker.spec.security ?? {}]
  const isolation = maker.spec.runtime.isolation ?? 'inherit'
  if ((own.spec.runtime.isolation ?? isolation) !== isolation)
    refuse(`spec.runtime.isolation: it is '${isolation}' for the agent that begins it; leave it out.`)
  const network = networkWithin(mine.network, makers.network)
  return {
    ...own,
    spec: {
      ...own.spec,
      runtime: { ...own.spec.runtime, isolation },
      security: {
        ...mine,
        ...(network ? { network } : {}),
        resources: { ...makers.resources, ...mine.resources },
      },
    },
  }
}

type Network = NonNullable<NonNullable<AgentManifestDocument['spec']['security']>['network']>

/** Hosts that the maker reaches as well; what the maker is denied stays denied. */
function networkWithin(own: Network | undefined, maker: Network = {}): Network | undefined {
  if (own === undefined || own.mode === 'none') return own
  const isOpen = maker.mode === 'deny'
  if (own.mode === 'deny' && !isOpen)
    refuse(
      "spec.security.network.mode: 'deny' reaches more hosts than the agent that begins it; name hosts in allowlist.",
    )
  const reached = maker.mode === 'none' ? [] : (maker.allowlist ?? []).map(plain)
  const beyond = (own.allowlist ?? []).find(
    (host) => !isOpen && !reached.includes('*') && !reached.includes(plain(host)),
  )
  if (own.mode !== 'deny' && beyond !== undefined)
    refuse(
      `spec.security.network.allowlist: '${beyond}' stands in no allowlist of the agent that begins it; write it as it stands there.`,
    )
  return { ...own, denylist: [...new Set([...(own.denylist ?? []), ...(maker.denylist ?? [])])] }
}

const plain = (host: string): string => host.trim().toLowerCase()
