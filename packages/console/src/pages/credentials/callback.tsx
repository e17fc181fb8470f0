import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'
import { buttonClass } from '../../ui/button.tsx'
import { Card, Page } from '../../ui/page.tsx'
import { messageOf } from '../../ui/states.tsx'
import { useToasts } from '../../ui/toasts.tsx'
import { finishSignIn } from './queries.ts'

/** Where a provider sends the browser after a person signed in there. What it sends is good once. */
export function CallbackPage() {
  const answer = useSearch({ from: '/inside/credentials/callback' })
  const navigate = useNavigate()
  const client = useQueryClient()
  const toasts = useToasts()
  const { mutate, error } = useMutation({
    mutationFn: finishSignIn,
    onSuccess: ({ id }) => {
      toasts.done('Signed in at the provider', 'Let agents use it below.')
      void client.invalidateQueries({ queryKey: ['credentials'] })
      void navigate({ to: '/credentials', search: { id }, replace: true })
    },
  })
  const isSent = useRef(false)
  useEffect(() => {
    if (isSent.current) return
    isSent.current = true
    mutate(answer)
  }, [answer, mutate])
  return (
    <Page title="Signing in at a provider" className="max-w-2xl">
      <Card className="p-5">
        {error ? (
          <div role="alert">
            <h2 className="font-semibold">The sign-in was not finished</h2>
            <p className="mt-1 mb-4 break-words text-muted">{messageOf(error)}</p>
            <Link to="/credentials" className={buttonClass()}>
              Begin again
            </Link>
          </div>
        ) : (
          <p role="status">One moment…</p>
        )}
      </Card>
    </Page>
  )
}
