import type { Policy } from '@lictor/contracts'

/** A tool that an adapter was given. */
export interface RegisteredTool {
  readonly toolName: string
  /** The sub-path of the adapter: `ai`, `langchain`. */
  readonly adapter: string
  /** Why no call of it passes the guard; null for a tool that the adapter holds. */
  readonly elsewhere: string | null
}

export type ToolStatus = 'enforced' | 'observed' | 'ungoverned'

export interface CoveredTool extends RegisteredTool {
  /** `enforced` where a contract in force can refuse or change a call, `observed` where contracts only report it. */
  readonly status: ToolStatus
  /** The contracts that look at calls of this tool, by id; limits of sessions left out, which look at all. */
  readonly contracts: readonly string[]
}

export interface ToolCoverage {
  /** Ungoverned ones first, then observed ones, each in the order in which they were registered. */
  readonly tools: readonly CoveredTool[]
  readonly enforced: number
  readonly observed: number
  readonly ungoverned: number
}

const ORDER: Readonly<Record<ToolStatus, number>> = { ungoverned: 0, observed: 1, enforced: 2 }

/** The tools that the adapters of one guard were given, each once. */
export class RegisteredTools {
  readonly #tools = new Map<string, RegisteredTool>()

  add(tool: RegisteredTool): void {
    this.#tools.set(`${tool.adapter} ${tool.toolName}`, tool)
  }

  coverage(policy: Policy, observes: boolean): ToolCoverage {
    const tools = [...this.#tools.values()].map((tool) => cover(tool, policy, observes))
    tools.sort((a, b) => ORDER[a.status] - ORDER[b.status])
    const count = (status: ToolStatus) => tools.filter((tool) => tool.status === status).length
    return { tools, enforced: count('enforced'), observed: count('observed'), ungoverned: count('ungoverned') }
  }
}

function cover(tool: RegisteredTool, policy: Policy, observes: boolean): CoveredTool {
  if (tool.elsewhere !== null) return { ...tool, status: 'ungoverned', contracts: [] }
  const { gates, post, candidates, postCandidates } = policy.planFor(tool.toolName)
  // Limits of a session are about all its calls: they govern no tool by name.
  const named = [...gates, ...post, ...candidates, ...postCandidates].filter(({ type }) => type !== 'session')
  const contracts = named.map(({ id }) => id)
  if (contracts.length === 0) return { ...tool, status: 'ungoverned', contracts }
  const enforces = !observes && [...gates, ...post].some(({ mode }) => mode !== 'observe')
  return { ...tool, status: enforces ? 'enforced' : 'observed', contracts }
}
