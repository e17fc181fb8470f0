import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { BackLink } from '../../ui/back-link.tsx'
import { useToasts } from '../../ui/toasts.tsx'
import { checkAgentManifest } from './check.ts'
import { EXAMPLE_AGENT } from './example.ts'
import { deployAgent, managedAgentQueries } from './queries.ts'
import { NewManifest } from './shared/manifest-parts.tsx'

/** A new agent, or a new version of one. */
export function DeployAgentPage() {
  const { from } = useSearch({ from: '/inside/managed-agents/new' })
  const base = useQuery({ ...managedAgentQueries.one(from ?? ''), enabled: from !== undefined })
  const navigate = useNavigate()
  const client = useQueryClient()
  const toasts = useToasts()
  return (
    <NewManifest
      what="an agent"
      action="Deploy"
      back={<BackLink to="/managed-agents">All managed agents</BackLink>}
      id={from}
      base={base}
      example={EXAMPLE_AGENT}
      draft={`agent ${from ?? ''}`}
      check={checkAgentManifest}
      onSubmit={async (sent) => {
        const agent = await deployAgent(sent)
        void client.invalidateQueries({ queryKey: ['managed-agents'] })
        toasts.done(`${agent.name} v${agent.version} deployed`, agent.warnings[0])
        void navigate({ to: '/managed-agents/$id', params: { id: agent.agent_id } })
      }}
    />
  )
}
