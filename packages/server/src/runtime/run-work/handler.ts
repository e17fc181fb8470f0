import { AddressRefused, type Outbound, OutboundFailed } from '../../ports/outbound.ts'
import type { Work } from '../interpreter/run.ts'
import type { Outcome } from '../runs/engine.ts'
import type { RunRecord } from '../runs/run-record.ts'
import type { EntryAgents } from './agents.ts'

/** Give the output of a state to its handler: another agent, or a webhook. What it answers, or why there is no answer. */
export async function workHandler(
  deps: { readonly agents: EntryAgents; readonly outbound: Outbound },
  run: Pick<RunRecord, 'id'>,
  { entry, work }: { readonly entry: number; readonly work: Extract<Work, { kind: 'Handler' }> },
): Promise<Outcome | null> {
  const { handler, input } = work
  const answered = (output: string | null, error: string | null): Outcome => ({
    type: 'state_completed',
    result: { kind: 'Handled', output, error },
  })
  if (handler.type === 'agent') {
    const { agent, milliseconds } = handler
    const asked = await deps.agents.tryAsk({ key: 'handler', agent, input, intent: null, seconds: milliseconds / 1000 })
    if (asked === null) return null
    return typeof asked === 'string' ? answered(null, asked) : answered(asked.output ?? '', null)
  }
  const { url, method, milliseconds } = handler
  const named = new Set(Object.keys(handler.headers).map((name) => name.toLowerCase()))
  const added = { 'content-type': 'application/json', 'idempotency-key': `workflow-${run.id}-${entry}` }
  const headers = {
    ...Object.fromEntries(Object.entries(added).filter(([name]) => !named.has(name))),
    ...handler.headers,
  }
  try {
    const answer = await deps.outbound.send({ url, method, headers, body: input, milliseconds })
    if (answer.status < 200 || answer.status > 299)
      return answered(null, `${new URL(url).hostname} answered HTTP ${answer.status}`)
    return answered(answer.body === '' ? input : answer.body, null)
  } catch (error) {
    if (error instanceof AddressRefused || error instanceof OutboundFailed) return answered(null, error.message)
    throw error
  }
}
