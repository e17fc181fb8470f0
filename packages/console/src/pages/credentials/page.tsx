import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Fingerprint, Plus } from 'lucide-react'
import { useState } from 'react'
import { useListKeys } from '../../app/list-keys.ts'
import { useRefusal } from '../../app/permission.ts'
import { session } from '../../app/session.ts'
import { useShortcuts } from '../../app/shortcuts.tsx'
import { Badge } from '../../ui/badge.tsx'
import { Button } from '../../ui/button.tsx'
import { useConfirmedAct } from '../../ui/confirmed-act.tsx'
import { Sheet } from '../../ui/dialog.tsx'
import { Entries, Entry } from '../../ui/entries.tsx'
import { Facts } from '../../ui/facts.tsx'
import { Field } from '../../ui/field.tsx'
import { FormDialog } from '../../ui/form-dialog.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { Card, Page } from '../../ui/page.tsx'
import { plural } from '../../ui/plural.ts'
import { SelectField } from '../../ui/select-field.tsx'
import { Empty, messageOf } from '../../ui/states.tsx'
import { TabPanel, Tabs } from '../../ui/tabs.tsx'
import { useToasts } from '../../ui/toasts.tsx'
import { useFields } from '../../ui/use-fields.ts'
import { When } from '../../ui/when.tsx'
import { Withheld } from '../../ui/withheld.tsx'
import { Providers, SetProvider } from './providers.tsx'
import {
  type Credential,
  credentialQueries,
  type Grant,
  grant,
  type NewGrant,
  revokeCredential,
  rotateCredential,
  storeKey,
  takeBackGrant,
} from './queries.ts'
import type { CredentialsSearch } from './route.ts'

/** Keys and sign-ins at other services, and which agents may use each. Values are shown nowhere. */
export function CredentialsPage() {
  const { tab = 'credentials', id, create = false } = useSearch({ from: '/inside/credentials' })
  const navigate = useNavigate({ from: '/credentials' })
  const set = (change: CredentialsSearch, replace = false) =>
    void navigate({ search: (now) => ({ ...now, ...change }), replace })
  const credentials = useQuery(credentialQueries.all())
  const me = useQuery(session.me()).data
  const refusals = { credentials: useRefusal('work'), providers: useRefusal('administer') }
  const refusal = refusals[tab]
  const mayCreate = me !== undefined && refusal === null
  const setCreating = (open: boolean) => set({ create: open ? true : undefined }, true)
  useListKeys(null, 'Credentials')
  useShortcuts(mayCreate ? [{ keys: 'c', label: 'Add', group: 'Credentials', run: () => setCreating(true) }] : [])
  return (
    <Page
      title="Credentials"
      lead="Keys and sign-ins at other services. Agents are handed them by grant; no page and no answer shows a value."
      actions={
        mayCreate && (
          <Button variant="primary" onClick={() => setCreating(true)}>
            <Plus aria-hidden /> {tab === 'providers' ? 'Set up a provider' : 'Store a key'}
          </Button>
        )
      }
    >
      <Tabs
        label="Credentials"
        value={tab}
        onChange={(next) => void navigate({ search: next === 'providers' ? { tab: 'providers' } : {} })}
        tabs={[
          { value: 'credentials', label: 'Credentials' },
          { value: 'providers', label: 'OAuth providers' },
        ]}
      >
        {refusal && <Withheld why={`Changing: ${refusal}`} className="mb-3" />}
        <TabPanel value="credentials">
          <Card className="overflow-hidden">
            <Loaded query={credentials}>
              {(list) => <CredentialList list={list} onOpen={(next) => set({ id: next })} />}
            </Loaded>
          </Card>
        </TabPanel>
        <TabPanel value="providers">
          <Providers mayUse={me !== undefined && refusals.credentials === null} mayChange={mayCreate} />
        </TabPanel>
      </Tabs>
      {mayCreate && tab === 'credentials' && <StoreKey open={create} onOpenChange={setCreating} />}
      {mayCreate && tab === 'providers' && <SetProvider open={create} onOpenChange={setCreating} />}
      <OneCredential
        credential={credentials.data?.find((one) => one.id === id)}
        mayChange={me !== undefined && refusals.credentials === null}
        onClose={() => set({ id: undefined })}
      />
    </Page>
  )
}

