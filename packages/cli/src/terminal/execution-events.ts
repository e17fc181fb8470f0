import type { ExecutionEvent } from '@lictor/aegis'
import { style } from './style.ts'

const WIDEST_VALUE = 100

/** What a person need not see: another event beside them says it better. */
const silent = new Set(['tool_policy_violation', 'instance_spawned', 'instance_terminated', 'iteration_completed'])

/** One event of an execution as lines for a person; none when it adds nothing. */
export function describeEvent({ event_type, data }: ExecutionEvent): string[] {
  if (silent.has(event_type)) return []
  const time = style(
    'dim',
    String(data.timestamp ?? '')
      .slice(11, 19)
      .padEnd(8),
  )
  const line = (text: string) => `  ${time}  ${text}`
  switch (event_type) {
    case 'execution_started':
      return [line(`started  ${style('dim', textOf(data.execution_id))}`)]
    case 'iteration_started':
      return [line(`iteration ${textOf(data.iteration_number)}`)]
    case 'llm_interaction':
      return [line(style('dim', `model ${textOf(data.model)}: ${brief(data.response)}`))]
    case 'llm_call_failed':
      return [line(`${style('red', 'model failed')}  ${brief(reasonOf(data))}`)]
    case 'tool_invocation_requested':
      return [line(`${style('cyan', '→')} ${textOf(data.tool_name)} ${brief(data.arguments)}`)]
    case 'tool_invocation_completed':
      return [line(`${style('green', '✓')} ${textOf(data.tool_name)} ${style('dim', brief(data.result))}`)]
    case 'tool_invocation_failed':
      return [
        line(
          `${style('red', '✗')} ${textOf(data.tool_name)} ${brief((data.error as { message?: unknown } | null)?.message ?? data.error)}`,
        ),
      ]
    case 'console_output':
      return textOf(data.content)
        .trimEnd()
        .split('\n')
        .map((text) => line(style(data.stream === 'stderr' ? 'red' : 'dim', `│ ${text}`)))
    case 'gradient_validation_performed':
      return [line(style('dim', `validated  score ${numberOf(data.score)}, confidence ${numberOf(data.confidence)}`))]
    case 'multi_judge_consensus':
      return [
        line(style('dim', `judges agree on ${numberOf(data.final_score)}, confidence ${numberOf(data.confidence)}`)),
      ]
    case 'refinement_applied':
      return [line(`${style('yellow', 'refused')}  it tries again`)]
    case 'execution_completed':
      return [
        line(style('green', 'completed')),
        ...textOf(data.final_output)
          .trimEnd()
          .split('\n')
          .map((text) => `            ${text}`),
      ]
    case 'execution_failed':
      return [line(`${style('red', 'failed')}  ${textOf(data.reason)}`)]
    case 'execution_cancelled':
      return [line(`${style('yellow', 'cancelled')}  ${textOf(data.reason)}`)]
    case 'execution_timed_out':
      return [line(`${style('red', 'timed out')} after ${textOf(data.timeout_seconds)} s`)]
    default: {
      const name = event_type.replaceAll('_', ' ')
      return [line(data.message && data.message !== name ? `${name}  ${style('dim', brief(data.message))}` : name)]
    }
  }
}

/** The model's own words: `message` beside them is what the server says of the event. */
const reasonOf = (data: ExecutionEvent['data']): unknown =>
  (data.llm_call_failed as { message?: unknown } | undefined)?.message ?? data.message

const textOf = (value: unknown): string =>
  value === null || value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value)

const numberOf = (value: unknown): string =>
  typeof value === 'number' ? String(Math.round(value * 100) / 100) : textOf(value)

function brief(value: unknown): string {
  const text = textOf(value).replaceAll(/\s+/g, ' ').trim()
  return text.length > WIDEST_VALUE ? `${text.slice(0, WIDEST_VALUE - 1)}…` : text
}
