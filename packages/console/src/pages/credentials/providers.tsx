import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { ArrowRight, Plug } from 'lucide-react'
import { useState } from 'react'
import { Button } from '../../ui/button.tsx'
import { useConfirmedAct } from '../../ui/confirmed-act.tsx'
import { Entries, Entry } from '../../ui/entries.tsx'
import { Field } from '../../ui/field.tsx'
import { FormDialog } from '../../ui/form-dialog.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { Card } from '../../ui/page.tsx'
import { RowMenu } from '../../ui/row-menu.tsx'
import { Empty, messageOf } from '../../ui/states.tsx'
import { useToasts } from '../../ui/toasts.tsx'
import { useFields } from '../../ui/use-fields.ts'
import { beginSignIn, credentialQueries, type Provider, removeProvider, setProvider } from './queries.ts'

/** Where a provider must send the browser back to for the console to finish. */
export const callbackAddress = () => new URL('callback', `${window.location.href.split(/[?#]/)[0]}/`).href

export function Providers({ mayUse, mayChange }: { mayUse: boolean; mayChange: boolean }) {
  const providers = useQuery(credentialQueries.providers())
  const toasts = useToasts()
  const { ask, dialog } = useConfirmedAct()
  const signingIn = useMutation({
    mutationFn: (one: Provider) => {
      const own = callbackAddress()
      // Other addresses finish elsewhere: in the program that they belong to.
      const redirect_uri = one.redirect_uris.includes(own) ? own : (one.redirect_uris[0] ?? own)
      return beginSignIn({ provider: one.name, label: null, redirect_uri })
    },
    onSuccess: ({ authorization_url }) => window.location.assign(authorization_url),
    onError: (error) => toasts.failed('The sign-in did not begin', messageOf(error)),
  })
  return (
    <Card className="overflow-hidden">
      <Loaded query={providers}>
        {(list) =>
          list.length === 0 ? (
            <Empty icon={Plug} title="No OAuth provider yet">
              With one, people sign in there once and agents get a token that is always fresh.
            </Empty>
          ) : (
            <Entries label="OAuth providers">
              {list.map((one) => (
                <Entry
                  key={one.name}
                  title={one.name}
                  whole={one.name}
                  detail={
                    <>
                      client {one.client_id}
                      {one.scopes.length > 0 && `, ${one.scopes.join(' ')}`}
                      {one.device_authorization_url && ', on another device too'}
                    </>
                  }
                >
                  {mayUse && (
                    <Button size="sm" busy={signingIn.isPending} onClick={() => signingIn.mutate(one)}>
                      Sign in <ArrowRight aria-hidden />
                      <span className="sr-only">at {one.name}</span>
                    </Button>
                  )}
                  {mayChange && (
                    <RowMenu
                      label={`More about ${one.name}`}
                      actions={[
                        {
                          label: 'Remove',
                          grave: true,
                          onSelect: () =>
                            ask({
                              title: `Remove the provider ${one.name}?`,
                              description: 'Credentials from it stay, and are renewed no more.',
                              action: 'Remove provider',
                              run: () => removeProvider(one.name),
                              done: `${one.name} was removed`,
                              failed: 'It was not removed.',
                              stale: [['oauth-providers']],
                            }),
                        },
                      ]}
                    />
                  )}
                </Entry>
              ))}
            </Entries>
          )
        }
      </Loaded>
      {dialog}
    </Card>
  )
}

interface SetProviderProps {
  readonly open: boolean
  readonly onOpenChange: (open: boolean) => void
}

/** Providers whose addresses the server knows. */
const KNOWN = ['google', 'github']

export function SetProvider({ open, onOpenChange }: SetProviderProps) {
  const client = useQueryClient()
  const toasts = useToasts()
  const { fields, change, forget } = useFields('oauth provider', {
    name: '',
    client_id: '',
    authorization_url: '',
    token_url: '',
    device: '',
    scopes: '',
  })
  const [secret, setSecret] = useState('')
  const [problem, setProblem] = useState<string | null>(null)
  const setting = useMutation({
    mutationFn: setProvider,
    onSuccess: ({ name }) => {
      toasts.done('OAuth provider set up', name)
      forget()
      setSecret('')
      onOpenChange(false)
    },
    onSettled: () => client.invalidateQueries({ queryKey: ['oauth-providers'] }),
  })
  const isKnown = KNOWN.includes(fields.name.trim())
  return (
    <FormDialog
      open={open}
      onOpenChange={(next) => {
        setting.reset()
        setProblem(null)
        onOpenChange(next)
      }}
      title="Set up an OAuth provider"
      description={`Register the redirect address ${callbackAddress()} there first.`}
      action="Set it up"
      busy={setting.isPending}
      error={problem ?? setting.error}
      onSubmit={() => {
        const [name, client_id] = [fields.name.trim(), fields.client_id.trim()]
        if (!name || !client_id) return setProblem('Name and client id are needed.')
        setProblem(null)
        setting.mutate({
          name,
          client_id,
          client_secret: secret || null,
          authorization_url: fields.authorization_url.trim() || null,
          token_url: fields.token_url.trim() || null,
          device_authorization_url: fields.device.trim() || null,
          scopes: fields.scopes.split(/[\s,]+/).filter(Boolean),
          redirect_uris: [callbackAddress()],
        })
      }}
    >
      <Field
        label="Name"
        value={fields.name}
        onChange={(event) => change({ name: event.target.value })}
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        hint="google and github need no addresses."
      />
      <div className="grid gap-x-3 sm:grid-cols-2">
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
        />
      </div>
      {!isKnown && (
        <>
          <Field
            label="Authorization address"
            type="url"
            value={fields.authorization_url}
            onChange={(event) => change({ authorization_url: event.target.value })}
            autoComplete="off"
          />
          <Field
            label="Token address"
            type="url"
            value={fields.token_url}
            onChange={(event) => change({ token_url: event.target.value })}
            autoComplete="off"
          />
        </>
      )}
      <Field
        label="Scopes"
        value={fields.scopes}
        onChange={(event) => change({ scopes: event.target.value })}
        autoComplete="off"
        spellCheck={false}
        hint="Separated by blanks."
      />
    </FormDialog>
  )
}
