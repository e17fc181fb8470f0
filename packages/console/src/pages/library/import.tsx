import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useId, useState } from 'react'
import { INPUT } from '../../ui/field.tsx'
import { FormDialog } from '../../ui/form-dialog.tsx'
import { plural } from '../../ui/plural.ts'
import { SelectField } from '../../ui/select-field.tsx'
import { useToasts } from '../../ui/toasts.tsx'
import { FileButton } from '../contracts/shared/editing.tsx'
import { forgetLibrary, importBundle } from './queries.ts'

interface ImportDialogProps {
  readonly open: boolean
  readonly onOpenChange: (open: boolean) => void
}

/** Takes a bundle apart: of a file, pasted, or one of the templates. */
export function ImportDialog({ open, onOpenChange }: ImportDialogProps) {
  const id = useId()
  const client = useQueryClient()
  const toasts = useToasts()
  const [text, setText] = useState('')
  const [template, setTemplate] = useState('')
  const templates = useQuery({
    queryKey: ['templates'],
    queryFn: async () => (await import('./text.ts')).templates,
    enabled: open,
    staleTime: Number.POSITIVE_INFINITY,
  }).data
  const importing = useMutation({
    mutationFn: async (written: string) => {
      const { importable } = await import('./text.ts')
      return importBundle(importable(written, new Date()))
    },
    onSuccess: ({ contracts_created, contracts_updated, bundle_composition_created }) => {
      toasts.done(
        `${plural(contracts_created.length, 'contract')} made, ${contracts_updated.length} changed`,
        bundle_composition_created ? `The composition ${bundle_composition_created} is made of them.` : undefined,
      )
      setText('')
      setTemplate('')
      onOpenChange(false)
    },
    onSettled: () => forgetLibrary(client),
  })
  return (
    <FormDialog
      open={open}
      onOpenChange={(next) => {
        if (!next) importing.reset()
        onOpenChange(next)
      }}
      title="Import contracts"
      description="A bundle is taken apart; a contract that is there already gets a new version. One contract, or a list of them, will do too."
      action="Import"
      busy={importing.isPending}
      error={importing.error}
      onSubmit={() => importing.mutate(text)}
      className="max-w-2xl"
    >
      <div className="flex flex-wrap items-end gap-2">
        <SelectField
          label="Template"
          value={template}
          options={[
            { value: '', label: 'None' },
            ...[...(templates?.keys() ?? [])].map((name) => ({ value: name, label: name })),
          ]}
          onChange={(name) => {
            setTemplate(name)
            setText(templates?.get(name) ?? '')
          }}
          className="min-w-40 flex-1"
        />
        <FileButton
          label="File to import"
          onFile={(file) => {
            setTemplate('')
            void file?.text().then(setText)
          }}
        />
      </div>
      <div>
        <label htmlFor={id} className="mb-1.5 block font-medium text-sm">
          YAML
        </label>
        <textarea
          id={id}
          value={text}
          onChange={(event) => setText(event.target.value)}
          rows={12}
          autoComplete="off"
          spellCheck={false}
          className={`${INPUT} h-auto py-2 font-mono text-xs max-sm:h-auto`}
        />
      </div>
    </FormDialog>
  )
}
