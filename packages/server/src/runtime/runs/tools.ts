import { WorkflowManifest, WorkflowManifestError } from '@lictor/aegis'
import { toWireTime, toWireTimeOrNull } from '../../storage/instants.ts'
import type { Agents } from '../agents/agents.ts'
import { stateOutputs } from '../interpreter/interpreter.ts'
import { content, flag, json, number, oneOf, optional, page, pageOf, text, whole } from '../management/arguments.ts'
import { overlap } from '../management/search.ts'
import type { Tasks } from '../management/tasks.ts'
import { BadArguments, builtin, type Tool, ToolFailed, type ToolRun } from '../tools/tool.ts'
import type { Workflow } from '../workflows/workflow.ts'
import type { Workflows } from '../workflows/workflows.ts'
import { givenBy } from './given.ts'
import type { RunRecord, RunSummary } from './run-record.ts'
import type { Runs } from './runs.ts'

/** The agent that writes workflows for others. */
const CREATOR = 'workflow-creator-agent'
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

const manifest = { manifest_yaml: content('The manifest, as YAML or JSON.') }
const force = optional(flag('Replace the version that is registered (false).'))
const name = text('Name of the workflow.')
const execution = { execution_id: text('Id of the run, as it was told when it began.') }
const own = { ...builtin, category: 'workflow_management' } as const
const read = { tags: ['read-only'], sideEffect: 'read', isIdempotent: true } as const

