import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { isEmail } from '../../app/email.ts'
import { createOnce } from '../../app/once.ts'
import { Field } from '../../ui/field.tsx'
import { FormDialog } from '../../ui/form-dialog.tsx'
import { SelectField } from '../../ui/select-field.tsx'
import { ShownOnce } from '../../ui/shown-once.tsx'
import { useFields } from '../../ui/use-fields.ts'
import { invite, type Role, type SentInvitation } from './queries.ts'

/** The link of an invitation, until somebody has it. */
const links = createOnce<SentInvitation>()

/** Invites, and keeps the link until it was taken. */
export function useInvite(onSent: () => void = () => {}) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: invite,
    onSuccess: (sent) => {
      links.keep(sent)
      onSent()
    },
    onSettled: () => client.invalidateQueries({ queryKey: ['invitations'] }),
  })
}

interface InviteProps {
  readonly open: boolean
  readonly onOpenChange: (open: boolean) => void
  /** Roles that who invites may give. */
  readonly roles: readonly Role[]
}

export function Invite({ open, onOpenChange, roles }: InviteProps) {
  const { fields, change, forget } = useFields('invite', { email: '', role: 'member' })
  const [isMissing, setMissing] = useState(false)
  const sending = useInvite(() => {
    forget()
    onOpenChange(false)
  })
  const email = fields.email.trim()
  const role = roles.find((one) => one === fields.role) ?? 'member'
  return (
    <FormDialog
      open={open}
      onOpenChange={(next) => {
        sending.reset()
        onOpenChange(next)
      }}
      title="Invite somebody"
      description="They get a link that is good once, for seven days."
      action="Invite"
      busy={sending.isPending}
      error={sending.error}
      onSubmit={() => {
        setMissing(!isEmail(email))
        if (isEmail(email)) sending.mutate({ email, role })
      }}
    >
      <Field
        label="E-mail"
        type="email"
        value={fields.email}
        onChange={(event) => change({ email: event.target.value })}
        autoComplete="off"
        error={isMissing && !isEmail(email) ? 'Give an e-mail address.' : null}
      />
      <SelectField
        label="Role"
        value={role}
        options={roles.map((value) => ({ value, label: value }))}
        onChange={(value) => change({ role: value })}
        hint="The tab Roles says what each may do."
      />
    </FormDialog>
  )
}

const MAIL: Readonly<Record<SentInvitation['mail'], string>> = {
  sent: 'It was mailed, too.',
  failed: 'The mail could not be sent: hand the link over yourself.',
  off: 'This server sends no mail: hand the link over yourself.',
}

/** The link that was just made. */
export function InvitationLink() {
  const sent = links.useUntaken()
  return (
    <ShownOnce
      title={sent ? `Invitation for ${sent.email}` : 'Invitation'}
      description={`The link is shown this once and opens the tenant for this address. ${sent ? MAIL[sent.mail] : ''}`}
      parts={sent && [{ label: 'Link', text: sent.link }]}
      onTaken={links.take}
    />
  )
}
