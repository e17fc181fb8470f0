import type { AgentManifestDocument } from '@lictor/aegis'
import type { Logger } from 'pino'
import { digestOf } from '../../identity/tokens.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import { type Gateway, type Instance, type InstanceExit, type Sandbox, SandboxError } from '../../ports/sandbox.ts'
import { microsOf } from '../../storage/instants.ts'
import { bootstrapPath } from '../bootstrap/index.ts'
import type { ActiveAttempt, Attempts } from '../dispatch/attempts.ts'
import type { ExecutionGuards } from '../governance/execution-guard.ts'
import { findTool } from '../tools/catalogue.ts'
import type { SecurityContext } from '../tools/security-contexts.ts'
import { environmentOf, type HistoryEntry } from './environment.ts'
import { draft } from './events.ts'
import type { Journal } from './journal.ts'
import type { ExecutionPlan } from './plan.ts'
import type { Execution, ExecutionStore } from './store.ts'

/** How one attempt ended. */
export type AttemptOutcome =
  | {
      readonly kind: 'failed'
      readonly error: string
      /** Another attempt would fail alike. */
      readonly isFinal?: boolean
    }
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
    readonly signal: AbortSignal
  }): Promise<AttemptOutcome>
}

const GRACE_MS = 5_000
const OUTPUT_BYTES = 1024 ** 2
const LARGEST_ARGUMENT = 100_000
const LONGEST_STDERR_IN_ERROR = 2_000

class IterationTimedOut extends Error {
  override readonly name = 'IterationTimedOut'
}

