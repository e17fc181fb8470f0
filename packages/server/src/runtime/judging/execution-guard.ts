import type { ToolArguments } from '@lictor/contracts'
import {
  AuditEvent,
  Edictum,
  type GovernedCall,
  type GuardState,
  type Logger,
  type StorageBackend,
  type ToolOutcome,
} from '@lictor/guard'
import { Conflict, NotFound } from '../../errors.ts'
import type { Approvals, AssignedBundle, FindAssignedBundle, Governance } from '../../governance/governance.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import { type AuditedAgent, createAuditSink } from './audit.ts'
import { createGatesOf } from './gates.ts'
import { isHandedOver } from './handover.ts'
import { type ApprovalWatcher, createHumanApprovals, type Waiting } from './human.ts'

const REMEMBERED_STATES = 100

/** How a call may be refused beside what the contracts say. */
export interface Refusal {
  readonly source: string
  readonly name: string
  readonly reason: string
}

/** The contracts around the tool calls of one execution: the same pipeline as in an agent's own process. */
export interface ExecutionGuard {
  /**
   * Take a call up under the bundle that is assigned at this moment.
   * @throws EdictumDenied from `authorize` of what is returned; BundleUnusable when the contracts cannot be known
   */
  begin(call: ToolCallFacts): Promise<GovernedCall>
  /** Record a call that was refused before the contracts were asked. */
  refused(call: ToolCallFacts, refusal: Refusal): Promise<void>
  /** Close a call that an earlier server began: nobody knows what came of it. */
  lost(call: ToolCallFacts): Promise<void>
  /** Revision of the bundle the last call was judged by, with its name; null before, and without one. */
  readonly policy: { readonly bundleName: string; readonly revisionHash: string } | null
}

export interface ToolCallFacts {
  readonly callId: string
  readonly toolName: string
  readonly args: Readonly<Record<string, unknown>>
  readonly callIndex: number
  /** Of a call that an earlier server began: the questions that it asked people. What was asked is not asked again. */
  readonly asked?: readonly string[] | null
}

export type { GovernedCall, ToolOutcome }

/** The assigned contracts cannot be had, so no call may run. */
export class BundleUnusable extends Error {
  override readonly name = 'BundleUnusable'
}

export interface ExecutionGuards {
  open(options: {
    readonly agent: AuditedAgent
    readonly securityContext: string
    /** What each tool of the manifest does, and what its arguments are. */
    readonly tools: Readonly<
      Record<
        string,
        {
          sideEffect: string
          arguments: ToolArguments
          conceals?: readonly string[] | undefined
          readsFile?: string | undefined
        }
      >
    >
    /** What `env.<NAME>` selectors see: the manifest's own variables. */
    readonly env: Readonly<Record<string, string>>
    readonly signal: AbortSignal
    /** Questions that the execution may ask people. */
    readonly maxQuestions: number
    readonly waiting: Waiting
    readonly watch: ApprovalWatcher
    /** Questions of calls that earlier servers made in this attempt. */
    readonly askedBefore: readonly string[]
  }): ExecutionGuard
}

