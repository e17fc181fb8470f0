import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate, useRouter, useSearch } from '@tanstack/react-router'
import { type FormEvent, useEffect, useState } from 'react'
import { serverNow } from '../../api/clock.ts'
import { ApiError } from '../../api/http.ts'
import { isEmail } from '../../app/email.ts'
import { Entrance } from '../../app/entrance.tsx'
import { safeReturnPath } from '../../app/return-path.ts'
import { session, signIn } from '../../app/session.ts'
import { isTenantName } from '../../app/tenant-name.ts'
import { Button } from '../../ui/button.tsx'
import { Field } from '../../ui/field.tsx'
import { messageOf } from '../../ui/states.tsx'
import { useNow } from '../../ui/ticker.ts'
import { countdown } from '../../ui/time.ts'

export function LoginPage() {
  const { next, tenant = 'default', problem } = useSearch({ from: '/login' })
  const offers = useQuery({ ...session.offers(tenant), retry: false })
  const router = useRouter()
  const client = useQueryClient()
  const [blockedUntil, setBlockedUntil] = useState(0)
  const [missing, setMissing] = useState<{ email?: string; password?: string }>({})
  const [needsCode, setNeedsCode] = useState(false)
  const wait = Math.max(0, blockedUntil - useNow())

  useEffect(() => {
    document.title = 'Sign in · Lictor'
  }, [])

  const login = useMutation({
    mutationFn: signIn,
    onSuccess: () => {
      client.clear()
      router.history.push(router.basepath + safeReturnPath(next))
    },
    onError: (error) => {
      if (isForCode(error)) setNeedsCode(true)
      if (error instanceof ApiError && error.status === 429)
        setBlockedUntil(serverNow() + (error.retryAfter ?? 30) * 1_000)
    },
  })

  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const [email, password] = [String(form.get('email')).trim(), String(form.get('password'))]
    const found = {
      ...(isEmail(email) ? {} : { email: 'Type your e-mail address.' }),
      ...(password ? {} : { password: 'Type your password.' }),
    }
    setMissing(found)
    if (Object.keys(found).length === 0) {
      const code = String(form.get('code') ?? '').trim()
      login.mutate({ email, password, ...(code === '' ? {} : { code }) })
    }
  }

  return (
    <Entrance
      title="Sign in"
      lead={next ? 'You will be taken on to the page you asked for.' : 'The console of your Lictor server.'}
    >
      <form onSubmit={submit} noValidate className="flex flex-col gap-2">
        <Field
          label="E-mail"
          name="email"
          type="email"
          autoComplete="username"
          required
          autoFocus
          error={missing.email}
        />
        <Field
          label="Password"
          name="password"
          type="password"
          autoComplete="current-password"
          required
          error={missing.password}
        />
        {needsCode && <Field label="Code of your second factor" name="code" autoComplete="one-time-code" autoFocus />}
        <p role="alert" className="min-h-5.5 text-deny text-sm">
          {login.isError ? explain(login.error, wait) : problem}
        </p>
        <Button type="submit" variant="primary" size="lg" busy={login.isPending} disabled={wait > 0}>
          Sign in
        </Button>
        {[offers.data?.oidc, offers.data?.saml].map(
          (offer) =>
            offer && (
              <a
                key={offer.start}
                href={`${offer.start}${next ? `&next=${encodeURIComponent(next)}` : ''}`}
                className="mt-2 self-center text-sm underline"
              >
                Sign in with {offer.label}
              </a>
            ),
        )}
        <Link to="/new-password" className="mt-2 self-center text-muted text-sm underline">
          I lost my password
        </Link>
      </form>
      <OtherTenant />
    </Entrance>
  )
}

/** What a tenant has set up is offered to whoever names it; nothing here says who is a member. */
function OtherTenant() {
  const { tenant } = useSearch({ from: '/login' })
  const navigate = useNavigate({ from: '/login' })
  const offers = useQuery({ ...session.offers(tenant ?? 'default'), retry: false }).data
  const [isAsked, setAsked] = useState(tenant !== undefined)
  const [problem, setProblem] = useState<string | null>(null)
  if (!isAsked)
    return (
      <p className="mt-2 text-center">
        <button type="button" className="text-muted text-sm underline" onClick={() => setAsked(true)}>
          Single sign-on of another tenant
        </button>
      </p>
    )
  const hasNone = tenant !== undefined && offers !== undefined && offers.oidc === null && offers.saml === null
  return (
    <form
      noValidate
      className="mt-6 flex items-start gap-2 border-t pt-5"
      onSubmit={(event) => {
        event.preventDefault()
        const named = String(new FormData(event.currentTarget).get('tenant')).trim().toLowerCase()
        if (!isTenantName(named)) return setProblem('Type its short name: letters, digits and hyphens.')
        setProblem(null)
        void navigate({ search: ({ next }) => ({ ...(next ? { next } : {}), tenant: named }), replace: true })
      }}
    >
      <Field
        label="Short name of the tenant"
        name="tenant"
        className="min-w-0 flex-1"
        defaultValue={tenant}
        autoComplete="organization"
        autoCapitalize="off"
        spellCheck={false}
        error={problem}
        hint={hasNone ? `There is no single sign-on for ${tenant}.` : 'Its members may sign in at its own provider.'}
      />
      <Button type="submit" className="mt-6.5">
        Show
      </Button>
    </form>
  )
}

const isForCode = (error: Error): boolean =>
  error instanceof ApiError && error.status === 401 && /second factor/.test(error.message)

function explain(error: Error, wait: number): string {
  if (!(error instanceof ApiError)) return messageOf(error)
  if (error.status === 401)
    return /second factor|code/.test(error.message) ? error.message : 'Wrong e-mail or password.'
  if (error.status === 429)
    return wait > 0 ? `Too many attempts. Try again in ${countdown(wait)}.` : 'You can try again now.'
  return messageOf(error)
}
