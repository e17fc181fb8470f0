import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { BASE_PATH } from '../../api/base-path.ts'
import { useListKeys } from '../../app/list-keys.ts'
import { PASSWORD_MINIMUM } from '../../app/password.ts'
import { session } from '../../app/session.ts'
import { Badge } from '../../ui/badge.tsx'
import { Button } from '../../ui/button.tsx'
import { useConfirmedAct } from '../../ui/confirmed-act.tsx'
import { Entries, Entry, GraveButton } from '../../ui/entries.tsx'
import { Field } from '../../ui/field.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { Card, CardHeading, Page } from '../../ui/page.tsx'
import { messageOf } from '../../ui/states.tsx'
import { useToasts } from '../../ui/toasts.tsx'
import { When } from '../../ui/when.tsx'
import { accountQueries, changePassword, endOtherSessions, endSession, goOnIn, leaveTenant } from './queries.ts'
import { SecondFactor } from './second-factor.tsx'

/** What a person looks after themselves: password, second factor, sessions, and in which tenant they are. */
export function AccountPage() {
  const me = useQuery(session.me()).data
  const { factor = false } = useSearch({ from: '/inside/account' })
  const navigate = useNavigate({ from: '/account' })
  useListKeys(null, 'Your account')
  return (
    <Page title="Your account" lead={me && `${me.email}, ${me.role} of this tenant.`} className="max-w-4xl">
      <div className="flex flex-col gap-4">
        <Password />
        <SecondFactor
          isSettingUp={factor}
          onSettingUp={(open) => void navigate({ search: open ? { factor: true } : {}, replace: true })}
        />
        <Sessions />
        <Tenants />
      </div>
    </Page>
  )
}

function Password() {
  const client = useQueryClient()
  const toasts = useToasts()
  const [problem, setProblem] = useState<string | null>(null)
  const [round, setRound] = useState(0)
  const changing = useMutation({
    mutationFn: changePassword,
    meta: { isEntrance: true },
    onSuccess: () => {
      toasts.done('Password changed', 'Every other session of yours has ended.')
      // The fields begin anew.
      setRound((now) => now + 1)
      void client.invalidateQueries({ queryKey: ['sessions'] })
    },
    onError: (error) => setProblem(messageOf(error)),
  })
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const password = String(form.get('password'))
    if ([...password].length < PASSWORD_MINIMUM) return setProblem(`Use at least ${PASSWORD_MINIMUM} characters.`)
    if (password !== form.get('again')) return setProblem('The two new passwords differ.')
    setProblem(null)
    if (!changing.isPending) changing.mutate({ present_password: String(form.get('present')), password })
  }
  return (
    <Card>
      <CardHeading>Password</CardHeading>
      <form key={round} onSubmit={submit} noValidate className="grid gap-x-4 p-4 sm:grid-cols-3">
        <Field label="Present password" name="present" type="password" autoComplete="current-password" />
        <Field
          label="New password"
          name="password"
          type="password"
          autoComplete="new-password"
          hint={`At least ${PASSWORD_MINIMUM} characters.`}
        />
        <Field label="The same again" name="again" type="password" autoComplete="new-password" />
        <p role="alert" className="min-h-5 break-words text-deny text-sm sm:col-span-2 sm:self-center">
          {problem}
        </p>
        <Button type="submit" busy={changing.isPending} className="justify-self-end">
          Change password
        </Button>
      </form>
    </Card>
  )
}

