import type { ExecutionEvent } from '@lictor/aegis'
import { style } from './style.ts'

/** One event of an execution as one or more lines for a person. */
export function describeEvent({ event_type, data }: ExecutionEvent): string[] {
  const time = style(
    'dim',
    String(data.timestamp ?? '')
      .slice(11, 19)
      .padEnd(8),
  )
  const line = (text: string) => `${time}  ${text}`
  switch (event_type) {
    case 'console_output':
      return String(data.content ?? '')
        .trimEnd()
        .split('\n')
        .map((text) => line(style(data.stream === 'stderr' ? 'red' : 'dim', `│ ${text}`)))
    case 'execution_completed':
      return [
        line(style('green', 'completed')),
        ...String(data.final_output ?? '')
          .trimEnd()
          .split('\n')
          .map((text) => `          ${text}`),
      ]
    case 'execution_failed':
      return [line(`${style('red', 'failed')}  ${textOf(data.reason)}`)]
    case 'execution_cancelled':
      return [line(`${style('yellow', 'cancelled')}  ${textOf(data.reason)}`)]
    case 'execution_timed_out':
      return [line(`${style('red', 'timed out')} after ${textOf(data.timeout_seconds)} s`)]
    default:
      return [
        line(`${event_type.replaceAll('_', ' ')}${data.message ? `  ${style('dim', textOf(data.message))}` : ''}`),
      ]
  }
}

const textOf = (value: unknown): string =>
  value === null || value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value)
