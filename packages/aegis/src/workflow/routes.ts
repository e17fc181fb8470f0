import type { Findings } from './rules.ts'
import type { Condition, WorkflowSpec, WorkflowState } from './types.ts'

/** Pairs of conditions of which one always holds. */
const complements: readonly (readonly [Condition, Condition])[] = [['on_success', 'on_failure']]

/** Whether a run can end in a state: it leads nowhere, or none of its conditions may hold, which ends a run as well. */
function mayEnd({ transitions }: WorkflowState): boolean {
  const held = new Set(transitions.map(({ condition = 'always' }) => condition))
  return !held.has('always') && !complements.some(([one, other]) => held.has(one) && held.has(other))
}

/**
 * What is legal and probably not meant: states that no way leads to, ways behind one that is always taken, rounds that only a limit
 * ends. Each state is looked at a bounded number of times, however the ways run.
 */
export function judgeRoutes(spec: WorkflowSpec, { warn }: Pick<Findings, 'warn'>): void {
  const states = new Map(Object.entries(spec.states ?? {}).filter(([, { transitions }]) => transitions !== undefined))
  for (const [name, { transitions }] of states) {
    const last = transitions.findIndex(({ condition = 'always' }) => condition === 'always')
    if (last >= 0 && last < transitions.length - 1)
      warn(
        ['spec', 'states', name, 'transitions', last + 1],
        `never taken: the transition before it, to '${transitions[last]?.target}', is always taken`,
      )
  }
  const start = spec.initial_state
  if (start === undefined || !states.has(start)) return
  const onward = (name: string): string[] =>
    (states.get(name)?.transitions ?? []).map(({ target }) => target).filter((target) => states.has(target))
  const reached = closure([start], onward)
  for (const name of states.keys())
    if (!reached.has(name)) warn(['spec', 'states', name], `no way leads from '${start}' to state '${name}'`)
  const sources = new Map<string, string[]>()
  for (const name of states.keys())
    for (const target of onward(name)) {
      const into = sources.get(target)
      if (into) into.push(name)
      else sources.set(target, [name])
    }
  const ends = [...states].flatMap(([name, state]) => (mayEnd(state) ? [name] : []))
  const ending = closure(ends, (name) => sources.get(name) ?? [])
  for (const name of reached)
    if (!ending.has(name))
      warn(
        ['spec', 'states', name],
        `no way leads from state '${name}' to an end: only a limit ends a run that is there`,
      )
}

/** What `next` leads to from `from`, with it. */
function closure(from: readonly string[], next: (name: string) => readonly string[]): Set<string> {
  const found = new Set(from)
  const waiting = [...found]
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop())
    for (const other of next(name))
      if (!found.has(other)) {
        found.add(other)
        waiting.push(other)
      }
  return found
}
