import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useRouter } from '@tanstack/react-router'
import { type FormEvent, useEffect, useState } from 'react'
import { ApiError } from '../../api/http.ts'
import { Entrance } from '../../app/entrance.tsx'
import { PASSWORD_MINIMUM } from '../../app/password.ts'
import { acceptInvitation, session, signOut } from '../../app/session.ts'
import { Button } from '../../ui/button.tsx'
import { Field } from '../../ui/field.tsx'
import { messageOf } from '../../ui/states.tsx'

/** What a link of an invitation opens. Looking at it uses nothing up; the token stays behind `#`, where no server logs it. */
export function InvitationPage() {
  const router = useRouter()
  const client = useQueryClient()
  const [token] = useState(() => window.location.hash.slice(1))
  const [problem, setProblem] = useState<string | null>(null)
  const [needsCode, setNeedsCode] = useState(false)
  const invitation = useQuery({ ...session.invitation(token), retry: false })
  const me = useQuery({ ...session.me(), retry: false })

  useEffect(() => {
    document.title = 'Invitation · Lictor'
  }, [])

  const enter = () => {
    client.clear()
    router.history.push(`${router.basepath}/`)
  }
  const accept = useMutation({
    mutationFn: acceptInvitation,
    meta: { isEntrance: true },
    onSuccess: enter,
    onError: (error) => {
      if (error instanceof ApiError && /second factor/.test(error.message)) setNeedsCode(true)
      setProblem(messageOf(error))
    },
  })
  const leave = useMutation({ mutationFn: signOut, onSuccess: () => window.location.reload() })

  if (invitation.isError)
    return (
      <Entrance title="Invitation" lead={messageOf(invitation.error)}>
        {null}
      </Entrance>
    )
  if (!invitation.data || me.isPending)
    return (
      <Entrance title="Invitation" lead="One moment…">
        {null}
      </Entrance>
    )

  const { email, role, tenant_name, invited_by, has_account } = invitation.data
  const signedIn = me.data?.email ?? null
  const isOther = signedIn !== null && signedIn.toLowerCase() !== email.toLowerCase()
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const password = String(form.get('password') ?? '')
    if (signedIn === null && !has_account) {
      if ([...password].length < PASSWORD_MINIMUM) return setProblem(`Use at least ${PASSWORD_MINIMUM} characters.`)
      if (password !== form.get('again')) return setProblem('The two passwords differ.')
    }
    setProblem(null)
    const code = String(form.get('code') ?? '').trim()
    accept.mutate({ token, password: signedIn === null ? password : null, code: code || null })
  }

  return (
    <Entrance title={tenant_name} lead={`${invited_by} invites ${email} as ${role}.`}>
      {isOther ? (
        <div className="flex flex-col gap-2">
          <p role="alert">
            This invitation is for {email}, and you are signed in as {signedIn}.
          </p>
          <Button variant="primary" size="lg" busy={leave.isPending} onClick={() => leave.mutate()}>
            Sign out
          </Button>
        </div>
      ) : (
        <form onSubmit={submit} noValidate className="flex flex-col gap-2">
          {signedIn === null && (
            <Field
              label={has_account ? 'Your password' : 'Choose a password'}
              name="password"
              type="password"
              autoComplete={has_account ? 'current-password' : 'new-password'}
              required
              autoFocus
            />
          )}
          {signedIn === null && !has_account && (
            <Field label="The same again" name="again" type="password" autoComplete="new-password" required />
          )}
          {needsCode && <Field label="Code of your second factor" name="code" autoComplete="one-time-code" autoFocus />}
          <p role="alert" className="min-h-5.5 text-deny text-sm">
            {problem}
          </p>
          <Button type="submit" variant="primary" size="lg" busy={accept.isPending}>
            Accept
          </Button>
        </form>
      )}
    </Entrance>
  )
}