function CredentialList({ list, onOpen }: { list: readonly Credential[]; onOpen: (id: string) => void }) {
  if (list.length === 0)
    return (
      <Empty icon={Fingerprint} title="No credential yet">
        Store the key of a service, or sign in at an OAuth provider; then let agents use it.
      </Empty>
    )
  return (
    <Entries label="Credentials">
      {list.map((one) => (
        <Entry
          key={one.id}
          title={one.label}
          whole={one.label}
          detail={
            <>
              {one.provider}, {one.credential_type.replaceAll('_', ' ')}, {one.scope},{' '}
              {one.last_used ? (
                <>
                  last used <When at={one.last_used} />
                </>
              ) : (
                'never used'
              )}
            </>
          }
          onOpen={() => onOpen(one.id)}
        >
          {one.grants.length === 0 ? (
            <Badge>nobody may use it</Badge>
          ) : (
            <span className="text-muted text-xs">{plural(one.grants.length, 'grant')}</span>
          )}
          {one.status !== 'active' && <Badge tone="deny">{one.status}</Badge>}
        </Entry>
      ))}
    </Entries>
  )
}

const targetOf = (one: Grant) =>
  one.target_type === 'all_agents'
    ? 'all agents'
    : `${one.target_type.replaceAll('_', ' ')} ${one.target_value ?? one.agent_id ?? one.workflow_name ?? ''}`

interface OneCredentialProps {
  readonly credential: Credential | undefined
  readonly mayChange: boolean
  readonly onClose: () => void
}

function OneCredential({ credential, mayChange, onClose }: OneCredentialProps) {
  const { ask, dialog } = useConfirmedAct()
  const [isRotating, setRotating] = useState(false)
  const stale = [['credentials']]
  return (
    <>
      <Sheet
        open={credential !== undefined}
        onOpenChange={(open) => open || onClose()}
        title={credential?.label ?? ''}
        description="Its value is in the secret store alone."
      >
        {credential && (
          <div className="flex flex-col gap-5">
            <Facts
              className="px-0"
              facts={[
                ['Provider', credential.provider],
                ['Kind', credential.credential_type.replaceAll('_', ' ')],
                ['Of', credential.scope],
                ...(credential.scopes.length > 0 ? [['Scopes', credential.scopes.join(' ')] as const] : []),
                [
                  'Owner',
                  <span key="owner" className="break-all">
                    {credential.owner_user_id}
                  </span>,
                ],
                ['Changed', <When key="changed" at={credential.updated_at} />],
              ]}
            />
            <section aria-label="Grants">
              <h3 className="mb-2 font-semibold text-sm">Who may use it</h3>
              {credential.grants.length === 0 && <p className="mb-2 text-muted text-sm">Nobody yet.</p>}
              <ul className="mb-3 flex flex-col gap-1">
                {credential.grants.map((one) => (
                  <li key={one.id} className="flex items-center gap-2 rounded-md border px-3 py-1 text-sm">
                    <span className="min-w-0 flex-1 break-words">{targetOf(one)}</span>
                    {mayChange && (
                      <Button
                        variant="quiet"
                        size="sm"
                        className="hover:text-deny"
                        aria-label={`Take back the grant for ${targetOf(one)}`}
                        onClick={() =>
                          ask({
                            title: `Take the grant for ${targetOf(one)} back?`,
                            description: 'What runs already keeps what it was handed.',
                            action: 'Take it back',
                            run: () => takeBackGrant({ id: credential.id, grantId: one.id }),
                            done: 'Grant taken back',
                            failed: 'It still stands.',
                            stale,
                          })
                        }
                      >
                        Take back
                      </Button>
                    )}
                  </li>
                ))}
              </ul>
              {mayChange && <AddGrant id={credential.id} />}
            </section>
            {mayChange && (
              <div className="flex flex-wrap gap-2">
                <Button onClick={() => setRotating(true)}>Give it a new value</Button>
                <Button
                  variant="deny"
                  onClick={() =>
                    ask({
                      title: `Revoke ${credential.label}?`,
                      description: 'Its value and its grants are gone. What runs already keeps what it was handed.',
                      action: 'Revoke credential',
                      run: () => revokeCredential(credential.id),
                      done: 'Credential revoked',
                      failed: 'It was not revoked.',
                      stale,
                      onDone: onClose,
                    })
                  }
                >
                  Revoke
                </Button>
              </div>
            )}
          </div>
        )}
      </Sheet>
      {credential && <Rotate credential={credential} open={isRotating} onOpenChange={setRotating} />}
      {dialog}
    </>
  )
}

