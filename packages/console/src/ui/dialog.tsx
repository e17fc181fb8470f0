import { X } from 'lucide-react'
import { AlertDialog, Dialog as Radix } from 'radix-ui'
import { type ReactNode, useRef, useState } from 'react'
import { Button } from './button.tsx'
import { cn } from './cn.ts'
import { Field } from './field.tsx'

const OVERLAY = 'fixed inset-0 z-40 animate-enter bg-[oklch(0.15_0.01_265/0.45)] backdrop-blur-[1px]'
const PANEL = 'fixed z-50 bg-surface shadow-float outline-none'
const CENTRED =
  'left-1/2 top-[min(12vh,calc(50dvh-10rem))] max-sm:top-3 max-h-[min(80vh,calc(100dvh-1.5rem))] w-[calc(100vw-2rem)] -translate-x-1/2 overflow-y-auto rounded-xl border animate-enter'

/** Gives the focus back to what had it when the dialog opened. Radix does so only for a trigger of its own. */
function useGivingBack(open: boolean): (event: Event) => void {
  const opener = useRef<Element | null>(null)
  const wasOpen = useRef(false)
  if (open && !wasOpen.current) opener.current = document.activeElement
  wasOpen.current = open
  return (event) => {
    event.preventDefault()
    const { current } = opener
    if (current instanceof HTMLElement && current.isConnected) current.focus({ preventScroll: true })
  }
}

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

/**
 * A centred dialog. Focus goes in on opening, to the first of what is inside, and back to where it was on closing. A field that
 * takes the focus by itself (`autoFocus`) would be where it was.
 */
export function Dialog({ open, onOpenChange, title, description, children, className, stays = false }: DialogProps) {
  const giveBack = useGivingBack(open)
  const keep = stays ? (event: Event) => event.preventDefault() : undefined
  return (
    <Radix.Root open={open} onOpenChange={onOpenChange}>
      <Radix.Portal>
        <Radix.Overlay className={OVERLAY} />
        <Radix.Content
          className={cn(PANEL, CENTRED, 'max-w-lg', className)}
          onCloseAutoFocus={giveBack}
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
  const giveBack = useGivingBack(open)
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
          onCloseAutoFocus={giveBack}
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
      <Radix.Title className="line-clamp-3 pt-0.5 [overflow-wrap:anywhere] font-semibold text-lg">{title}</Radix.Title>
      {description && (
        <Radix.Description className="mt-0.5 text-pretty [overflow-wrap:anywhere] text-muted text-sm">
          {description}
        </Radix.Description>
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
  /** Why it was not done. Said here: a notice would lie over the question, and could not be dismissed. */
  readonly error?: string | null
  /** What has to be typed first, where a click is too little. */
  readonly typed?: string
  readonly onConfirm: () => void
}

/** Asks before something that cannot be undone. Focus rests on Cancel. */
export function Confirm(props: ConfirmProps) {
  const { open, onOpenChange, title, description, action, busy, error, typed, onConfirm } = props
  const giveBack = useGivingBack(open)
  const [text, setText] = useState('')
  if (!open && text !== '') setText('')
  const isMeant = typed === undefined || text.trim() === typed
  return (
    <AlertDialog.Root open={open} onOpenChange={onOpenChange}>
      <AlertDialog.Portal>
        <AlertDialog.Overlay className={OVERLAY} />
        <AlertDialog.Content className={cn(PANEL, CENTRED, 'max-w-md p-5')} onCloseAutoFocus={giveBack}>
          <AlertDialog.Title className="line-clamp-3 font-semibold text-lg [overflow-wrap:anywhere]">
            {title}
          </AlertDialog.Title>
          <AlertDialog.Description asChild>
            <div className="mt-2 text-muted">{description}</div>
          </AlertDialog.Description>
          {typed !== undefined && (
            <Field
              label={`Type “${typed}” to confirm`}
              value={text}
              onChange={(event) => setText(event.target.value)}
              autoComplete="off"
              autoCapitalize="off"
              spellCheck={false}
              className="mt-4"
            />
          )}
          <p role="alert" className="mt-3 min-h-5 break-words text-deny text-sm">
            {error}
          </p>
          <div className="mt-2 flex justify-end gap-2">
            <AlertDialog.Cancel asChild>
              <Button>Cancel</Button>
            </AlertDialog.Cancel>
            <Button variant="deny" busy={busy} disabled={!isMeant} onClick={onConfirm}>
              {action}
            </Button>
          </div>
        </AlertDialog.Content>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  )
}
