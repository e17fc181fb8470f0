import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useMemo } from 'react'
import { agentQueries } from '../../agents/queries.ts'
import { eventQueries } from '../../events/queries.ts'
import { bundleQueries } from '../queries.ts'
import type { Seen } from './suggest.ts'

/** What is looked at for tools that agents really call. */
const WINDOW = '7d'

/** What this server has seen, for whoever writes a bundle. It is a help: what cannot be read is left out. */
export function useSeen(): Seen {
  const client = useQueryClient()
  const facets = useQuery(eventQueries.facets({})).data?.facets
  const fleet = useQuery(agentQueries.fleet(WINDOW)).data?.fleet_summary
  const bundles = useQuery(bundleQueries.all()).data
  return useMemo(() => {
    const callers = new Map(fleet?.ungoverned_tools.map((tool) => [tool.tool_name, tool.agent_ids]))
    return {
      tools:
        facets?.tool_name.values.map(({ value, count }) => ({
          name: value,
          calls: count,
          ungovernedFor: callers.get(value) ?? [],
        })) ?? [],
      environments: facets?.env.values.map(({ value }) => value).filter(Boolean) ?? [],
      bundles: bundles?.map(({ name }) => name) ?? [],
      argumentsOf: async (tool) => {
        const event = await client.ensureQueryData(eventQueries.newestOf(tool)).catch(() => null)
        const args = event?.payload?.tool_args
        return typeof args === 'object' && args !== null && !Array.isArray(args) ? Object.keys(args) : []
      },
    }
  }, [client, facets, fleet, bundles])
}
