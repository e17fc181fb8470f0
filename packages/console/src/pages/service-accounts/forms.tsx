import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { BASE_PATH } from '../../api/base-path.ts'
import { serverNow } from '../../api/clock.ts'
import { createOnce } from '../../app/once.ts'
import { CopyButton } from '../../ui/copy.tsx'
import { Field } from '../../ui/field.tsx'
import { FormDialog } from '../../ui/form-dialog.tsx'
import { SelectField } from '../../ui/select-field.tsx'
import { ShownOnce } from '../../ui/shown-once.tsx'
import { useFields } from '../../ui/use-fields.ts'
import { ACCOUNT_ROLES, KEY_PRESETS, LIFETIMES } from './presets.ts'
import { type CreatedAccount, type CreatedKey, createAccount, createKey } from './queries.ts'

/** What was made and is shown once, until somebody has it. */
const accounts = createOnce<CreatedAccount>()
const keys = createOnce<CreatedKey>()

interface FormProps {
  readonly open: boolean
  readonly onOpenChange: (open: boolean) => void
}

const DAY = 86_400_000

export function CreateAccount({ open, onOpenChange }: FormProps) {
  const client = useQueryClient()
  const { fields, change, forget } = useFields('create service account', { name: '', role: 'aegis:operator' })
  const [isMissing, setMissing] = useState(false)
  const creating = useMutation({
    mutationFn: createAccount,
    onSuccess: (created) => {
      accounts.keep(created)
      forget()
      onOpenChange(false)
    },
    onSettled: () => client.invalidateQueries({ queryKey: ['service-accounts'] }),
  })
  const preset = ACCOUNT_ROLES.find(({ value }) => value === fields.role) ?? ACCOUNT_ROLES[0]
  if (!preset) return null
  return (
    <FormDialog
      open={open}
      onOpenChange={(next) => {
        creating.reset()
        onOpenChange(next)
      }}
      title="Create a service account"
      description="A program that signs in at the token endpoint with a name and a secret, without a person."
      action="Create it"
      busy={creating.isPending}
      error={creating.error}
      onSubmit={() => {
        const name = fields.name.trim()
        setMissing(name === '')
        if (name) creating.mutate({ name, role: preset.value, scopes: null })
      }}
    >
      <Field
        label="Name"
        value={fields.name}
        onChange={(event) => change({ name: event.target.value })}
        autoComplete="off"
        placeholder="ci, scheduler…"
        error={isMissing && fields.name.trim() === '' ? 'Give it a name.' : null}
      />
      <SelectField
        label="It may"
        value={preset.value}
        options={ACCOUNT_ROLES}
        onChange={(role) => change({ role })}
        hint={preset.means}
      />
    </FormDialog>
  )
}

/** The account that was just made, with what uses it at once. */
export function NewAccount() {
  const created = accounts.useUntaken()
  const command = created
    ? `curl -s ${window.location.origin}${BASE_PATH}/realms/aegis-system/protocol/openid-connect/token \\\n  -d grant_type=client_credentials -d client_id=${created.client_id} -d client_secret=${created.client_secret}`
    : ''
  return (
    <ShownOnce
      title={created ? `Service account ${created.name}` : 'Service account'}
      description="The secret is shown this once: it is kept as a digest."
      parts={
        created && [
          { label: 'Client id', text: created.client_id },
          { label: 'Client secret', text: created.client_secret },
        ]
      }
      onTaken={accounts.take}
    >
      <p className="mt-4 mb-1 text-muted text-sm">A token with it</p>
      <div className="flex items-start gap-2 rounded-md border bg-sunken p-2 pl-3">
        <code className="min-w-0 flex-1 whitespace-pre-wrap break-all font-mono text-xs">{command}</code>
        <CopyButton text={command} what="command" />
      </div>
    </ShownOnce>
  )
}

export function CreateRuntimeKey({ open, onOpenChange }: FormProps) {
  const client = useQueryClient()
  const { fields, change, forget } = useFields('create runtime key', {
    name: '',
    preset: 'run',
    scopes: '',
    lifetime: '90',
  })
  const [problem, setProblem] = useState<string | null>(null)
  const creating = useMutation({
    mutationFn: createKey,
    onSuccess: (created) => {
      keys.keep(created)
      forget()
      onOpenChange(false)
    },
    onSettled: () => client.invalidateQueries({ queryKey: ['runtime-keys'] }),
  })
  const preset = KEY_PRESETS.find(({ value }) => value === fields.preset) ?? KEY_PRESETS[0]
  if (!preset) return null
  return (
    <FormDialog
      open={open}
      onOpenChange={(next) => {
        creating.reset()
        setProblem(null)
        onOpenChange(next)
      }}
      title="Create a key of your own"
      description="It acts as you, in the runtime's half, with no more than you give it here."
      action="Create key"
      busy={creating.isPending}
      error={problem ?? creating.error}
      onSubmit={() => {
        const name = fields.name.trim()
        const scopes = preset.value === 'own' ? fields.scopes.split(/[\s,]+/).filter(Boolean) : preset.scopes
        if (!name) return setProblem('Give it a name.')
        if (scopes.length === 0) return setProblem('Name at least one scope.')
        setProblem(null)
        const days = Number(fields.lifetime)
        creating.mutate({
          name,
          scopes,
          expires_at: days > 0 ? new Date(serverNow() + days * DAY).toISOString() : null,
        })
      }}
    >
      <Field
        label="Name"
        value={fields.name}
        onChange={(event) => change({ name: event.target.value })}
        autoComplete="off"
        maxLength={64}
        placeholder="laptop, pipeline…"
      />
      <SelectField
        label="It may"
        value={preset.value}
        options={KEY_PRESETS}
        onChange={(value) => change({ preset: value })}
        hint={preset.means}
      />
      {preset.value === 'own' ? (
        <Field
          label="Scopes"
          value={fields.scopes}
          onChange={(event) => change({ scopes: event.target.value })}
          spellCheck={false}
          autoComplete="off"
          placeholder="agent:read execution:read"
          hint="Separated by blanks."
        />
      ) : (
        <p className="break-words font-mono text-muted text-xs">{preset.scopes.join(' ')}</p>
      )}
      <SelectField
        label="It ends after"
        value={fields.lifetime}
        options={LIFETIMES}
        onChange={(lifetime) => change({ lifetime })}
      />
    </FormDialog>
  )
}

export function NewRuntimeKey() {
  const created = keys.useUntaken()
  return (
    <ShownOnce
      title={created ? `Key ${created.name}` : 'Key'}
      description="It is shown this once: it is kept as a digest."
      parts={created && [{ label: 'Key', text: created.key }]}
      onTaken={keys.take}
    />
  )
}
