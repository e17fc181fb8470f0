import { existsSync } from 'node:fs'
import type { Logger } from 'pino'
import type { TokenCaller } from '../../identity/caller.ts'
import { digestOf } from '../../identity/opaque-tokens.ts'
import { scopesOfRole } from '../../identity/tokens/scopes.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import { type Gateway, type InstanceExit, type InstanceSpec, type Sandbox, SandboxError } from '../../ports/sandbox.ts'
import { isDatabaseAway } from '../../storage/database.ts'
import { microsOf } from '../../storage/instants.ts'
import { bootstrapPath } from '../bootstrap/index.ts'
import type { Attempts } from '../dispatch/attempts.ts'
import type { Conversation, OpenConversation, Step } from '../dispatch/conversation.ts'
import { openUp } from '../files/own.ts'
import type { PathRefused } from '../files/path.ts'
import type { JudgeDesk } from '../judges/judges.ts'
import type { ExecutionGuards } from '../judging/execution-guard.ts'
import { isHandedOver } from '../judging/handover.ts'
import type { Waiting } from '../judging/human.ts'
import type { ExecutionPlan } from '../plan/plan.ts'
import { draft, type EventDraft } from '../record/events.ts'
import { type Execution, governedAs, type HistoryEntry, type Iteration, isJudge } from '../record/execution.ts'
import type { ExecutionJournal } from '../record/journal.ts'
import { pullEvent } from '../record/pulls.ts'
import type { ExecutionStore } from '../record/store.ts'
import type { TurnStore } from '../record/turn-store.ts'
import { isAhead, isTurn, replay, type TurnEntry } from '../record/turns.ts'
import { BadReference } from '../references/reference.ts'
import type { References } from '../references/references.ts'
import type { Spawned, Spawner } from '../spawning/spawner.ts'
import type { CallFiles } from '../tools/arguments.ts'
import type { Catalogue } from '../tools/catalogue.ts'
import { contextOffers } from '../tools/judge-by-context.ts'
import { judgedTool } from '../tools/tool.ts'
import { judgeCall } from '../validation/tool-judge.ts'
import { environmentOf } from './environment.ts'
import type { AttemptFailure } from './failure.ts'
import { createTimeLimit } from './time-limit.ts'

/** How one attempt ended. */
export type AttemptOutcome =
  | { readonly kind: 'failed'; readonly failure: AttemptFailure }
  | { readonly kind: 'ended'; readonly exitCode: number; readonly output: string; readonly stderr: string }

/** Runs one attempt: a fresh instance, from its start to its end. */
export interface AttemptRunner {
  /** @throws the signal's reason when it fires; the instance is gone by then. */
  run(attempt: {
    readonly execution: Execution
    readonly plan: ExecutionPlan
    /** From 1. */
    readonly iteration: number
    readonly history: readonly HistoryEntry[]
    /** The attempt that goes on, as an earlier server left it; null for one that begins. */
    readonly before: Iteration | null
    readonly signal: AbortSignal
    readonly waiting: Waiting
    readonly step: Step
    /** Before the first step of an attempt that goes on. @throws when it was taken up too often. */
    readonly goesOn: () => Promise<void>
    /** Milliseconds of the execution's time that are used up. */
    readonly spentMs: () => number
  }): Promise<AttemptOutcome>
}

const GRACE_MS = 5_000
const OUTPUT_BYTES = 1024 ** 2
/** The longest that a bootstrap of any kind can be told to wait for an answer: its timers hold 31 bits of milliseconds. */
const LONGEST_REQUEST_SECONDS = 2_147_483

class IterationTimedOut extends Error {
  override readonly name = 'IterationTimedOut'
}

type Attempt = Parameters<AttemptRunner['run']>[0]

