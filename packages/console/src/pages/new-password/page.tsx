import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type FormEvent, useEffect, useState } from 'react'
import { isEmail } from '../../app/email.ts'
import { Entrance } from '../../app/entrance.tsx'
import { PASSWORD_MINIMUM } from '../../app/password.ts'
import { requestPassword, setPassword } from '../../app/session.ts'
import { Button } from '../../ui/button.tsx'
import { Field } from '../../ui/field.tsx'
import { messageOf } from '../../ui/states.tsx'
import { useToasts } from '../../ui/toasts.tsx'

/** With a link's token behind `#` it sets a new password; without one it asks for a link. */
export function NewPasswordPage() {
  const [token] = useState(() => window.location.hash.slice(1))
  useEffect(() => {
    document.title = 'New password · Lictor'
  }, [])
  return token === '' ? <Ask /> : <Choose token={token} />
}

function Ask() {
  const [problem, setProblem] = useState<string | null>(null)
  const ask = useMutation({ mutationFn: requestPassword, onError: (error) => setProblem(messageOf(error)) })
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const email = String(new FormData(event.currentTarget).get('email')).trim()
    if (!isEmail(email)) return setProblem('Type your e-mail address.')
    setProblem(null)
    ask.mutate({ email })
  }
  if (ask.isSuccess)
    return (
      <Entrance title="New password" lead={ask.data.message}>
        {null}
      </Entrance>
    )
  return (
    <Entrance title="New password" lead="A link to set one is mailed to you.">
      <form onSubmit={submit} noValidate className="flex flex-col gap-2">
        <Field label="E-mail" name="email" type="email" autoComplete="username" required autoFocus />
        <p role="alert" className="min-h-5.5 text-deny text-sm">
          {problem}
        </p>
        <Button type="submit" variant="primary" size="lg" busy={ask.isPending}>
          Send the link
        </Button>
      </form>
    </Entrance>
  )
}

function Choose({ token }: { token: string }) {
  const navigate = useNavigate()
  const client = useQueryClient()
  const toasts = useToasts()
  const [problem, setProblem] = useState<string | null>(null)
  const choose = useMutation({
    mutationFn: setPassword,
    onSuccess: ({ message }) => {
      client.clear()
      toasts.done('New password', message)
      void navigate({ to: '/login', search: {} })
    },
    onError: (error) => setProblem(messageOf(error)),
  })
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const password = String(form.get('password'))
    if ([...password].length < PASSWORD_MINIMUM) return setProblem(`Use at least ${PASSWORD_MINIMUM} characters.`)
    if (password !== form.get('again')) return setProblem('The two passwords differ.')
    setProblem(null)
    choose.mutate({ token, password })
  }
  return (
    <Entrance title="New password" lead="Every session of yours ends; you sign in with the new one.">
      <form onSubmit={submit} noValidate className="flex flex-col gap-2">
        <Field label="New password" name="password" type="password" autoComplete="new-password" required autoFocus />
        <Field label="The same again" name="again" type="password" autoComplete="new-password" required />
        <p role="alert" className="min-h-5.5 text-deny text-sm">
          {problem}
        </p>
        <Button type="submit" variant="primary" size="lg" busy={choose.isPending}>
          Set it
        </Button>
      </form>
    </Entrance>
  )
}