const TARGETS = [
  { value: 'all_agents', label: 'all agents' },
  { value: 'agent', label: 'one agent' },
  { value: 'workflow', label: 'one workflow' },
] as const

function AddGrant({ id }: { id: string }) {
  const client = useQueryClient()
  const [type, setType] = useState<NewGrant['target_type']>('all_agents')
  const [value, setValue] = useState('')
  const granting = useMutation({
    mutationFn: grant,
    onSuccess: () => setValue(''),
    onSettled: () => client.invalidateQueries({ queryKey: ['credentials'] }),
  })
  return (
    <form
      className="flex flex-wrap items-start gap-2"
      onSubmit={(event) => {
        event.preventDefault()
        if (!granting.isPending)
          granting.mutate({ id, target_type: type, target_value: type === 'all_agents' ? null : value.trim() })
      }}
    >
      <SelectField quiet label="For" value={type} options={TARGETS} onChange={setType} className="w-36" />
      {type !== 'all_agents' && (
        <Field
          label={type === 'agent' ? 'Agent id' : 'Workflow name'}
          value={value}
          onChange={(event) => setValue(event.target.value)}
          className="-mt-7 min-w-40 flex-1"
          autoComplete="off"
          spellCheck={false}
        />
      )}
      <Button type="submit" busy={granting.isPending} className="h-9">
        Allow
      </Button>
      <p role="alert" className="w-full break-words text-deny text-sm">
        {granting.isError && messageOf(granting.error)}
      </p>
    </form>
  )
}

interface FormProps {
  readonly open: boolean
  readonly onOpenChange: (open: boolean) => void
}

function StoreKey({ open, onOpenChange }: FormProps) {
  const client = useQueryClient()
  const toasts = useToasts()
  const { fields, change, forget } = useFields('store key', { provider: '', label: '' })
  // A value is no draft.
  const [value, setValue] = useState('')
  const [problem, setProblem] = useState<string | null>(null)
  const storing = useMutation({
    mutationFn: storeKey,
    gcTime: 0,
    onSuccess: ({ label }) => {
      toasts.done('Key stored', `${label}: now let agents use it.`)
      forget()
      setValue('')
      onOpenChange(false)
    },
    onSettled: () => client.invalidateQueries({ queryKey: ['credentials'] }),
  })
  return (
    <FormDialog
      open={open}
      onOpenChange={(next) => {
        storing.reset()
        setProblem(null)
        if (!next) setValue('')
        onOpenChange(next)
      }}
      title="Store a key"
      description="It goes into the secret store, and no answer holds it again."
      action="Store it"
      busy={storing.isPending}
      error={problem ?? storing.error}
      onSubmit={() => {
        const provider = fields.provider.trim()
        if (!provider || !value) return setProblem('Service and key are needed.')
        setProblem(null)
        storing.mutate({ provider, label: fields.label.trim() || null, api_key: value })
      }}
    >
      <Field
        label="Service"
        value={fields.provider}
        onChange={(event) => change({ provider: event.target.value })}
        placeholder="github, openai…"
        autoComplete="off"
        autoCapitalize="off"
      />
      <Field
        label="Label"
        value={fields.label}
        onChange={(event) => change({ label: event.target.value })}
        autoComplete="off"
        hint="Empty: the name of the service."
      />
      <Field
        label="Key"
        type="password"
        value={value}
        onChange={(event) => setValue(event.target.value)}
        autoComplete="off"
      />
    </FormDialog>
  )
}

function Rotate({ credential, open, onOpenChange }: FormProps & { credential: Credential }) {
  const client = useQueryClient()
  const toasts = useToasts()
  const [value, setValue] = useState('')
  const rotating = useMutation({
    mutationFn: rotateCredential,
    gcTime: 0,
    onSuccess: () => {
      toasts.done('New value stored', 'The next instance of an agent has it.')
      setValue('')
      onOpenChange(false)
    },
    onSettled: () => client.invalidateQueries({ queryKey: ['credentials'] }),
  })
  return (
    <FormDialog
      open={open}
      onOpenChange={(next) => {
        rotating.reset()
        if (!next) setValue('')
        onOpenChange(next)
      }}
      title={`New value of ${credential.label}`}
      action="Store it"
      busy={rotating.isPending}
      error={rotating.error}
      onSubmit={() => value && rotating.mutate({ id: credential.id, value })}
    >
      <Field
        label="Key"
        type="password"
        value={value}
        onChange={(event) => setValue(event.target.value)}
        autoComplete="off"
      />
    </FormDialog>
  )
}
