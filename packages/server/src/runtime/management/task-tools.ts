import type { Executions } from '../executions/executions.ts'
import { builtin, type Tool, ToolFailed } from '../tools/tool.ts'
import { waitArguments } from './agent-tools.ts'
import { json, list, optional, page, pageOf, text } from './arguments.ts'
import { type Tasks, taskOf } from './tasks.ts'

const own = { ...builtin, category: 'task_management' } as const
const execution = { execution_id: text('Id of the execution.') }
const read = { tags: ['read-only'], sideEffect: 'read', isIdempotent: true } as const

/** Executions, by the rules of the HTTP routes and with the rights of whoever calls. */
export function taskTools(deps: { tasks: Tasks; executions: () => Executions }): Tool[] {
  const { tasks, executions } = deps
  return [
    {
      ...own,
      name: 'aegis.task.execute',
      description: 'Have an agent do something. Answers when it has begun, not when it has ended.',
      sideEffect: 'irreversible',
      isIdempotent: false,
      isSubjectToJudges: true,
      requires: 'agent:execute',
      arguments: {
        agent_id: text('Id or name of the agent.'),
        intent: optional({ is: 'content', schema: { type: 'string', description: 'What it is to do, in words.' } }),
        input: optional(json('What it is given.')),
        version: optional(text('The version that it must have; for an agent that is named by its name.')),
        attachments: optional(list('Files that belong to it.')),
      },
      run: async (run) => {
        const { agent_id, intent, input, version, attachments } = run.args
        const agent = await tasks.agentOf(run.caller, String(agent_id))
        return tasks.start(
          run,
          agent,
          {
            ...(input === undefined ? {} : { input }),
            ...(intent === undefined ? {} : { intent: String(intent) }),
            ...(attachments === undefined ? {} : { attachments: attachments as readonly unknown[] }),
          },
          version === undefined ? undefined : String(version),
        )
      },
    },
    {
      ...own,
      ...read,
      name: 'aegis.task.status',
      description: 'How far an execution is.',
      requires: 'execution:read',
      arguments: execution,
      run: async ({ caller, args }) => {
        const found = await tasks.get(caller, args.execution_id)
        return { ...taskOf(found), waiting_for: found.waitingFor, output: found.output }
      },
    },
    {
      ...own,
      name: 'aegis.task.cancel',
      description: 'End an execution. One that has ended stays as it is.',
      tags: ['destructive'],
      sideEffect: 'irreversible',
      isIdempotent: true,
      isSubjectToJudges: true,
      requires: 'execution:cancel',
      arguments: execution,
      run: async ({ caller, args }) => {
        const { id } = await tasks.get(caller, args.execution_id)
        if (id === caller.executionId)
          throw new ToolFailed('An execution does not cancel itself; answer to end it.', 409)
        return taskOf(await executions().cancel(caller.principal, id, null))
      },
    },
    {
      ...own,
      name: 'aegis.task.remove',
      description: 'Delete an execution that has ended, with its files.',
      tags: ['destructive'],
      sideEffect: 'irreversible',
      isIdempotent: false,
      isSubjectToJudges: true,
      requires: 'execution:remove',
      isForOperators: true,
      arguments: execution,
      run: async ({ caller, args }) => {
        const { id } = await tasks.get(caller, args.execution_id)
        await executions().delete(caller.principal, id)
        return { execution_id: id, status: 'removed' }
      },
    },
    {
      ...own,
      ...read,
      name: 'aegis.task.wait',
      description: 'Wait until an execution has ended.',
      requires: 'execution:read',
      arguments: waitArguments,
      run: (run) => tasks.wait(run),
    },
    {
      ...own,
      ...read,
      name: 'aegis.task.logs',
      description: 'What happened in an execution, oldest first.',
      requires: 'execution:logs',
      arguments: { ...execution, ...page },
      run: ({ caller, args }) => tasks.logs(caller, args.execution_id, pageOf(args)),
    },
    {
      ...own,
      ...read,
      name: 'aegis.task.list',
      description: 'List executions, newest first.',
      requires: 'execution:list',
      arguments: {
        agent_id: optional(text('Id or name of the agent whose executions are wanted.')),
        limit: page.limit,
      },
      run: async ({ caller, args }) => {
        const agent = args.agent_id === undefined ? null : await tasks.agentOf(caller, String(args.agent_id))
        const found = await executions().list(caller.principal, {
          agentId: agent?.id ?? null,
          status: null,
          ...pageOf(args, 20),
        })
        return { executions: found.map(taskOf), count: found.length }
      },
    },
    {
      ...own,
      ...read,
      name: 'aegis.execution.file',
      description: 'Read a file that an execution made.',
      requires: 'execution:read',
      arguments: { ...execution, path: text('Path of the file in its workspace.') },
      run: ({ caller, args }) => tasks.file(caller, args.execution_id, String(args.path)),
    },
  ]
}
