import { type ConsensusConfig, type WorkflowState, workflowDefaults } from '@lictor/aegis'
import { type ConsensusStrategy, consensusOf, NoConsensus } from '../validation/consensus.ts'
import type { ContainerResult, JudgeResult, WorkResult } from './run.ts'

/** Of each stream of a process, in characters; the rest is left out. */
const LONGEST_STREAM = 1024 ** 2

/** What a state leaves on the blackboard, and whether it counts as a success where the output does not say so itself. */
export interface Output {
  readonly value: unknown
  readonly isSuccess: boolean
}

/** The output of a state whose work could not be done. */
export const failed = (error: string, more: Readonly<Record<string, unknown>> = {}): Output => ({
  value: { status: 'failed', error, ...more },
  isSuccess: false,
})

/** The output of a state by what its work came to. Source: AEGIS runtime reference, kinds of states. */
export function outputOf(state: WorkflowState, result: WorkResult): Output {
  if (result.kind === 'Rejected' && state.kind === 'Agent')
    return failed(result.error, result.score === null ? {} : { pre_validation_score: result.score })
  if (result.kind === 'Rejected' || result.kind === 'Handled' || state.kind !== result.kind)
    return failed(`A state of kind ${state.kind} was answered with a result of kind ${result.kind}.`)
  switch (result.kind) {
    case 'Agent': {
      const { isSuccess, output, error, executionId, iterations, score, confidence } = result
      return {
        value: {
          status: isSuccess ? 'success' : 'failed',
          output: parsed(output),
          ...(error === null ? {} : { error }),
          iterations,
          execution_id: executionId,
          ...(score === null ? {} : { score }),
          ...(confidence === null ? {} : { confidence }),
        },
        isSuccess,
      }
    }
    case 'System':
      return processOutput(result, {})
    case 'ContainerRun':
      return processOutput(result, { attempts: result.attempts })
    case 'ParallelContainerRun':
      return stepsOutput(state.kind === result.kind ? state.completion : undefined, result.steps)
    case 'ParallelAgents':
      return parallelOutput(state.kind === result.kind ? state.consensus : undefined, result)
  }
}

/** JSON as the value it is. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

const streams = ({ exitCode, stdout, stderr, durationMs }: ContainerResult) => ({
  exit_code: exitCode,
  stdout: stdout.slice(0, LONGEST_STREAM),
  stderr: stderr.slice(0, LONGEST_STREAM),
  duration_ms: durationMs,
})

function processOutput(result: ContainerResult, more: Readonly<Record<string, unknown>>): Output {
  const isSuccess = hasSucceeded(result)
  const shown = { ...streams(result), ...more }
  const why = reasonOf(result)
  return { value: { status: isSuccess ? 'success' : 'failed', output: shown, ...shown, ...why }, isSuccess }
}

/** Not one that was ended, whatever its last word was. */
const hasSucceeded = ({ exitCode, failure = null }: ContainerResult): boolean => exitCode === 0 && failure === null

/** Why a container that did not end by itself came to nothing. */
function reasonOf({ failure = null }: ContainerResult): { reason?: ContainerResult['failure']; error?: string } {
  if (failure === null || failure.kind === 'NonZeroExitCode') return {}
  return { reason: failure, error: failureText(failure) }
}

/** A failure as a person reads it. */
export function failureText(failure: NonNullable<ContainerResult['failure']>): string {
  switch (failure.kind) {
    case 'NonZeroExitCode':
      return `NonZeroExitCode: ${failure.code}`
    case 'TimeoutExpired':
      return `TimeoutExpired: the container took longer than ${failure.timeout_secs} s.`
    case 'ImagePullFailed':
      return `ImagePullFailed: ${failure.error}`
    case 'VolumeMountFailed':
      return `VolumeMountFailed: ${failure.volume}: ${failure.error}`
    case 'ResourceExhausted':
      return `ResourceExhausted: ${failure.detail}`
  }
}