function Sessions() {
  const sessions = useQuery(accountQueries.sessions())
  const { ask, dialog } = useConfirmedAct()
  const others = sessions.data?.filter(({ current }) => !current) ?? []
  return (
    <Card className="overflow-hidden">
      <CardHeading
        aside={
          others.length > 0 && (
            <Button
              size="sm"
              onClick={() =>
                ask({
                  title: 'End all other sessions?',
                  description: 'Wherever else you are signed in, in all tenants. This one stays.',
                  action: 'End them',
                  run: endOtherSessions,
                  done: 'All other sessions have ended',
                  failed: 'They were not ended.',
                  stale: [['sessions']],
                })
              }
            >
              End all others
            </Button>
          )
        }
      >
        Sessions
      </CardHeading>
      <Loaded query={sessions} rows={2}>
        {(list) => (
          <Entries label="Sessions">
            {list.map((one) => (
              <Entry
                key={one.id}
                title={
                  <>
                    {one.user_agent ? deviceOf(one.user_agent) : 'unknown program'}
                    <span className="font-normal text-muted"> from {one.address ?? 'an unknown address'}</span>
                  </>
                }
                whole={one.user_agent ?? undefined}
                detail={
                  <>
                    in {one.tenant}, by {one.method}, since <When at={one.created_at} />
                  </>
                }
              >
                {one.current ? (
                  <Badge tone="allow">this one</Badge>
                ) : (
                  <GraveButton
                    label={`End the session from ${one.address ?? 'an unknown address'}`}
                    onClick={() =>
                      ask({
                        title: 'End this session?',
                        description: `${one.user_agent ? deviceOf(one.user_agent) : 'An unknown program'} from ${one.address ?? 'an unknown address'} has to sign in again.`,
                        action: 'End session',
                        run: () => endSession(one.id),
                        done: 'Session ended',
                        failed: 'It was not ended.',
                        stale: [['sessions']],
                      })
                    }
                  >
                    End
                  </GraveButton>
                )}
              </Entry>
            ))}
          </Entries>
        )}
      </Loaded>
      {dialog}
    </Card>
  )
}

/** "Firefox on Linux" of what a browser calls itself, else its first word; the whole stands in the title. */
function deviceOf(userAgent: string): string {
  const browser = [
    ['Edg/', 'Edge'],
    ['OPR/', 'Opera'],
    ['Firefox/', 'Firefox'],
    ['Chrome/', 'Chrome'],
    ['Safari/', 'Safari'],
  ].find(([mark = '']) => userAgent.includes(mark))?.[1]
  const system = [
    ['Android', 'Android'],
    ['iPhone', 'iPhone'],
    ['iPad', 'iPad'],
    ['Windows', 'Windows'],
    ['Mac OS', 'macOS'],
    ['Linux', 'Linux'],
  ].find(([mark = '']) => userAgent.includes(mark))?.[1]
  return browser ? `${browser}${system ? ` on ${system}` : ''}` : (userAgent.split(/[\s/]/)[0] ?? userAgent)
}

/** Everything that was read is the other tenant's: the console begins anew. */
const beginAnew = () => window.location.assign(`${BASE_PATH}/dashboard/`)

function Tenants() {
  const tenants = useQuery(session.tenants())
  const toasts = useToasts()
  const { ask, dialog } = useConfirmedAct()
  const switching = useMutation({
    mutationFn: goOnIn,
    onSuccess: beginAnew,
    onError: (error) => toasts.failed('You are still in this tenant', messageOf(error)),
  })
  return (
    <Card className="overflow-hidden">
      <CardHeading>Tenants</CardHeading>
      <Loaded query={tenants} rows={1}>
        {(list) => (
          <Entries label="Tenants">
            {list.map((tenant) => (
              <Entry
                key={tenant.tenant_id}
                title={tenant.name}
                whole={tenant.name}
                detail={
                  <>
                    {tenant.slug}, {tenant.role}
                    {tenant.status !== 'active' && <span className="text-deny">, {tenant.status}</span>}
                  </>
                }
              >
                {tenant.current ? (
                  <>
                    <Badge tone="allow">here</Badge>
                    <GraveButton
                      onClick={() =>
                        ask({
                          title: `Leave ${tenant.name}?`,
                          description:
                            'Your sessions in it end, and so do your API keys of the runtime. Only an invitation brings you back.',
                          action: 'Leave tenant',
                          run: leaveTenant,
                          done: `You have left ${tenant.name}`,
                          failed: 'You are still a member.',
                          stale: [],
                          onDone: beginAnew,
                        })
                      }
                    >
                      Leave
                    </GraveButton>
                  </>
                ) : (
                  <Button size="sm" busy={switching.isPending} onClick={() => switching.mutate(tenant.tenant_id)}>
                    Go on there
                  </Button>
                )}
              </Entry>
            ))}
          </Entries>
        )}
      </Loaded>
      {dialog}
    </Card>
  )
}
