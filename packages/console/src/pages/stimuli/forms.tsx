import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { createOnce } from '../../app/once.ts'
import { Field, INPUT } from '../../ui/field.tsx'
import { FormDialog } from '../../ui/form-dialog.tsx'
import { SelectField } from '../../ui/select-field.tsx'
import { ShownOnce } from '../../ui/shown-once.tsx'
import { useToasts } from '../../ui/toasts.tsx'
import { useFields } from '../../ui/use-fields.ts'
import { managedAgentQueries } from '../managed-agents/queries.ts'
import { workflowQueries } from '../workflows/queries.ts'
import { type NewSource, registerSource, sendStimulus, stimulusQueries, webhookAddress } from './queries.ts'

/** A secret that was made here, until somebody has it: the server tells it to nobody again. */
const secrets = createOnce<{ readonly source: string; readonly secret: string; readonly signature: string }>()

/** 32 bytes that nobody can guess, as text without signs that a shell or a form would change. */
const makeSecret = (): string =>
  btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32))))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '')

const ROUTES = [
  { value: 'workflow', label: 'a workflow' },
  { value: 'router_agent', label: 'what an agent chooses' },
] as const
const SECRETS = [
  { value: 'make', label: 'Make one, shown once' },
  { value: 'given', label: 'The other system has one' },
  { value: 'keep', label: 'None, or the one that it has' },
] as const
const SIGNATURES = [
  { value: 'aegis', label: 'HMAC of the body' },
  { value: 'stripe', label: 'Stripe’s form' },
] as const

interface RegisterProps {
  readonly open: boolean
  readonly onOpenChange: (open: boolean) => void
}

/** The secret itself is never kept as a draft. */
export function RegisterSource({ open, onOpenChange }: RegisterProps) {
  const client = useQueryClient()
  const toasts = useToasts()
  const workflows = useQuery({ ...workflowQueries.all(), enabled: open }).data ?? []
  const agents = useQuery({ ...managedAgentQueries.all(), enabled: open }).data ?? []
  const { fields, change, forget } = useFields('register source', {
    source: '',
    route: 'workflow',
    target: '',
    signature: 'aegis',
    secret: 'make',
  })
  const [given, setGiven] = useState('')
  const [problem, setProblem] = useState<string | null>(null)
  const pick = <Value extends string>(options: readonly { readonly value: Value }[], value: string, first: Value) =>
    options.find((one) => one.value === value)?.value ?? first
  const route = pick(ROUTES, fields.route, 'workflow')
  const signature = pick(SIGNATURES, fields.signature, 'aegis')
  const kind = pick(SECRETS, fields.secret, 'make')
  const targets = (route === 'workflow' ? workflows : agents).map(({ name }) => name)
  const target = targets.includes(fields.target) ? fields.target : (targets[0] ?? '')
  const registering = useMutation({
    mutationFn: registerSource,
    gcTime: 0,
    onSuccess: (made, { secret }) => {
      if (kind === 'make' && secret !== null) secrets.keep({ source: made.source, secret, signature: made.signature })
      else toasts.done(`${made.source} is registered`, webhookAddress(made.source))
      forget()
      setGiven('')
      onOpenChange(false)
    },
    onSettled: () => client.invalidateQueries({ queryKey: ['stimulus-sources'] }),
  })
  const submit = () => {
    const source = fields.source.trim()
    const wrong =
      source === ''
        ? 'Give the source a name.'
        : target === ''
          ? route === 'workflow'
            ? 'There is no workflow yet. Register one first, on the page of workflows.'
            : 'There is no agent yet. Deploy one first, on the page of managed agents.'
          : kind === 'given' && given === ''
            ? 'Give the secret that the other system signs with.'
            : null
    setProblem(wrong)
    if (wrong !== null) return
    const body: NewSource = {
      source,
      workflow: route === 'workflow' ? target : null,
      router_agent: route === 'router_agent' ? target : null,
      signature,
      secret: kind === 'make' ? makeSecret() : kind === 'given' ? given : null,
    }
    registering.mutate(body)
  }
  return (
    <FormDialog
      open={open}
      onOpenChange={(next) => {
        if (!next) setGiven('')
        setProblem(null)
        registering.reset()
        onOpenChange(next)
      }}
      title="Register a source"
      description="Registered again under its name, a source is changed."
      action="Register"
      busy={registering.isPending}
      error={problem ?? registering.error}
      onSubmit={submit}
    >
      <Field
        label="Name"
        value={fields.source}
        onChange={({ target: { value } }) => change({ source: value })}
        placeholder="shop"
        hint="The last part of the address that the other system calls."
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
      />
      <div className="grid gap-3 sm:grid-cols-2">
        <SelectField label="It begins" value={route} options={ROUTES} onChange={(value) => change({ route: value })} />
        <SelectField
          label={route === 'workflow' ? 'Workflow' : 'Agent that chooses'}
          value={target}
          options={
            targets.length > 0
              ? targets.map((value) => ({ value, label: value }))
              : [{ value: '', label: route === 'workflow' ? 'no workflow yet' : 'no agent yet' }]
          }
          onChange={(value) => change({ target: value })}
        />
        <SelectField
          label="Webhooks are signed by"
          value={signature}
          options={SIGNATURES}
          onChange={(value) => change({ signature: value })}
        />
        <SelectField label="Secret" value={kind} options={SECRETS} onChange={(value) => change({ secret: value })} />
      </div>
      {kind === 'given' && (
        <Field
          label="The other system’s secret"
          type="password"
          value={given}
          onChange={({ target: { value } }) => setGiven(value)}
          autoComplete="off"
        />
      )}
    </FormDialog>
  )
}

