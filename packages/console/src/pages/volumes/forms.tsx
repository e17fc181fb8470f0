import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { Field } from '../../ui/field.tsx'
import { FormDialog } from '../../ui/form-dialog.tsx'
import { below, nameProblem, orderly } from './paths.ts'
import { createFolder, moveEntry, renameVolume, type Volume, type VolumeEntry } from './queries.ts'

interface NewFolderProps {
  readonly id: string
  readonly folder: string
  readonly open: boolean
  readonly onClose: () => void
}

export function NewFolderDialog({ id, folder, open, onClose }: NewFolderProps) {
  return (
    <TextDialog
      open={open}
      onClose={onClose}
      title="New folder"
      description={folder === '/' ? 'In the volume itself.' : `In ${folder}.`}
      label="Name"
      action="Make it"
      initial=""
      problemOf={nameProblem}
      run={(name) => createFolder({ id, path: below(folder, name) })}
    />
  )
}

export function RenameDialog({ volume, open, onClose }: { volume: Volume; open: boolean; onClose: () => void }) {
  return (
    <TextDialog
      open={open}
      onClose={onClose}
      title={`Rename ${volume.label}`}
      description="Manifests that mount it by its old name get another one."
      label="Name"
      action="Rename"
      initial={volume.label}
      problemOf={(label) => (label === '' ? 'Give it a name.' : null)}
      run={(label) => renameVolume({ id: volume.id, label })}
    />
  )
}

interface MoveProps {
  readonly id: string
  /** Null: nothing is to be moved. */
  readonly entry: VolumeEntry | null
  readonly onClose: () => void
}

export function MoveDialog({ id, entry, onClose }: MoveProps) {
  return (
    <TextDialog
      open={entry !== null}
      onClose={onClose}
      title={`Move ${entry?.name ?? ''}`}
      description="Folders on the way to it are made. What is there already is never replaced."
      label="Path in the volume"
      action="Move"
      initial={entry?.path ?? ''}
      problemOf={(path) => (orderly(path) === '/' ? 'Give it a path.' : null)}
      run={(to) => moveEntry({ id, from: entry?.path ?? '', to: orderly(to) })}
    />
  )
}

interface TextDialogProps {
  readonly open: boolean
  readonly onClose: () => void
  readonly title: string
  readonly description: string
  readonly label: string
  readonly action: string
  readonly initial: string
  readonly problemOf: (text: string) => string | null
  readonly run: (text: string) => Promise<unknown>
}

/** One line of text, and what is done with it. */
function TextDialog(props: TextDialogProps) {
  const { open, onClose, title, description, label, action, initial, problemOf, run } = props
  const client = useQueryClient()
  const [text, setText] = useState(initial)
  const [problem, setProblem] = useState<string | null>(null)
  const doing = useMutation({
    mutationFn: run,
    onSuccess: onClose,
    onSettled: () => client.invalidateQueries({ queryKey: ['volumes'] }),
  })
  const { reset } = doing
  useEffect(() => {
    if (!open) return
    setText(initial)
    setProblem(null)
    reset()
  }, [open, initial, reset])
  return (
    <FormDialog
      open={open}
      onOpenChange={(next) => next || onClose()}
      title={title}
      description={description}
      action={action}
      busy={doing.isPending}
      error={problem ?? doing.error}
      onSubmit={() => {
        const given = text.trim()
        const wrong = problemOf(given)
        setProblem(wrong)
        if (wrong === null) doing.mutate(given)
      }}
    >
      <Field
        label={label}
        value={text}
        onChange={({ target }) => setText(target.value)}
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
      />
    </FormDialog>
  )
}
