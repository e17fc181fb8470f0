/** What is counted, in which windows, and how much of it each tier has. */

export const buckets = [
  { name: 'per_minute', seconds: 60 },
  { name: 'hourly', seconds: 3_600 },
  { name: 'daily', seconds: 86_400 },
  { name: 'weekly', seconds: 604_800 },
  { name: 'monthly', seconds: 2_592_000 },
] as const
export type BucketName = (typeof buckets)[number]['name']

/** `system` has no limits. */
export const tiers = ['free', 'pro', 'business', 'enterprise', 'system'] as const
export type Tier = (typeof tiers)[number]

/** In the order of the buckets; null: without a limit. */
type Row = readonly (number | null)[]
type OfTier = Readonly<Record<Exclude<Tier, 'system'>, Row>>

export const resources = {
  agent_execution: {
    words: 'agent execution',
    tiers: {
      free: [3, 5, 20, 80, 100],
      pro: [10, 50, 200, 1_000, 2_000],
      business: [30, 200, 1_000, 5_000, 10_000],
      enterprise: [100, 1_000, 10_000, 50_000, 200_000],
    },
  },
  workflow_execution: {
    words: 'workflow execution',
    tiers: {
      free: [2, 3, 10, 40, 50],
      pro: [5, 25, 100, 500, 1_000],
      business: [15, 100, 500, 2_500, 5_000],
      enterprise: [50, 500, 5_000, 25_000, 100_000],
    },
  },
  llm_call: {
    words: 'calls of language models',
    tiers: {
      free: [20, 100, 500, 2_500, 5_000],
      pro: [60, 500, 3_000, 15_000, 30_000],
      business: [200, 2_000, 15_000, 75_000, 150_000],
      enterprise: [500, 10_000, 100_000, 500_000, 1_000_000],
    },
  },
  llm_token: {
    words: 'tokens of language models',
    tiers: {
      free: [20_000, 100_000, 500_000, 2_500_000, 5_000_000],
      pro: [100_000, 500_000, 3_000_000, 15_000_000, 30_000_000],
      business: [500_000, 2_500_000, 15_000_000, 75_000_000, 150_000_000],
      enterprise: [2_000_000, 10_000_000, 100_000_000, 500_000_000, 1_000_000_000],
    },
  },
} as const satisfies Record<string, { words: string; tiers: OfTier }>
export type ResourceName = keyof typeof resources

const minute = (count: number): Row => [count, null, null, null, null]
const hour = (count: number): Row => [null, count, null, null, null]

/** Tools that are counted together, by the pattern that names them; the first that matches counts. */
export const toolClasses: readonly { readonly pattern: string; readonly tiers: OfTier }[] = [
  ...['aegis.agent.search', 'aegis.workflow.search'].map((pattern) => ({
    pattern,
    tiers: { free: hour(30), pro: hour(300), business: hour(1_000), enterprise: hour(5_000) },
  })),
  {
    pattern: 'fs_*',
    tiers: { free: minute(60), pro: minute(300), business: minute(600), enterprise: minute(1_200) },
  },
  {
    pattern: 'web_search',
    tiers: { free: minute(20), pro: minute(60), business: minute(200), enterprise: minute(500) },
  },
  { pattern: '*', tiers: { free: minute(30), pro: minute(120), business: minute(300), enterprise: minute(600) } },
]

const TOOL = 'seal_tool:'
/** A tool's name or a pattern of names, after `seal_tool:`. */
const pattern = /^[A-Za-z0-9_.:-]*\*?$/

export const isBucket = (name: string): name is BucketName => buckets.some((one) => one.name === name)
/** A tier by the word for it, whatever its case; null when there is none of that name. */
export const tierNamed = (word: string): Tier | null => tiers.find((one) => one === word.toLowerCase()) ?? null
const isResource = (name: string): name is ResourceName => Object.hasOwn(resources, name)

/** Whether something of this name is counted. */
export const isCounted = (resourceType: string): boolean =>
  isResource(resourceType) ||
  (resourceType.startsWith(TOOL) && resourceType.length > TOOL.length && pattern.test(resourceType.slice(TOOL.length)))

export const toolResource = (toolPattern: string): string => `${TOOL}${toolPattern}`

/** Whether a resource of tools speaks of this tool. Generations of clients spell names with dots or with underscores. */
export function speaksOfTool(resourceType: string, tool: string): boolean {
  if (!resourceType.startsWith(TOOL)) return false
  const named = alike(resourceType.slice(TOOL.length))
  return named.endsWith('*') ? alike(tool).startsWith(named.slice(0, -1)) : named === alike(tool)
}

const alike = (name: string): string => name.replaceAll('.', '_')

/** What a figure counts it as: names of tools are what clients send, and no label. */
export const countedAs = (resourceType: string): string => (resourceType.startsWith(TOOL) ? 'seal_tool' : resourceType)

/** What people call a resource. */
export const wordsOf = (resourceType: string): string =>
  isResource(resourceType) ? resources[resourceType].words : `the tools ${resourceType.slice(TOOL.length)}`

export interface Quota {
  /** Executions that callers and workflows began and that have not ended. */
  readonly executions: number
  readonly agents: number
}

/** Null: without limits. */
export function quotaOf(tier: Tier): Quota | null {
  switch (tier) {
    case 'free':
      return { executions: 2, agents: 5 }
    case 'pro':
      return { executions: 10, agents: 50 }
    case 'business':
      return { executions: 25, agents: 200 }
    case 'enterprise':
      return { executions: 50, agents: 500 }
    case 'system':
      return null
  }
}
