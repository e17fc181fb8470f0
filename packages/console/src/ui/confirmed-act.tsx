import { type QueryKey, useMutation, useQueryClient } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { Confirm } from './dialog.tsx'
import { messageOf } from './states.tsx'
import { useToasts } from './toasts.tsx'

/** Something that a person is asked about before it is done. */
export interface Act {
  readonly title: string
  readonly description: ReactNode
  /** What the button says. */
  readonly action: string
  /** What has to be typed first. */
  readonly typed?: string
  readonly run: () => Promise<unknown>
  /** Said when it is done. */
  readonly done: string
  /** Said when it was refused, before the server's words. */
  readonly failed: string
  /** Queries that it makes stale, whether it was done or not. */
  readonly stale: readonly QueryKey[]
  readonly onDone?: () => void
}

/** One question at a time: `ask` opens it, `dialog` is where it stands. */
export function useConfirmedAct(): { readonly ask: (act: Act) => void; readonly dialog: ReactNode } {
  const client = useQueryClient()
  const toasts = useToasts()
  const [act, setAct] = useState<Act | null>(null)
  const [isOpen, setOpen] = useState(false)
  const doing = useMutation({
    mutationFn: (asked: Act) => asked.run(),
    onSuccess: (_, asked) => {
      setOpen(false)
      toasts.done(asked.done)
      asked.onDone?.()
    },
    onSettled: (_data, _error, asked) =>
      Promise.all(asked.stale.map((queryKey) => client.invalidateQueries({ queryKey }))),
  })
  return {
    ask: (asked) => {
      doing.reset()
      setAct(asked)
      setOpen(true)
    },
    dialog: act && (
      <Confirm
        open={isOpen}
        onOpenChange={setOpen}
        title={act.title}
        description={act.description}
        action={act.action}
        {...(act.typed === undefined ? {} : { typed: act.typed })}
        busy={doing.isPending}
        error={doing.isError ? `${act.failed} ${messageOf(doing.error)}` : null}
        onConfirm={() => doing.mutate(act)}
      />
    ),
  }
}
