import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import type { WaitingProps } from '../../../app/page-parts.ts'
import { useAtNow } from '../../../ui/ticker.ts'
import { approvalQueries } from '../queries.ts'
import { countOpen } from './order.ts'

/** Milliseconds. The stream announces new calls at once; this is for networks that swallow streams. */
const SAFETY_NET = 15_000

/** How many calls wait for a person; undefined until known. Mounted on every page, so the list it reads is always fresh. */
export function useOpenCount(): number | undefined {
  const { data } = useQuery({ ...approvalQueries.waiting(), refetchInterval: SAFETY_NET })
  return useAtNow((now) => data && countOpen(data, now))
}

/** The count as a component, for the frame of the console. */
export function OpenCount({ children }: WaitingProps): ReactNode {
  return children(useOpenCount())
}
