import type { AegisClient, RequestOptions } from '@lictor/aegis'
import { describeEvent } from '../terminal/execution-events.ts'
import type { OutputFormat, Terminal } from '../terminal/terminal.ts'

export type Outcome = 'execution_completed' | 'execution_failed' | 'execution_cancelled' | 'execution_timed_out' | null

/** What is followed goes on after a restart of its server, which is waited for: some two minutes. */
export const overRestarts: RequestOptions = { maxRetries: 20 }

/** Show an execution's events as they come, to its end. With `json`, one object a line. Returns how it ended; null when the stream did not say. */
export async function watchExecution(
  client: AegisClient,
  executionId: string,
  terminal: Terminal,
  output: OutputFormat,
  signal?: AbortSignal,
): Promise<Outcome> {
  let outcome: Outcome = null
  for await (const event of client.streamExecution(executionId, undefined, {
    ...overRestarts,
    ...(signal ? { signal } : {}),
  })) {
    if (output === 'json') terminal.print(JSON.stringify(event.data))
    else for (const line of describeEvent(event)) terminal.print(line)
    if (/^execution_(completed|failed|cancelled|timed_out)$/.test(event.event_type))
      outcome = event.event_type as Outcome
  }
  return outcome
}
