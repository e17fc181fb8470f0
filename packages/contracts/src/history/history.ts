import type { AfterDocument } from '../document.ts'

/**
 * What a session remembers, by the name under which its store keeps it: `label:<label>` for a label that a post contract has
 * put on it, `observed_label:<label>` for one that a contract would have put which only observes, `tool:<name>` for the tool
 * that has run. A name is there when its counter is not 0.
 */
export type Mark = string

/** The mark that a contract leaves when it labels the session. One that only observes leaves a mark that binds nobody. */
export function markOf(label: string, onlyObserves: boolean): Mark {
  return onlyObserves ? `observed_label:${label}` : `label:${label}`
}

/** The marks of which any must be there for a contract to look at a call. */
export function marksAskedBy(after: AfterDocument | undefined, onlyObserves: boolean): readonly Mark[] {
  if (after === undefined) return NONE
  return Object.freeze([
    ...after.labels.map((label) => markOf(label, false)),
    ...(onlyObserves ? after.labels.map((label) => markOf(label, true)) : []),
    ...after.tools.map((tool) => `tool:${tool}`),
  ])
}

/** What came before, given by hand: for dry runs and tests. Labels that only observing contracts put are among them. */
export interface PastInput {
  readonly labels?: readonly string[]
  readonly tools?: readonly string[]
}

export function marksOfPast({ labels = [], tools = [] }: PastInput): ReadonlySet<Mark> {
  return new Set([...labels.map((label) => markOf(label, false)), ...tools.map((tool) => `tool:${tool}`)])
}

/** The same the other way round, as events and answers tell it. */
export function pastOfMarks(marks: Iterable<Mark>): Required<PastInput> {
  const labels = new Set<string>()
  const tools = new Set<string>()
  for (const mark of marks) {
    const at = mark.indexOf(':')
    if (mark.startsWith('tool:')) tools.add(mark.slice(at + 1))
    else labels.add(mark.slice(at + 1))
  }
  return { labels: [...labels].sort(), tools: [...tools].sort() }
}

/** Nothing came before. */
export const NO_PAST: ReadonlySet<Mark> = new Set()

const NONE: readonly Mark[] = Object.freeze([])
