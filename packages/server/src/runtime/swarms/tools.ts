import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import { microsOf, toWireTime } from '../../storage/instants.ts'
import { TASK_KEY } from '../children/children.ts'
import { content, optional, text, whole } from '../management/arguments.ts'
import { hasEnded, type Tasks } from '../management/tasks.ts'
import type { SwarmToolName } from '../plan/swarm-tools.ts'
import type { Execution } from '../record/execution.ts'
import { BadArguments, builtin, type Tool, ToolFailed, type ToolRun } from '../tools/tool.ts'
import { madeAgentOf } from './made-agent.ts'
import type { Message } from './swarm.ts'
import { LARGEST_PAYLOAD, type LockAnswer, type Swarms } from './swarms.ts'

const LONGEST_MANIFEST = 65_536
const LONGEST_RESOURCE = 200
/** How long a call waits for a child, and for a lock, in seconds. */
const USUAL_WAIT = 300
const LONGEST_WAIT = 86_400
const LONGEST_LOCK_WAIT = 300
const LOOK_AGAIN_SECONDS = 2
const USUAL_TTL = 300
const LONGEST_TTL = 86_400

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const own = { ...builtin, category: 'task_management', isIdempotent: true } as const
const payload = content(`What is said, as text of at most ${LARGEST_PAYLOAD} bytes.`)
const swarm = optional(text('Id of the swarm; the one that you were begun in when left out, else your own.'))