/** Workflows and their runs, by the rules of the HTTP routes and with the rights of whoever calls. */
export function workflowTools(deps: {
  workflows: () => Workflows
  runs: () => Runs
  agents: () => Agents
  tasks: Pick<Tasks, 'start' | 'waitFor'>
}): Tool[] {
  const { tasks } = deps
  const workflows = () => deps.workflows()
  const runs = () => deps.runs()
  const callerOf = ({ caller }: ToolRun) => caller.principal
  const find = (run: ToolRun): Promise<RunRecord> => runs().get(callerOf(run), idOf(run.args.execution_id))

  return [
    {
      ...own,
      ...read,
      name: 'aegis.workflow.list',
      description: 'List the workflows that are registered here.',
      requires: 'workflow:list',
      arguments: {
        scope: optional(oneOf('Those that every tenant sees, or these and the own ones.', ['global', 'visible'])),
      },
      run: async (run) => {
        const of = run.args.scope === 'global' || run.args.scope === 'visible' ? run.args.scope : 'tenant'
        const found = await workflows().list(callerOf(run), { of, limit: null })
        return { workflows: found.map(shown), count: found.length }
      },
    },
    {
      ...own,
      ...read,
      name: 'aegis.workflow.validate',
      description: 'Say what is wrong with the manifest of a workflow, without registering it.',
      requires: 'workflow:validate',
      arguments: manifest,
      run: async (run) => {
        const { reason, problems, warnings, ...named } = await workflows().validate(
          callerOf(run),
          String(run.args.manifest_yaml),
        )
        return { ...named, valid: reason === null, error: reason, errors: problems, warnings }
      },
    },
    {
      ...own,
      name: 'aegis.workflow.create',
      description: 'Register a workflow from a manifest. Ways by a score must lead on for every score.',
      sideEffect: 'write',
      isIdempotent: false,
      requires: 'workflow:deploy',
      arguments: { ...manifest, force },
      run: async (run) => {
        const sent = String(run.args.manifest_yaml)
        requireWholeScores(readManifest(sent))
        const { workflow, warnings } = await workflows().register(callerOf(run), sent, {
          force: run.args.force === true,
          scope: 'tenant',
        })
        return { ...shown(workflow), status: 'registered', warnings }
      },
    },
    {
      ...own,
      name: 'aegis.workflow.update',
      description: 'Register another version of a workflow that there is.',
      sideEffect: 'write',
      isIdempotent: false,
      requires: 'workflow:deploy',
      arguments: { ...manifest, force },
      run: async (run) => {
        const sent = String(run.args.manifest_yaml)
        const before = await workflows().get(run.caller, readManifest(sent).metadata.name)
        const { workflow, warnings } = await workflows().register(callerOf(run), sent, {
          force: run.args.force === true,
          scope: before.scope,
        })
        return { ...shown(workflow), status: 'updated', previous_version: before.version, warnings }
      },
    },
    {
      ...own,
      ...read,
      name: 'aegis.workflow.export',
      description: 'The manifest of a workflow, as it was registered.',
      requires: 'workflow:read',
      arguments: { name },
      run: async (run) => {
        const workflow = await workflows().get(run.caller, String(run.args.name))
        return { ...shown(workflow), manifest_yaml: workflow.manifestYaml }
      },
    },
    {
      ...own,
      name: 'aegis.workflow.delete',
      description: 'Remove a workflow. Its runs go on, and stay readable.',
      tags: ['destructive'],
      sideEffect: 'irreversible',
      isIdempotent: false,
      isSubjectToJudges: true,
      requires: 'workflow:delete',
      isForOperators: true,
      arguments: { name },
      run: async (run) => {
        const { id, name: deleted } = await workflows().delete(callerOf(run), String(run.args.name))
        return { workflow_id: id, name: deleted, status: 'deleted' }
      },
    },
    {
      ...own,
      name: 'aegis.workflow.run',
      description: 'Start a workflow. Answers when it has begun, not when it has ended.',
      sideEffect: 'irreversible',
      isIdempotent: false,
      isSubjectToJudges: true,
      requires: 'workflow:run',
      arguments: {
        name: text('Name or id of the workflow.'),
        intent: optional({ is: 'content', schema: { type: 'string', description: 'What it is to do, in words.' } }),
        input: optional(json('What it is given.')),
        blackboard: optional(json('Entries that its templates find beside that, as an object.')),
        version: optional(text('The version that is to run; otherwise the newest.')),
      },
      run: async (run) => {
        const { name: named, version = null, ...body } = run.args
        const begun = await runs().start(callerOf(run), String(named), givenBy(body, false), {
          version: version === null ? null : String(version),
          once: null,
          by: run.caller.executionId,
        })
        return {
          execution_id: begun.id,
          workflow_id: begun.workflowId,
          workflow_name: begun.workflowName,
          status: 'started',
        }
      },
    },
    {
      ...own,
      name: 'aegis.workflow.generate',
      description: `Have the agent '${CREATOR}' write a workflow for a task.`,
      sideEffect: 'write',
      isIdempotent: false,
      isSubjectToJudges: true,
      requires: 'workflow:deploy',
      arguments: { input: json('What the workflow is to do.') },
      run: async (run) => {
        const creator = await deps
          .agents()
          .lookup(run.caller, CREATOR)
          .catch(() => {
            throw new ToolFailed(`There is no agent '${CREATOR}' here; deploy one that writes workflows.`, 404)
          })
        return tasks.start(run, creator, { input: run.args.input })
      },
    },
    {
      ...own,
      ...read,
      name: 'aegis.workflow.logs',
      description: 'What happened in a run, oldest first.',
      requires: 'workflow:read',
      arguments: { ...execution, ...page },
      run: async (run) => {
        const found = await find(run)
        const { limit, offset } = pageOf(run.args)
        const { entries, hasMore } = await runs().logs(callerOf(run), found.id, { limit, offset })
        return {
          ...toldOf(summaryOf(found)),
          logs: entries.map(({ data }) => JSON.parse(data)),
          offset,
          has_more: hasMore,
        }
      },
    },
    {
      ...own,
      ...read,
      name: 'aegis.workflow.wait',
      description: 'Wait until a run has ended.',
      requires: 'workflow:read',
      arguments: {
        ...execution,
        poll_interval_seconds: optional(number('How often to look, in seconds (5).', { minimum: 1, maximum: 300 })),
        timeout_seconds: optional(
          number('How long to wait at most, in seconds (300).', { minimum: 1, maximum: 86_400 }),
        ),
      },
      run: async (run) => {
        const { timeout_seconds = 300, poll_interval_seconds = 5 } = run.args
        const { id } = await find(run)
        const found = await tasks.waitFor(run, {
          id,
          look: () => find(run),
          isOver: ({ state }) => state.status !== 'running',
          timeoutSeconds: Number(timeout_seconds),
          pollSeconds: Number(poll_interval_seconds),
        })
        if (found.state.status !== 'running') return { ...detailOf(found), timed_out: false }
        return {
          ...toldOf(summaryOf(found)),
          timed_out: true,
          message: `It has not ended within ${timeout_seconds} seconds.`,
        }
      },
    },
    {
      ...own,
      ...read,
      name: 'aegis.workflow.status',
      description: 'How far a run is.',
      requires: 'workflow:read',
      arguments: execution,
      run: async (run) => toldOf(summaryOf(await find(run))),
    },
    {
      ...own,
      name: 'aegis.workflow.cancel',
      description: 'End a run, and what it does. One that has ended stays as it is.',
      tags: ['destructive'],
      sideEffect: 'irreversible',
      isIdempotent: true,
      requires: 'workflow:cancel',
      arguments: execution,
      run: async (run) => {
        const { id } = await find(run)
        await runs().cancel(callerOf(run), id, null)
        return toldOf(summaryOf(await find(run)))
      },
    },
    {
      ...own,
      name: 'aegis.workflow.remove',
      description: 'Remove a run that has ended, with its logs.',
      tags: ['destructive'],
      sideEffect: 'irreversible',
      isIdempotent: false,
      requires: 'workflow:cancel',
      isForOperators: true,
      arguments: execution,
      run: async (run) => {
        const { id } = await find(run)
        await runs().remove(callerOf(run), id)
        return { execution_id: id, status: 'removed' }
      },
    },
    {
      ...own,
      name: 'aegis.workflow.signal',
      description: 'Answer the Human state of a run that is under way, or the next one.',
      sideEffect: 'irreversible',
      isIdempotent: false,
      requires: 'workflow:signal',
      arguments: { ...execution, response: content('The answer.') },
      run: async (run) => {
        const { id } = await find(run)
        const response = String(run.args.response)
        if (response === '') throw new BadArguments('response must not be empty.')
        await runs().signal(callerOf(run), id, { response, feedback: '', name: null, payload: null })
        return { execution_id: id, status: 'signal_sent' }
      },
    },
    {
      ...own,
      ...read,
      name: 'aegis.workflow.executions.list',
      description: 'List the runs of workflows, newest first.',
      requires: 'workflow:list',
      arguments: { workflow_id: optional(text('Id or name of a workflow.')), ...page },
      run: async (run) => {
        const { workflow_id: given } = run.args
        const named = given === undefined ? null : String(given)
        const isId = named !== null && uuid.test(named)
        const found = await runs().list(callerOf(run), {
          workflowId: isId ? named.toLowerCase() : null,
          workflowName: isId ? null : named,
          status: null,
          ...pageOf(run.args, 20),
        })
        return { executions: found.map(toldOf), count: found.length }
      },
    },
    {
      ...own,
      ...read,
      name: 'aegis.workflow.executions.get',
      description: 'One run, with what its states have left.',
      requires: 'workflow:read',
      arguments: execution,
      run: async (run) => detailOf(await find(run)),
    },
    {
      ...own,
      ...read,
      name: 'aegis.workflow.search',
      description: 'Find workflows by what they do.',
      requires: 'workflow:list',
      arguments: {
        query: text('What is looked for, in words.'),
        limit: optional(whole('How many at most (10).', { minimum: 1, maximum: 100 })),
        min_score: optional(number('The least likeness, from 0 to 1 (0.3).', { minimum: 0, maximum: 1 })),
        labels: optional({
          is: 'setting',
          schema: { type: 'object', additionalProperties: { type: 'string' }, description: 'Labels it must have.' },
        }),
        include_platform_templates: optional(flag('Whether workflows of every tenant are among them (true).')),
      },
      run: async (run) => {
        const { query, limit = 10, min_score = 0.3, labels = {}, include_platform_templates } = run.args
        const of = include_platform_templates === false ? 'tenant' : 'visible'
        const found = (await workflows().list(callerOf(run), { of, limit: null }))
          .filter((one) => hasLabels(one, labels as Record<string, string>))
          .map((one) => ({ ...shown(one), score: overlap(String(query), spokenOf(one)) }))
          .filter(({ score }) => score >= Number(min_score))
          .sort((a, b) => b.score - a.score || (a.name < b.name ? -1 : 1))
          .slice(0, Number(limit))
        return { workflows: found, count: found.length }
      },
    },
    ...(['promote', 'demote'] as const).map(
      (change): Tool => ({
        ...own,
        name: `aegis.workflow.${change}`,
        description:
          change === 'promote' ? 'Let every tenant see a workflow.' : 'Let only its own tenant see a workflow again.',
        sideEffect: 'irreversible',
        isIdempotent: false,
        isSubjectToJudges: true,
        requires: 'workflow:deploy',
        arguments: { name, target_scope: optional(oneOf('Where it goes.', ['global', 'tenant'])) },
        run: async (run) => {
          const { name: named, target_scope: target = change === 'promote' ? 'global' : 'tenant' } = run.args
          const { before, workflow } = await workflows().setScope(callerOf(run), String(named), String(target))
          return { ...shown(workflow), previous_scope: before.scope, new_scope: workflow.scope }
        },
      }),
    ),
  ]
}

