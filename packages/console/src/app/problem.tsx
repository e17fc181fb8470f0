import { type ErrorComponentProps, Link, useRouter } from '@tanstack/react-router'
import { Compass, OctagonAlert } from 'lucide-react'
import { useEffect, useEffectEvent } from 'react'
import { UnreachableError } from '../api/http.ts'
import { useLiveStatus } from '../live/live.tsx'
import { Button, buttonClass } from '../ui/button.tsx'
import { Empty, Failure, messageOf } from '../ui/states.tsx'

/** What to say of a part that could not be shown. */
export const wordsOf = (error: unknown): string =>
  isMissingPiece(error) ? 'The server does not answer, or has a newer console.' : messageOf(error)

/** What a browser throws when a piece of the console's code does not come. */
const isMissingPiece = (error: unknown) =>
  error instanceof Error && /dynamically imported module|module script failed|preload/i.test(error.message)

/** A page that broke. The rest of the console stays usable; what failed for want of the server is tried when it is back. */
export function Problem({ error, reset }: ErrorComponentProps) {
  const router = useRouter()
  const isAway = error instanceof UnreachableError || isMissingPiece(error)
  const status = useLiveStatus()
  const again = useEffectEvent(() => {
    reset()
    void router.invalidate()
  })
  useEffect(() => {
    if (isAway && status === 'live') again()
  }, [isAway, status])
  if (isAway) return <Failure error={new UnreachableError(error)} retry={again} className="py-24" />
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
    <main>
      <h1 className="sr-only">Not found</h1>
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
    </main>
  )
}