export function createExecutionGuards(deps: {
  findBundle: FindAssignedBundle
  /** Tell the fleet what an agent runs, as an agent with an SDK tells it by its events. */
  sighted: (agent: AuditedAgent, policy: ExecutionGuard['policy']) => Promise<void>
  sessions: Governance['sessions']
  approvals: Approvals
  events: Governance['events']
  clock: Clock
  random: Random
  logger: Logger
}): ExecutionGuards {
  const { findBundle, sighted, sessions, approvals, events, clock, random, logger } = deps
  const states = new Map<string, GuardState>()

  /** Compiled once for all executions; the oldest is forgotten first. */
  async function adopt(guard: Edictum, bundle: Extract<AssignedBundle, { kind: 'found' }>): Promise<void> {
    const known = states.get(bundle.revisionHash)
    if (known) {
      guard.adopt(known)
      return
    }
    guard.reload(await bundle.read())
    states.set(bundle.revisionHash, guard.state)
    if (states.size > REMEMBERED_STATES) states.delete(states.keys().next().value ?? '')
  }

  return {
    open({ agent, securityContext, tools, env, maxQuestions, signal, waiting, watch, askedBefore }) {
      let policy: ExecutionGuard['policy'] = null
      /** The calls of an attempt come one after the other: who asks a person is this one. */
      let current: ToolCallFacts | null = null
      const sink = createAuditSink({
        events,
        newId: random.uuid,
        agent,
        concealedBy: (name) => tools[name]?.conceals,
        policy: () => ({ bundleName: policy?.bundleName ?? null, securityContext }),
      })
      const guard = new Edictum({
        environment: agent.env,
        backend: sessionBackend(sessions, agent.tenantId),
        auditSink: sink,
        approvalBackend: createHumanApprovals({
          approvals,
          clock,
          agent,
          maxQuestions,
          signal,
          isHandedOver,
          waiting,
          watch: (change, approval) => watch(change, approval, current?.callId ?? ''),
          resumed: () => (current?.asked ? { own: current.asked, all: askedBefore } : null),
          followContracts: () => follow(),
        }),
        tools,
        logger,
        clock: guardClock(clock),
        newId: random.uuid,
        environmentVariables: env,
        // Paths reach the guard free of links already, and as the agent sees them.
        resolvePath: null,
        successCheck: (_tool, result) => exitCodeOf(result) === 0,
      })
      const withoutBundle = guard.state
      const gatesOf = createGatesOf((name) => tools[name]?.readsFile)
      let wasSeen = false

      async function follow(): Promise<void> {
        const bundle = await findBundle(agent)
        if (bundle.kind === 'found') {
          const gates = await gatesOf(bundle.gates)
          await followBundle(bundle)
          guard.adoptGates(gates)
          return
        }
        if (bundle.kind === 'missing') {
          throw new BundleUnusable(
            `The bundle '${bundle.name}' is assigned to this agent but not deployed to ${agent.env}. Deploy it, or change the assignment.`,
          )
        }
        // The assignment was taken back: what the bundle demanded no longer holds.
        guard.adopt(withoutBundle)
        guard.adoptGates(null)
        if (policy !== null || !wasSeen) await sighted(agent, null)
        policy = null
        wasSeen = true
      }

      async function followBundle(bundle: Extract<AssignedBundle, { kind: 'found' }>): Promise<void> {
        if (policy?.revisionHash === bundle.revisionHash && policy.bundleName === bundle.name) return
        await adopt(guard, bundle)
        policy = { bundleName: bundle.name, revisionHash: bundle.revisionHash }
        await sighted(agent, policy)
      }

      const refused = (call: ToolCallFacts, { source, name, reason }: Refusal) =>
        close(call, 'call_denied', { decisionSource: source, decisionName: name, reason })

      async function close(
        { callId, toolName, args, callIndex }: ToolCallFacts,
        action: 'call_denied' | 'call_cancelled',
        why: { decisionSource: string; decisionName: string; reason: string },
      ): Promise<void> {
        await sink.emit(
          new AuditEvent({
            timestamp: new Date(clock.now()).toISOString(),
            runId: agent.sessionId,
            callId,
            callIndex,
            toolName,
            toolArgs: guard.redaction.redactArgs(args),
            environment: agent.env,
            action,
            ...why,
            policyVersion: policy?.revisionHash ?? null,
          }),
        )
      }

      return {
        get policy() {
          return policy
        },
        refused,
        lost: (call) =>
          close(call, 'call_cancelled', {
            decisionSource: 'runtime',
            decisionName: 'interrupted',
            reason: 'The server was interrupted while the call was running; its outcome is unknown.',
          }),
        async begin(call) {
          current = call
          try {
            await follow()
          } catch (error) {
            const reason =
              error instanceof BundleUnusable
                ? error.message
                : 'The assigned bundle, or its gates, could not be loaded.'
            await refused(call, { source: 'bundle', name: 'assigned_bundle', reason })
            throw error instanceof BundleUnusable ? error : new BundleUnusable(reason, { cause: error })
          }
          return guard.begin(call.toolName, call.args, {
            callId: call.callId,
            callIndex: call.callIndex,
            sessionId: agent.sessionId,
            metadata: agent.subject.kind === 'execution' ? { execution_id: agent.subject.id } : {},
            signal,
          })
        },
      }
    },
  }
}

/** 0 for results that have none. */
function exitCodeOf(result: unknown): number {
  const code = (result as { exit_code?: unknown } | null)?.exit_code
  return typeof code === 'number' ? code : 0
}

/** The tenant's session values, as agents reach them over HTTP. */
function sessionBackend(sessions: Governance['sessions'], tenantId: string): StorageBackend {
  const owner = { tenantId }
  return {
    async get(key) {
      try {
        return await sessions.get(owner, key)
      } catch (error) {
        if (error instanceof NotFound) return null
        throw error
      }
    },
    set: (key, value) => sessions.set(owner, key, value),
    async replace(key, value, expected) {
      try {
        await sessions.replace(owner, key, value, expected)
        return true
      } catch (error) {
        if (error instanceof Conflict) return false
        throw error
      }
    },
    delete: (key) => sessions.delete(owner, key),
    increment: (key, amount = 1) => sessions.increment(owner, key, amount, null),
    batchGet: (keys) => sessions.getMany(owner, keys),
  }
}

function guardClock(clock: Clock) {
  return {
    now: () => clock.now(),
    setTimer: (callback: () => void, milliseconds: number) => ({ cancel: clock.after(milliseconds, callback) }),
  }
}
