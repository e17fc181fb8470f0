import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type Start, startExecution } from '../queries.ts'
import RunDialog, { type RunDialogProps } from './run-dialog.tsx'

interface RunAgentProps extends Pick<RunDialogProps, 'before' | 'inputSchema' | 'onClose'> {
  readonly agent: { readonly id: string; readonly name: string }
}

/** Runs an agent; its timeline is shown. */
export default function RunAgent({ agent, ...rest }: RunAgentProps) {
  const navigate = useNavigate()
  const client = useQueryClient()
  const start = async (given: Start) => {
    const { execution_id } = await startExecution(agent.id, given)
    void client.invalidateQueries({ queryKey: ['executions'] })
    rest.onClose()
    void navigate({ to: '/executions/$id', params: { id: execution_id } })
  }
  const draft = `run ${agent.id} ${rest.before ? 'again' : ''}`
  return <RunDialog name={agent.name} draft={draft} onStart={start} {...rest} />
}
