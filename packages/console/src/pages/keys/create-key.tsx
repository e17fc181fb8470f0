import { Link } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { type CreatedKey, ENVIRONMENTS } from '../../api/types.ts'
import { Button, buttonClass } from '../../ui/button.tsx'
import { CopyButton } from '../../ui/copy.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { EnvironmentChoice } from '../../ui/environment-choice.tsx'
import { Field } from '../../ui/field.tsx'
import { SelectField } from '../../ui/select-field.tsx'
import { messageOf } from '../../ui/states.tsx'
import { useUnloadGuard } from '../../ui/unload-guard.ts'
import { useFields } from '../../ui/use-fields.ts'
import type { NewKey } from './queries.ts'
import { takeKey, useNewKeys } from './shared/new-key.ts'
import { useCreateKey } from './shared/use-create-key.ts'

interface CreateKeyProps {
  readonly open: boolean
  readonly onOpenChange: (open: boolean) => void
}

/**
 * First a form, then the key, once: neither a click beside it, nor Back, nor a closed tab may take it unseen. Until somebody
 * has it, it is what this page shows.
 */
export function CreateKey({ open, onOpenChange }: CreateKeyProps) {
  const { untaken: created } = useNewKeys()
  useUnloadGuard(created !== null)
  return (
    <Dialog
      open={open || created !== null}
      onOpenChange={onOpenChange}
      stays={created !== null}
      title={created ? 'Your new key' : 'Create an API key'}
      description={
        created ? 'Copy it now. It is stored only as a hash and cannot be shown again.' : 'A key opens one environment.'
      }
    >
      {created ? (
        <Created
          created={created}
          onDone={() => {
            onOpenChange(false)
            takeKey()
          }}
        />
      ) : (
        <Form onCancel={() => onOpenChange(false)} />
      )}
    </Dialog>
  )
}

interface Program {
  readonly value: string
  readonly label: string
  readonly hint: string
  readonly asks: Pick<NewKey, 'client' | 'signature'>
}

/** What uses a key. Lines of one SDK read different words and signatures: the server speaks to each as its key says. */
const PROGRAMS: readonly [Program, ...Program[]] = [
  {
    value: 'guard',
    label: '@lictor/guard, or edictum up to 0.16',
    hint: 'Contracts; signatures are not asked for.',
    asks: {},
  },
  {
    value: 'verifying',
    label: 'edictum 0.16 that verifies signatures',
    hint: 'It reads them in base64, and else takes no live update.',
    asks: { client: 'contracts', signature: 'base64' },
  },
  {
    value: 'rulesets',
    label: 'later Edictum SDKs: Python from 0.17, TypeScript, Go',
    hint: 'They read rulesets, and call under /v1.',
    asks: { client: 'rulesets' },
  },
]

function Form({ onCancel }: { onCancel: () => void }) {
  const { fields, change, forget } = useFields('create key', { label: '', env: 'production', program: 'guard' })
  const env = ENVIRONMENTS.find((one) => one === fields.env) ?? 'production'
  const program = PROGRAMS.find(({ value }) => value === fields.program) ?? PROGRAMS[0]
  const [isMissing, setMissing] = useState(false)
  const create = useCreateKey(forget)
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const label = fields.label.trim()
    setMissing(label === '')
    if (label !== '') create.mutate({ env, label, ...program.asks })
  }
  return (
    <form onSubmit={submit} noValidate className="flex flex-col gap-4">
      <Field
        label="Label"
        name="label"
        value={fields.label}
        onChange={(event) => change({ label: event.target.value })}
        required
        maxLength={255}
        autoComplete="off"
        placeholder="ci, laptop, support-bot…"
        hint="So that you know later what to revoke."
        error={isMissing ? 'Give it a label.' : null}
      />
      <EnvironmentChoice value={env} onChange={(next) => change({ env: next })} />
      <SelectField
        label="Used by"
        value={program.value}
        options={PROGRAMS}
        onChange={(value) => change({ program: value })}
        hint={program.hint}
      />
      <p role="alert" className="min-h-5 text-deny text-sm">
        {create.isError && messageOf(create.error)}
      </p>
      <div className="flex justify-end gap-2">
        <Button
          onClick={() => {
            forget()
            onCancel()
          }}
        >
          Cancel
        </Button>
        <Button type="submit" variant="primary" busy={create.isPending}>
          Create key
        </Button>
      </div>
    </form>
  )
}

function Created({ created, onDone }: { created: CreatedKey; onDone: () => void }) {
  return (
    <div>
      <div className="flex items-center gap-2 rounded-md border border-allow/40 bg-allow-soft p-2 pl-3">
        <code className="min-w-0 flex-1 select-all break-all font-mono text-sm">{created.key}</code>
        <CopyButton text={created.key} what="API key" label />
      </div>
      <p className="mt-4 mb-1.5 text-muted text-sm">As an environment variable</p>
      <div className="flex items-center gap-2 rounded-md border bg-sunken p-2 pl-3">
        <code className="min-w-0 flex-1 break-all font-mono text-xs">LICTOR_API_KEY={created.key}</code>
        <CopyButton text={`LICTOR_API_KEY=${created.key}`} what="environment variable" />
      </div>
      <div className="mt-5 flex justify-end gap-2">
        <Link to="/connect" className={buttonClass()}>
          Use it in a snippet
        </Link>
        <Button variant="primary" onClick={onDone}>
          I have it
        </Button>
      </div>
    </div>
  )
}
