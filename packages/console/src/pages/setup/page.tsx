import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useRouter } from '@tanstack/react-router'
import { type FormEvent, useEffect, useState } from 'react'
import { ApiError } from '../../api/http.ts'
import { isEmail } from '../../app/email.ts'
import { Entrance } from '../../app/entrance.tsx'
import { PASSWORD_MINIMUM } from '../../app/password.ts'
import { setUp, signIn } from '../../app/session.ts'
import { Button } from '../../ui/button.tsx'
import { Field } from '../../ui/field.tsx'
import { messageOf } from '../../ui/states.tsx'
import { useToasts } from '../../ui/toasts.tsx'
import { fieldProblems, type SetupForm } from './form.ts'

/** The first administrator. Signs in at once, so that the first thing one sees is the console, not a second form. */
export function SetupPage() {
  const navigate = useNavigate()
  const router = useRouter()
  const client = useQueryClient()
  const toasts = useToasts()
  // Of the link that the server printed: it lets a server be set up under any of its names.
  const [linkToken] = useState(() => new URLSearchParams(window.location.search).get('token'))
  const [problems, setProblems] = useState<Partial<Record<keyof SetupForm, string>>>({})

  useEffect(() => {
    document.title = 'Set up · Lictor'
  }, [])

  const setup = useMutation({
    mutationFn: async ({ email, password, tenant }: SetupForm) => {
      await setUp({ email, password, tenant_name: tenant || null, setup_token: linkToken })
      await signIn({ email, password })
    },
    onSuccess: () => {
      client.clear()
      router.history.push(`${router.basepath}/`)
    },
    onError: (error) => {
      if (!(error instanceof ApiError)) return
      if (error.status === 409) {
        client.clear()
        toasts.done('This server is already set up', 'Sign in with the account of its administrator.')
        void navigate({ to: '/login', search: {} })
      }
      setProblems(fieldProblems(error.problems))
    },
  })

  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const data = new FormData(event.currentTarget)
    const form: SetupForm = {
      email: String(data.get('email')).trim(),
      password: String(data.get('password')),
      tenant: String(data.get('tenant')).trim(),
    }
    if (!isEmail(form.email)) return setProblems({ email: 'Type an e-mail address, like ada@example.com.' })
    if ([...form.password].length < PASSWORD_MINIMUM)
      return setProblems({ password: `Use at least ${PASSWORD_MINIMUM} characters.` })
    if (form.password !== data.get('again')) return setProblems({ again: 'The two passwords differ.' })
    setProblems({})
    setup.mutate(form)
  }

  const general = setup.isError && Object.keys(problems).length === 0 ? messageOf(setup.error) : null
  return (
    <Entrance title="Welcome" lead="This server is new. Create its first administrator; nothing leaves this machine.">
      <form onSubmit={submit} noValidate className="flex flex-col gap-2">
        <Field
          label="E-mail"
          name="email"
          type="email"
          autoComplete="username"
          required
          autoFocus
          error={problems.email}
        />
        <Field
          label="Password"
          name="password"
          type="password"
          autoComplete="new-password"
          required
          hint={`At least ${PASSWORD_MINIMUM} characters. A sentence is good.`}
          error={problems.password}
        />
        <Field
          label="Password again"
          name="again"
          type="password"
          autoComplete="new-password"
          required
          error={problems.again}
        />
        <Field
          label="Organisation"
          name="tenant"
          autoComplete="organization"
          placeholder="Default"
          hint="Optional. Keys, agents and events belong to it."
          error={problems.tenant}
        />
        <p role="alert" className="min-h-5.5 text-deny text-sm">
          {general}
        </p>
        <Button type="submit" variant="primary" size="lg" busy={setup.isPending}>
          Create administrator
        </Button>
      </form>
    </Entrance>
  )
}
