import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { BackLink } from '../../ui/back-link.tsx'
import { useToasts } from '../../ui/toasts.tsx'
import { NewManifest } from '../managed-agents/shared/manifest-parts.tsx'
import { checkWorkflowManifest } from './check.ts'
import { EXAMPLE_WORKFLOW } from './example.ts'
import { registerWorkflow, workflowQueries } from './queries.ts'

/** A new workflow, or a new version of one. */
export function RegisterWorkflowPage() {
  const { from } = useSearch({ from: '/inside/workflows/new' })
  const base = useQuery({ ...workflowQueries.one(from ?? ''), enabled: from !== undefined })
  const navigate = useNavigate()
  const client = useQueryClient()
  const toasts = useToasts()
  return (
    <NewManifest
      what="a workflow"
      action="Register"
      back={<BackLink to="/workflows">All workflows</BackLink>}
      id={from}
      base={base}
      example={EXAMPLE_WORKFLOW}
      draft={`workflow ${from ?? ''}`}
      check={checkWorkflowManifest}
      onSubmit={async (sent) => {
        const workflow = await registerWorkflow(sent)
        void client.invalidateQueries({ queryKey: ['workflows'] })
        toasts.done(`${workflow.name} v${workflow.version} registered`)
        void navigate({ to: '/workflows/$id', params: { id: workflow.id } })
      }}
    />
  )
}
