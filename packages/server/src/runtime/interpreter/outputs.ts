import { type ConsensusConfig, type WorkflowState, workflowDefaults } from '@lictor/aegis'
import { type ConsensusStrategy, consensusOf, NoConsensus } from '../validation/consensus.ts'
import type { ProcessResult, WorkResult } from './run.ts'

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
  if (state.kind !== result.kind)
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
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

const streams = ({ exitCode, stdout, stderr, durationMs }: ProcessResult) => ({
  exit_code: exitCode,
  stdout: stdout.slice(0, LONGEST_STREAM),
  stderr: stderr.slice(0, LONGEST_STREAM),
  duration_ms: durationMs,
})

function processOutput(result: ProcessResult, more: Readonly<Record<string, unknown>>): Output {
  const isSuccess = result.exitCode === 0
  const shown = { ...streams(result), ...more }
  return { value: { status: isSuccess ? 'success' : 'failed', output: shown, ...shown }, isSuccess }
}

function stepsOutput(
  completion: 'all_succeed' | 'any_succeed' | 'best_effort' = workflowDefaults.completion,
  steps: Readonly<Record<string, ProcessResult>>,
): Output {
  const entries = Object.entries(steps)
  const succeeded = entries.filter(([, { exitCode }]) => exitCode === 0).length
  const isSuccess =
    completion === 'best_effort' || (completion === 'any_succeed' ? succeeded > 0 : succeeded === entries.length)
  return {
    value: {
      status: isSuccess ? 'success' : 'failed',
      overall_success: isSuccess,
      completion,
      succeeded,
      failed: entries.length - succeeded,
      output: Object.fromEntries(entries.map(([name, result]) => [name, streams(result)])),
      results: entries.map(([name, result]) => ({ name, ...streams(result) })),
    },
    isSuccess,
  }
}

function parallelOutput(
  config: ConsensusConfig | undefined,
  { agents, judgements }: Extract<WorkResult, { kind: 'ParallelAgents' }>,
): Output {
  const threshold = config?.threshold ?? workflowDefaults.consensusThreshold
  const least = config?.min_judges_required ?? workflowDefaults.minJudgesRequired
  const shown = agents.map(({ agentId, output, weight }) => ({ agent_id: agentId, output: parsed(output), weight }))
  if (judgements.length > 0 && judgements.length < least)
    return failed(`${judgements.length} of at least ${least} judges have answered.`, { agents: shown })
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
        individual_results: judgements.map(({ agentId, ...one }) => ({ agent_id: agentId, ...one })),
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
