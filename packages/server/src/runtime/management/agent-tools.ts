import { AgentManifest, ManifestError } from '@lictor/aegis'
import { toWireTime } from '../../storage/instants.ts'
import { type Agent, type AgentFilter, settableStatuses } from '../agents/agent.ts'
import type { Agents } from '../agents/agents.ts'
import { BadArguments, builtin, type Tool, ToolFailed, type ToolRun } from '../tools/tool.ts'
import type { RuntimeCaller } from '../visibility.ts'
import { content, flag, json, list, number, oneOf, optional, page, pageOf, text, whole } from './arguments.ts'
import { overlap } from './search.ts'
import type { Tasks } from './tasks.ts'

/** The agent that writes manifests for others. */
const CREATOR = 'agent-creator-agent'

const manifest = { manifest_yaml: content('The manifest, as YAML or JSON.') }
const force = optional(flag('Replace the version that is deployed (false).'))
const agentId = text('Id of the agent.')
const own = { ...builtin, category: 'agent_management' } as const

/** Agents, by the rules of the HTTP routes and with the rights of whoever calls. */
export function agentTools(deps: { agents: () => Agents; tasks: Tasks }): Tool[] {
  const { tasks } = deps
  const agents = () => deps.agents()
  const callerOf = ({ caller }: ToolRun): RuntimeCaller => caller.principal

  return [
    {
      ...own,
      name: 'aegis.agent.list',
      description: 'List the agents that can be seen here.',
      tags: ['read-only'],
      sideEffect: 'read',
      isIdempotent: true,
      requires: 'agent:list',
      arguments: {},
      run: async (run) => {
        const found = await agents().list(callerOf(run), everything)
        return { agents: found.map(shown), count: found.length }
      },
    },
    {
      ...own,
      name: 'aegis.agent.create',
      description: 'Deploy an agent from a manifest.',
      sideEffect: 'write',
      isIdempotent: false,
      requires: 'agent:deploy',
      arguments: { ...manifest, force },
      run: async (run) => {
        const { agent, warnings } = await agents().deploy(callerOf(run), String(run.args.manifest_yaml), {
          force: run.args.force === true,
          scope: 'tenant',
        })
        return { ...shown(agent), status: 'deployed', warnings }
      },
    },
    {
      ...own,
      name: 'aegis.agent.update',
      description: 'Deploy another version of an agent that there is.',
      sideEffect: 'write',
      isIdempotent: false,
      requires: 'agent:deploy',
      arguments: { ...manifest, force },
      run: async (run) => {
        const sent = String(run.args.manifest_yaml)
        const { name } = readManifest(sent).metadata
        const before = await agents().lookup(run.caller, name)
        const { agent, warnings } = await agents().deploy(callerOf(run), sent, {
          force: run.args.force === true,
          scope: before.scope,
        })
        return { ...shown(agent), status: 'updated', previous_version: before.version, warnings }
      },
    },
    {
      ...own,
      name: 'aegis.agent.export',
      description: 'The manifest of an agent, as it was deployed.',
      tags: ['read-only'],
      sideEffect: 'read',
      isIdempotent: true,
      requires: 'agent:read',
      arguments: { name: text('Name of the agent.') },
      run: async (run) => {
        const agent = await agents().lookup(run.caller, String(run.args.name))
        return { ...shown(agent), manifest_yaml: agent.manifestYaml }
      },
    },
    {
      ...own,
      name: 'aegis.agent.delete',
      description: 'Remove an agent. Its executions stay readable.',
      tags: ['destructive'],
      sideEffect: 'irreversible',
      isIdempotent: false,
      requires: 'agent:delete',
      isForOperators: true,
      arguments: { agent_id: agentId },
      run: async (run) => {
        const agent = await tasks.agentOf(run.caller, String(run.args.agent_id))
        await agents().delete(callerOf(run), agent.id)
        return { agent_id: agent.id, name: agent.name, status: 'deleted' }
      },
    },
    {
      ...own,
      name: 'aegis.agent.generate',
      description: `Have the agent '${CREATOR}' write an agent for a task.`,
      sideEffect: 'write',
      isIdempotent: false,
      isSubjectToJudges: true,
      requires: 'agent:generate',
      arguments: { input: json('What the agent is to do.'), attachments: optional(list('Files that belong to it.')) },
      run: async (run) => {
        const { input, attachments } = run.args
        const creator = await agents()
          .lookup(run.caller, CREATOR)
          .catch(() => {
            throw new ToolFailed(`There is no agent '${CREATOR}' here; deploy one that writes manifests.`, 404)
          })
        return tasks.start(run, creator, { input, attachments: attachments as readonly unknown[] | undefined })
      },
    },
    {
      ...own,
      name: 'aegis.agent.logs',
      description: 'What happened in the newest executions of an agent, oldest first.',
      tags: ['read-only'],
      sideEffect: 'read',
      isIdempotent: true,
      requires: 'agent:logs',
      arguments: { agent_id: agentId, ...page },
      run: async (run) => {
        const agent = await tasks.agentOf(run.caller, String(run.args.agent_id))
        return tasks.agentLogs(run.caller, agent, pageOf(run.args))
      },
    },
    {
      ...own,
      name: 'aegis.agent.wait',
      description: 'Wait until an execution has ended.',
      tags: ['read-only'],
      sideEffect: 'read',
      isIdempotent: true,
      requires: 'execution:read',
      arguments: waitArguments,
      run: (run) => tasks.wait(run),
    },
    {
      ...own,
      name: 'aegis.agent.search',
      description: 'Find agents by what they do.',
      tags: ['read-only'],
      sideEffect: 'read',
      isIdempotent: true,
      requires: 'agent:list',
      arguments: {
        query: text('What is looked for, in words.'),
        limit: optional(whole('How many at most (10).', { minimum: 1, maximum: 100 })),
        min_score: optional(number('The least likeness, from 0 to 1 (0.3).', { minimum: 0, maximum: 1 })),
        labels: optional({
          is: 'setting',
          schema: { type: 'object', additionalProperties: { type: 'string' }, description: 'Labels it must have.' },
        }),
        status: optional(oneOf('Its status.', [...settableStatuses, 'failed'])),
        include_platform_templates: optional(flag('Whether agents of every tenant are among them (true).')),
      },
      run: async (run) => {
        const { query, limit = 10, min_score = 0.3, labels = {}, status, include_platform_templates } = run.args
        const found = (await agents().list(callerOf(run), everything))
          .filter((agent) => status === undefined || agent.status === status)
          .filter((agent) => include_platform_templates !== false || agent.scope !== 'global')
          .filter((agent) => hasLabels(agent, labels as Record<string, string>))
          .map((agent) => ({ ...shown(agent), score: overlap(String(query), spokenOf(agent)) }))
          .filter(({ score }) => score >= Number(min_score))
          .sort((a, b) => b.score - a.score || (a.name < b.name ? -1 : 1))
          .slice(0, Number(limit))
        return { agents: found, count: found.length }
      },
    },
  ]
}

