import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import { type Gateway, type Instance, type Sandbox, SandboxError } from '../../ports/sandbox.ts'
import { removeTree } from '../files/own.ts'
import type { Waiting } from '../judging/human.ts'
import type { ExecutionPlan } from '../plan/plan.ts'
import { draft, type EventDraft } from '../record/events.ts'
import type { Execution } from '../record/execution.ts'
import type { ExecutionStore } from '../record/store.ts'
import type { ScriptCheck } from '../validation/checks.ts'
import type { AttemptResult } from '../validation/deterministic.ts'
import type { Gradient } from '../validation/gradient.ts'
import { type ValidationResult, validate } from '../validation/validators.ts'
import type { JudgeDesk } from './judges.ts'
import { readWorkspace } from './workspace-text.ts'

const LARGEST_FILE = 10 * 1024 ** 2
const LARGEST_SCRIPT = 1024 ** 2
const OUTPUT_BYTES = 64 * 1024
const LONGEST_SAID = 4096
const GRACE_MS = 1_000

/** An attempt that has come to an output. */
export interface EndedAttempt {
  readonly execution: Execution
  readonly plan: ExecutionPlan
  /** From 1. */
  readonly iteration: number
  readonly result: AttemptResult
  readonly signal: AbortSignal
  readonly waiting: Waiting
}

/** Judges attempts by the validators of their manifests. */
export interface Judgement {
  /** The verdict, and what there is to tell of how it came about. @throws the signal's reason when it fires. */
  judge(attempt: EndedAttempt): Promise<{ readonly verdict: ValidationResult; readonly events: readonly EventDraft[] }>
}

export function createJudgement(deps: {
  store: Pick<ExecutionStore, 'listIterations'>
  judges: JudgeDesk
  sandboxFor: (isolation: ExecutionPlan['isolation']) => Promise<Sandbox>
  gateway: () => Gateway
  clock: Clock
  random: Random
  folderOf: (executionId: string) => string
  workspaceOf: (executionId: string) => string
}): Judgement {
  const { store, judges, clock, random, folderOf, workspaceOf } = deps

  /** Run a script as the agent runs: in a sandbox of its own, on the workspace, without a network. */
  async function runScript(
    { execution, plan, iteration }: EndedAttempt,
    check: ScriptCheck,
    output: string,
    signal: AbortSignal,
  ): Promise<{ exitCode: number; said: string }> {
    const workspace = workspaceOf(execution.id)
    const script = await readWorkspace(workspace, check.path, LARGEST_SCRIPT)
    if (script.byteLength > LARGEST_SCRIPT) throw new Error(`The script '${check.path}' is larger than 1 MiB.`)
    // A copy that nothing of the agent can change while it runs.
    const folder = join(folderOf(execution.id), 'validators')
    // One runs at a time: what lies there was left by a server that was killed.
    await removeTree(folder)
    const copy = join(folder, `${random.uuid()}${check.interpreter === 'python' ? '.py' : '.mjs'}`)
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await writeFile(copy, script, { mode: 0o600 })
    let instance: Instance | null = null
    let isOver = false
    try {
      const sandbox = await deps.sandboxFor(plan.isolation)
      instance = await sandbox.start({
        id: random.uuid(),
        interpreter: check.interpreter,
        script: copy,
        args: [],
        input: output,
        env: { AEGIS_EXECUTION_ID: execution.id, AEGIS_ITERATION: String(iteration) },
        workspace,
        gateway: deps.gateway(),
        proxy: null,
        limits: { memory: plan.memory, cpu: plan.cpu, fileSize: plan.disk, output: OUTPUT_BYTES },
        image: plan.image,
      })
      const running = instance
      const end = () => void running.stop(GRACE_MS)
      const cancelTimer = clock.after(check.timeoutSeconds * 1000, () => {
        isOver = true
        end()
      })
      signal.addEventListener('abort', end, { once: true })
      const { code, stdout, stderr } = await running.exited.finally(() => {
        cancelTimer()
        signal.removeEventListener('abort', end)
      })
      signal.throwIfAborted()
      if (isOver) throw new Error(`The script '${check.path}' took longer than ${check.timeoutSeconds} seconds.`)
      return { exitCode: code, said: (stderr.trim() || stdout.trim()).slice(-LONGEST_SAID) }
    } catch (error) {
      if (error instanceof SandboxError)
        throw new Error(`The script '${check.path}' could not be run: ${error.message}`)
      throw error
    } finally {
      await instance?.stop(0)
      await rm(copy, { force: true })
    }
  }

  return {
    async judge(attempt) {
      const { execution, plan, iteration, result, signal, waiting } = attempt
      if (plan.validators.length === 0) return { verdict: { accepted: true, gradients: [] }, events: [] }
      const record = (await store.listIterations(execution.id)).find((one) => one.number === iteration)
      const workspace = workspaceOf(execution.id)
      const verdict = await validate(
        plan.validators,
        {
          ...result,
          iteration,
          task: execution.prompt,
          trajectory: record?.trajectory ?? [],
          policyViolations: record?.policyViolations ?? [],
        },
        {
          judges: judges.open({ execution, iteration, waiting }),
          async read(path) {
            const bytes = await readWorkspace(workspace, path, LARGEST_FILE)
            if (bytes.byteLength > LARGEST_FILE) throw new Error(`'${path}' is larger than 10 MiB.`)
            return new TextDecoder().decode(bytes)
          },
          runScript: (check, output, over) => runScript(attempt, check, output, over),
          signal,
        },
      )
      return { verdict, events: verdict.gradients.flatMap((gradient) => eventsOf(gradient, iteration)) }
    },
  }
}

/** Each judge's word, the consensus of several, then the validator's own. */
function eventsOf({ validator, score, confidence, judgements = [] }: Gradient, iteration: number): EventDraft[] {
  const performed = (said: { score: number; confidence: number }, of: object = {}) =>
    draft('gradient_validation_performed', {
      iteration_number: iteration,
      score: said.score,
      confidence: said.confidence,
      ...of,
    })
  if (validator !== 'multi_judge') return [performed({ score, confidence })]
  return [
    ...judgements.map((one) => performed(one, { agent_id: one.judgeId })),
    draft('multi_judge_consensus', {
      iteration_number: iteration,
      judge_scores: judgements.map((one) => [one.judgeId, one.score]),
      final_score: score,
      confidence,
    }),
    performed({ score, confidence }),
  ]
}
