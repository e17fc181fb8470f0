import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { ApiError } from '../../api/http.ts'
import { useRefusal } from '../../app/permission.ts'
import { BackLink } from '../../ui/back-link.tsx'
import { Card, Page } from '../../ui/page.tsx'
import { Failure } from '../../ui/states.tsx'
import { useToasts } from '../../ui/toasts.tsx'
import { Withheld } from '../../ui/withheld.tsx'
import { checkAgentManifest } from './check.ts'
import { EXAMPLE_AGENT } from './example.ts'
import { deployAgent, managedAgentQueries } from './queries.ts'
import { Workbench } from './shared/workbench.tsx'

/** A new agent, or a new version of one: write its manifest, see what is wrong where it is, deploy it. */
export function DeployAgentPage() {
  const { from } = useSearch({ from: '/inside/managed-agents/new' })
  const base = useQuery({ ...managedAgentQueries.one(from ?? ''), enabled: from !== undefined })
  const refusal = useRefusal('work')
  const [replaces, setReplaces] = useState(false)
  const navigate = useNavigate()
  const client = useQueryClient()
  const toasts = useToasts()
  const deploy = async (yaml: string) => {
    try {
      const agent = await deployAgent({ yaml, replaces })
      void client.invalidateQueries({ queryKey: ['managed-agents'] })
      toasts.done(`${agent.name} v${agent.version} deployed`, agent.warnings[0])
      void navigate({ to: '/managed-agents/$id', params: { id: agent.agent_id } })
    } catch (error) {
      if (error instanceof ApiError && error.status === 409)
        throw new ApiError(409, `${error.message} Give it another version, or replace this one.`)
      throw error
    }
  }
  const ready = from === undefined ? EXAMPLE_AGENT : base.data?.manifest_yaml
  return (
    <Page
      title={from === undefined ? 'Deploy an agent' : `New version of ${base.data?.name ?? 'an agent'}`}
      lead={<BackLink to="/managed-agents">All managed agents</BackLink>}
    >
      {refusal !== null ? (
        <Withheld why={refusal} />
      ) : base.isError ? (
        <Card>
          <Failure error={base.error} retry={() => void base.refetch()} />
        </Card>
      ) : ready === undefined ? (
        <Card className="h-[60vh]">{null}</Card>
      ) : (
        <Workbench
          key={from ?? ''}
          name={`agent ${from ?? ''}`}
          initial={ready}
          label="Manifest YAML"
          check={checkAgentManifest}
          action="Deploy"
          onSubmit={deploy}
          options={
            <label className="flex items-center gap-2 text-sm">
              <input type="checkbox" checked={replaces} onChange={({ target }) => setReplaces(target.checked)} />
              Replace this version if it is there
            </label>
          }
        />
      )}
    </Page>
  )
}
