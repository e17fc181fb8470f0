import { isRecord } from '../interpreter/blackboard.ts'
import type { RunRecord } from '../runs/run-record.ts'

/** The workflow that writes, checks and runs what was asked for. */
export const PIPELINE_WORKFLOW = 'builtin-intent-to-execution'

/** Where that workflow goes when nothing was written that may be run. */
const FAILED_STATE = 'WRITE_FAILED'

/** The image that code of a language runs in. Source: AEGIS runtime reference, intent pipeline. */
export const images = {
  python: 'python:3.11-slim',
  javascript: 'node:20-slim',
  bash: 'ubuntu:22.04',
} as const
export type Language = keyof typeof images

/** Seconds that code may run. */
export const LONGEST_SECONDS = 600

/** What was asked for, and the run that does it. Instants in microseconds. */
export interface Pipeline {
  readonly id: string
  readonly tenantId: string
  readonly runId: string
  readonly intent: string
  readonly language: string
  readonly startedAt: number
  readonly end: PipelineEnd | null
}

/** What became of it. */
export interface PipelineEnd {
  readonly status: 'completed' | 'failed' | 'cancelled'
  readonly endedAt: number
  /** Null where it came to nothing. */
  readonly finalResult: string | null
  /** Null of one that completed. */
  readonly failedAtState: string | null
  readonly reason: string | null
}

/** Characters of a result and of a reason that are kept beside the run, which has the whole. */
const MOST_KEPT = 64 * 1024
const MOST_REASON = 4_096

/** What a run that has ended makes of its pipeline; null while it goes on. */
export function endOf({
  state,
  endedAt,
  updatedAt,
}: Pick<RunRecord, 'state' | 'endedAt' | 'updatedAt'>): PipelineEnd | null {
  if (state.status === 'running') return null
  const at = { endedAt: endedAt ?? updatedAt }
  const fell = (status: 'failed' | 'cancelled', reason: string): PipelineEnd => ({
    ...at,
    status,
    finalResult: null,
    failedAtState: state.current,
    reason: reason.slice(0, MOST_REASON),
  })
  if (state.status === 'cancelled') return fell('cancelled', state.reason ?? 'It was cancelled.')
  if (state.status === 'failed') return fell('failed', state.reason ?? 'The workflow failed.')
  if (state.current === FAILED_STATE) return fell('failed', whyNothingWasWritten(state.blackboard))
  return {
    ...at,
    status: 'completed',
    finalResult: textOf(state.finalOutput).slice(0, MOST_KEPT),
    failedAtState: null,
    reason: null,
  }
}

/** The error of the agent that came last of those that can lead there. */
function whyNothingWasWritten(blackboard: Readonly<Record<string, unknown>>): string {
  for (const name of ['VALIDATE_CODE', 'WRITE_CODE']) {
    const output = Object.hasOwn(blackboard, name) ? blackboard[name] : null
    if (isRecord(output) && output.status === 'failed') return `${name}: ${textOf(output.error)}`
  }
  return 'Nothing was written that may be run.'
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))
