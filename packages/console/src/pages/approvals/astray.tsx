import { Unlink } from 'lucide-react'
import { ApiError } from '../../api/http.ts'
import type { Approval } from '../../api/types.ts'
import { Button } from '../../ui/button.tsx'
import { Card } from '../../ui/page.tsx'
import { messageOf } from '../../ui/states.tsx'
import { visible } from '../../ui/visible.ts'
import { Outcome } from './outcome.tsx'

interface AstrayProps {
  readonly approval: Approval | null
  readonly error: Error | null
  readonly onDismiss: () => void
}

/** A link that leads to no waiting call says so. No other call is opened in its place. */
export function Astray({ approval, error, onDismiss }: AstrayProps) {
  const isUnknown = error instanceof ApiError && [404, 422].includes(error.status)
  return (
    <Card role="alert" className="mb-3 flex shrink-0 items-start gap-3 px-4 py-3">
      <Unlink className="mt-0.5 size-4.5 shrink-0 text-ask" aria-hidden />
      <div className="min-w-0 flex-1">
        {approval ? (
          <>
            <p className="break-words">
              The linked call, <span className="break-words font-mono text-sm">{visible(approval.tool_name)}</span> for{' '}
              <span className="break-words font-mono text-sm">{visible(approval.agent_id)}</span>, no longer waits.
            </p>
            <Outcome approval={approval} />
          </>
        ) : (
          <p>
            {isUnknown
              ? 'The link leads to a call that this server does not know.'
              : `The linked call could not be loaded. ${error ? messageOf(error) : ''}`}
          </p>
        )}
      </div>
      <Button variant="quiet" size="sm" onClick={onDismiss}>
        Dismiss
      </Button>
    </Card>
  )
}
