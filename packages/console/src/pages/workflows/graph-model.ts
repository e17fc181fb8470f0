import type { JournalEvent } from '../../live/journal.ts'

/** How a state stands in a run. */
export type Standing = 'untouched' | 'current' | 'left'

export interface StateNode {
  readonly id: string
  readonly kind: string
  readonly isFirst: boolean
  readonly isLast: boolean
}

export interface TransitionEdge {
  readonly id: string
  readonly source: string
  readonly target: string
  /** When it is taken; empty for one that always is. */
  readonly label: string
}

export interface WorkflowGraph {
  readonly nodes: readonly StateNode[]
  readonly edges: readonly TransitionEdge[]
}

/**
 * The states and transitions of a definition, as a graph, from the first state on in the order they are reached. What a
 * definition has otherwise than it should is left out.
 */
export function graphOf(definition: unknown): WorkflowGraph {
  const { states, initial_state: first } = recordOf(definition)
  const entries = Object.entries(recordOf(states))
  const names = new Set(entries.map(([name]) => name))
  const edges = entries.flatMap(([name, state]) =>
    transitionsOf(state).flatMap((transition, index) => {
      const { target, condition } = recordOf(transition)
      if (typeof target !== 'string' || !names.has(target)) return []
      return { id: `${name} ${index}`, source: name, target, label: conditionOf(condition) }
    }),
  )
  const order = orderFrom(typeof first === 'string' ? first : undefined, [...names], edges)
  const place = (name: string) => order.indexOf(name)
  edges.sort((a, b) => place(a.source) - place(b.source))
  return {
    nodes: entries
      .sort(([a], [b]) => place(a) - place(b))
      .map(([id, state]) => ({
        id,
        kind: String(recordOf(state).kind ?? 'State'),
        isFirst: id === first,
        isLast: !edges.some(({ source }) => source === id),
      })),
    edges,
  }
}

/** Breadth first; what cannot be reached stands at the end. */
function orderFrom(
  first: string | undefined,
  names: readonly string[],
  edges: readonly TransitionEdge[],
): readonly string[] {
  const order = new Set<string>(first !== undefined && names.includes(first) ? [first] : [])
  for (const name of order) for (const { source, target } of edges) if (source === name) order.add(target)
  return [...order, ...names.filter((name) => !order.has(name))]
}

const recordOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}

const transitionsOf = (state: unknown): readonly unknown[] => {
  const { transitions } = recordOf(state)
  return Array.isArray(transitions) ? transitions : []
}

const conditionOf = (condition: unknown): string =>
  condition === undefined || condition === null || condition === 'always'
    ? ''
    : typeof condition === 'string'
      ? condition.replaceAll('_', ' ')
      : JSON.stringify(condition)

const ENTERED = 'WorkflowStateEntered'
const ENDS = /^WorkflowExecution(?:Completed|Failed|Cancelled)$/

export const isLastOfRun = (type: string): boolean => ENDS.test(type)

/** How each state stands after what has happened; a run that has ended is in none. */
export function standingsOf(events: readonly JournalEvent[]): ReadonlyMap<string, Standing> {
  const standings = new Map<string, Standing>()
  for (const { type, state_name: state } of events) {
    if (isLastOfRun(type) || type === ENTERED)
      for (const [name, standing] of standings) if (standing === 'current') standings.set(name, 'left')
    if (type === ENTERED && typeof state === 'string') standings.set(state, 'current')
  }
  return standings
}