function idOf(id: unknown): string {
  if (typeof id === 'string' && uuid.test(id)) return id.toLowerCase()
  throw new BadArguments(`execution_id '${String(id)}' is no id of a run; such an id is a UUID.`)
}

const shown = (workflow: Workflow) => ({
  id: workflow.id,
  workflow_id: workflow.id,
  name: workflow.name,
  version: workflow.version,
  description: workflow.manifest.metadata.description ?? '',
  scope: workflow.scope,
  labels: workflow.manifest.metadata.labels ?? {},
  updated_at: toWireTime(workflow.updatedAt),
})

const summaryOf = (run: RunRecord): RunSummary => ({
  ...run,
  status: run.state.status,
  current: run.state.current,
  reason: run.state.reason,
})

const toldOf = (run: RunSummary) => ({
  execution_id: run.id,
  workflow_id: run.workflowId,
  workflow_name: run.workflowName,
  status: run.status,
  current_state: run.current,
  error: run.reason,
  started_at: toWireTime(run.startedAt),
  ended_at: toWireTimeOrNull(run.endedAt),
})

const detailOf = (run: RunRecord) => ({
  ...toldOf(summaryOf(run)),
  state_outputs: stateOutputs(run.definition, run.state),
  final_output: run.state.finalOutput ?? null,
})

