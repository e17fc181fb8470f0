import type { FormEvent, ReactNode } from 'react'
import { Button } from './button.tsx'
import { Dialog } from './dialog.tsx'
import { messageOf } from './states.tsx'

interface FormDialogProps {
  readonly open: boolean
  readonly onOpenChange: (open: boolean) => void
  readonly title: string
  readonly description?: string
  /** What the button says. */
  readonly action: string
  readonly busy: boolean
  /** Why it was not done: what was thrown, or a sentence; null when nothing is wrong. */
  readonly error: unknown
  readonly onSubmit: () => void
  readonly children: ReactNode
  readonly className?: string
}

/** A few fields in a dialog, what went wrong below them, and two buttons. */
export function FormDialog(props: FormDialogProps) {
  const { open, onOpenChange, title, description, action, busy, error, onSubmit, children, className } = props
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    if (!busy) onSubmit()
  }
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title={title}
      {...(description ? { description } : {})}
      {...(className ? { className } : {})}
    >
      <form onSubmit={submit} noValidate className="flex flex-col gap-3">
        {children}
        <p role="alert" className="min-h-5 whitespace-pre-line break-words text-deny text-sm">
          {error ? (typeof error === 'string' ? error : messageOf(error)) : null}
        </p>
        <div className="flex justify-end gap-2">
          <Button onClick={() => onOpenChange(false)}>Cancel</Button>
          <Button type="submit" variant="primary" busy={busy}>
            {action}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
