import { type ErrorComponentProps, Link } from '@tanstack/react-router'
import { Compass, OctagonAlert } from 'lucide-react'
import { UnreachableError } from '../api/http.ts'
import { Button, buttonClass } from '../ui/button.tsx'
import { Empty, Failure, messageOf } from '../ui/states.tsx'

/** A page that broke. The rest of the console stays usable. */
export function Problem({ error, reset }: ErrorComponentProps) {
  if (error instanceof UnreachableError)
    return <Failure error={error} retry={() => location.reload()} className="py-24" />
  return (
    <Empty
      icon={OctagonAlert}
      title="This page failed"
      className="py-24"
      action={
        <>
          <Button onClick={reset}>Try again</Button>
          <Button variant="quiet" onClick={() => location.reload()}>
            Reload the console
          </Button>
        </>
      }
    >
      {messageOf(error)}
    </Empty>
  )
}

export function NotFound() {
  return (
    <Empty
      icon={Compass}
      title="There is nothing at this address"
      className="py-24"
      action={
        <Link to="/" className={buttonClass()}>
          Go to the overview
        </Link>
      }
    >
      It may have been renamed, or the link is incomplete.
    </Empty>
  )
}