function stepsOutput(
  completion: 'all_succeed' | 'any_succeed' | 'best_effort' = workflowDefaults.completion,
  steps: Readonly<Record<string, ContainerResult>>,
): Output {
  const entries = Object.entries(steps)
  const succeeded = entries.filter(([, result]) => hasSucceeded(result)).length
  const isSuccess =
    completion === 'best_effort' || (completion === 'any_succeed' ? succeeded > 0 : succeeded === entries.length)
  return {
    value: {
      status: isSuccess ? 'success' : 'failed',
      overall_success: isSuccess,
      completion,
      succeeded,
      failed: entries.length - succeeded,
      output: Object.fromEntries(entries.map(([name, result]) => [name, { ...streams(result), ...reasonOf(result) }])),
      results: entries.map(([name, result]) => ({ name, ...streams(result), ...reasonOf(result) })),
    },
    isSuccess,
  }
}

function parallelOutput(
  config: ConsensusConfig | undefined,
  { agents, judgements, failures = [] }: Extract<WorkResult, { kind: 'ParallelAgents' }>,
): Output {
  const threshold = config?.threshold ?? workflowDefaults.consensusThreshold
  const least = config?.min_judges_required ?? workflowDefaults.minJudgesRequired
  const shown = agents.map(({ agentId, output, weight, executionId, error }) => ({
    agent_id: agentId,
    output: typeof error === 'string' ? null : parsed(output),
    weight,
    ...(executionId === undefined ? {} : { execution_id: executionId }),
    ...(typeof error === 'string' ? { error } : {}),
  }))
  const missing = agents.flatMap(({ agentId, error }) => (typeof error === 'string' ? [`${agentId}: ${error}`] : []))
  // Judges look at what there is; where nobody judges, all must have come to something.
  const isJudged = judgements.length + failures.length > 0
  if (missing.length === agents.length || (missing.length > 0 && !isJudged))
    return failed(`${missing.length} of ${agents.length} agents came to no output: ${missing.join('; ')}`, {
      agents: shown,
    })
  if (isJudged && judgements.length < least)
    return failed([`${judgements.length} of at least ${least} judges have answered.`, ...failures].join(' '), {
      agents: shown,
    })
  try {
    const { score, confidence, metadata } =
      judgements.length === 0 || config === undefined
        ? { score: 1, confidence: 1, metadata: {} }
        : consensusOf(strategyOf(config), judgements)
    return {
      value: {
        consensus: {
          score,
          confidence,
          binary_valid: score >= threshold,
          strategy: config?.strategy ?? null,
          metadata,
        },
        individual_results: judgements.map(shownJudgement),
        individual_scores: judgements.map((one) => one.score),
        agents: shown,
      },
      isSuccess: score >= threshold,
    }
  } catch (error) {
    if (error instanceof NoConsensus) return failed(error.message, { agents: shown })
    throw error
  }
}

const shownJudgement = ({ agentId, ...one }: JudgeResult) => ({ agent_id: agentId, ...one })

/** What the judges of an Agent state come to: a weighted average. Too few of them, and it is not valid. */
export function verdictOf(judgements: readonly JudgeResult[], failures: readonly string[]): Verdict {
  if (judgements.length === 0)
    return { isValid: false, score: 0, confidence: 0, reasoning: `No judge has answered. ${failures.join(' ')}`.trim() }
  const { score, confidence } = consensusOf({ kind: 'weighted_average' }, judgements)
  const reasoning = judgements.map((one) => one.reasoning ?? '').filter((text) => text !== '')
  return {
    isValid: score >= workflowDefaults.judgeThreshold,
    score,
    confidence,
    reasoning: [...reasoning, ...failures].join('\n'),
  }
}

export interface Verdict {
  readonly isValid: boolean
  readonly score: number
  readonly confidence: number
  readonly reasoning: string
}

function strategyOf({ strategy, threshold, n, confidence_weighting: weighting }: ConsensusConfig): ConsensusStrategy {
  switch (strategy) {
    case 'weighted_average':
      return {
        kind: strategy,
        factors: {
          agreement: weighting?.agreement_factor ?? workflowDefaults.agreementFactor,
          selfConfidence: weighting?.self_confidence_factor ?? workflowDefaults.selfConfidenceFactor,
        },
      }
    case 'majority':
    case 'unanimous':
      return { kind: strategy, threshold: threshold ?? workflowDefaults.consensusThreshold }
    case 'best_of_n':
      return n === undefined ? { kind: strategy } : { kind: strategy, n }
  }
}