export const waitArguments = {
  execution_id: text('Id of the execution.'),
  poll_interval_seconds: optional(number('How often to look, in seconds (10).', { minimum: 1, maximum: 300 })),
  timeout_seconds: optional(number('How long to wait at most, in seconds (300).', { minimum: 1, maximum: 86_400 })),
}

const everything: AgentFilter = { scope: null, type: null, includesGlobal: true, limit: null }

export const shown = (agent: Agent) => ({
  id: agent.id,
  agent_id: agent.id,
  name: agent.name,
  version: agent.version,
  description: agent.manifest.metadata.description ?? '',
  scope: agent.scope,
  status: agent.status,
  labels: agent.manifest.metadata.labels ?? {},
  updated_at: toWireTime(agent.updatedAt),
})

/** What of an agent is compared with what is looked for. */
function spokenOf({ name, manifest: { metadata, spec } }: Agent): string {
  const { description = '', labels = {}, tags = [] } = metadata
  return [name, description, ...tags, ...Object.entries(labels).flat(), spec.task?.instruction ?? ''].join(' ')
}

const hasLabels = (agent: Agent, labels: Readonly<Record<string, string>>): boolean =>
  Object.entries(labels).every(([name, value]) => agent.manifest.metadata.labels?.[name] === value)

function readManifest(sent: string): AgentManifest {
  try {
    return AgentManifest.parse(sent)
  } catch (error) {
    if (error instanceof ManifestError) throw new BadArguments(error.message)
    throw error
  }
}
