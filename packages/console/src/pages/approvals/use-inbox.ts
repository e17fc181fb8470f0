import { useQuery } from '@tanstack/react-query'
import { useRef, useState } from 'react'
import { queries } from '../../api/queries.ts'
import type { Approval } from '../../api/types.ts'
import { byUrgency, expiryOf, followSelection } from '../../approvals/order.ts'
import { useNow } from '../../ui/ticker.ts'

/**
 * The inbox as it is shown. An approval that someone else decides, or that runs out, while it is being read stays in its
 * place, inert, until the reader moves on: nothing may slip under a finger that is about to press `a`.
 *
 * @param linked id from a notification's link, selected first
 */
export function useInbox(linked: string | undefined) {
  const query = useQuery(queries.approvals('pending'))
  const now = useNow()
  const active = byUrgency(query.data ?? [], now)
  const mine = useRef(new Set<string>())
  const [view, setView] = useState<{ ids: readonly string[]; selected: string | null }>({
    ids: [],
    selected: linked ?? null,
  })

  const lingers =
    view.selected !== null && !active.some(({ id }) => id === view.selected) && !mine.current.has(view.selected)
  const settled = useQuery({ ...queries.approval(view.selected ?? ''), enabled: lingers && query.isSuccess })
  const known = useRef(new Map<string, Approval>())
  for (const approval of active) known.current.set(approval.id, approval)
  const ghost = lingers ? (settled.data ?? known.current.get(view.selected ?? '')) : undefined

  const items = ghost ? [...active, ghost].sort((a, b) => expiryOf(a) - expiryOf(b)) : active
  const ids = items.map(({ id }) => id)
  const waitingForLink = lingers && settled.isFetching && !ghost
  if (query.isSuccess && !waitingForLink && ids.join() !== view.ids.join())
    setView({ ids, selected: followSelection(view.ids, ids, view.selected) })

  return {
    query,
    items,
    selected: items.find(({ id }) => id === view.selected) ?? null,
    isOpen: (approval: Approval) => active.some(({ id }) => id === approval.id),
    select: (id: string) => setView((current) => ({ ...current, selected: id })),
    /** Call after deciding, so that the selection moves on to the next. */
    markMine: (id: string) => void mine.current.add(id),
  }
}