export function attemptRunner(deps: {
  store: ExecutionStore
  journal: Journal
  attempts: Attempts
  guards: ExecutionGuards
  sandbox: () => Sandbox
  gateway: () => Gateway
  clock: Clock
  random: Random
  logger: Logger
  workspaceOf: (executionId: string) => string
  /** Seconds a model turn may take, whatever the manifest allows. */
  modelTimeoutSeconds: number
  isDebugging: boolean
}): AttemptRunner {
  const { store, journal, attempts, guards, clock, random, logger, workspaceOf } = deps

  return {
    async run({ execution, plan, iteration, history, signal }) {
      const token = Buffer.from(random.bytes(32)).toString('base64url')
      const instanceId = random.uuid()
      const over = new AbortController()
      const attemptSignal = AbortSignal.any([signal, over.signal])
      const sandbox = deps.sandbox()
      const gateway = deps.gateway()
      const workspace = workspaceOf(execution.id)
      const manifest = JSON.parse(execution.manifest) as AgentManifestDocument

      await journal.record(
        execution,
        [draft('iteration_started', { iteration_number: iteration, action: execution.prompt })],
        (within) =>
          store.insertIteration(
            {
              execution_id: execution.id,
              number: iteration,
              token_hash: digestOf(token),
              status: 'running',
              action: execution.prompt,
              instance_id: instanceId,
              exit_code: null,
              output: null,
              error: null,
              validation: null,
              loop: null,
              trajectory: '[]',
              policy_violations: '[]',
              started_at: microsOf(clock.now()),
              ended_at: null,
            },
            within,
          ),
      )

      const active = openAttempt({ execution, plan, iteration, manifest, workspace, sandbox, signal: attemptSignal })
      attempts.add(token, active)
      const cancelLimit = clock.after(plan.iterationLimit, () => over.abort(new IterationTimedOut()))
      let instance: Instance | null = null
      try {
        if (plan.demandsIsolation && !sandbox.isolation.network)
          throw new SandboxError(
            `spec.security.network.mode is 'none', which the sandbox '${sandbox.name}' of this server cannot enforce.`,
          )
        const { env, refused } = environmentOf(manifest.spec.env ?? {}, {
          agentId: execution.agent_id,
          executionId: execution.id,
          modelAlias: plan.modelAlias,
          orchestratorUrl: `${sandbox.gatewayOf(gateway, plan.network)}/x/${token}`,
          instruction: plan.instruction,
          promptTemplate: manifest.spec.task?.prompt_template ?? '',
          // A request spans several model turns, and waits for humans: the limits of the execution are what end it.
          timeoutSeconds: Math.max(plan.llmTimeoutSeconds, Math.ceil(plan.limit / 1000)),
          iteration,
          history,
          isDebugging: deps.isDebugging,
        })
        if (refused.length > 0)
          logger.warn({ execution_id: execution.id, refused }, 'variables of spec.env were left out')
        const fitsArgument = Buffer.byteLength(execution.prompt) <= LARGEST_ARGUMENT && !execution.prompt.includes('\0')
        instance = await sandbox.start({
          id: instanceId,
          interpreter: plan.language,
          script: bootstrapPath(plan.language),
          args: fitsArgument ? [execution.prompt] : [],
          input: fitsArgument ? '' : execution.prompt,
          env,
          workspace,
          network: plan.network,
          gateway,
          limits: { memory: plan.memory, fileSize: plan.disk, output: OUTPUT_BYTES },
        })
        await journal.record(execution, [
          draft('instance_spawned', { iteration_number: iteration, instance_id: instanceId }),
        ])
        const exit = await Promise.race([instance.exited, whenAborted(attemptSignal)])
        over.abort(new Error('The instance has ended.'))
        await ended(execution, iteration, instanceId, exit)
        return outcomeOf(exit, active, plan)
      } catch (error) {
        if (signal.aborted) throw signal.reason
        if (over.signal.reason instanceof IterationTimedOut) {
          if (instance) {
            await instance.stop(GRACE_MS)
            await ended(execution, iteration, instanceId, await instance.exited)
          }
          return { kind: 'failed', error: `Iteration timed out after ${plan.iterationLimit / 1000} seconds` }
        }
        if (error instanceof SandboxError)
          return { kind: 'failed', error: `The sandbox could not be started: ${error.message}` }
        throw error
      } finally {
        cancelLimit()
        over.abort(new Error('The attempt has ended.'))
        attempts.remove(token)
        await instance?.stop(signal.aborted ? GRACE_MS : 0)
        await store.updateIteration(execution.id, iteration, {
          loop: null,
          trajectory: JSON.stringify(active.trajectory),
          ...(signal.aborted ? { status: 'failed', ended_at: microsOf(clock.now()) } : {}),
        })
      }
    },
  }

  async function ended(execution: Execution, iteration: number, instanceId: string, exit: InstanceExit): Promise<void> {
    const output = (stream: 'stdout' | 'stderr', content: string) =>
      content === '' ? [] : [draft('console_output', { iteration_number: iteration, stream, content })]
    await journal.record(
      execution,
      [
        draft('instance_terminated', { iteration_number: iteration, instance_id: instanceId }),
        ...output('stdout', exit.stdout),
        ...output('stderr', exit.stderr),
      ],
      (within) => store.updateIteration(execution.id, iteration, { exit_code: exit.code }, within),
    )
  }

  function openAttempt(of: {
    execution: Execution
    plan: ExecutionPlan
    iteration: number
    manifest: AgentManifestDocument
    workspace: string
    sandbox: Sandbox
    signal: AbortSignal
  }): ActiveAttempt {
    const { execution, plan, iteration, manifest, workspace, sandbox, signal } = of
    const securityContext = JSON.parse(execution.security_context) as SecurityContext
    const violations: string[] = []
    const guard = guards.open({
      agent: {
        tenantId: execution.tenant_id,
        name: execution.agent_name,
        env: execution.env,
        executionId: execution.id,
      },
      securityContext: securityContext.name,
      tools: Object.fromEntries(
        plan.tools.flatMap((name) => {
          const tool = findTool(name)
          return tool ? [[name, { sideEffect: tool.sideEffect }]] : []
        }),
      ),
      env: manifest.spec.env ?? {},
      signal,
      watch: async (change, approval) => {
        await journal.record(execution, [
          change === 'requested'
            ? draft('approval_requested', {
                approval_id: approval.id,
                tool_name: approval.toolName,
                prompt: approval.message,
                contract_name: approval.contractName,
                timeout_seconds: approval.timeoutSeconds,
              })
            : draft('approval_resolved', {
                approval_id: approval.id,
                tool_name: approval.toolName,
                outcome: approval.outcome.status,
                decided_by: 'decidedBy' in approval.outcome ? approval.outcome.decidedBy : null,
              }),
        ])
      },
    })
    return {
      execution,
      iteration,
      modelScript: plan.modelScript,
      modelAlias: plan.modelAlias,
      temperature: plan.temperature,
      turnLimit: Math.min(deps.modelTimeoutSeconds, plan.llmTimeoutSeconds) * 1000,
      signal,
      trajectory: [],
      loop: null,
      isBusy: false,
      failure: null,
      isHopeless: false,
      answer: null,
      invocation: {
        executionId: execution.id,
        toolNames: plan.tools,
        securityContext,
        files: { root: workspace, policy: plan.filePolicy, diskLimit: plan.disk },
        workspace: sandbox.workspaceOf(workspace),
        guard,
        record: async (events) => {
          // What happens after the end is not recorded, and must not happen either.
          if (
            !(await journal.record(
              execution,
              events.map((event) => withIteration(event, iteration)),
            ))
          )
            throw signal.reason ?? new Error('The execution has ended.')
        },
        violated(toolName) {
          violations.push(toolName)
          void store
            .updateIteration(execution.id, iteration, { policy_violations: JSON.stringify(violations) })
            .catch((err: unknown) => logger.error({ err, execution_id: execution.id }, 'violation not kept'))
        },
      },
    }
  }
}

const withIteration = (event: ReturnType<typeof draft>, iteration: number) => ({
  ...event,
  fields: { iteration_number: iteration, ...event.fields },
})

function outcomeOf(exit: InstanceExit, attempt: ActiveAttempt, plan: ExecutionPlan): AttemptOutcome {
  if (attempt.failure !== null) return { kind: 'failed', error: attempt.failure, isFinal: attempt.isHopeless }
  const isExpected = plan.validators.some((one) => one.type === 'exit_code' && (one.expected ?? 0) === exit.code)
  if (exit.code !== 0 && !isExpected) {
    const stderr = exit.stderr.trim().slice(-LONGEST_STDERR_IN_ERROR)
    return { kind: 'failed', error: `The agent ended with exit code ${exit.code}${stderr ? `: ${stderr}` : ''}` }
  }
  // What the bootstrap prints is the agent's output; a final newline is how it ends the line.
  return { kind: 'ended', exitCode: exit.code, output: exit.stdout.replace(/\r?\n$/, ''), stderr: exit.stderr }
}

function whenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason)
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}