export function createAttemptRunner(deps: {
  store: ExecutionStore
  turnStore: TurnStore
  journal: ExecutionJournal
  attempts: Attempts
  openConversation: OpenConversation
  catalogue: Pick<Catalogue, 'find'>
  guards: ExecutionGuards
  references: Pick<References, 'handOver'>
  judges: JudgeDesk
  /** The SEAL identity of an agent whose program can use one: variables, whose values are secrets. */
  identityOf: (execution: Execution) => Promise<Readonly<Record<string, string>>>
  sandboxFor: (isolation: ExecutionPlan['isolation']) => Promise<Sandbox>
  gateway: () => Gateway
  spawner: Pick<Spawner, 'spawn'>
  clock: Clock
  random: Random
  logger: Logger
  workspaceOf: (executionId: string) => string
  /** A path of a tool call was refused. */
  refusedPath: (execution: Execution, refusal: PathRefused) => Promise<void>
  /** Seconds a model turn may take, whatever the manifest allows. */
  modelTimeoutSeconds: number
  isDebugging: boolean
}): AttemptRunner {
  const { store, turnStore, journal, attempts, guards, clock, random, logger, workspaceOf } = deps

  return {
    async run(attempt) {
      const { execution, plan, iteration, history, before, signal, waiting } = attempt
      const token = Buffer.from(random.bytes(32)).toString('base64url')
      const instanceId = random.uuid()
      const over = new AbortController()
      const attemptSignal = AbortSignal.any([signal, over.signal])
      const gateway = deps.gateway()
      const workspace = workspaceOf(execution.id)
      const { manifest } = execution

      const entries = before ? await turnStore.list(execution.id, iteration) : []
      if (!(await begin(attempt, digestOf(token), instanceId))) throw ended(signal)

      let sandbox: Sandbox
      try {
        sandbox = await deps.sandboxFor(plan.isolation)
        requireImages(sandbox, plan)
      } catch (error) {
        if (!(error instanceof SandboxError)) throw error
        return { kind: 'failed', failure: { kind: 'sandbox', message: error.message } }
      }
      // An attempt that goes on has the time that is left of it.
      const alreadySpent = before ? Math.max(0, execution.spentMs - before.spentBeforeMs) : 0
      const limit = createTimeLimit(clock, Math.max(0, plan.iterationLimit - alreadySpent), () =>
        over.abort(new IterationTimedOut()),
      )
      let obstacle: { readonly cause: unknown } | null = null
      const conversation = converse({
        ...attempt,
        async goesOn() {
          try {
            await attempt.goesOn()
          } catch (cause) {
            // It concerns the execution: another attempt would be none of a fresh start.
            obstacle = { cause }
            throw cause
          }
        },
        entries,
        workspace,
        sandbox,
        signal: attemptSignal,
        waiting: (work, waitingFor) => limit.pause(() => waiting(work, waitingFor)),
      })
      attempts.add(token, conversation)
      let spawned: Spawned | null = null
      try {
        if (plan.network.isDemanded && !sandbox.isolation.network)
          throw new SandboxError(
            `spec.security.network restricts what this agent reaches, which the sandbox '${sandbox.name}' of this server cannot enforce.`,
          )
        const handed = await deps.references.handOver(execution, manifest.spec.env ?? {})
        const { env, refused } = environmentOf(handed.env, {
          agentId: execution.agentId,
          executionId: execution.id,
          modelAlias: plan.modelAlias,
          orchestratorUrl: `${sandbox.gatewayOf(gateway, plan.bootstrapPath !== null)}/x/${token}`,
          instruction: plan.instruction,
          promptTemplate: manifest.spec.task?.prompt_template ?? '',
          // A request spans several model turns, and waits for people while the limits stand still: those are what end it.
          timeoutSeconds: LONGEST_REQUEST_SECONDS,
          iteration,
          history,
          isDebugging: deps.isDebugging,
          // Our own bootstrap signs nothing: only a program of the agent's own has a use for a key.
          identity: plan.bootstrapPath === null ? {} : await deps.identityOf(execution),
        })
        if (refused.length > 0)
          logger.warn({ execution_id: execution.id, refused }, 'variables of spec.env were left out')
        spawned = await deps.spawner.spawn({
          sandbox,
          spec: {
            id: instanceId,
            interpreter: plan.language,
            script: bootstrapPath(plan.language),
            env,
            workspace,
            readOnly: plan.mounts
              .filter(({ access }) => access === 'read-only')
              .map(({ components }) => components.join('/')),
            gateway,
            limits: { memory: plan.memory, cpu: plan.cpu, fileSize: plan.disk, output: OUTPUT_BYTES },
            image: plan.image,
            otherwise: otherwiseOf(plan),
            ...(plan.bootstrapPath === null ? {} : { ownScript: plan.bootstrapPath }),
            executionId: execution.id,
            signal: attemptSignal,
            onPull: (pull) => recordSoon(execution, pullEvent(pull, iteration)),
          },
          prompt: execution.prompt,
          policy: plan.network.policy,
          onRefused: ({ host, port, reason }) =>
            recordSoon(execution, draft('network_access_denied', { iteration_number: iteration, host, port, reason })),
          warmth: {
            agentId: execution.agentId,
            kind: digestOf(JSON.stringify([sandbox.name, manifest])),
            // A program of the agent's own does not know how to wait, and volumes are put in place before a sandbox starts.
            size: plan.bootstrapPath === null && plan.mounts.length === 0 ? plan.warmPoolSize : 0,
          },
        })
        const { instance } = spawned
        await journal.record(execution, [
          ...handed.events.map((event) => withIteration(event, iteration)),
          draft('instance_spawned', {
            iteration_number: iteration,
            instance_id: instance.id,
            warm: spawned.isWarm,
            ...(handed.versions.length > 0 ? { references: handed.versions } : {}),
          }),
        ])
        const exit = await Promise.race([instance.exited, whenAborted(attemptSignal)])
        over.abort(new Error('The instance has ended.'))
        await gone(execution, iteration, instance.id, exit, lost(conversation, 'InstanceTerminated'))
        const { failure } = conversation
        if (obstacle !== null) throw (obstacle as { readonly cause: unknown }).cause
        if (failure?.kind === 'server' && isDatabaseAway(failure.cause)) throw failure.cause
        return outcomeOf(exit, conversation, plan)
      } catch (error) {
        if (signal.aborted) throw signal.reason
        if (over.signal.reason instanceof IterationTimedOut) {
          if (spawned) {
            await spawned.stop(GRACE_MS)
            const reason = { TimeoutExpired: { timeout_secs: plan.iterationLimit / 1000 } }
            const exit = await spawned.instance.exited
            await gone(execution, iteration, spawned.instance.id, exit, lost(conversation, reason))
          }
          return { kind: 'failed', failure: { kind: 'timed_out', seconds: plan.iterationLimit / 1000 } }
        }
        if (error instanceof BadReference)
          return { kind: 'failed', failure: { kind: 'reference', message: error.message } }
        if (error instanceof SandboxError)
          return { kind: 'failed', failure: { kind: 'sandbox', message: error.message } }
        throw error
      } finally {
        limit.cancel()
        over.abort(new Error('The attempt has ended.'))
        attempts.remove(token)
        await spawned?.stop(signal.aborted ? GRACE_MS : 0)
        // Of an attempt that goes on elsewhere nothing has ended.
        if (!isHandedOver(signal))
          await store.updateOwnIteration(execution.id, iteration, digestOf(token), {
            trajectory: conversation.trajectory,
            ...(signal.aborted ? { status: 'failed', endedAt: microsOf(clock.now()) } : {}),
          })
      }
    },
  }

  /** For what happens beside the attempt, and does not wait for its record. */
  function recordSoon(execution: Execution, event: EventDraft): void {
    journal
      .record(execution, [event])
      .catch((err: unknown) => logger.error({ err, execution_id: execution.id, type: event.type }, 'not recorded'))
  }

  /** Write the attempt down, or that it goes on with another instance. False when the execution is no longer this server's. */
  function begin(attempt: Attempt, tokenHash: string, instanceId: string): Promise<boolean> {
    const { execution, iteration, before, spentMs } = attempt
    if (before)
      return journal.record(execution, [], (within) =>
        store.updateIteration(execution.id, iteration, { tokenHash, instanceId }, within),
      )
    return journal.change(
      execution,
      { totalIterations: iteration },
      [draft('iteration_started', { iteration_number: iteration, action: execution.prompt })],
      (within) =>
        store.insertIteration(
          {
            executionId: execution.id,
            number: iteration,
            tokenHash,
            status: 'running',
            action: execution.prompt,
            instanceId,
            exitCode: null,
            output: null,
            stderr: null,
            error: null,
            validation: null,
            history: null,
            trajectory: [],
            policyViolations: [],
            spentBeforeMs: spentMs(),
            startedAt: microsOf(clock.now()),
            endedAt: null,
          },
          within,
        ),
    )
  }

  async function gone(
    execution: Execution,
    iteration: number,
    instanceId: string,
    exit: InstanceExit,
    commands: readonly EventDraft[],
  ): Promise<void> {
    // Whatever the program closed is still the execution's: to be read, judged, carried back, and worked on by the next attempt.
    await openUp(workspaceOf(execution.id))
    const output = (stream: 'stdout' | 'stderr', content: string) =>
      content === '' ? [] : [draft('console_output', { iteration_number: iteration, stream, content })]
    await journal.record(
      execution,
      [
        ...commands.map((event) => withIteration(event, iteration)),
        draft('instance_terminated', { iteration_number: iteration, instance_id: instanceId }),
        ...output('stdout', exit.stdout),
        ...output('stderr', exit.stderr),
      ],
      (within) => store.updateIteration(execution.id, iteration, { exitCode: exit.code }, within),
    )
  }

  /** A judge sees the files of the execution that asked it, and writes none; anybody else has its own. */
  function filesOf(execution: Execution, plan: ExecutionPlan, workspace: string): CallFiles {
    const own = { root: workspace, policy: plan.filePolicy, diskLimit: plan.disk, mounts: plan.mounts }
    if (execution.parentId === null || !isJudge(execution)) return own
    const root = workspaceOf(execution.parentId)
    return existsSync(root) ? { ...own, root, policy: { ...plan.filePolicy, read_only: true }, diskLimit: 0 } : own
  }

  function converse(
    of: Attempt & {
      readonly entries: readonly TurnEntry[]
      readonly workspace: string
      readonly sandbox: Sandbox
    },
  ): Conversation {
    const { execution, plan, iteration, workspace, sandbox, signal, waiting, step, spentMs } = of
    const { manifest, securityContext } = execution
    const recorded = replay(of.entries)
    const violations: string[] = [...(of.before?.policyViolations ?? [])]
    let position = of.entries.length

    /** Append events and an entry, as long as the execution is this server's and the attempt is not over. */
    async function record(events: readonly EventDraft[], entry?: TurnEntry): Promise<void> {
      signal.throwIfAborted()
      const progress = { spentMs: spentMs(), ...(entry && isTurn(entry) ? { adoptions: 0 } : {}) }
      const isRecorded = await journal.change(
        execution,
        progress,
        events.map((event) => withIteration(event, iteration)),
        async (within) => {
          if (!entry) return
          const at = microsOf(clock.now())
          await turnStore.append({ executionId: execution.id, iteration, position, at }, entry, within)
        },
        { isAhead: entry !== undefined && isAhead(entry) },
      )
      // What happens after the end is not recorded, and must not happen either.
      if (!isRecorded) throw ended(signal)
      if (entry) position++
    }

    const governed = governedAs(execution)
    const guard = guards.open({
      agent: {
        tenantId: execution.tenantId,
        name: governed.agentName,
        env: execution.env,
        subject: { kind: 'execution', id: execution.id },
        sessionId: governed.executionId,
      },
      securityContext: securityContext.name,
      tools: Object.fromEntries(
        plan.tools.flatMap((name) => {
          const tool = deps.catalogue.find(name)
          return tool ? [[name, judgedTool(tool)]] : []
        }),
      ),
      env: manifest.spec.env ?? {},
      maxQuestions: plan.maxQuestions,
      signal,
      waiting,
      askedBefore: recorded.asked,
      watch: (change, approval, invocationId) =>
        change === 'requested'
          ? record(
              [
                draft('approval_requested', {
                  approval_id: approval.id,
                  tool_name: approval.toolName,
                  prompt: approval.message,
                  contract_name: approval.contractName,
                  timeout_seconds: approval.timeoutSeconds,
                }),
              ],
              { kind: 'asked', invocationId, approvalId: approval.id },
            )
          : record([
              draft('approval_resolved', {
                approval_id: approval.id,
                tool_name: approval.toolName,
                outcome: approval.outcome.status,
                decided_by: 'decidedBy' in approval.outcome ? approval.outcome.decidedBy : null,
              }),
            ]),
    })
    const judges = deps.judges.open({ execution, iteration, waiting })
    const conversation = deps.openConversation({
      execution,
      iteration,
      modelScript: plan.modelScript,
      modelAlias: plan.modelAlias,
      temperature: plan.temperature,
      turnLimit: Math.min(deps.modelTimeoutSeconds, plan.llmTimeoutSeconds) * 1000,
      longestTurn: plan.llmTimeoutSeconds * 1000,
      signal,
      recorded,
      step,
      goesOn: of.goesOn,
      invocation: {
        caller: {
          tenantId: execution.tenantId,
          principal: principalOf(execution),
          executionId: execution.id,
          agentId: execution.agentId,
          offers: (tool) => contextOffers(securityContext, tool),
        },
        toolNames: plan.tools,
        securityContext,
        limitKey: governed.executionId,
        files: {
          ...filesOf(execution, plan, workspace),
          refused: (refusal: PathRefused) => deps.refusedPath(execution, refusal),
        },
        limit: null,
        judge:
          plan.toolJudges.length === 0
            ? null
            : async ({ tool, args }) => {
                const { trajectory: history } = conversation
                const task = execution.prompt
                const named = `${iteration}:${history.length}`
                const situation = { executionId: execution.id, call: named, task, tools: plan.tools, history }
                return judgeCall(plan.toolJudges, { name: tool.name, args }, situation, judges, signal)
              },
        signal,
        waiting,
        workspace: sandbox.workspaceOf(workspace),
        guard,
        record,
        violated(toolName) {
          violations.push(toolName)
          void store
            .updateIteration(execution.id, iteration, { policyViolations: violations })
            .catch((err: unknown) => logger.error({ err, execution_id: execution.id }, 'violation not kept'))
        },
      },
    })
    return conversation
  }
}