/** The secret of a new source, until somebody has it. */
export function NewSecret() {
  const made = secrets.useUntaken()
  return (
    <ShownOnce
      title={made ? `Source ${made.source}` : 'Source'}
      description="Give both to the other system. The secret is shown this once; registered again, the source gets another."
      parts={
        made && [
          { label: 'Address', text: webhookAddress(made.source) },
          { label: 'Secret', text: made.secret },
        ]
      }
      onTaken={secrets.take}
    >
      <p className="mt-3 text-muted text-sm">
        {made?.signature === 'stripe'
          ? 'It signs each webhook in Stripe-Signature.'
          : 'It signs each webhook: X-Aegis-Signature is sha256= and the HMAC-SHA256 of the body in hex.'}
      </p>
    </ShownOnce>
  )
}

interface SendProps {
  /** Undefined: nothing is to be sent; empty: the source is still to be chosen. */
  readonly source: string | undefined
  readonly onClose: () => void
  readonly onSent: (id: string) => void
}

/** Sends one as a program would: it begins what its source begins, in earnest. */
export function SendOne({ source, onClose, onSent }: SendProps) {
  const client = useQueryClient()
  const isOpen = source !== undefined
  const sources = useQuery({ ...stimulusQueries.sources(), enabled: isOpen }).data ?? []
  const { fields, change, forget } = useFields('send stimulus', { source: '', content: '{"test": true}' })
  const [problem, setProblem] = useState<string | null>(null)
  const names = sources.map((one) => one.source).filter((name) => name !== '*')
  const chosen = [source, fields.source].find((name) => name !== undefined && names.includes(name)) ?? names[0] ?? ''
  const sending = useMutation({
    mutationFn: sendStimulus,
    onSuccess: ({ stimulus_id }) => {
      forget()
      onSent(stimulus_id)
    },
    // What is refused is listed, too.
    onSettled: () => client.invalidateQueries({ queryKey: ['stimuli'] }),
  })
  return (
    <FormDialog
      open={isOpen}
      onOpenChange={(next) => {
        if (next) return
        sending.reset()
        setProblem(null)
        onClose()
      }}
      title="Send a stimulus"
      description="It begins the workflow of its source, as a webhook would. Signatures are not asked for here: you are signed in."
      action="Send"
      busy={sending.isPending}
      error={problem ?? sending.error}
      onSubmit={() => {
        const wrong =
          chosen === ''
            ? 'No source is registered. Register one first.'
            : fields.content.trim() === ''
              ? 'Give it a content.'
              : null
        setProblem(wrong)
        if (wrong === null) sending.mutate({ source: chosen, content: fields.content })
      }}
    >
      <SelectField
        label="Source"
        value={chosen}
        options={
          names.length > 0 ? names.map((value) => ({ value, label: value })) : [{ value: '', label: 'none yet' }]
        }
        onChange={(value) => {
          change({ source: value })
        }}
        disabled={source !== undefined && source !== ''}
      />
      <div>
        <label htmlFor="stimulus-text" className="mb-1.5 block font-medium text-sm">
          Content
        </label>
        <textarea
          id="stimulus-text"
          value={fields.content}
          onChange={({ target }) => change({ content: target.value })}
          rows={6}
          spellCheck={false}
          className={`${INPUT} h-auto py-2 font-mono text-sm max-sm:h-auto`}
        />
        <p className="mt-1 text-muted text-xs">JSON or any text; the workflow reads it as it is.</p>
      </div>
    </FormDialog>
  )
}
