import { toWireTime, toWireTimeOrNull } from '../../storage/instants.ts'
import { json, list, number, oneOf, optional, text, whole } from '../management/arguments.ts'
import type { Tasks } from '../management/tasks.ts'
import { BadArguments, builtin, type Tool } from '../tools/tool.ts'
import type { Intents, PipelineView } from './intents.ts'
import { images, type Language, LONGEST_SECONDS, type Pipeline } from './pipeline.ts'

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
/** They travel in one variable of a process. */
const MOST_INPUT_BYTES = 96 * 1024
const MOST_INTENT = 16_384

const own = { ...builtin, category: 'task_management' } as const
const read = { tags: ['read-only'], sideEffect: 'read', isIdempotent: true } as const
const pipeline = { pipeline_execution_id: text('Id of the pipeline, as it was told when it began.') }

/** Tasks in words, with the rights of whoever calls. */
export function intentTools(deps: { intents: () => Intents; tasks: Pick<Tasks, 'waitFor'> }): Tool[] {
  const { tasks } = deps
  const intents = () => deps.intents()
  return [
    {
      ...own,
      name: 'aegis.execute.intent',
      description:
        'Have code written for a task, checked, and run in a container without a network. Answers when it has begun, not when it has ended.',
      sideEffect: 'irreversible',
      isIdempotent: false,
      isSubjectToJudges: true,
      requires: 'workflow:run',
      arguments: {
        intent: {
          is: 'content',
          schema: {
            type: 'string',
            minLength: 1,
            maxLength: MOST_INTENT,
            description: 'What is to be done, in words.',
          },
        },
        inputs: optional(json('What the code is given, as JSON in the variable INTENT_INPUTS.')),
        volume_id: optional(text('A volume to work on. Not available: workflows mount no volumes here.')),
        language: optional(oneOf('What the code is written in (python).', Object.keys(images))),
        timeout_seconds: optional(
          whole(`How long the code may run, in seconds (${LONGEST_SECONDS}).`, {
            minimum: 1,
            maximum: LONGEST_SECONDS,
          }),
        ),
        attachments: optional(list('Files that belong to it. Not available: workflows are given no files here.')),
      },
      run: async ({ caller, args }) => {
        const {
          inputs = {},
          volume_id,
          language = 'python',
          timeout_seconds = LONGEST_SECONDS,
          attachments = [],
        } = args
        const intent = String(args.intent)
        if (intent.trim() === '') throw new BadArguments('intent must say what is to be done.')
        if (volume_id !== undefined)
          throw new BadArguments('volume_id: workflows mount no volumes here. Leave it out, and give data in inputs.')
        const bytes = Buffer.byteLength(JSON.stringify(inputs))
        if (bytes > MOST_INPUT_BYTES)
          throw new BadArguments(`inputs may have at most ${MOST_INPUT_BYTES} bytes as JSON, and these have ${bytes}.`)
        const begun = await intents().start(
          caller.principal,
          {
            intent,
            inputs,
            language: language as Language,
            timeoutSeconds: Number(timeout_seconds),
            attachments: attachments as readonly unknown[],
          },
          caller.executionId,
        )
        return { ...named(begun), status: 'started' }
      },
    },
    {
      ...own,
      ...read,
      name: 'aegis.execute.status',
      description: 'How far a task in words is, and what it came to.',
      requires: 'workflow:read',
      arguments: pipeline,
      run: async ({ caller, args }) => shown(await intents().get(caller.principal, idOf(args.pipeline_execution_id))),
    },
    {
      ...own,
      ...read,
      name: 'aegis.execute.wait',
      description: 'Wait until a task in words has ended.',
      requires: 'workflow:read',
      arguments: {
        ...pipeline,
        poll_interval_seconds: optional(number('How often to look, in seconds (5).', { minimum: 1, maximum: 300 })),
        timeout_seconds: optional(
          number('How long to wait at most, in seconds (300).', { minimum: 1, maximum: 86_400 }),
        ),
      },
      run: async (run) => {
        const { timeout_seconds = 300, poll_interval_seconds = 5 } = run.args
        const look = () => intents().get(run.caller.principal, idOf(run.args.pipeline_execution_id))
        const { runId } = await look()
        const found = await tasks.waitFor<PipelineView>(run, {
          id: runId,
          look,
          isOver: ({ end }) => end !== null,
          timeoutSeconds: Number(timeout_seconds),
          pollSeconds: Number(poll_interval_seconds),
        })
        return found.end !== null
          ? { ...shown(found), timed_out: false }
          : { ...shown(found), timed_out: true, message: `It has not ended within ${timeout_seconds} seconds.` }
      },
    },
  ]
}

function idOf(id: unknown): string {
  if (typeof id === 'string' && uuid.test(id)) return id.toLowerCase()
  throw new BadArguments(`pipeline_execution_id '${String(id)}' is no id of a pipeline; such an id is a UUID.`)
}

const named = ({ id, runId }: Pipeline) => ({
  pipeline_execution_id: id,
  workflow_execution_id: runId,
  stream_url: `/v1/workflows/executions/${runId}/logs/stream`,
})

const shown = (one: PipelineView) => ({
  ...named(one),
  status: one.end?.status ?? 'running',
  current_state: one.currentState,
  intent: one.intent,
  language: one.language,
  started_at: toWireTime(one.startedAt),
  ended_at: toWireTimeOrNull(one.end?.endedAt ?? null),
  final_result: one.end?.finalResult ?? null,
  failed_at_state: one.end?.failedAtState ?? null,
  error: one.end?.reason ?? null,
})
