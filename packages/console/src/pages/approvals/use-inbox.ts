import { useQuery } from '@tanstack/react-query'
import { useCallback, useEffect, useEffectEvent, useRef, useState, useSyncExternalStore } from 'react'
import { serverNow } from '../../api/clock.ts'
import type { Approval } from '../../api/types.ts'
import { useLiveStatus } from '../../live/live.tsx'
import { drafts } from '../../ui/draft.ts'
import { useNow } from '../../ui/ticker.ts'
import { createDecider } from './decider.ts'
import type { Act } from './deciding.ts'
import { useHolds } from './hold-setting.ts'
import { approvalQueries, MOST_WAITING } from './queries.ts'
import { useSendDecision } from './send-decision.ts'
import { byUrgency, expiryOf } from './shared/order.ts'

/** A reason that was begun, kept while its call is not denied. */
const draftOf = (id: string | null) => `reason ${id}`

/**
 * The inbox as it is shown. A call that somebody else decides, or that runs out, while it is open stays in its place, inert,
 * until the reader moves on: nothing may slip under a finger that is about to press `a`.
 *
 * @param linked id from a link; opened when it waits, and said to be over or unknown when it does not
 */
export function useInbox(linked: string | undefined) {
  const query = useQuery(approvalQueries.waiting())
  const now = useNow()
  const away = useLiveStatus() === 'away'
  const holds = useHolds()
  const send = useSendDecision()
  const known = useRef(new Map<string, Approval>())
  const sendKnown = useRef(send)
  sendKnown.current = send
  const [decider] = useState(() =>
    createDecider({
      now: serverNow,
      later: (run, milliseconds) => {
        const timer = setTimeout(run, milliseconds)
        return () => clearTimeout(timer)
      },
      send: async (sent) => {
        const answer = await sendKnown.current(sent, known.current.get(sent.id))
        if (answer.kind !== 'failed') drafts.write(draftOf(sent.id), null)
        return answer
      },
    }),
  )
  const state = useSyncExternalStore(decider.subscribe, decider.state)

  // A link that was followed to its call is done with; it is followed again only when it changes.
  const [followed, setFollowed] = useState<string>()
  const pursued = linked !== undefined && linked !== followed ? linked : undefined
  const listed = byUrgency(query.data ?? [], now)
  const aside = pursued ?? state.selected
  const isAside = aside !== null && query.isSuccess && !listed.some(({ id }) => id === aside)
  // A list shortens large arguments; nobody decides on a part of them, so the open call is read whole.
  const isShortened = listed.some(({ id, tool_args_shortened }) => id === aside && tool_args_shortened)
  const single = useQuery({ ...approvalQueries.one(aside ?? ''), enabled: isAside || isShortened })
  // The list has an end: a call beyond it, reached by a link, waits all the same.
  const active = isAside && single.data ? byUrgency([...listed, single.data], now) : listed
  for (const approval of single.data ? [...active, single.data] : active) known.current.set(approval.id, approval)
  const whole = (approval: Approval) =>
    single.data?.id === approval.id ? { ...single.data, status: approval.status } : approval

  const expiries = new Map(active.map((approval) => [approval.id, expiryOf(approval)]))
  const look = useEffectEvent(() => {
    if (query.isSuccess) decider.know({ expiries, away, holds })
  })
  const fingerprint = `${[...expiries.keys()].join()} ${away} ${holds} ${query.isSuccess}`
  // biome-ignore lint/correctness/useExhaustiveDependencies: the fingerprint says when what is known changed
  useEffect(() => look(), [fingerprint])

  const isKnown = pursued !== undefined && active.some(({ id }) => id === pursued)
  useEffect(() => {
    if (!isKnown || pursued === undefined) return
    decider.act({ type: 'choose', id: pursued })
    setFollowed(pursued)
  }, [isKnown, pursued, decider])

  useEffect(() => {
    const hide = () => decider.act({ type: 'hide' })
    const onVisibility = () => document.visibilityState === 'hidden' && hide()
    window.addEventListener('pagehide', hide)
    document.addEventListener('visibilitychange', onVisibility)
    return () => {
      window.removeEventListener('pagehide', hide)
      document.removeEventListener('visibilitychange', onVisibility)
      hide()
    }
  }, [decider])

  const act = useCallback(
    (one: Act) => {
      if (one.type === 'write' && decider.state().form !== null)
        drafts.write(draftOf(decider.state().form), one.reason || null)
      decider.act(one)
      const { form, reasons } = decider.state()
      const begun = one.type === 'open form' && form !== null && !reasons.has(form) ? drafts.read(draftOf(form)) : null
      if (begun !== null) decider.act({ type: 'write', reason: begun })
    },
    [decider],
  )

  const leave = useCallback(() => decider.act({ type: 'leave' }), [decider])
  const ghost = state.selected !== null && !expiries.has(state.selected) ? known.current.get(state.selected) : undefined
  const settled = ghost && single.data?.id === ghost.id ? single.data : ghost
  const items = settled ? [...active, settled].sort((a, b) => expiryOf(a) - expiryOf(b)) : active
  const toolOf = (id: string) => known.current.get(id)?.tool_name ?? 'a call'
  return {
    query,
    items,
    state,
    act,
    away,
    holds,
    toolOf,
    selected: items.filter(({ id }) => id === state.selected).map(whole)[0] ?? null,
    isOpen: (approval: Approval) => expiries.has(approval.id),
    /** What the link leads to, when that is not a waiting call. */
    astray:
      pursued === undefined || !query.isSuccess || isKnown || single.isPending
        ? null
        : { approval: single.data ?? null, error: single.error },
    dismissLink: () => setFollowed(linked),
    leave,
    /** More wait than were read. */
    isFull: (query.data?.length ?? 0) >= MOST_WAITING,
  }
}
