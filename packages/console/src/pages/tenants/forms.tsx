import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { isEmail } from '../../app/email.ts'
import { createOnce } from '../../app/once.ts'
import { Field } from '../../ui/field.tsx'
import { FormDialog } from '../../ui/form-dialog.tsx'
import { SelectField } from '../../ui/select-field.tsx'
import { ShownOnce } from '../../ui/shown-once.tsx'
import { useToasts } from '../../ui/toasts.tsx'
import { useFields } from '../../ui/use-fields.ts'
import { inviteInto, makeTenant, type SentInvitation, setQuotas, type Tenant, TIERS } from './queries.ts'

/** The link of an invitation, until somebody has it. */
const links = createOnce<SentInvitation>()

interface CreateProps {
  readonly open: boolean
  readonly onOpenChange: (open: boolean) => void
  /** A tenant has nobody in it at first. */
  readonly onCreated: (slug: string) => void
}

export function CreateTenant({ open, onOpenChange, onCreated }: CreateProps) {
  const client = useQueryClient()
  const { fields, change, forget } = useFields('create tenant', { name: '', slug: '', tier: 'enterprise' })
  const [problem, setProblem] = useState<string | null>(null)
  const slug = fields.slug || slugOf(fields.name)
  const making = useMutation({
    mutationFn: makeTenant,
    onSuccess: (tenant) => {
      forget()
      onCreated(tenant.slug)
    },
    onSettled: () => client.invalidateQueries({ queryKey: ['all-tenants'] }),
  })
  return (
    <FormDialog
      open={open}
      onOpenChange={(next) => {
        making.reset()
        setProblem(null)
        onOpenChange(next)
      }}
      title="Make a tenant"
      description="With a signing key of its own and nobody in it: its first owner is invited next."
      action="Make it"
      busy={making.isPending}
      error={problem ?? making.error}
      onSubmit={() => {
        const name = fields.name.trim()
        if (!name || !slug) return setProblem('Give it a name.')
        setProblem(null)
        making.mutate({ slug, display_name: name, tier: fields.tier })
      }}
    >
      <Field
        label="Name"
        value={fields.name}
        onChange={(event) => change({ name: event.target.value })}
        autoComplete="off"
      />
      <Field
        label="Short name"
        value={slug}
        onChange={(event) => change({ slug: event.target.value })}
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        hint="Stays taken for good, also when the tenant is deleted."
      />
      <SelectField
        label="Tier"
        value={fields.tier}
        options={TIERS.map((value) => ({ value: value as string, label: value }))}
        onChange={(tier) => change({ tier })}
      />
    </FormDialog>
  )
}

const slugOf = (name: string) =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40)

const ROLES = ['owner', 'admin', 'member', 'viewer'] as const

interface OfTenantProps {
  /** Null: closed. */
  readonly slug: string | null
  readonly onClose: () => void
}

export function InviteInto({ slug, onClose }: OfTenantProps) {
  const [email, setEmail] = useState('')
  const [role, setRole] = useState<(typeof ROLES)[number]>('owner')
  const [problem, setProblem] = useState<string | null>(null)
  const inviting = useMutation({
    mutationFn: inviteInto,
    onSuccess: (sent) => {
      links.keep(sent)
      setEmail('')
      onClose()
    },
  })
  return (
    <FormDialog
      open={slug !== null}
      onOpenChange={(open) => {
        if (open) return
        inviting.reset()
        setProblem(null)
        onClose()
      }}
      title={`Invite into ${slug ?? ''}`}
      description="They get a link that is good once, for seven days."
      action="Invite"
      busy={inviting.isPending}
      error={problem ?? inviting.error}
      onSubmit={() => {
        if (!isEmail(email.trim())) return setProblem('Give an e-mail address.')
        setProblem(null)
        if (slug) inviting.mutate({ slug, email: email.trim(), role })
      }}
    >
      <Field
        label="E-mail"
        type="email"
        value={email}
        onChange={(event) => setEmail(event.target.value)}
        autoComplete="off"
      />
      <SelectField
        label="Role"
        value={role}
        options={ROLES.map((value) => ({ value, label: value }))}
        onChange={setRole}
      />
    </FormDialog>
  )
}

export function TenantLink() {
  const sent = links.useUntaken()
  return (
    <ShownOnce
      title={sent ? `Invitation for ${sent.email}` : 'Invitation'}
      description={
        sent?.mail === 'sent'
          ? 'It was mailed, too. The link is shown this once.'
          : 'No mail was sent: hand the link over yourself. It is shown this once.'
      }
      parts={sent && [{ label: 'Link', text: sent.link }]}
      onTaken={links.take}
    />
  )
}

const QUOTAS = [
  { name: 'max_concurrent_executions', label: 'Executions at once' },
  { name: 'max_agents', label: 'Agents' },
  { name: 'max_storage_gb', label: 'Storage in GB' },
] as const

export function Quotas({ tenant, onClose }: { tenant: Tenant | undefined; onClose: () => void }) {
  const client = useQueryClient()
  const toasts = useToasts()
  const [texts, setTexts] = useState<Partial<Record<keyof Tenant['quotas'], string>>>({})
  const [problem, setProblem] = useState<string | null>(null)
  const setting = useMutation({
    mutationFn: setQuotas,
    onSuccess: () => {
      toasts.done('Numbers set', tenant?.display_name)
      close()
    },
    onSettled: () => client.invalidateQueries({ queryKey: ['all-tenants'] }),
  })
  const close = () => {
    setTexts({})
    setProblem(null)
    onClose()
  }
  return (
    <FormDialog
      open={tenant !== undefined}
      onOpenChange={(open) => {
        if (open) return
        setting.reset()
        close()
      }}
      title={`Numbers of ${tenant?.display_name ?? ''}`}
      description="In place of those of its tier."
      action="Set them"
      busy={setting.isPending}
      error={problem ?? setting.error}
      onSubmit={() => {
        if (Object.values(texts).some((text) => text.trim() === '' || !(Number(text) >= 0)))
          return setProblem('Give numbers from 0.')
        setProblem(null)
        const changed = Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, Number(text)]))
        if (tenant) setting.mutate({ slug: tenant.slug, ...changed })
      }}
    >
      {QUOTAS.map(({ name, label }) => (
        <Field
          key={name}
          label={label}
          inputMode="decimal"
          value={texts[name] ?? String(tenant?.quotas[name] ?? '')}
          onChange={(event) => setTexts((now) => ({ ...now, [name]: event.target.value }))}
        />
      ))}
    </FormDialog>
  )
}
