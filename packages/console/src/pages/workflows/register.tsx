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
import { Workbench } from '../managed-agents/shared/workbench.tsx'
import { checkWorkflowManifest } from './check.ts'
import { EXAMPLE_WORKFLOW } from './example.ts'
import { registerWorkflow, workflowQueries } from './queries.ts'

/** A new workflow, or a new version of one. */
export function RegisterWorkflowPage() {
  const { from } = useSearch({ from: '/inside/workflows/new' })
  const base = useQuery({ ...workflowQueries.one(from ?? ''), enabled: from !== undefined })
  const refusal = useRefusal('work')
  const [replaces, setReplaces] = useState(false)
  const navigate = useNavigate()
  const client = useQueryClient()
  const toasts = useToasts()
  const register = async (yaml: string) => {
    try {
      const workflow = await registerWorkflow({ yaml, replaces })
      void client.invalidateQueries({ queryKey: ['workflows'] })
      toasts.done(`${workflow.name} v${workflow.version} registered`)
      void navigate({ to: '/workflows/$id', params: { id: workflow.id } })
    } catch (error) {
      if (error instanceof ApiError && error.status === 409)
        throw new ApiError(409, `${error.message} Give it another version, or replace this one.`)
      throw error
    }
  }
  const ready = from === undefined ? EXAMPLE_WORKFLOW : base.data?.manifest_yaml
  return (
    <Page
      title={from === undefined ? 'Register a workflow' : `New version of ${base.data?.name ?? 'a workflow'}`}
      lead={<BackLink to="/workflows">All workflows</BackLink>}
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
          name={`workflow ${from ?? ''}`}
          initial={ready}
          label="Manifest YAML"
          check={checkWorkflowManifest}
          action="Register"
          onSubmit={register}
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
