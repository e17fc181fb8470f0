import { plural } from '../../ui/plural.ts'
import { visible } from '../../ui/visible.ts'
import { isUnderWay } from '../executions/shared/status.tsx'
import type { Member, Swarm } from './queries.ts'

const BECAUSE: Readonly<Record<NonNullable<Swarm['reason']>, string>> = {
  ParentCancelled: 'the run that began it was cancelled or failed',
  AllChildrenComplete: 'all that was begun in it is done',
}

/** Why it is no more, in words; null while it is. */
export const reasonOf = ({ reason }: Pick<Swarm, 'reason'>): string | null => reason && BECAUSE[reason]

/** What a swarm is called: it has no name but that of the agent that began it. */
export const nameOf = ({ members, id }: Pick<Swarm, 'members' | 'id'>): string => {
  const parent = members.find(({ role }) => role === 'parent')
  return parent ? visible(parent.agent_name) : id.slice(0, 8)
}

/** How many were begun in it, and how many of them still run. */
export function childrenOf({ members }: Pick<Swarm, 'members'>): string {
  const children = members.filter(({ role }) => role === 'child')
  const running = children.filter(({ status }) => isUnderWay(status)).length
  const all = children.length === 1 ? '1 child' : `${children.length} children`
  return running === 0 ? all : `${all}, ${running} running`
}

/**
 * The executions that have to be cancelled to end a swarm. The end of its parent ends all that was begun in it; where the
 * parent is done already, each child that still runs.
 */
export function endsOf({ members }: Pick<Swarm, 'members'>): readonly Member[] {
  const going = members.filter(({ status }) => isUnderWay(status))
  const parent = going.find(({ role }) => role === 'parent')
  return parent ? [parent] : going
}

/** Cancels each, and goes on past a refusal. @throws Error saying how many still run, and why the first of them does */
export async function endAll(members: readonly Member[], cancel: (id: string) => Promise<unknown>): Promise<void> {
  const results = await Promise.allSettled(members.map(({ execution_id }) => cancel(execution_id)))
  const refused = results.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []))
  const [first] = refused
  if (first === undefined) return
  const why = first instanceof Error ? first.message : String(first)
  throw members.length === 1 ? first : new Error(`${plural(refused.length, 'run')} of ${members.length} stayed: ${why}`)
}

/** Who an agent of a message or a lock is: two of one name are told apart by the begin of their ids. */
export function agentNames(members: readonly Pick<Member, 'agent_id' | 'agent_name'>[]): (agentId: string) => string {
  const names = new Map(members.map(({ agent_id, agent_name }) => [agent_id, visible(agent_name)]))
  const all = [...names.values()]
  return (agentId) => {
    const name = names.get(agentId)
    if (name === undefined) return agentId.slice(0, 8)
    return all.indexOf(name) === all.lastIndexOf(name) ? name : `${name} ${agentId.slice(0, 8)}`
  }
}
