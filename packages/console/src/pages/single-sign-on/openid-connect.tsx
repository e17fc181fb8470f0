import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Button } from '../../ui/button.tsx'
import { useConfirmedAct } from '../../ui/confirmed-act.tsx'
import { Field } from '../../ui/field.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { Card, CardHeading } from '../../ui/page.tsx'
import { SelectField } from '../../ui/select-field.tsx'
import { messageOf } from '../../ui/states.tsx'
import { useToasts } from '../../ui/toasts.tsx'
import { useFields } from '../../ui/use-fields.ts'
import { NEWCOMERS, State, ToRegister } from './parts.tsx'
import { type Provider, removeProvider, setProvider, signOnQueries } from './queries.ts'

/** The OpenID Connect provider, and what to register there. */
export function OpenIdConnect() {
  const provider = useQuery(signOnQueries.provider())
  return (
    <>
      <Card className="overflow-hidden">
        <CardHeading>To register at the provider</CardHeading>
        <Loaded query={provider} rows={1}>
          {({ redirect_uri }) => <ToRegister rows={[['Redirect address', redirect_uri]]} />}
        </Loaded>
      </Card>
      <Loaded query={provider}>
        {({ provider: present }) => <Change key={present?.issuer ?? ''} present={present} />}
      </Loaded>
    </>
  )
}

function Change({ present }: { present: Provider | null }) {
  const client = useQueryClient()
  const toasts = useToasts()
  const { ask, dialog } = useConfirmedAct()
  const { fields, change, forget } = useFields('single sign-on', {
    issuer: present?.issuer ?? '',
    client_id: present?.client_id ?? '',
    label: present?.label ?? '',
    newMembers: present?.new_members ?? 'none',
  })
  // A secret is no draft.
  const [secret, setSecret] = useState('')
  const [problem, setProblem] = useState<string | null>(null)
  const saving = useMutation({
    mutationFn: setProvider,
    onSuccess: () => {
      setSecret('')
      forget()
      toasts.done('Single sign-on is in force', 'Try it in another browser before you rely on it.')
    },
    onSettled: () => client.invalidateQueries({ queryKey: ['single-sign-on'] }),
  })
  const newMembers = NEWCOMERS.find(({ value }) => value === fields.newMembers)?.value ?? 'none'
  return (
    <Card className="overflow-hidden">
      <CardHeading aside={<State isInForce={present !== null} />}>Provider</CardHeading>
      <form
        noValidate
        className="grid gap-x-4 p-4 sm:grid-cols-2"
        onSubmit={(event) => {
          event.preventDefault()
          const [issuer, client_id] = [fields.issuer.trim(), fields.client_id.trim()]
          if (!issuer || !client_id) return setProblem('Issuer and client id are needed.')
          setProblem(null)
          if (saving.isPending) return
          saving.mutate({
            issuer,
            client_id,
            client_secret: secret || null,
            label: fields.label.trim() || null,
            new_members: newMembers === 'none' ? null : newMembers,
          })
        }}
      >
        <Field
          label="Issuer"
          type="url"
          value={fields.issuer}
          onChange={(event) => change({ issuer: event.target.value })}
          placeholder="https://login.example.com"
          autoComplete="off"
          hint="Its discovery document is read from here."
          className="sm:col-span-2"
        />
        <Field
          label="Client id"
          value={fields.client_id}
          onChange={(event) => change({ client_id: event.target.value })}
          autoComplete="off"
          spellCheck={false}
        />
        <Field
          label="Client secret"
          type="password"
          value={secret}
          onChange={(event) => setSecret(event.target.value)}
          autoComplete="off"
          hint={present ? 'Empty: the one there is stays.' : 'Empty for a public client.'}
        />
        <Field
          label="On the sign-in page"
          value={fields.label}
          onChange={(event) => change({ label: event.target.value })}
          autoComplete="off"
          placeholder="Example"
          hint="“Sign in with …”"
        />
        <SelectField
          label="Who is no member yet"
          value={newMembers}
          options={NEWCOMERS}
          onChange={(value) => change({ newMembers: value })}
          hint="By a verified e-mail address of the provider."
        />
        <p role="alert" className="min-h-5 whitespace-pre-line break-words text-deny text-sm sm:col-span-2">
          {problem ?? (saving.error && messageOf(saving.error))}
        </p>
        <div className="flex flex-wrap gap-2 sm:col-span-2">
          <Button type="submit" variant="primary" busy={saving.isPending}>
            {present ? 'Change it' : 'Put into force'}
          </Button>
          {present && (
            <Button
              variant="deny"
              onClick={() =>
                ask({
                  title: 'End single sign-on?',
                  description:
                    'Members sign in with their passwords alone; who never had one needs a link for a new one. Sessions that are open go on until they end.',
                  action: 'End it',
                  run: removeProvider,
                  done: 'Single sign-on has ended',
                  failed: 'It is still in force.',
                  stale: [['single-sign-on']],
                })
              }
            >
              End it
            </Button>
          )}
        </div>
      </form>
      {dialog}
    </Card>
  )
}