/** Agents that work together, for executions whose manifest says `spec.advanced.swarm_enabled`. */
export function swarmTools(deps: {
  swarms: () => Swarms
  tasks: Pick<Tasks, 'get' | 'waitFor'>
  /** The name of a tool, of any of its names. */
  canonical: (tool: string) => string
  clock: Clock
  random: Random
}): Tool[] {
  const { tasks, canonical, clock, random } = deps
  const swarms = () => deps.swarms()

  /** The execution that calls. @throws ToolFailed where none does, or its manifest does not say that it may work with others */
  async function callerOf({ caller }: ToolRun): Promise<Execution> {
    if (caller.executionId === null) throw new ToolFailed('Swarms are of executions; this call belongs to none.', 403)
    const execution = await tasks.get(caller, caller.executionId)
    if (execution.manifest.spec.advanced?.swarm_enabled !== true)
      throw new ToolFailed('The manifest of this agent does not say spec.advanced.swarm_enabled: true.', 403)
    return execution
  }

  const tools: (Tool & { readonly name: SwarmToolName })[] = [
    {
      ...own,
      name: 'aegis.spawn_child',
      description:
        'Begin an agent that you write, to work beside you. It has no more rights than you. Answers when it has begun.',
      sideEffect: 'irreversible',
      isSubjectToJudges: true,
      requires: 'agent:execute',
      arguments: {
        manifest_yaml: {
          is: 'content',
          schema: {
            type: 'string',
            minLength: 1,
            maxLength: LONGEST_MANIFEST,
            description:
              'Its manifest, as YAML: apiVersion, kind, metadata, and of spec runtime, task, tools, execution, security and advanced.swarm_enabled.',
          },
        },
        swarm_id: optional(text('Id of a swarm that you are a member of; your own, which is made, when left out.')),
      },
      run: async (run) => {
        const parent = await callerOf(run)
        const { manifest_yaml, swarm_id } = run.args
        const agent = madeAgentOf(String(manifest_yaml), parent.manifest, { id: random.uuid(), canonical })
        const key = `${TASK_KEY}swarm:${run.invocationId}`
        const child = await swarms().spawn(parent, { key, agent, swarmId: idOf(swarm_id, 'swarm_id') })
        return { execution_id: child.id, swarm_id: child.swarmId, agent_id: child.agentId }
      },
    },
    {
      ...own,
      name: 'aegis.await_child',
      description: 'Wait until a member of your swarm has ended: its output, and what you were told meanwhile.',
      tags: ['read-only'],
      sideEffect: 'read',
      conceals: ['messages'],
      arguments: {
        execution_id: text('Id of its execution.'),
        timeout_secs: optional(
          whole(`Seconds to wait at most (${USUAL_WAIT}).`, { minimum: 1, maximum: LONGEST_WAIT }),
        ),
      },
      run: async (run) => {
        const caller = await callerOf(run)
        const { execution_id, timeout_secs = USUAL_WAIT } = run.args
        const id = idOf(execution_id, 'execution_id') ?? ''
        if (id === caller.id) throw new BadArguments('execution_id: an execution does not wait for itself.')
        await swarms().member(caller, id)
        const found = await tasks.waitFor<Execution>(run, {
          id,
          look: () => tasks.get(run.caller, id),
          isOver: hasEnded,
          timeoutSeconds: Number(timeout_secs),
          pollSeconds: LOOK_AGAIN_SECONDS,
        })
        const { status, output, error } = found
        return { status, output, error, timed_out: !hasEnded(found), ...(await read(caller, run)) }
      },
    },
    {
      ...own,
      name: 'aegis.send_message',
      description: 'Tell a member of your swarm something.',
      sideEffect: 'write',
      isSubjectToJudges: true,
      conceals: ['payload'],
      arguments: { to_agent_id: text('Id of its agent, as aegis.spawn_child told it.'), payload },
      run: async (run) => {
        const from = await callerOf(run)
        const toAgentId = idOf(run.args.to_agent_id, 'to_agent_id') ?? ''
        const message = { callId: run.invocationId, toAgentId, payload: payloadOf(run) }
        const { payloadBytes } = await swarms().send(from, message)
        return { to_agent_id: toAgentId, payload_bytes: payloadBytes }
      },
    },
    {
      ...own,
      name: 'aegis.broadcast_message',
      description: 'Tell all other members of a swarm something.',
      sideEffect: 'write',
      isSubjectToJudges: true,
      conceals: ['payload'],
      arguments: { swarm_id: text('Id of the swarm.'), payload },
      run: async (run) => {
        const from = await callerOf(run)
        const swarmId = idOf(run.args.swarm_id, 'swarm_id') ?? ''
        const message = { callId: run.invocationId, swarmId, payload: payloadOf(run) }
        return { swarm_id: swarmId, recipient_count: await swarms().broadcast(from, message) }
      },
    },
    {
      ...own,
      name: 'aegis.read_messages',
      description: 'What members of your swarms told you and you have not read, oldest first.',
      sideEffect: 'write',
      conceals: ['messages'],
      arguments: {},
      run: async (run) => read(await callerOf(run), run),
    },
    {
      ...own,
      name: 'aegis.acquire_lock',
      description: 'Have a name of your swarm to yourself. Waits until no other member holds it.',
      sideEffect: 'write',
      arguments: {
        resource: {
          is: 'setting',
          schema: { type: 'string', minLength: 1, maxLength: LONGEST_RESOURCE, description: 'The name.' },
        },
        ttl_secs: optional(
          whole(`Seconds until it is free again by itself (${USUAL_TTL}).`, { minimum: 1, maximum: LONGEST_TTL }),
        ),
        timeout_secs: optional(
          whole(`Seconds to wait at most (${LONGEST_LOCK_WAIT}).`, { minimum: 0, maximum: LONGEST_LOCK_WAIT }),
        ),
        swarm_id: swarm,
      },
      run: async (run) => {
        const by = await callerOf(run)
        const { ttl_secs = USUAL_TTL, timeout_secs = LONGEST_LOCK_WAIT } = run.args
        const resource = String(run.args.resource)
        const request = {
          callId: run.invocationId,
          resource,
          ttlSeconds: Number(ttl_secs),
          swarmId: idOf(run.args.swarm_id, 'swarm_id'),
        }
        const answer = await tasks.waitFor<LockAnswer>(run, {
          // A lock that is freed is told to the tenant.
          id: by.tenantId,
          look: () => swarms().acquire(by, request),
          isOver: ({ kind }) => kind === 'held',
          timeoutSeconds: Number(timeout_secs),
          pollSeconds: LOOK_AGAIN_SECONDS,
        })
        if (answer.kind === 'taken')
          throw new ToolFailed(
            `The agent '${answer.by.holderAgentId}' holds '${resource}', and did not give it back within ${timeout_secs} seconds.`,
            409,
          )
        const { token, expiresAt } = answer.lock
        return { lock_token: token, expires_at: toWireTime(expiresAt) }
      },
    },
    {
      ...own,
      name: 'aegis.release_lock',
      description: 'Give back a name that you hold.',
      sideEffect: 'write',
      arguments: { lock_token: text('What aegis.acquire_lock answered.') },
      run: async (run) => {
        const by = await callerOf(run)
        const token = idOf(run.args.lock_token, 'lock_token') ?? ''
        return { released: await swarms().release(by, token), at: toWireTime(microsOf(clock.now())) }
      },
    },
  ]
  return tools

  async function read(by: Execution, { invocationId }: ToolRun): Promise<object> {
    const { messages, hasMore } = await swarms().read(by, invocationId)
    return { messages: messages.map(shown), has_more: hasMore }
  }
}

const shown = ({ swarmId, fromExecutionId, fromAgentId, payload, payloadBytes, sentAt }: Message) => ({
  swarm_id: swarmId,
  from: fromAgentId,
  from_execution_id: fromExecutionId,
  payload,
  payload_bytes: payloadBytes,
  sent_at: toWireTime(sentAt),
})

function payloadOf({ args }: ToolRun): string {
  const said = String(args.payload)
  const bytes = Buffer.byteLength(said)
  if (bytes > LARGEST_PAYLOAD)
    throw new BadArguments(`payload: ${bytes} bytes are more than the ${LARGEST_PAYLOAD} that a message has.`)
  if (said.includes('\0'))
    throw new BadArguments('payload: a message holds no U+0000; encode bytes, for example as Base64.')
  return said
}

/** An id among the arguments; null when it is left out. */
function idOf(value: unknown, name: string): string | null {
  if (value === undefined) return null
  if (typeof value === 'string' && uuid.test(value)) return value.toLowerCase()
  throw new BadArguments(`${name} '${String(value).slice(0, 100)}' is no id; an id is a UUID.`)
}
