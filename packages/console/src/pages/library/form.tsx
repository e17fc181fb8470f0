import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type ReactNode, useEffect, useMemo, useState } from 'react'
import { Button } from '../../ui/button.tsx'
import { Field } from '../../ui/field.tsx'
import { Kbd } from '../../ui/kbd.tsx'
import { Card } from '../../ui/page.tsx'
import { SelectField } from '../../ui/select-field.tsx'
import { messageOf } from '../../ui/states.tsx'
import { useUnloadGuard } from '../../ui/unload-guard.ts'
import { useFields } from '../../ui/use-fields.ts'
import { BundleEditor } from '../contracts/shared/bundle-editor.tsx'
import { NO_CALL } from '../contracts/shared/call.ts'
import { EditorKeys, type Issue } from '../contracts/shared/editing.tsx'
import { useSeen } from '../contracts/shared/language.ts'
import { TrialPanel } from '../contracts/shared/trial-panel.tsx'
import { BEGINNINGS, frameOf, ID } from './beginnings.ts'
import { forgetLibrary } from './queries.ts'
import type { ContractType } from './route.ts'
import { TYPE_WORDS } from './types.ts'

/** Every field of a contract, as text. */
export type ContractFields = Readonly<
  Record<'id' | 'name' | 'description' | 'tags' | 'text', string> & { readonly type: ContractType }
>

interface ContractFormProps {
  /** What is written is kept for the tab under this name. */
  readonly name: string
  readonly initial: ContractFields
  /** It is there already: its id and type are settled. */
  readonly isKept: boolean
  readonly action: string
  readonly onSave: (contract: {
    readonly id: string
    readonly type: ContractType
    readonly name: string
    readonly description: string | null
    readonly tags: readonly string[]
    readonly definition: Readonly<Record<string, unknown>>
  }) => Promise<void>
  /** Said above the button. */
  readonly note?: ReactNode
}

/** Names that a person wrote with commas between them, each once. */
const listed = (text: string): readonly string[] => [
  ...new Set(
    text
      .split(',')
      .map((one) => one.trim())
      .filter(Boolean),
  ),
]

/** One contract: what it is called, its text in the editor of the language, and a call to try it on. */
export function ContractForm({ name, initial, isKept, action, onSave, note }: ContractFormProps) {
  const client = useQueryClient()
  const seen = useSeen()
  const { fields, change, forget } = useFields(`contract ${name}`, initial)
  const { fields: call, change: setCall } = useFields(`call contract ${name}`, NO_CALL)
  const { id, type, text } = fields
  const isDirty = (Object.keys(initial) as (keyof ContractFields)[]).some((field) => fields[field] !== initial[field])
  const frame = useMemo(() => frameOf(id, type), [id, type])
  const tried = useBundleText(id, type, text)
  const saving = useMutation({
    mutationFn: async () => {
      if (!isKept && !ID.test(id))
        throw new Error('An id is small letters, digits, - and _, and begins with a letter or digit.')
      if (fields.name.trim() === '') throw new Error('Give it a name.')
      const { definitionOf } = await import('./text.ts')
      await onSave({
        id,
        type,
        name: fields.name.trim(),
        description: fields.description.trim() || (isKept ? '' : null),
        tags: listed(fields.tags),
        definition: definitionOf(text),
      })
      forget()
    },
    onSettled: () => forgetLibrary(client),
  })
  useUnloadGuard(isDirty && !saving.isSuccess)
  const submit = () => {
    if (!saving.isPending) saving.mutate()
  }
  const input = (field: Exclude<keyof ContractFields, 'type'>) => ({
    value: fields[field],
    onChange: (event: { target: { value: string } }) => change({ [field]: event.target.value }),
    autoComplete: 'off',
  })
  return (
    <div className="grid items-start gap-4 lg:grid-cols-[minmax(0,1fr)_21rem]">
      <div className="flex min-w-0 flex-col gap-3">
        <Card className="grid gap-x-4 px-4 pt-4 pb-1 sm:grid-cols-2" aria-label="What it is called">
          <Field label="Name" {...input('name')} />
          {!isKept && (
            <Field label="Id" placeholder="no-secrets" autoCapitalize="off" spellCheck={false} {...input('id')} />
          )}
          {!isKept && (
            <SelectField
              label="Type"
              value={type}
              options={(Object.keys(TYPE_WORDS) as ContractType[]).map((value) => ({
                value,
                label: `${value}: ${TYPE_WORDS[value]}`,
              }))}
              onChange={(next) =>
                change({ type: next, ...(text === BEGINNINGS[type] ? { text: BEGINNINGS[next] } : {}) })
              }
            />
          )}
          <Field label="Tags" hint="With commas between them" {...input('tags')} />
          <Field label="Description" className="sm:col-span-2" {...input('description')} />
        </Card>
        <Card className="overflow-hidden" aria-label="Text">
          <BundleEditor
            text={text}
            onChange={(next) => change({ text: next })}
            seen={seen}
            label="Contract YAML"
            frame={frame}
            counts={type === 'pre' || type === 'post' ? notOfSeveralTools(text) : always}
            onSubmit={submit}
            className="h-[max(20rem,min(32rem,56vh))]"
          />
        </Card>
        {note}
        <div className="flex items-center justify-end gap-3">
          <p role="alert" className="min-w-0 flex-1 whitespace-pre-line break-words text-deny text-sm">
            {saving.isError && messageOf(saving.error)}
          </p>
          <Button variant="primary" size="lg" busy={saving.isPending} onClick={submit}>
            {action}{' '}
            <Kbd
              keys="Ctrl ↵"
              className="[&_kbd]:border-on-primary/30 [&_kbd]:bg-transparent [&_kbd]:text-on-primary"
            />
          </Button>
        </div>
        <EditorKeys />
      </div>
      <TrialPanel
        yaml={tried}
        value={call}
        onChange={setCall}
        tools={seen.tools.map((tool) => tool.name)}
        environments={seen.environments}
      />
    </div>
  )
}

/** A bundle with the contract alone, to try calls on; the text itself while it is no definition, which says what is wrong. */
function useBundleText(id: string, type: ContractType, text: string): string {
  const [bundle, setBundle] = useState<string | null>(null)
  useEffect(() => {
    let stale = false
    import('./text.ts').then(
      ({ bundleOf }) => !stale && setBundle(bundleOf(id, type, text)),
      () => !stale && setBundle(null),
    )
    return () => {
      stale = true
    }
  }, [id, type, text])
  return bundle ?? text
}

const always = () => true
/** A contract of several tools becomes one for each when it is composed; a bundle itself knows one tool for each contract. */
const notOfSeveralTools = (text: string) => (/^tools:/m.test(text) ? isOfOneTool : always)
const isOfOneTool = ({ path }: Issue) => path !== 'tools' && path !== 'tool'
