import { X } from 'lucide-react'
import { AlertDialog, Dialog as Radix } from 'radix-ui'
import type { ReactNode } from 'react'
import { Button } from './button.tsx'
import { cn } from './cn.ts'

const OVERLAY = 'fixed inset-0 z-40 animate-enter bg-[oklch(0.15_0.01_265/0.45)] backdrop-blur-[1px]'
const PANEL = 'fixed z-50 bg-surface shadow-float outline-none'
const CENTRED =
  'left-1/2 top-[min(12vh,calc(50dvh-10rem))] max-sm:top-3 max-h-[min(80vh,calc(100dvh-1.5rem))] w-[calc(100vw-2rem)] -translate-x-1/2 overflow-y-auto rounded-xl border animate-enter'

interface DialogProps {
  readonly open: boolean
  readonly onOpenChange: (open: boolean) => void
  readonly title: string
  readonly description?: string
  readonly children: ReactNode
  readonly className?: string
  /** Closes only by what is inside: not by a click beside it, nor by Escape. */
  readonly stays?: boolean
}

/** A centred dialog. Focus goes in on opening and back to where it was on closing. */
export function Dialog({ open, onOpenChange, title, description, children, className, stays = false }: DialogProps) {
  const keep = stays ? (event: Event) => event.preventDefault() : undefined
  return (
    <Radix.Root open={open} onOpenChange={onOpenChange}>
      <Radix.Portal>
        <Radix.Overlay className={OVERLAY} />
        <Radix.Content
          className={cn(PANEL, CENTRED, 'max-w-lg', className)}
          {...(keep ? { onEscapeKeyDown: keep, onInteractOutside: keep } : {})}
          {...(description ? {} : { 'aria-describedby': undefined })}
        >
          <Heading title={title} description={description} />
          <div className="px-5 pb-5">{children}</div>
          {!stays && <Close />}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  )
}

/** A panel from the right edge; the whole screen on a phone. */
export function Sheet({ open, onOpenChange, title, description, children, className }: DialogProps) {
  return (
    <Radix.Root open={open} onOpenChange={onOpenChange}>
      <Radix.Portal>
        <Radix.Overlay className={OVERLAY} />
        <Radix.Content
          className={cn(
            PANEL,
            'inset-y-0 right-0 flex w-full animate-sheet flex-col border-l sm:max-w-md',
            'pb-[env(safe-area-inset-bottom)]',
            className,
          )}
          {...(description ? {} : { 'aria-describedby': undefined })}
        >
          <Heading title={title} description={description} />
          <div className="min-h-0 flex-1 overflow-y-auto px-5 pb-5">{children}</div>
          <Close />
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  )
}

function Heading({ title, description }: { title: string; description?: string | undefined }) {
  return (
    <header className="px-5 pt-4 pr-14 pb-3">
      <Radix.Title className="line-clamp-2 break-words pt-0.5 font-semibold text-lg">{title}</Radix.Title>
      {description && (
        <Radix.Description className="mt-0.5 text-pretty text-muted text-sm">{description}</Radix.Description>
      )}
    </header>
  )
}

/** Last in the order of focus, so that a dialog opens on its content. */
function Close() {
  return (
    <Radix.Close asChild>
      <Button variant="quiet" size="icon" aria-label="Close" className="absolute top-3 right-3">
        <X />
      </Button>
    </Radix.Close>
  )
}

interface ConfirmProps {
  readonly open: boolean
  readonly onOpenChange: (open: boolean) => void
  readonly title: string
  readonly description: ReactNode
  readonly action: string
  readonly busy: boolean
  readonly onConfirm: () => void
}

/** Asks before something that cannot be undone. Focus rests on Cancel. */
export function Confirm({ open, onOpenChange, title, description, action, busy, onConfirm }: ConfirmProps) {
  return (
    <AlertDialog.Root open={open} onOpenChange={onOpenChange}>
      <AlertDialog.Portal>
        <AlertDialog.Overlay className={OVERLAY} />
        <AlertDialog.Content className={cn(PANEL, CENTRED, 'max-w-md p-5')}>
          <AlertDialog.Title className="font-semibold text-lg">{title}</AlertDialog.Title>
          <AlertDialog.Description asChild>
            <div className="mt-2 text-muted">{description}</div>
          </AlertDialog.Description>
          <div className="mt-5 flex justify-end gap-2">
            <AlertDialog.Cancel asChild>
              <Button>Cancel</Button>
            </AlertDialog.Cancel>
            <Button variant="deny" busy={busy} onClick={onConfirm}>
              {action}
            </Button>
          </div>
        </AlertDialog.Content>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  )
}