/** An execution manages things as an ordinary user of its tenant, whoever started it: what it may at all, its security context says. */
const principalOf = ({ tenantId, startedBy }: Execution): TokenCaller => ({
  kind: 'token',
  subject: startedBy,
  tenantId,
  identity: 'tenant_user',
  role: 'user',
  scopes: new Set(scopesOfRole('user')),
})

/** Why nothing more is recorded here: the attempt is over, or the execution has ended, or is another server's. */
const ended = (signal: AbortSignal): unknown => signal.reason ?? new Error('The execution has ended.')

/** @throws SandboxError when the agent needs what is in an image, and the sandbox has none */
function requireImages(sandbox: Sandbox, { image }: ExecutionPlan): void {
  if (image.isRequired && !sandbox.hasImages)
    throw new SandboxError(
      `spec.runtime.image '${image.name}' needs a sandbox that has images, and '${sandbox.name}' has none. Set spec.runtime.isolation to docker.`,
    )
}

/** The other bootstrap, for images without an interpreter for the first. */
function otherwiseOf({ language }: ExecutionPlan): Pick<InstanceSpec, 'interpreter' | 'script'> {
  const other = language === 'node' ? 'python' : 'node'
  return { interpreter: other, script: bootstrapPath(other) }
}

/** A command whose result will not come any more. */
const lost = ({ commandOut: out }: Conversation, reason: unknown): readonly EventDraft[] =>
  out === null
    ? []
    : [draft('command_execution_failed', { dispatch_id: out.dispatch_id, command: out.command, reason })]

const withIteration = (event: EventDraft, iteration: number): EventDraft => ({
  ...event,
  fields: { iteration_number: iteration, ...event.fields },
})

function outcomeOf(exit: InstanceExit, { failure }: Conversation, plan: ExecutionPlan): AttemptOutcome {
  if (failure !== null) return { kind: 'failed', failure: { kind: 'conversation', failure } }
  const isExpected = plan.validators.some((one) => one.type === 'exit_code' && (one.expected ?? 0) === exit.code)
  if (exit.code !== 0 && !isExpected)
    return { kind: 'failed', failure: { kind: 'exit', code: exit.code, stderr: exit.stderr } }
  // What the bootstrap prints is the agent's output; a final newline is how it ends the line.
  return { kind: 'ended', exitCode: exit.code, output: exit.stdout.replace(/\r?\n$/, ''), stderr: exit.stderr }
}

function whenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason)
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}