/** What of a workflow is compared with what is looked for. */
function spokenOf({ name: named, manifest: { metadata, spec } }: Workflow): string {
  const { description = '', labels = {} } = metadata
  return [named, description, ...Object.entries(labels).flat(), ...Object.keys(spec.states)].join(' ')
}

const hasLabels = (workflow: Workflow, labels: Readonly<Record<string, string>>): boolean =>
  Object.entries(labels).every(([key, value]) => workflow.manifest.metadata.labels?.[key] === value)

function readManifest(sent: string): WorkflowManifest {
  try {
    return WorkflowManifest.parse(sent)
  } catch (error) {
    if (error instanceof WorkflowManifestError) throw new BadArguments(error.message)
    throw error
  }
}

/** A state that leads on by a score leads on for every score. @throws BadArguments naming the state */
function requireWholeScores(parsed: WorkflowManifest): void {
  for (const [state, { transitions }] of Object.entries(parsed.toJSON().spec.states)) {
    const found = new Set(transitions.map(({ condition = 'always' }) => condition))
    const isScored = [...found].some((condition) => condition.startsWith('score_'))
    if (!isScored) continue
    if (found.has('on_success'))
      throw new BadArguments(
        `State '${state}' leads on both by on_success and by a score: which of them holds would depend on their order alone. Keep the scores.`,
      )
    if (!found.has('score_below') && !found.has('always'))
      throw new BadArguments(
        `State '${state}' leads on by a score, and nowhere below it. Give it a transition with score_below, or one that always holds.`,
      )
  }
}
