import type { VolumeSpec } from '@lictor/aegis'
import type { AgentResult, Work } from '../interpreter/run.ts'
import type { Outcome } from '../runs/engine.ts'
import type { EntryAgents } from './agents.ts'
import { askJudges, type JudgingView } from './judges.ts'

/** All agents of a ParallelAgents state at once, each within its own time; then its judges, about what there is. */
export async function workParallelAgents(
  agents: EntryAgents,
  { agents: asked, judges }: Extract<Work, { kind: 'ParallelAgents' }>,
  view: JudgingView,
  volumes: readonly VolumeSpec[],
): Promise<Outcome | null> {
  const intent = typeof view.values.intent === 'string' && view.values.intent !== '' ? view.values.intent : null
  const ended = await Promise.all(
    asked.map(({ agent, input, timeoutSeconds: seconds }, index) =>
      agents.tryAsk({ key: `agent:${index}`, agent, input, intent: null, volumes, seconds }),
    ),
  )
  const results: AgentResult[] = []
  for (const [index, one] of ended.entries()) {
    if (one === null) return null
    const { agent, weight } = asked[index] ?? { agent: '', weight: 1 }
    results.push(
      typeof one === 'string'
        ? { agentId: agent, output: '', weight, error: one }
        : { agentId: one.agentId, output: one.output ?? '', weight, executionId: one.id },
    )
  }
  const came = results.filter(({ error }) => error === undefined)
  if (judges.length === 0 || came.length === 0)
    return { type: 'state_completed', result: { kind: 'ParallelAgents', agents: results, judgements: [] } }
  const content = JSON.stringify(came.map(({ agentId, output, weight }) => ({ agent_id: agentId, output, weight })))
  const judged = await askJudges(agents, 'judge', judges, { content, criteria: intent ?? asked[0]?.input ?? '' }, view)
  if (judged === null) return null
  return { type: 'state_completed', result: { kind: 'ParallelAgents', agents: results, ...judged } }
}
