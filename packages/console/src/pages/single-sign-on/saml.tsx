import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { type ComponentProps, type ReactNode, useId, useState } from 'react'
import { Badge } from '../../ui/badge.tsx'
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
import { removeSamlProvider, type SamlProvider, setSamlProvider, signOnQueries } from './queries.ts'

/** The SAML 2.0 provider, and what it must know of this server. */
export function Saml() {
  const provider = useQuery(signOnQueries.saml())
  return (
    <>
      <Card className="overflow-hidden">
        <CardHeading>To register at the provider</CardHeading>
        <Loaded query={provider} rows={3}>
          {({ metadata_url, sp_entity_id, acs_url }) => (
            <ToRegister
              rows={[
                ['Metadata', metadata_url],
                ['Entity id', sp_entity_id],
                ['Answers go to', acs_url],
              ]}
            />
          )}
        </Loaded>
      </Card>
      <Loaded query={provider}>
        {({ provider: present }) => (
          <Change key={`${present?.entity_id} ${present?.certificate.length}`} present={present} />
        )}
      </Loaded>
    </>
  )
}

function Change({ present }: { present: SamlProvider | null }) {
  const client = useQueryClient()
  const toasts = useToasts()
  const { ask, dialog } = useConfirmedAct()
  const { fields, change, forget } = useFields('single sign-on by SAML', {
    metadata: '',
    entity_id: present?.entity_id ?? '',
    sso_url: present?.sso_url ?? '',
    certificate: present?.certificate ?? '',
    label: present?.label ?? '',
    newMembers: present?.new_members ?? 'none',
  })
  const [problem, setProblem] = useState<string | null>(null)
  const saving = useMutation({
    mutationFn: setSamlProvider,
    onSuccess: () => {
      forget()
      toasts.done('Single sign-on is in force', 'Try it in another browser before you rely on it.')
    },
    onSettled: () => client.invalidateQueries({ queryKey: ['single-sign-on'] }),
  })
  const newMembers = NEWCOMERS.find(({ value }) => value === fields.newMembers)?.value ?? 'none'
  const metadata = fields.metadata.trim()
  return (
    <Card className="overflow-hidden">
      <CardHeading aside={<State isInForce={present !== null} />}>Provider</CardHeading>
      {present && <Certificates of={present} />}
      <form
        noValidate
        className="grid gap-x-4 p-4 sm:grid-cols-2"
        onSubmit={(event) => {
          event.preventDefault()
          const [entity_id, sso_url, certificate] = [
            fields.entity_id.trim(),
            fields.sso_url.trim(),
            fields.certificate.trim(),
          ]
          if (!metadata && !(entity_id && sso_url && certificate))
            return setProblem('Paste its metadata, or give entity id, sign-on address and certificate.')
          setProblem(null)
          if (saving.isPending) return
          saving.mutate({
            ...(metadata
              ? { metadata, entity_id: null, sso_url: null, certificate: null }
              : { metadata: null, entity_id, sso_url, certificate }),
            label: fields.label.trim() || null,
            new_members: newMembers === 'none' ? null : newMembers,
          })
        }}
      >
        <Area
          label="Metadata of the provider"
          value={fields.metadata}
          onChange={(event) => change({ metadata: event.target.value })}
          hint="XML. It says the three that follow; without it, give them."
        />
        <Field
          label="Entity id"
          value={fields.entity_id}
          onChange={(event) => change({ entity_id: event.target.value })}
          disabled={metadata !== ''}
          autoComplete="off"
          spellCheck={false}
          placeholder="https://idp.example.com/metadata"
          hint="How the provider names itself."
        />
        <Field
          label="Sign-on address"
          type="url"
          value={fields.sso_url}
          onChange={(event) => change({ sso_url: event.target.value })}
          disabled={metadata !== ''}
          autoComplete="off"
          placeholder="https://idp.example.com/sso"
          hint="For HTTP-Redirect."
        />
        <Area
          label="Certificate"
          value={fields.certificate}
          onChange={(event) => change({ certificate: event.target.value })}
          disabled={metadata !== ''}
          hint="PEM; several, one after the other, while the provider changes its key."
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
          hint="By the e-mail address that the provider says."
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
                  title: 'End single sign-on by SAML?',
                  description:
                    'Members sign in with their passwords, or at the other provider if there is one; who never had a password needs a link for a new one. Sessions that are open go on until they end.',
                  action: 'End it',
                  run: removeSamlProvider,
                  done: 'Single sign-on by SAML has ended',
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

function Certificates({ of }: { of: SamlProvider }) {
  return (
    <ul className="divide-y border-b" aria-label="Certificates">
      {of.certificates.map(({ subject, fingerprint, expires_at, is_expired }) => (
        <li key={fingerprint} className="flex flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2.5 text-sm">
          <span className="min-w-0 break-all font-medium">{subject}</span>
          {is_expired && <Badge tone="deny">expired</Badge>}
          <span className="text-muted">
            {is_expired ? 'ended' : 'ends'} <time dateTime={expires_at}>{expires_at.slice(0, 10)}</time>
          </span>
          <code className="basis-full break-all font-mono text-muted text-xs">{fingerprint}</code>
        </li>
      ))}
    </ul>
  )
}

function Area({ label, hint, ...rest }: ComponentProps<'textarea'> & { label: string; hint: ReactNode }) {
  const id = useId()
  return (
    <div className="sm:col-span-2">
      <label htmlFor={id} className="mb-1.5 block font-medium text-sm">
        {label}
      </label>
      <textarea
        id={id}
        rows={4}
        spellCheck={false}
        autoComplete="off"
        aria-describedby={`${id}-note`}
        className="w-full resize-y rounded-md border border-line-strong bg-surface p-3 font-mono text-ink text-sm transition-colors hover:border-faint disabled:opacity-60 max-sm:text-base"
        {...rest}
      />
      <p id={`${id}-note`} className="mt-1 min-h-4.5 text-muted text-xs">
        {hint}
      </p>
    </div>
  )
}
